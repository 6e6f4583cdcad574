"""Which values an input can hold, and how many: ids stay within the table that they index.

A value is followed from the input through operators that hand it on, such as RESHAPE, CAST or
QUANTIZE, to those that take some values alone. Limits are in the real world there, and become
stored values at the input.
"""

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from edgekit.errors import UnsupportedModelError
from edgekit.model.edit import options_of
from edgekit.model.operators import kind_of
from edgekit.model.tensor_values import is_quantized, value_type
from edgekit.quantity import format_bytes

if TYPE_CHECKING:
    from edgekit.model.values import Graph, Operator, Tensor

MOST_ELEMENTS = 2**25
"""Of one sample of one input that edgekit makes itself: an image of 3300 x 3300 in colour."""
MOST_SAMPLES_BYTES = 2**31
"""Of all samples of one input that edgekit makes itself."""
_ALL_OF_BYTES = 2
_WITH_TABLE = 2  # inputs of what looks ids up: them, and the table
_FRACTION = 0.99  # that a CAST to whole numbers takes off
_CONVERTS = frozenset({"CAST", "DEQUANTIZE", "QUANTIZE"})


@dataclass(frozen=True, kw_only=True, slots=True)
class ValueRange:
    """The least and the greatest value that is taken.

    Args:
        low: The least.
        high: The greatest; not below ``low``.
    """

    low: float = -math.inf
    high: float = math.inf

    @property
    def are_finite(self) -> bool:
        """Whether both ends are set."""
        return math.isfinite(self.low) and math.isfinite(self.high)

    def within(self, other: "ValueRange") -> "ValueRange":
        """Return what both allow; where that is nothing, the least value of this one alone."""
        low = max(self.low, other.low)
        return ValueRange(low=low, high=max(low, min(self.high, other.high)))


def input_limits(graph: "Graph", index: int) -> ValueRange:
    """Return the stored values of input ``index`` that the operators take and edgekit gives.

    Whole numbers of the tensor's type: all of up to 16 bits, of wider ones, which count or are
    ids, what an operator asks for, or else 0 and 1. Real numbers for a float input; of those
    an end is infinite where no operator sets it.
    """
    tensor = graph.tensors[index]
    found = _taken(graph).get(index, ValueRange())
    kind = value_type(tensor)
    if kind.kind == "f":
        return found
    if kind.kind == "b":
        return ValueRange(low=0.0, high=1.0)
    if is_quantized(tensor):
        found = _stored(found, tensor)
    ends = np.iinfo(tensor.dtype)
    if kind.itemsize > _ALL_OF_BYTES:
        low = max(0.0, _up(found.low))
        most = found.high if math.isfinite(found.high) else low + 1
        return ValueRange(low=low, high=max(low, _down(min(most, ends.max))))
    whole = ValueRange(low=_up(found.low), high=_down(found.high))
    return ValueRange(low=float(ends.min), high=float(ends.max)).within(whole)


def check_samples(tensor: "Tensor", count: int) -> None:
    """Let pass an input for which ``count`` samples can be made.

    Raises:
        UnsupportedModelError: They would fill the memory, or are of a type without numbers.
    """
    needed = count * tensor.elements * value_type(tensor).itemsize
    if tensor.elements > MOST_ELEMENTS or needed > MOST_SAMPLES_BYTES:
        raise UnsupportedModelError(
            f"'{tensor.name}' of the shape {tensor.shape} is too large an input: "
            f"{count} samples take {format_bytes(needed)}"
        )


def known_ids(graph: "Graph", index: int) -> int | None:
    """Return how many ids input ``index`` can hold; None where it holds something else."""
    found = _taken(graph).get(index, ValueRange())
    return int(found.high) + 1 if found.low == 0 and found.are_finite else None


def _taken(graph: "Graph") -> dict[int, ValueRange]:
    """Return the real values that the readers of each tensor, and theirs, take."""
    found: dict[int, ValueRange] = {}
    for operator in reversed(graph.operators):
        for place, source in enumerate(operator.inputs):
            if source == -1:
                continue
            taken = found.get(source, ValueRange()).within(_demanded(graph, operator, place))
            if _is_handed_on(operator, place):
                for output in operator.outputs:
                    below = found.get(output, ValueRange())
                    taken = taken.within(_before(graph, operator, below))
            found[source] = taken
    return found


def _is_handed_on(operator: "Operator", place: int) -> bool:
    """Return whether an output holds the values of the input at ``place``."""
    if operator.op in {"CONCATENATION", "PACK"}:
        return True
    kind = kind_of(operator)
    return place == kind.data and (kind.moves or operator.op in _CONVERTS)


def _before(graph: "Graph", operator: "Operator", after: ValueRange) -> ValueRange:
    """Return the values that are within ``after`` when ``operator`` has handed them on."""
    output = graph.tensors[operator.outputs[0]]
    if operator.op == "QUANTIZE" and output.quantization is not None:  # it rounds to its steps
        step = float(output.quantization.scales[0])
        return ValueRange(low=_up(after.low / step) * step, high=_down(after.high / step) * step)
    source = graph.tensors[operator.inputs[0]]
    if operator.op == "CAST" and source.is_float and not output.is_float:
        return replace(after, high=after.high + _FRACTION)
    return after


def _demanded(graph: "Graph", operator: "Operator", place: int) -> ValueRange:
    """Return what ``operator`` takes as its input at ``place``."""
    tensors = [None if index == -1 else graph.tensors[index] for index in operator.inputs]
    match operator.op, place:
        case ("GATHER", 1) | ("EMBEDDING_LOOKUP", 0) | ("GATHER_ND", 1) | ("SCATTER_ND", 0) if (
            len(tensors) >= _WITH_TABLE
        ):  # with fewer no runtime takes it
            return ValueRange(low=0.0, high=float(_table_size(graph, operator) - 1))
        case ("REVERSE_SEQUENCE", 1):
            longest = _size(tensors[0], options_of(operator)["seqDim"])
            return ValueRange(low=0.0, high=float(longest))
        case ("DIV" | "FLOOR_DIV" | "FLOOR_MOD", 1):  # runtimes refuse to divide by a stored zero
            return ValueRange(low=_least_positive(graph.tensors[operator.inputs[1]], stored=True))
        case ("RSQRT" | "LOG", 0):
            return ValueRange(low=_least_positive(graph.tensors[operator.inputs[0]]))
        case ("SQRT", 0):
            return ValueRange(low=0.0)
        case _:
            return ValueRange()


def _table_size(graph: "Graph", operator: "Operator") -> int:
    """Return how many places the ids that ``operator`` reads can name."""
    first, second = (graph.tensors[index] for index in operator.inputs[:2])
    match operator.op:
        case "GATHER":
            size = _size(first, options_of(operator)["axis"])
        case "EMBEDDING_LOOKUP":
            size = _size(second, 0)
        case "GATHER_ND":
            size = min(first.shape[: _size(second, -1)], default=1)
        case _:  # SCATTER_ND
            size = min(graph.tensors[operator.outputs[0]].shape[: _size(first, -1)], default=1)
    return max(size, 1)


def _size(tensor: "Tensor | None", axis: int) -> int:
    """Return the size of a dimension; 1 where there is none."""
    if tensor is None or not -len(tensor.shape) <= axis < len(tensor.shape):
        return 1
    return tensor.shape[axis]


def _least_positive(tensor: "Tensor", *, stored: bool = False) -> float:
    """Return the least real number above zero that ``tensor`` holds; 1 for numbers as they are.

    Args:
        tensor: Of a graph.
        stored: Whether the integer that stands for it must be above zero as well.
    """
    if tensor.quantization is None or not is_quantized(tensor):
        return 1.0
    zero = int(tensor.quantization.zero_points[0])
    steps = max(1, 1 - zero) if stored else 1
    return steps * float(tensor.quantization.scales[0])


def _stored(real: ValueRange, tensor: "Tensor") -> ValueRange:
    assert tensor.quantization is not None
    step, zero = float(tensor.quantization.scales[0]), int(tensor.quantization.zero_points[0])
    return ValueRange(low=_up(real.low / step) + zero, high=_down(real.high / step) + zero)


def _up(value: float) -> float:
    return float(math.ceil(value)) if math.isfinite(value) else value


def _down(value: float) -> float:
    return float(math.floor(value)) if math.isfinite(value) else value
