"""TFLite-Micro, by its wheel: the outputs a microcontroller gives, and the arena it needs."""

import re
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from edgekit.errors import CrashError, MissingDependencyError, ToolError, UnsupportedModelError
from edgekit.model.input_limits import check_samples, input_limits
from edgekit.model.reader import read
from edgekit.runtimes.bounds import RUNTIME, Pace
from edgekit.runtimes.crash_site import located
from edgekit.runtimes.parallel import run_in_halves
from edgekit.runtimes.process import Progress, Worker, printed_bytes, printed_since, silent

if TYPE_CHECKING:
    from typing import Protocol, Self

    import numpy.typing as npt

    from edgekit.model.file import ModelFile
    from edgekit.model.values import Graph, Model

if TYPE_CHECKING:
    Array = npt.NDArray[np.generic]

    class _Interpreter(Protocol):
        def set_input(self, input_data: Array, index: int) -> None: ...
        def invoke(self) -> int: ...
        def reset(self) -> int: ...
        def get_output(self, index: int) -> Array: ...
        def GetTensor(  # noqa: N802  the wheel's own name
            self, tensor_index: int, subgraph_index: int
        ) -> dict[str, Array]: ...


_WHAT = "TFLite-Micro"
_LONG = 2_500_000_000  # of work, see `run_in_halves`: 2 s
_ARENA_STEP_BYTES = 16  # TFLite-Micro aligns its arena to 16 bytes
_LARGEST_ARENA_BYTES = 2**31 - _ARENA_STEP_BYTES  # it counts them in 32 bits


def run(
    file: "ModelFile", inputs: "tuple[Array, ...]", *, progress: Progress = silent
) -> "tuple[Array, ...]":
    """Return the model's outputs for a batch of inputs, in processes started for them alone.

    Inputs, result and errors are those of `Session.run`.
    """
    return run_in_halves(Session, file, inputs, long=_LONG, progress=progress)


class Session:
    """A process in which TFLite-Micro runs models; close it, or use it in a ``with``.

    A crash ends the process and the call; the next call starts another one.

    Raises:
        MissingDependencyError: The wheel is not installed, or there is none for this machine.
    """

    def __init__(self) -> None:
        if find_spec("tflite_micro") is None:
            raise MissingDependencyError(
                "TFLite-Micro is not installed (its wheels exist for Linux on x86-64 alone)",
                hint="pip install --pre tflite-micro",
            )
        self._worker = Worker(_WHAT, bounds=RUNTIME)

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, *_: object) -> None:
        self._worker.close()

    def run(
        self,
        model: bytes,
        inputs: "tuple[Array, ...]",
        *,
        arena_bytes: int | None = None,
        progress: Progress = silent,
    ) -> "tuple[Array, ...]":
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
            UnsupportedModelError: TFLite-Micro refuses the model, or crashes at an operator whose
                scales its kernel does not take; the message has its reason.
            ToolError: It crashed for another reason, or went out of its bounds.
        """
        self._revive()
        try:
            return self._worker.call(_run, progress, model, inputs, arena_bytes)
        except CrashError as error:
            if arena_bytes is not None:  # it may simply be too small
                raise
            raise located(error, model, inputs, self._again) from error

    def tensors(
        self,
        model: bytes,
        inputs: "tuple[Array, ...]",
        wanted: tuple[int, ...],
        *,
        progress: Progress = silent,
    ) -> "tuple[Array, ...]":
        """Return tensors inside the model for a batch of inputs; else as `run`.

        Args:
            model: A whole `.tflite` file with a batch of 1.
            inputs: As in `run`.
            wanted: Indices of tensors of the main graph that operators write.
            progress: Told the samples done.

        Returns:
            For each wanted tensor its stored values, shape ``(samples, *shape)``.
        """
        self._revive()
        try:
            return self._worker.call(_tensors, progress, model, inputs, wanted)
        except CrashError as error:
            raise located(error, model, inputs, self._again) from error

    def minimum_arena_bytes(self, file: "ModelFile") -> int:
        """Return the least arena with which the model runs and its outputs are right.

        Found by bisection in steps of 16 bytes; the recorded total is not trusted, for it can
        be too small. Structures are those of this 64-bit host.

        Raises:
            UnsupportedModelError: TFLite-Micro refuses the model with any arena.
            ToolError: It crashed, or went out of its bounds.
        """
        graph, model = file.model.main, file.content
        sample = tuple(_ramp(graph, index) for index in graph.inputs)
        too_small, enough = 0, _ample_arena_bytes(file.model) // _ARENA_STEP_BYTES
        expected = self.run(model, sample)
        while enough - too_small > 1:
            middle = (too_small + enough) // 2
            if self._works(model, middle * _ARENA_STEP_BYTES, sample, expected):
                enough = middle
            else:
                too_small = middle
        return enough * _ARENA_STEP_BYTES

    def _again(self, model: bytes, inputs: "tuple[Array, ...]") -> None:
        self._revive()
        self._worker.call(_run, silent, model, inputs, None)

    def _revive(self) -> None:
        if not self._worker.is_alive:
            self._worker.close()
            self._worker = Worker(_WHAT, bounds=RUNTIME)

    def _works(
        self,
        model: bytes,
        arena_bytes: int,
        sample: "tuple[Array, ...]",
        expected: "tuple[Array, ...]",
    ) -> bool:
        """Return whether the model runs in this arena; in too small a one the wheel may crash."""
        try:
            outputs = self.run(model, sample, arena_bytes=arena_bytes)
        except (UnsupportedModelError, ToolError):
            return False
        return all(
            np.array_equal(got, want, equal_nan=got.dtype.kind == "f")
            for got, want in zip(outputs, expected, strict=True)
        )


def _run(
    progress: Progress, model: bytes, inputs: "tuple[Array, ...]", arena_bytes: int | None
) -> "tuple[Array, ...]":
    parsed = read(model)
    outputs_count = len(parsed.main.outputs)
    interpreter = _allocate(model, arena_bytes or _ample_arena_bytes(parsed))
    samples = len(inputs[0])
    pace = Pace(progress, samples)
    rows = []
    for index in range(samples):
        sample = tuple(item[index : index + 1] for item in inputs)
        rows.append(_invoke(interpreter, sample, outputs_count))
        pace(index)
    return tuple(np.concatenate(column) for column in zip(*rows, strict=True))


def _tensors(
    progress: Progress, model: bytes, inputs: "tuple[Array, ...]", wanted: tuple[int, ...]
) -> "tuple[Array, ...]":
    interpreter = _allocate(model, _ample_arena_bytes(read(model)), preserve=True)
    samples = len(inputs[0])
    pace = Pace(progress, samples)
    rows = []
    for index in range(samples):
        _invoke(interpreter, tuple(item[index : index + 1] for item in inputs), 0)
        rows.append([interpreter.GetTensor(tensor, 0)["tensor_data"].copy() for tensor in wanted])
        pace(index)
    return tuple(np.stack(column) for column in zip(*rows, strict=True))


def _allocate(model: bytes, arena_bytes: int, *, preserve: bool = False) -> "_Interpreter":
    """Return an interpreter; ``preserve`` keeps tensors that later ones would overwrite."""
    from tflite_micro.python.tflite_micro import runtime

    kinds = runtime.InterpreterConfig
    start = printed_bytes()
    try:
        interpreter: _Interpreter = runtime.Interpreter.from_bytes(
            model,
            arena_size=arena_bytes,
            intrepreter_config=kinds.kPreserveAllTensors  # the wheel's own spelling
            if preserve
            else kinds.kAllocationRecording,
        )
    except RuntimeError as error:
        reason = _reason(printed_since(start)) or str(error)
        raise UnsupportedModelError(f"TFLite-Micro refuses the model: {reason}") from error
    return interpreter


def _invoke(
    interpreter: "_Interpreter", sample: "tuple[Array, ...]", outputs_count: int
) -> "tuple[Array, ...]":
    interpreter.reset()
    for index, item in enumerate(sample):
        interpreter.set_input(item, index)
    start = printed_bytes()
    try:
        interpreter.invoke()
    except RuntimeError as error:
        raise ToolError(f"TFLite-Micro cannot invoke: {_reason(printed_since(start))}") from error
    return tuple(interpreter.get_output(index) for index in range(outputs_count))


def _reason(printed: str) -> str:
    """Return what TFLite-Micro said, in one line, with the operator's trouble first."""
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    telling = [line for line in lines if re.search(r"Didn't find op|not supported|Failed to", line)]
    return "; ".join(dict.fromkeys(telling[:2] or lines[-2:]))


def _ample_arena_bytes(model: "Model") -> int:
    """Return more than the model can need: every tensor at once, four times, and structures."""
    graphs = model.graphs
    tensors = sum(tensor.stored_bytes for graph in graphs for tensor in graph.tensors)
    operators = sum(len(graph.operators) for graph in graphs)
    return min(4 * tensors + 4096 * operators + 2**20, _LARGEST_ARENA_BYTES)


def _ramp(graph: "Graph", index: int) -> "Array":
    """Return bytes ``(37 i + 11) mod 256`` as an input's values, as far as it takes them."""
    tensor = graph.tensors[index]
    check_samples(tensor, 1)
    ramp = ((37 * np.arange(tensor.elements) + 11) % 256).reshape(tensor.shape)
    limits = input_limits(graph, index)
    if tensor.is_float:
        return (ramp / 255).clip(limits.low, limits.high).astype(tensor.dtype)
    values = ramp.astype(np.uint8).astype(tensor.dtype)
    return values.clip(limits.low, limits.high).astype(tensor.dtype)
