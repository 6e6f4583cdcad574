"""Multiply-accumulates of each operator, from the shapes alone."""

from math import prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgekit.flatbuffer.model import Graph, Operator
    from edgekit.flatbuffer.values import Model

_ELEMENT_WORK = 16  # of an output value, in MACs of a reference kernel: 6 models of MLPerf Tiny and
# MobileNetV2 took 0.6 to 0.9 ns a unit in TFLite-Micro's wheel (11/2026)


def macs(graph: "Graph", operator: "Operator") -> int:  # noqa: PLR0911  one return a kind
    """Return the multiply-accumulates of one invocation of ``operator``.

    Counted as MLPerf Tiny counts them: one for each weight applied to each output element,
    padding included. Operators without weights count nothing but BATCH_MATMUL.
    """
    match operator.op:
        case "CONV_2D":
            _, height, width, depth = graph.tensors[operator.inputs[1]].shape
            return _outputs(graph, operator) * height * width * depth
        case "DEPTHWISE_CONV_2D":
            _, height, width, _ = graph.tensors[operator.inputs[1]].shape
            return _outputs(graph, operator) * height * width
        case "TRANSPOSE_CONV":
            # Each input element meets the whole kernel: (output depth, h, w, input depth).
            filters, height, width, _ = graph.tensors[operator.inputs[1]].shape
            return graph.tensors[operator.inputs[2]].elements * filters * height * width
        case "FULLY_CONNECTED":
            return _outputs(graph, operator) * graph.tensors[operator.inputs[1]].shape[-1]
        case "BATCH_MATMUL":
            return _outputs(graph, operator) * graph.tensors[operator.inputs[0]].shape[-1]
        case "SVDF":
            features, time = operator.inputs[1], operator.inputs[2]
            return prod(graph.tensors[features].shape) + prod(graph.tensors[time].shape)
        case "UNIDIRECTIONAL_SEQUENCE_LSTM":
            return _sequence_steps(graph, operator) * sum(
                graph.tensors[index].elements for index in operator.inputs[1:9] if index != -1
            )
        case _:
            return 0


def work(model: "Model") -> int:
    """Return the work of one invocation, in multiply-accumulates of a reference kernel."""
    graph = model.main
    values = sum(
        graph.tensors[index].elements for operator in graph.operators for index in operator.outputs
    )
    return _ELEMENT_WORK * values + sum(macs(graph, operator) for operator in graph.operators)


def _outputs(graph: "Graph", operator: "Operator") -> int:
    return graph.tensors[operator.outputs[0]].elements


def _sequence_steps(graph: "Graph", operator: "Operator") -> int:
    batch_or_time, time_or_batch, _ = graph.tensors[operator.inputs[0]].shape
    return batch_or_time * time_or_batch
