"""What a model's time is made of: multiply-accumulates by kind, outputs, and calls."""

from typing import TYPE_CHECKING

from edgekit.flatbuffer.macs import macs
from edgekit.target import KINDS

if TYPE_CHECKING:
    from edgekit.flatbuffer.model import Graph, Operator

_WEIGHTED = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"})
_CALIBRATED = _WEIGHTED | {"ADD", "AVERAGE_POOL_2D", "RESHAPE", "SOFTMAX"}  # MLPerf Tiny's
_NEGLIGIBLE = 0.05  # of all output elements; far below the band of any calibration


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


def uncovered(graph: "Graph") -> tuple[str, ...]:
    """Return the operators whose time no calibration covers, where they can matter.

    The rows behind the calibrations are of int8 models with the operators of MLPerf Tiny. Another
    operator without multiply-accumulates is let pass while all such together make a twentieth of
    the outputs or less.
    """
    others = [operator for operator in graph.operators if operator.op not in _CALIBRATED]
    heavy = {operator.op for operator in others if macs(graph, operator) > 0}
    total = sum(_outputs(graph, operator) for operator in graph.operators)
    if sum(_outputs(graph, operator) for operator in others) > _NEGLIGIBLE * total:
        heavy |= {operator.op for operator in others}
    return tuple(sorted(heavy))


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
