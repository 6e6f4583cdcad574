"""Convolutions and fully connected layers as matrices over channels.

What a channel of the input adds to a sum is ``(stored - zero_point) * weight`` at every place
of the window. Where the window hangs over a padded edge, the places outside add nothing: a
constant channel then adds different sums at the edge and inside, and cannot move into the bias
unless it is the zero point.
"""

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from edgekit.model.edit import options_of
from edgekit.model.operators import LAYERS, SAME
from edgekit.shrinking.coupled_channels import channels, is_int8_constant

if TYPE_CHECKING:
    import numpy.typing as npt

    from edgekit.model.values import Graph, Operator

    Matrix = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Weighed:
    """A CONV_2D or FULLY_CONNECTED, for one channel of its input and one of its output each.

    Args:
        operator: In the graph.
        source: Tensor index of the input.
        target: Tensor index of the output.
        weights: int64, shape ``(outputs, places, inputs)``; ``places`` of the window, or the
            positions that were flattened into the features of a fully connected layer.
        bias: int64, shape ``(outputs,)``; zeros where the operator has none.
        zero_point: Of the input.
        sums: int64, shape ``(outputs, inputs)``: what an input channel one above its zero point
            adds to each output, where the window lies inside.
        varying: bool, the same shape: that sum is another one at some edge.
    """

    operator: "Operator"
    source: int
    target: int
    weights: "Matrix"
    bias: "Matrix"
    zero_point: int
    sums: "Matrix"
    varying: "npt.NDArray[np.bool_]"

    @property
    def nonzero(self) -> "npt.NDArray[np.bool_]":
        """Whether an input channel has any weight in an output, shape ``(outputs, inputs)``."""
        return np.asarray(self.weights.any(axis=1))


def weighed(graph: "Graph", operator: "Operator") -> Weighed | None:
    """Return the view of ``operator``; None for others, and for kinds that are not plain int8."""
    if LAYERS.get(operator.op) not in {"convolution", "dense"} or not _is_plain(graph, operator):
        return None
    source, kernel = operator.inputs[:2]
    stored = graph.tensors[kernel].values().astype(np.int64)
    count = channels(graph, source)
    if LAYERS[operator.op] == "convolution":
        if stored.shape[3] != count:  # a grouped convolution
            return None
        masks = _window_masks(graph, operator)
    else:
        if not count or stored.shape[1] % count:
            return None
        masks = np.ones((1, stored.shape[1] // count), np.bool_)
    weights = stored.reshape(len(stored), -1, count)
    sums, varying = _sums(weights, masks)
    bias = operator.inputs[2] if len(operator.inputs) > 2 else -1  # noqa: PLR2004  its place
    quantization = graph.tensors[source].quantization
    assert quantization is not None
    return Weighed(
        operator=operator,
        source=source,
        target=operator.outputs[0],
        weights=weights,
        bias=(
            np.zeros(len(weights), np.int64)
            if bias == -1
            else graph.tensors[bias].values().astype(np.int64)
        ),
        zero_point=int(quantization.zero_points[0]),
        sums=sums,
        varying=varying,
    )


def _is_plain(graph: "Graph", operator: "Operator") -> bool:
    """Return whether activations and weights are int8 and the bias an int32 constant or none."""
    source, kernel, *rest = operator.inputs
    if operator.options is None and LAYERS[operator.op] == "convolution":
        return False
    around = [graph.tensors[source], graph.tensors[operator.outputs[0]]]
    if any(tensor.dtype != "int8" or tensor.quantization is None for tensor in around):
        return False
    quantization = graph.tensors[kernel].quantization
    if not is_int8_constant(graph, kernel) or quantization is None:
        return False
    if np.any(quantization.zero_points) or not _fit_together(graph, operator):
        return False
    if LAYERS[operator.op] == "dense" and options_of(operator)["weightsFormat"]:
        return False
    biases = [graph.tensors[index] for index in rest if index != -1]
    return all(tensor.dtype == "int32" and tensor.data is not None for tensor in biases)


def _fit_together(graph: "Graph", operator: "Operator") -> bool:
    """Return whether kernel, scales, bias and output agree on the number of outputs."""
    source, kernel, *rest = operator.inputs
    shape = graph.tensors[kernel].shape
    quantization = graph.tensors[kernel].quantization
    assert quantization is not None
    outputs = channels(graph, operator.outputs[0])
    rank = len(graph.tensors[source].shape)
    ranks = len(shape) == rank == 4 if LAYERS[operator.op] == "convolution" else len(shape) == 2  # noqa: PLR2004
    biases = [graph.tensors[index].shape for index in rest if index != -1]
    return (
        ranks
        and shape[0] == outputs
        and len(quantization.scales) in {1, outputs}
        and all(bias == (outputs,) for bias in biases)
    )


def _sums(
    weights: "Matrix", masks: "npt.NDArray[np.bool_]"
) -> "tuple[Matrix, npt.NDArray[np.bool_]]":
    """Return the sums of the fullest window, and where any other window gives another sum."""
    inside = masks[int(masks.sum(axis=1).argmax())]
    sums = weights[:, inside].sum(axis=1)
    varying = np.zeros(sums.shape, np.bool_)
    for mask in masks:
        varying |= weights[:, mask].sum(axis=1) != sums
    return sums, varying


def _window_masks(graph: "Graph", operator: "Operator") -> "npt.NDArray[np.bool_]":
    """Return which places of the window lie inside, for each way in which it hangs over.

    Returns:
        bool, shape ``(ways, height * width)`` of the kernel.
    """
    options = options_of(operator)
    _, height, width, _ = graph.tensors[operator.inputs[0]].shape
    _, rows, columns, _ = graph.tensors[operator.outputs[0]].shape
    _, tall, wide, _ = graph.tensors[operator.inputs[1]].shape
    vertical = _inside(
        height, rows, tall, options["strideH"], options["dilationHFactor"], options["padding"]
    )
    horizontal = _inside(
        width, columns, wide, options["strideW"], options["dilationWFactor"], options["padding"]
    )
    return np.array(
        [np.outer(row, column).reshape(-1) for row, column in product(vertical, horizontal)]
    )


def _inside(
    size: int, outputs: int, kernel: int, stride: int, dilation: int, padding: int
) -> "npt.NDArray[np.bool_]":
    """Return the distinct rows of: does place ``k`` of the window at output ``i`` lie inside?"""
    reach = (outputs - 1) * stride + (kernel - 1) * dilation + 1
    before = max(reach - size, 0) // 2 if padding == SAME else 0
    places = np.arange(outputs)[:, None] * stride + np.arange(kernel) * dilation - before
    return np.unique((places >= 0) & (places < size), axis=0)
