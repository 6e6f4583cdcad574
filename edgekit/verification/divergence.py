"""The first operator that TFLite-Micro computes in another way than LiteRT's reference kernels.

Two kernels may round one value up and down; what follows can make many steps of it. So each
operator is asked alone, on the very inputs that TFLite-Micro gave it.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from edgekit.errors import ToolError, UnsupportedModelError
from edgekit.model.edit import compact, with_main
from edgekit.model.shapes import other_shape
from edgekit.model.tensor_values import is_quantized
from edgekit.model.values import Tensor
from edgekit.model.writer import write
from edgekit.runtimes import litert, tflm
from edgekit.runtimes.process import Progress, silent
from edgekit.verification.first_difference import FirstDifference, difference_at

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from edgekit.model.file import ModelFile
    from edgekit.model.values import Model, Operator

    Array = npt.NDArray[np.generic]

FLOAT_STEP = 2.0**-10
"""Of the largest value of a float tensor: float kernels add up in other orders."""


def first_divergence(
    file: "ModelFile", stored: "Array", *, progress: Progress = silent
) -> FirstDifference | None:
    """Return the first operator that differs by more than one step on equal inputs, or None.

    It differs from LiteRT's reference kernel and from its fast one: where those two disagree, it
    is LiteRT that is in doubt.

    Args:
        file: The model; both runtimes get the same bytes.
        stored: Input values as the model stores them, shape ``(samples, …)``: few, for all
            tensors are held at once.
        progress: Told the samples done.

    Raises:
        UnsupportedModelError: One of the runtimes refuses the model, or gives a tensor another
            shape than the file declares.
        ToolError: One of them crashed.
        MissingDependencyError: TFLite-Micro is not installed.
    """
    model = file.model
    written = tuple(dict.fromkeys(i for item in model.main.operators for i in item.outputs))
    with tflm.Session() as session:
        micro = _traced(session, file, stored, written, progress)
    with litert.Session(kernels="reference") as defining, litert.Session() as fast:
        lite = _traced(defining, file, stored, written, progress)
        traces = _Traces(model=model, micro=micro, lite=lite)
        apart = sum(not np.array_equal(micro[index], lite[index]) for index in written)
        for operator in model.main.operators:
            given = traces.given(defining, operator)
            for index in traces.apart(operator, given):
                if index in traces.apart(operator, traces.alone(fast, operator)):
                    shown = replace(operator, outputs=(index,))
                    return difference_at(model, shown, given[index], micro[index], differing=apart)
    return None


def differs(tensor: "Tensor", one: "Array", other: "Array") -> bool:
    """Return whether two values of ``tensor`` are more than one step apart anywhere.

    One step of a quantized tensor is 1, of a float one `FLOAT_STEP` of its largest value. Other
    whole numbers, such as places and counts, have no step: they are the same or not.
    """
    if one.shape != other.shape:
        return True
    first, second = one.astype(np.float64), other.astype(np.float64)
    step = 0.0
    if one.dtype.kind == "f":
        finite = np.abs(second[np.isfinite(second)])
        step = FLOAT_STEP * float(finite.max(initial=0.0))
    elif is_quantized(tensor):
        step = 1.0
    same = (first == second) | (np.isnan(first) & np.isnan(second))
    with np.errstate(invalid="ignore"):
        near = np.abs(first - second) <= step
    return not bool(np.all(same | near))


def _traced(
    session: "litert.Session | tflm.Session",
    file: "ModelFile",
    stored: "Array",
    written: tuple[int, ...],
    progress: Progress,
) -> "dict[int, Array]":
    """Return the values of the input and of all that operators write, by tensor index."""
    model = file.model
    source = model.main.inputs[0]
    fed = stored.reshape(len(stored), *model.main.tensors[source].shape)
    found = session.tensors(file.content, (stored,), written, progress=progress)
    for index, values in zip(written, found, strict=True):
        if values.shape[1:] != model.main.tensors[index].shape:
            raise other_shape(model.main.tensors[index], values.shape[1:])
    return {source: fed} | dict(zip(written, found, strict=True))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Traces:
    """What both runtimes gave, by tensor index, shape ``(samples, *shape)``."""

    model: "Model"
    micro: "Mapping[int, Array]"
    lite: "Mapping[int, Array]"

    def given(self, session: litert.Session, operator: "Operator") -> "Mapping[int, Array]":
        """Return what the reference kernel of ``operator`` makes of TFLite-Micro's values."""
        return self.lite if self._reads_the_same(operator) else self.alone(session, operator)

    def apart(self, operator: "Operator", given: "Mapping[int, Array]") -> list[int]:
        """Return the outputs of ``operator`` that are more than one step from those given."""
        tensors = self.model.main.tensors
        return [i for i in operator.outputs if differs(tensors[i], self.micro[i], given[i])]

    def alone(self, session: litert.Session, operator: "Operator") -> "Mapping[int, Array]":
        """Return what LiteRT makes of TFLite-Micro's values in ``operator`` alone.

        Where it does not run alone, the traces have the word.
        """
        inputs = [index for index in operator.inputs if index in self.micro]
        rows = []
        for sample in range(len(next(iter(self.micro.values())))):
            values = {index: self.micro[index][sample] for index in inputs}
            content, starter = _lone(self.model, operator, values)
            try:
                rows.append(session.run(content, (starter,)))
            except (ToolError, UnsupportedModelError):
                return self.lite
        columns = (np.stack(column) for column in zip(*rows, strict=True))
        return dict(zip(operator.outputs, columns, strict=True))

    def _reads_the_same(self, operator: "Operator") -> bool:
        return all(
            np.array_equal(value, self.lite[index], equal_nan=value.dtype.kind == "f")
            for index, value in self.micro.items()
            if index in operator.inputs
        )


def _lone(
    model: "Model", operator: "Operator", values: "Mapping[int, Array]"
) -> "tuple[bytes, Array]":
    """Return a model of ``operator`` alone with ``values`` for constants, and what starts it."""
    graph = model.main
    tensors = [
        replace(tensor, data=values[tensor.index].tobytes()) if tensor.index in values else tensor
        for tensor in graph.tensors
    ]
    starter = Tensor(
        index=len(tensors),
        name="start",
        shape=(1,),
        dtype="int8",
        data=None,
        quantization=None,
        is_variable=False,
    )
    lone = replace(
        graph,
        tensors=(*tensors, starter),
        operators=(operator,),
        inputs=(starter.index,),
        outputs=operator.outputs,
    )
    bare = replace(model, signatures=(), metadata=(), legacy_metadata=None)
    return write(compact(with_main(bare, lone))), np.zeros(1, np.int8)
