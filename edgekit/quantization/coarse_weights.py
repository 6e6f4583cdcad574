"""Weights of fewer bits than a file has: packed int4 where there are kernels, else simulated.

Both take a finished model and put its weights on a coarser grid; activations stay as they are.
A simulated model is a file of int8 weights (of float32 ones, for float8) that take few values:
what it answers is what a runtime with such kernels would answer, and its size is not.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from edgekit.errors import UnsupportedModelError
from edgekit.model.edit import with_main
from edgekit.model.operators import CHANNEL_AXES, KINDS, layer_tensors
from edgekit.model.weight_grid import on_grid
from edgekit.numerics.integers import round_to_float8
from edgekit.quantity import Quantity
from edgekit.specs import SIMULATED_BITS

if TYPE_CHECKING:
    from edgekit.model.values import Graph, Model, Tensor
    from edgekit.specs import QuantizeSpec, Simulation

_INT4_KERNELS: "dict[str, int | None]" = {
    op: kind.channel_axis if kind.int4_scales == "channel" else None
    for op, kind in KINDS.items()
    if kind.int4_scales is not None
}
"""By operator of TFLite-Micro with a kernel for int4: the axis of its scales."""
_WEIGHTED = frozenset(op for op, kind in KINDS.items() if kind.weights != -1)
_INT8 = frozenset({"int8"})
_INTEGERS = frozenset({"int8", "int16"})


@dataclass(frozen=True, kw_only=True, slots=True)
class LowBits:
    """A model after the change.

    Args:
        model: With the coarser weights.
        weights: How many of its weights these are.
        left: Operators whose weights stay as they were, by kind and index.
    """

    model: "Model"
    weights: int
    left: tuple[str, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """What was done; nothing where no weight changed."""
        return (f"{self.weights:,} weights were put on a coarser grid",) if self.weights else ()

    @property
    def doubts(self) -> tuple[str, ...]:
        """What was asked and not done; nothing where no weight changed."""
        if self.weights == 0:
            return ()
        return tuple(f"the weights of {item} stay as they were" for item in self.left)


def int4_weights(model: "Model") -> LowBits:
    """Return an int8 ``model`` with int4 weights, two a byte, where TFLite-Micro has kernels.

    One step a channel, and one for all of a FULLY_CONNECTED: ``max|w| / 7``. Biases are counted
    in the new steps.

    Raises:
        UnsupportedModelError: No operator of the model has such a kernel.
    """
    changed, weights = on_grid(model, _INT4_KERNELS, inputs=_INT8, bits=4, packed=True)
    if not weights:
        raise UnsupportedModelError(
            "TFLite-Micro has int4 kernels for CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED on "
            "int8 activations; the model has none of these",
            hint="take the scheme int8",
        )
    return _described(model, changed, weights)


def simulated_weights(model: "Model", precision: "Simulation") -> LowBits:
    """Return ``model`` with weights that take the values of ``precision`` alone.

    One step a channel, of `edgekit.numerics.quantize_weights`. Activations are int8 or int16;
    for ``"fp8"`` the model is a float one, and its activations stay float32.

    Raises:
        UnsupportedModelError: The model has no operator with such weights.
    """
    if precision == "fp8":
        changed, weights = _float8(model)
    else:
        bits = SIMULATED_BITS[precision]
        changed, weights = on_grid(model, CHANNEL_AXES, inputs=_INTEGERS, bits=bits, packed=False)
    if not weights:
        raise UnsupportedModelError(
            f"{precision} weights are simulated in {', '.join(CHANNEL_AXES)}; the model has none",
            hint="take [quantize] simulate away",
        )
    return _described(model, changed, weights)


def coarsened(model: "Model", spec: "QuantizeSpec") -> LowBits:
    """Return ``model``, as a converter wrote it, with the weights that ``spec`` asks for.

    Raises:
        UnsupportedModelError: See `int4_weights` and `simulated_weights`.
    """
    if spec.scheme == "int4":
        return int4_weights(model)
    if spec.simulate is not None:
        return simulated_weights(model, spec.simulate)
    return LowBits(model=model, weights=0, left=())


def packed_bytes(model: "Model", precision: "Simulation") -> Quantity:
    """Return the bytes that a file of a simulated ``model`` would have with packed weights.

    Args:
        model: Of `simulated_weights`, also after lossless shrinking.
        precision: That was simulated. The scales of float8, one a channel, are not counted.
    """
    bits = SIMULATED_BITS[precision]
    weights = _constants(model.main)
    saved = sum(item.stored_bytes - -(-item.elements * bits // 8) for item in weights)
    count = model.file_bytes - saved
    padding = 16 * len(weights)  # constants of a file are aligned, in both files
    return Quantity(
        value=count,
        unit="B",
        kind="predicted",
        source=f"the file, with {bits} bits for each of "
        f"{sum(item.elements for item in weights):,} weights",
        low=count - padding,
        high=count + padding,
    )


def _float8(model: "Model") -> "tuple[Model, frozenset[int]]":
    graph = model.main
    tensors = list(graph.tensors)
    taken = {tensor.index for tensor in _constants(graph) if tensor.dtype == "float32"}
    axes = {
        layer_tensors(item).weights: CHANNEL_AXES[item.op]
        for item in graph.operators
        if item.op in CHANNEL_AXES
    }
    for index in taken:
        rounded = round_to_float8(tensors[index].values().astype(np.float32), axis=axes[index])
        tensors[index] = replace(tensors[index], data=rounded.astype("<f4").tobytes())
    return with_main(model, replace(graph, tensors=tuple(tensors))), frozenset(taken)


def _constants(graph: "Graph") -> "list[Tensor]":
    """Return the weights of all operators that simulations know, each once."""
    used = {layer_tensors(item).weights for item in graph.operators if item.op in CHANNEL_AXES}
    return [tensor for tensor in graph.tensors if tensor.index in used and tensor.data is not None]


def _described(before: "Model", after: "Model", weights: "frozenset[int]") -> LowBits:
    tensors = before.main.tensors
    return LowBits(
        model=after,
        weights=sum(tensors[index].elements for index in weights),
        left=tuple(
            f"{operator.op} at {operator.index}"
            for operator in before.main.operators
            if operator.op in _WEIGHTED
            for index in (layer_tensors(operator).weights,)
            if index != -1 and index not in weights and tensors[index].data is not None
        ),
    )
