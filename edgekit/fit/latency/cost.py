"""What a model's time is made of: multiply-accumulates by kind, outputs, and calls."""

from typing import TYPE_CHECKING

from edgekit.devices.profile import KINDS
from edgekit.model.macs import macs
from edgekit.model.operators import LAYERS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edgekit.model.reader import Graph, Operator

_POINTWISE = "CONV_2D 1x1"  # a kind of its own: kernels compute it as a product of matrices
_NEGLIGIBLE = 0.1  # of all multiply-accumulates, or of all elements; far below any band


def work(graph: "Graph") -> dict[str, float]:
    """Return how much of each kind of work one invocation of ``graph`` is.

    The kinds are `edgekit.devices.profile.KINDS`: multiply-accumulates of convolutions, of
    pointwise ones (1 x 1), of depthwise ones and of dense layers; output elements; operators.
    """
    each = [work_of(graph, operator) for operator in graph.operators]
    return {kind: sum(amount[kind] for amount in each) for kind in KINDS}


def work_of(graph: "Graph", operator: "Operator") -> dict[str, float]:
    """Return how much of each kind of work one ``operator`` is; see `work`."""
    amount = dict.fromkeys(KINDS, 0.0)
    if operator.op in LAYERS:
        amount[_kind(graph, operator)] += macs(graph, operator)
    amount["output_element"] += _outputs(graph, operator)
    amount["call"] += 1
    return amount


def total_macs(amount: dict[str, float]) -> float:
    """Return the multiply-accumulates of all kinds in ``amount``, of `work`."""
    return sum(amount[kind] for kind in KINDS[:4])


def covered_by(graph: "Graph") -> frozenset[str]:
    """Return what a measurement of ``graph`` covers: its operators, 1 x 1 convolutions apart."""
    return frozenset(_covered_name(graph, operator) for operator in graph.operators)


def uncovered(graph: "Graph", measured: "Iterable[str]") -> tuple[str, ...]:
    """Return the operators that no measured model has, where they can matter.

    They are let pass while all such together make a tenth or less of the model's
    multiply-accumulates, and of the elements that its operators read or write.

    Args:
        graph: Of the model to predict.
        measured: Of the models measured, as `covered_by` names them.
    """
    others = [item for item in graph.operators if _covered_name(graph, item) not in measured]
    for amount in (macs, _elements):
        total = sum(amount(graph, operator) for operator in graph.operators)
        if sum(amount(graph, operator) for operator in others) > _NEGLIGIBLE * total:
            return tuple(sorted({_covered_name(graph, operator) for operator in others}))
    return ()


def foreign_types(graph: "Graph") -> tuple[str, ...]:
    """Return the types other than int8 in which operators with weights compute."""
    used = {
        graph.tensors[index].dtype
        for operator in graph.operators
        if operator.op in LAYERS
        for index in (*operator.inputs[:2], *operator.outputs)
    }
    return tuple(sorted(used - {"int8"}))


def _covered_name(graph: "Graph", operator: "Operator") -> str:
    if operator.op in LAYERS and _kind(graph, operator) == "pointwise":
        return _POINTWISE
    return operator.op


def _kind(graph: "Graph", operator: "Operator") -> str:
    match LAYERS[operator.op]:
        case "depthwise":
            return "depthwise"
        case "dense":
            return "fully_connected"
        case _:
            _, height, width, _ = graph.tensors[operator.inputs[1]].shape
            return "pointwise" if height == width == 1 else "convolution"


def _outputs(graph: "Graph", operator: "Operator") -> int:
    return sum(graph.tensors[index].elements for index in operator.outputs)


def _elements(graph: "Graph", operator: "Operator") -> int:
    """Return the larger of what an operator reads first and what it writes."""
    first = operator.inputs[0] if operator.inputs else -1
    read = 0 if first == -1 else graph.tensors[first].elements
    return max(read, _outputs(graph, operator))
