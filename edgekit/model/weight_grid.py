"""Put the weights of an integer model on a coarser grid, and its biases on the steps that follow.

A runtime takes a bias in steps of its input's scale times its weights' scales, whatever the file
says: so weights cannot change their steps without it.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from edgekit.model.edit import consumers, with_main
from edgekit.model.operators import LayerTensors, layer_tensors
from edgekit.model.tensor_values import real_values
from edgekit.model.values import Quantization, pack_int4
from edgekit.numerics.integers import along, dequantize, quantize, quantize_weights

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from edgekit.model.values import Graph, Model, Operator, Tensor

    Axes = Mapping[str, int | None]


def on_grid(
    model: "Model", axes: "Axes", *, inputs: frozenset[str], bits: int, packed: bool
) -> "tuple[Model, frozenset[int]]":
    """Return ``model`` with coarser weights, and the indices of the tensors that these are.

    Weights that something else reads as well, such as a table of embeddings, are left alone.

    Args:
        model: With int8 weights.
        axes: By operator whose weights change: the axis that gets a step for each of its
            entries; None for one step.
        inputs: Types of the input with which they change.
        bits: Of a weight: see `edgekit.numerics.quantize_weights`.
        packed: Whether they become int4, two a byte; else they stay int8.
    """
    graph = model.main
    tensors, operators = list(graph.tensors), list(graph.operators)
    taken = _weights_to_change(graph, axes, inputs)
    for index, axis in taken.items():
        tensors[index] = _coarser(graph.tensors[index], axis, bits=bits, packed=packed)
    counted: set[int] = set()
    for place, operator in enumerate(operators):
        layer = layer_tensors(operator)
        if operator.op not in axes or layer.weights not in taken or layer.bias == -1:
            continue
        bias = _recounted(graph, tensors[layer.weights], layer)
        if layer.bias in counted:  # a bias of two operators becomes one of each
            operators[place] = _with_bias(operator, layer.bias, len(tensors))
            bias = replace(bias, index=len(tensors))
            tensors.append(bias)
        tensors[bias.index] = bias
        counted.add(layer.bias)
    changed = replace(graph, tensors=tuple(tensors), operators=tuple(operators))
    return with_main(model, changed), frozenset(taken)


def _weights_to_change(
    graph: "Graph", axes: "Axes", inputs: frozenset[str]
) -> "dict[int, int | None]":
    """Return the weights to change and the axis of their scales."""
    found = {}
    for index, readers in consumers(graph).items():
        kinds = {operator.op for operator in readers}
        if (
            len(kinds) == 1
            and kinds <= axes.keys()
            and all(_fits(graph, item, index, inputs) for item in readers)
        ):
            found[index] = axes[kinds.pop()]
    return found


def _fits(graph: "Graph", operator: "Operator", weights: int, inputs: frozenset[str]) -> bool:
    """Return whether ``operator`` reads int8 constants as its weights, and its bias is one too."""
    layer, tensor = layer_tensors(operator), graph.tensors[weights]
    if layer.weights != weights or tensor.data is None or tensor.dtype != "int8":
        return False
    if graph.tensors[layer.data].dtype not in inputs:
        return False
    if layer.bias == -1:
        return tensor.quantization is not None
    bias = graph.tensors[layer.bias]
    countable = bias.data is not None and bias.dtype in ("int32", "int64")
    return tensor.quantization is not None and countable


def _coarser(tensor: "Tensor", axis: int | None, *, bits: int, packed: bool) -> "Tensor":
    """Return weights on the grid of ``bits`` bits.

    A channel without weights keeps its step: it has no magnitude to take another from, and its
    bias is counted in it.
    """
    made = tensor.quantization
    assert made is not None
    real = real_values(tensor.values(), tensor)
    coarse = quantize_weights(real, bits=bits, axis=axis)
    others = tuple(item for item in range(real.ndim) if item != axis)
    empty = np.asarray(~real.any(axis=others if axis is not None else None))
    old = np.broadcast_to(made.scales if axis is not None else made.scales.max(), empty.shape)
    steps = np.where(empty, old, coarse.steps.reshape(empty.shape)).reshape(-1)
    stored = coarse.stored * along(np.where(empty, np.int8(0), np.int8(1)), real.ndim, axis)
    return replace(
        tensor,
        dtype="int4" if packed else "int8",
        data=pack_int4(stored) if packed else stored.tobytes(),
        quantization=_symmetric(steps, axis or 0),
        observed=None,
    )


def _recounted(graph: "Graph", weights: "Tensor", layer: LayerTensors) -> "Tensor":
    """Return an operator's bias in steps of its input's scale times its weights' scales."""
    bias, source = graph.tensors[layer.bias], graph.tensors[layer.data].quantization
    before = graph.tensors[layer.weights].quantization
    assert source is not None
    assert before is not None
    assert weights.quantization is not None
    real = dequantize(bias.values(), scale=before.scales * source.scales, zero_point=0, axis=0)
    steps = (weights.quantization.scales * source.scales).astype(np.float32)
    stored = quantize(real, scale=steps, zero_point=0, dtype=bias.dtype, axis=0)
    return replace(bias, data=stored.tobytes(), quantization=_symmetric(steps, 0), observed=None)


def _symmetric(steps: "npt.NDArray[np.float32]", axis: int) -> Quantization:
    return Quantization(scales=steps, zero_points=np.zeros(steps.size, np.int64), axis=axis)


def _with_bias(operator: "Operator", old: int, new: int) -> "Operator":
    return replace(
        operator, inputs=tuple(new if index == old else index for index in operator.inputs)
    )
