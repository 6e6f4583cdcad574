"""What pruning is to reach in one kernel, or in kernels whose channels go together."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgekit.numerics.masks import Mask
    from edgekit.training.kernels import Kernel

HALF_PERCENT = 0.005
"""How near a goal comes at least: a kernel of 200 weights cannot come nearer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Goal:
    """What one kernel, or one group of coupled kernels, is to reach.

    Args:
        kernels: Whose zeros are counted.
        beside: Biases and the like, that are held at zero with them.
        sparsity: Fraction asked: of exact zeros in the kernel, or of the group's channels.
        tolerance: How near what is reached can come: half a percent, or one block.
        masks: From the share of the sparsity that is due to the weights to keep, of
            ``kernels`` and then of ``beside``.
        standing: The same for what is zero now.
        reached: The fraction that is zero now, counted as ``sparsity`` is.
    """

    kernels: "tuple[Kernel, ...]"
    beside: "tuple[Kernel, ...]" = ()
    sparsity: float
    tolerance: float
    masks: "Callable[[float], tuple[Mask, ...]]"
    standing: "Callable[[], tuple[Mask, ...]]"
    reached: "Callable[[], float]"

    def is_missed(self) -> bool:
        """Return whether fewer are zero now than were asked; more are as good."""
        return self.sparsity - self.reached() > self.tolerance

    @property
    def arrays(self) -> "tuple[Kernel, ...]":
        """All that is masked."""
        return self.kernels + self.beside
