"""LiteRT: by default without delegates, with the kernels that phones and Linux boards share."""

import re
from typing import TYPE_CHECKING, Literal, TypeVar

import numpy as np

from edgekit.errors import CrashError, UnsupportedModelError
from edgekit.runtimes.bounds import RUNTIME, Pace
from edgekit.runtimes.crash_site import located
from edgekit.runtimes.parallel import run_in_halves
from edgekit.runtimes.process import Progress, Worker, silent

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    import numpy.typing as npt
    from ai_edge_litert.interpreter import Interpreter

    from edgekit.model.file import ModelFile

    Array = npt.NDArray[np.generic]

T = TypeVar("T")
Kernels = Literal["reference", "plain", "fast"]
"""``"reference"``: plain C++, the same on every processor, slow; ``"plain"``: LiteRT's own without
delegates; ``"fast"``: XNNPACK's first, which phones run, and which round in their own way."""

_WHAT = "LiteRT"
_LONG = 30_000_000_000  # of work, see `run_in_halves`: 2 s
_RESOLVERS = {
    "reference": "BUILTIN_REF",
    "plain": "BUILTIN_WITHOUT_DEFAULT_DELEGATES",
    "fast": "AUTO",
}


def run(
    file: "ModelFile", inputs: "tuple[Array, ...]", *, progress: Progress = silent
) -> "tuple[Array, ...]":
    """Return the model's outputs for a batch of inputs, in processes started for them alone.

    Inputs, result and errors are those of `Session.run`.
    """
    return run_in_halves(Session, file, inputs, long=_LONG, progress=progress)


class Session:
    """A process in which LiteRT runs models; close it, or use it in a ``with``.

    A crash ends the process and the call; the next call starts another one.

    Args:
        kernels: Which of its kernels run.
        threads: That each invocation uses; the outputs do not depend on them.
    """

    def __init__(self, *, kernels: Kernels = "plain", threads: int = 1) -> None:
        self._kernels: Kernels = kernels
        self._threads = threads
        self._worker = Worker(_WHAT, bounds=RUNTIME)

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, *_: object) -> None:
        self._worker.close()

    def run(
        self, model: bytes, inputs: "tuple[Array, ...]", *, progress: Progress = silent
    ) -> "tuple[Array, ...]":
        """Return the model's outputs for a batch of inputs.

        Args:
            model: A whole `.tflite` file with a batch of 1.
            inputs: For each input of the model its stored values (int8 for an int8 input),
                shape ``(samples, *shape[1:])``.
            progress: Told the samples done.

        Returns:
            For each output its stored values, shape ``(samples, *shape[1:])``. State kept
            between invocations is reset before each sample.

        Raises:
            UnsupportedModelError: LiteRT refuses the model; the message has its reason.
            ToolError: It crashed, or went out of its bounds.
        """
        self._revive()
        try:
            return self._worker.call(_run, progress, model, inputs, self._kernels, self._threads)
        except CrashError as error:
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
            return self._worker.call(_tensors, progress, model, inputs, wanted, self._kernels)
        except CrashError as error:
            raise located(error, model, inputs, self._again) from error

    def summaries(
        self,
        model: bytes,
        inputs: "tuple[Array, ...]",
        wanted: tuple[int, ...],
        summary: "Callable[..., T]",
    ) -> "tuple[T, ...]":
        """Return what ``summary`` makes of tensors inside the model, in the process that has them.

        Args:
            model: As in `tensors`.
            inputs: The same.
            wanted: The same.
            summary: Given a tensor's values, shape ``(samples, *shape)``; it, and what it
                returns, cross the border between processes by pickle.
        """
        self._revive()
        try:
            return self._worker.call(
                _summaries, silent, model, inputs, wanted, self._kernels, summary
            )
        except CrashError as error:
            raise located(error, model, inputs, self._again) from error

    def _again(self, model: bytes, inputs: "tuple[Array, ...]") -> None:
        self._revive()
        self._worker.call(_run, silent, model, inputs, self._kernels, self._threads)

    def _revive(self) -> None:
        if not self._worker.is_alive:
            self._worker.close()
            self._worker = Worker(_WHAT, bounds=RUNTIME)


def _run(
    progress: Progress,
    model: bytes,
    inputs: "tuple[Array, ...]",
    kernels: Kernels,
    threads: int,
) -> "tuple[Array, ...]":
    interpreter = _allocate(model, kernels=kernels, threads=threads)
    sinks = tuple(item["index"] for item in interpreter.get_output_details())
    rows = _rows(progress, interpreter, inputs, sinks)
    return tuple(np.concatenate(column) for column in zip(*rows, strict=True))


def _tensors(
    progress: Progress,
    model: bytes,
    inputs: "tuple[Array, ...]",
    wanted: tuple[int, ...],
    kernels: Kernels,
) -> "tuple[Array, ...]":
    rows = _rows(progress, _allocate(model, kernels=kernels, preserve=True), inputs, wanted)
    return tuple(np.stack(column) for column in zip(*rows, strict=True))


def _summaries(
    progress: Progress,
    model: bytes,
    inputs: "tuple[Array, ...]",
    wanted: tuple[int, ...],
    kernels: Kernels,
    summary: "Callable[..., T]",
) -> "tuple[T, ...]":
    values = _tensors(progress, model, inputs, wanted, kernels)
    return tuple(summary(each) for each in values)


def _allocate(
    model: bytes, *, preserve: bool = False, kernels: Kernels = "plain", threads: int = 1
) -> "Interpreter":
    """Return an interpreter; ``preserve`` keeps tensors that later ones would overwrite."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    try:
        interpreter = Interpreter(
            model_content=model,
            num_threads=threads,
            experimental_op_resolver_type=OpResolverType[_RESOLVERS[kernels]],
            experimental_preserve_all_tensors=preserve,
        )
        interpreter.allocate_tensors()
    except (RuntimeError, ValueError) as error:
        reason = re.split(r"\n|\.(?=[A-Z])", str(error).strip())[0]
        told = reason or "without a word, as where there is too little memory"
        raise UnsupportedModelError(f"LiteRT refuses the model: {told}") from error
    return interpreter


def _rows(
    progress: Progress,
    interpreter: "Interpreter",
    inputs: "tuple[Array, ...]",
    wanted: tuple[int, ...],
) -> "list[list[Array]]":
    """Return the wanted tensors of each sample."""
    sources = [item["index"] for item in interpreter.get_input_details()]
    samples = len(inputs[0])
    pace = Pace(progress, samples)
    rows = []
    for index in range(samples):
        interpreter.reset_all_variables()
        for source, item in zip(sources, inputs, strict=True):
            interpreter.set_tensor(source, item[index : index + 1])
        interpreter.invoke()
        rows.append([interpreter.get_tensor(tensor) for tensor in wanted])
        pace(index)
    return rows
