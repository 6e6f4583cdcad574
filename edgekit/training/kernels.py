"""The arrays of a Keras model that pruning works on: one or two a layer, by kind of layer."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from edgekit.numerics.masks import zero_fraction

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    from edgekit.training._tensorflow import Layer, Model, Tensor

_KERNELS: dict[str, tuple[str, ...]] = {
    "Conv1D": ("kernel",),
    "Conv1DTranspose": ("kernel",),
    "Conv2D": ("kernel",),
    "Conv2DTranspose": ("kernel",),
    "Conv3D": ("kernel",),
    "Conv3DTranspose": ("kernel",),
    "Dense": ("kernel",),
    "EinsumDense": ("kernel",),
    "Embedding": ("embeddings",),
    "GRU": ("cell.kernel", "cell.recurrent_kernel"),
    "LSTM": ("cell.kernel", "cell.recurrent_kernel"),
    "SeparableConv1D": ("pointwise_kernel",),
    "SeparableConv2D": ("pointwise_kernel",),
    "SimpleRNN": ("cell.kernel", "cell.recurrent_kernel"),
}
_DEPTHWISE: dict[str, tuple[str, ...]] = {
    "DepthwiseConv1D": ("depthwise_kernel",),
    "DepthwiseConv2D": ("depthwise_kernel",),
    "SeparableConv1D": ("depthwise_kernel",),
    "SeparableConv2D": ("depthwise_kernel",),
}
_INNER = {
    "Bidirectional": ("forward_layer", "backward_layer"),
    "TimeDistributed": ("layer",),
}

_AWARE = {"Aware": "held", "Inlined": "inside"}
"""Of `edgekit.quantize_aware`: where each keeps the layers inside of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kernel:
    """One array of weights that can be pruned.

    Args:
        layer: The name of its layer.
        attribute: Which of the layer's arrays, such as ``"kernel"``.
        kind: The class of the layer, such as ``"Conv2D"``.
        variable: The live Keras variable.
        frozen: Whether its layer, or a model around it, is not to be trained (``trainable =
            False``); only what is found in a whole model knows that.
    """

    layer: str
    attribute: str
    kind: str
    variable: "Tensor"
    frozen: bool = False

    def values(self) -> "npt.NDArray[np.float32]":
        """Return the weights as they are now."""
        return np.asarray(self.variable)

    def zero_fraction(self) -> float:
        """Return the fraction of exact zeros as it is now."""
        return zero_fraction(self.values())


def kernels(model: "Model", *, depthwise: bool = False) -> tuple[Kernel, ...]:
    """Return the prunable arrays of ``model``, of either Keras, in the order of its layers.

    Args:
        model: Built; nested models are walked into.
        depthwise: Whether depthwise kernels are among them. They hold few weights and every
            channel depends on its own.
    """
    trained = trained_in(model)
    return tuple(
        replace(item, frozen=id(item.variable) not in trained)
        for layer in model.layers
        for item in of_layer(layer, depthwise=depthwise)
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Zeros:
    """Exact zeros among a number of weights."""

    zeros: int
    weights: int

    @property
    def fraction(self) -> float:
        """The share of zeros in [0, 1]."""
        return self.zeros / self.weights if self.weights else 0.0


def zeros_in(found: "Sequence[Kernel]") -> Zeros:
    """Return how many weights of all these kernels are zero."""
    values = [kernel.values() for kernel in found]
    return Zeros(
        zeros=sum(item.size - int(np.count_nonzero(item)) for item in values),
        weights=sum(item.size for item in values),
    )


def frozen_layers(found: "Iterable[Kernel]") -> tuple[str, ...]:
    """Return the names of the layers of these kernels that are not to be trained."""
    return tuple(dict.fromkeys(kernel.layer for kernel in found if kernel.frozen))


def trained_in(model: "Model") -> frozenset[int]:
    """Return the ids of the variables that training ``model`` moves: none of a frozen layer."""
    return frozenset(id(variable) for variable in model.trainable_variables)


def with_weights(model: "Model") -> tuple[str, ...]:
    """Return the names of the layers that have a kernel, depthwise ones included."""
    return tuple(dict.fromkeys(kernel.layer for kernel in kernels(model, depthwise=True)))


def of_layer(layer: "Layer", *, depthwise: bool) -> tuple[Kernel, ...]:
    """Return the prunable arrays of one layer, or of what it wraps."""
    kind = type(layer).__name__
    if hasattr(layer, "layers"):
        return tuple(item for one in layer.layers for item in of_layer(one, depthwise=depthwise))
    if kind in _INNER:
        inner = (getattr(layer, name) for name in _INNER[kind])
        return tuple(item for one in inner for item in of_layer(one, depthwise=depthwise))
    if kind.startswith("QuantizeWrapper"):
        return _of_wrapper(layer, depthwise=depthwise)
    if kind in _AWARE and type(layer).__module__.startswith("edgekit."):
        inside = getattr(layer, _AWARE[kind])
        return tuple(item for one in inside for item in of_layer(one, depthwise=depthwise))
    names = _KERNELS.get(kind, ()) + (_DEPTHWISE.get(kind, ()) if depthwise else ())
    return tuple(
        Kernel(layer=layer.name, attribute=name, kind=kind, variable=_attribute(layer, name))
        for name in names
    )


def _of_wrapper(wrapper: "Layer", *, depthwise: bool) -> tuple[Kernel, ...]:
    """Return the kernel inside tfmot's wrapper, whose layer holds its rounded copy instead."""
    inner = wrapper.layer
    kind = type(inner).__name__
    attributes = _KERNELS.get(kind, ()) + (_DEPTHWISE.get(kind, ()) if depthwise else ())
    variables = [entry[0] for entry in wrapper._weight_vars]  # noqa: SLF001  tfmot has no public way
    return tuple(
        Kernel(layer=inner.name, attribute=name, kind=kind, variable=variable)
        for name, variable in zip(attributes, variables, strict=False)
    )


def _attribute(layer: "Layer", path: str) -> "Tensor":
    if path == "depthwise_kernel" and not hasattr(layer, path):
        path = "kernel"  # what Keras 3 calls it in depthwise layers
    value = layer
    for name in path.split("."):
        value = getattr(value, name)
    return value
