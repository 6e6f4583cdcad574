"""Multiply-accumulates of each operator, from the shapes alone."""

from math import prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edgekit.model.reader import Graph, Operator
    from edgekit.model.values import Model

_ELEMENT_WORK = 16  # of an output value, in MACs of a reference kernel: 6 models of MLPerf Tiny and
# MobileNetV2 took 0.6 to 0.9 ns a unit in TFLite-Micro's wheel (11/2026)

_LSTM_PROJECTION = 16  # kProjectionWeightsTensor; before it stand 8 matrices and 3 peepholes


def macs(graph: "Graph", operator: "Operator") -> int:
    """Return the multiply-accumulates of one invocation of ``operator``.

    Counted as MLPerf Tiny counts them: one for each weight applied to each output element,
    padding included. Operators without weights count nothing but BATCH_MATMUL.
    """
    count = None if operator.is_custom else _COUNTS.get(operator.op)
    return 0 if count is None else count(graph, operator)


def _convolution(graph: "Graph", operator: "Operator") -> int:
    """Weights are (filters, height, width, depth of one group)."""
    return _outputs(graph, operator) * prod(_shape(graph, operator, 1)[1:])


def _depthwise(graph: "Graph", operator: "Operator") -> int:
    """Weights are (1, height, width, channels)."""
    return _outputs(graph, operator) * prod(_shape(graph, operator, 1)[1:3])


def _transposed(graph: "Graph", operator: "Operator") -> int:
    """Each input element meets the whole kernel: (filters, height, width, input depth)."""
    return prod(_shape(graph, operator, 2)) * prod(_shape(graph, operator, 1)[:-1])


def _convolution_3d(graph: "Graph", operator: "Operator") -> int:
    """Weights are (depth, height, width, input channels, output channels)."""
    return _outputs(graph, operator) * prod(_shape(graph, operator, 1)[:-1])


def _transposed_3d(graph: "Graph", operator: "Operator") -> int:
    """Each input element meets the kernel: (depth, height, width, output and input channels)."""
    return prod(_shape(graph, operator, 2)) * prod(_shape(graph, operator, 1)[:-1])


def _fully_connected(graph: "Graph", operator: "Operator") -> int:
    return _outputs(graph, operator) * _shape(graph, operator, 1)[-1]


def _matrix_product(graph: "Graph", operator: "Operator") -> int:
    """The summed dimension is the last of the left side, or the one before if it is transposed."""
    left = _shape(graph, operator, 0)
    transposed = len(left) > 1 and getattr(operator.options, "adjX", False)
    return _outputs(graph, operator) * left[-2 if transposed else -1]


def _svdf(graph: "Graph", operator: "Operator") -> int:
    """One column of features, and the whole memory in time, for each sample of the batch."""
    return _shape(graph, operator, 0)[0] * sum(_elements(graph, operator, (1, 2)))


def _lstm(graph: "Graph", operator: "Operator") -> int:
    places = (*range(1, 12), _LSTM_PROJECTION)
    return prod(_shape(graph, operator, 0)[:-1]) * sum(_elements(graph, operator, places))


def _rnn(graph: "Graph", operator: "Operator") -> int:
    return prod(_shape(graph, operator, 0)[:-1]) * sum(_elements(graph, operator, (1, 2)))


def work(model: "Model") -> int:
    """Return the work of one invocation, in multiply-accumulates of a reference kernel."""
    graph = model.main
    values = sum(
        graph.tensors[index].elements for operator in graph.operators for index in operator.outputs
    )
    return _ELEMENT_WORK * values + sum(macs(graph, operator) for operator in graph.operators)


def _outputs(graph: "Graph", operator: "Operator") -> int:
    return graph.tensors[operator.outputs[0]].elements


def _shape(graph: "Graph", operator: "Operator", place: int) -> tuple[int, ...]:
    return graph.tensors[operator.inputs[place]].shape


def _elements(graph: "Graph", operator: "Operator", places: tuple[int, ...]) -> list[int]:
    """Return the elements of the inputs that are there."""
    there = [operator.inputs[place] for place in places if place < len(operator.inputs)]
    return [graph.tensors[index].elements for index in there if index != -1]


_COUNTS: "Mapping[str, Callable[[Graph, Operator], int]]" = {
    "BATCH_MATMUL": _matrix_product,
    "CONV_2D": _convolution,
    "CONV_3D": _convolution_3d,
    "CONV_3D_TRANSPOSE": _transposed_3d,
    "DEPTHWISE_CONV_2D": _depthwise,
    "FULLY_CONNECTED": _fully_connected,
    "RNN": _rnn,
    "SVDF": _svdf,
    "TRANSPOSE_CONV": _transposed,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _lstm,
    "UNIDIRECTIONAL_SEQUENCE_RNN": _rnn,
}
