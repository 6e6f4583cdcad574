"""What the open sessions of all runtimes have in common."""

from typing import TYPE_CHECKING, Protocol

from edgekit.runtimes.process import silent

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from edgekit.runtimes.process import Progress


class RuntimeSession(Protocol):
    """A `Session` of `edgekit.runtimes.litert` or `edgekit.runtimes.tflm`."""

    def run(
        self,
        model: bytes,
        inputs: "tuple[npt.NDArray[np.generic], ...]",
        *,
        progress: "Progress" = silent,
    ) -> "tuple[npt.NDArray[np.generic], ...]":
        """Return the outputs for a batch of inputs."""
