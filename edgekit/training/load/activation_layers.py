"""Activations that tfmot refuses inside a layer, such as relu6, as layers of their own."""

from typing import TYPE_CHECKING

from edgekit.training._tensorflow import Layer, Model, Tensor, tf_keras
from edgekit.training.functional_model import replay

if TYPE_CHECKING:
    from collections.abc import Callable

_HOLDERS = frozenset(
    {
        "Conv1D",
        "Conv1DTranspose",
        "Conv2D",
        "Conv2DTranspose",
        "Dense",
        "DepthwiseConv1D",
        "DepthwiseConv2D",
        "SeparableConv1D",
        "SeparableConv2D",
    }
)
_TAKEN = frozenset({"gelu", "linear", "relu", "sigmoid", "softmax", "swish", "tanh"})
"""Of a layer by tfmot 0.8.1, `QuantizeAwareActivation`; as a layer it takes any."""


def holds_unknown_activation(layer: Layer) -> bool:
    """Return whether ``layer`` has an activation that tfmot would refuse there."""
    if type(layer).__name__ not in _HOLDERS:
        return False
    return getattr(layer.activation, "__name__", "") not in _TAKEN


def with_activations_apart(model: Model) -> Model:
    """Return ``model`` with those activations behind their layers; it computes the same."""
    if not any(holds_unknown_activation(layer) for layer in model.layers):
        return model
    copy = replay(model, _apart)
    for old, new in copy.pairs:
        if hasattr(new, "set_weights"):
            new.set_weights(old.get_weights())
    return copy.model


def _apart(layer: Layer, name: str) -> "Layer | Callable[[Tensor], Tensor]":
    config = {**layer.get_config(), "name": name}
    if not holds_unknown_activation(layer):
        return type(layer).from_config(config)
    bare = type(layer).from_config({**config, "activation": "linear"})
    activation = tf_keras().layers.Activation(layer.activation, name=f"{name}_activation")

    def call(values: Tensor) -> Tensor:
        result = bare(values)
        bare.set_weights(layer.get_weights())
        return activation(result)

    return call
