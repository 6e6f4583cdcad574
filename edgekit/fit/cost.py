"""What a model's time is made of: multiply-accumulates by kind, outputs, and calls."""

from typing import TYPE_CHECKING

from edgekit.flatbuffer.macs import macs
from edgekit.target import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edgekit.flatbuffer.model import Graph, Operator

_WEIGHTED = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"})
_NEGLIGIBLE = 0.05  # of all multiply-accumulates, or of all elements; far below any band


def work(graph: "Graph") -> dict[str, float]:
    """Return how much of each kind of work one invocation of ``graph`` is.

    The kinds are `edgekit.target.KINDS`: multiply-accumulates of convolutions, of pointwise ones
    (1 x 1), of depthwise ones and of dense layers; output elements; operators.
    """
    amount = dict.fromkeys(KINDS, 0.0)
    for operator in graph.operators:
        if operator.op in _WEIGHTED:
            amount[_kind(graph, operator)] += macs(graph, operator)
        amount["output_element"] += _outputs(graph, operator)
        amount["call"] += 1
    return amount


def uncovered(graph: "Graph", measured: "Iterable[str]") -> tuple[str, ...]:
    """Return the operators that no measured model has, where they can matter.

    They are let pass while all such together make a twentieth or less of the model's
    multiply-accumulates, and of the elements that its operators read or write.
    """
    others = [operator for operator in graph.operators if operator.op not in measured]
    for amount in (macs, _elements):
        total = sum(amount(graph, operator) for operator in graph.operators)
        if sum(amount(graph, operator) for operator in others) > _NEGLIGIBLE * total:
            return tuple(sorted({operator.op for operator in others}))
    return ()


def foreign_types(graph: "Graph") -> tuple[str, ...]:
    """Return the types other than int8 in which operators with weights compute."""
    used = {
        graph.tensors[index].dtype
        for operator in graph.operators
        if operator.op in _WEIGHTED
        for index in (*operator.inputs[:2], *operator.outputs)
    }
    return tuple(sorted(used - {"int8"}))


def _kind(graph: "Graph", operator: "Operator") -> str:
    match operator.op:
        case "DEPTHWISE_CONV_2D":
            return "depthwise"
        case "FULLY_CONNECTED":
            return "fully_connected"
        case _:
            _, height, width, _ = graph.tensors[operator.inputs[1]].shape
            return "pointwise" if height == width == 1 else "convolution"


def _outputs(graph: "Graph", operator: "Operator") -> int:
    return sum(graph.tensors[index].elements for index in operator.outputs)


def _elements(graph: "Graph", operator: "Operator") -> int:
    """Return the larger of what an operator reads first and what it writes."""
    read = graph.tensors[operator.inputs[0]].elements if operator.inputs else 0
    return max(read, _outputs(graph, operator))
