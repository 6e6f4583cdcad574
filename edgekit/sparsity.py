"""Which weights become zero, and when: schedules and masks on NumPy arrays."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.floating]
    Mask = npt.NDArray[np.bool_]

ScheduleName = Literal["polynomial", "constant"]
_POWER = 3  # of the polynomial, as in tfmot's PolynomialDecay (Zhu and Gupta, 2017)
_UPDATES = 100  # masks are renewed at most this often while the sparsity rises


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """How far pruning has come at each step of a training.

    Args:
        name: ``"polynomial"`` rises from 0 to 1, fast first; ``"constant"`` is 1 from the start.
        begin_step: The first step that prunes, counted from 0.
        end_step: The step at which all that was asked is pruned.
        frequency: Masks are renewed every so many steps in between.
    """

    name: ScheduleName
    begin_step: int
    end_step: int
    frequency: int

    def renews_at(self, step: int) -> bool:
        """Return whether masks are renewed at ``step``."""
        if step == self.end_step:
            return True
        return (
            self.begin_step <= step < self.end_step
            and (step - self.begin_step) % self.frequency == 0
        )

    def share_at(self, step: int) -> float:
        """Return the share in [0, 1] of the asked sparsity that is due at ``step``."""
        if step < self.begin_step:
            return 0.0
        if self.name == "constant" or step >= self.end_step:
            return 1.0
        progress = (step - self.begin_step) / (self.end_step - self.begin_step)
        return float(1 - (1 - progress) ** _POWER)


def schedule_for(name: ScheduleName, *, steps: int, begin_step: int = 0) -> Schedule:
    """Return the schedule that is done in time in a training of ``steps`` steps.

    The sparsity rises over the first three quarters; in the last the weights that are left
    settle.
    """
    end = max(begin_step, begin_step + (steps - begin_step) * 3 // 4 - 1)
    frequency = max(1, (end - begin_step) // _UPDATES)
    return Schedule(name=name, begin_step=begin_step, end_step=end, frequency=frequency)


def keep_largest(weights: "Floats", sparsity: float) -> "Mask":
    """Return True for the weights to keep; exactly ``round(sparsity * size)`` are False.

    Args:
        weights: Any shape.
        sparsity: Fraction of the weights to drop, the smallest magnitudes first; among equals
            the first of the array.
    """
    dropped = round(sparsity * weights.size)
    order = np.argsort(np.abs(weights), axis=None, kind="stable")
    mask = np.ones(weights.size, np.bool_)
    mask[order[:dropped]] = False
    return mask.reshape(weights.shape)


def zero_fraction(weights: "Floats") -> float:
    """Return the fraction of exact zeros in ``weights``."""
    return 1 - int(np.count_nonzero(weights)) / weights.size
