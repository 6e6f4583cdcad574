"""TFLite-Micro, by its wheel: the outputs a microcontroller gives, and the arena it needs."""

from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from edgekit.errors import MissingDependencyError, ToolError, UnsupportedModelError
from edgekit.process import Progress, Worker, silent

if TYPE_CHECKING:
    from types import ModuleType
    from typing import Self

    import numpy.typing as npt

NAME = "tflite-micro"
_ARENA_STEP_BYTES = 16  # TFLite-Micro aligns its arena to 16 bytes


class Session:
    """A process in which TFLite-Micro runs models; close it, or use it in a ``with``.

    Raises:
        MissingDependencyError: The wheel is not installed, or there is none for this machine.
    """

    def __init__(self) -> None:
        if find_spec("tflite_micro") is None:
            raise MissingDependencyError(
                "TFLite-Micro is not installed (its wheels exist for Linux on x86-64 alone)",
                hint="pip install --pre tflite-micro",
            )
        self._worker = Worker("TFLite-Micro")

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, *_: object) -> None:
        self._worker.close()

    def run(
        self,
        model: bytes,
        inputs: "tuple[npt.NDArray[np.generic], ...]",
        *,
        arena_bytes: int | None = None,
        progress: Progress = silent,
    ) -> "tuple[npt.NDArray[np.generic], ...]":
        """Return the model's outputs for a batch of inputs, one invocation a sample.

        Args:
            model: A whole `.tflite` file with a batch of 1.
            inputs: For each input of the model its stored values (int8 for an int8 input),
                shape ``(samples, *shape[1:])``.
            arena_bytes: Of the arena; None: as much as the model can need.
            progress: Told the samples done.

        Returns:
            For each output its stored values, shape ``(samples, *shape[1:])``. State kept
            between invocations is reset before each sample.

        Raises:
            UnsupportedModelError: TFLite-Micro refuses the model; the message has its reason.
            ToolError: It crashed.
        """
        return self._worker.call(_run, progress, model, inputs, arena_bytes)

    def minimum_arena_bytes(self, model: bytes) -> int:
        """Return the least arena with which the model runs and its outputs are right.

        Found by bisection in steps of 16 bytes; the recorded total is not trusted, for it can
        be too small. Structures are those of this 64-bit host.

        Raises:
            UnsupportedModelError: TFLite-Micro refuses the model with any arena.
            ToolError: It crashed.
        """
        return self._worker.call(_minimum_arena_bytes, silent, model)


def _run(
    progress: Progress,
    model: bytes,
    inputs: "tuple[npt.NDArray[np.generic], ...]",
    arena_bytes: int | None,
) -> "tuple[npt.NDArray[np.generic], ...]":
    interpreter = _interpreter(model, arena_bytes or _ample_arena_bytes(model))
    samples = len(inputs[0])
    outputs: list[list[npt.NDArray[np.generic]]] = []
    for sample in range(samples):
        outputs.append(_invoke(interpreter, tuple(item[sample : sample + 1] for item in inputs)))
        if sample % 64 == 0:
            progress(sample, samples)
    return tuple(np.concatenate(column) for column in zip(*outputs, strict=True))
