"""Exact rewrites into layers that tfmot's quantization-aware training knows."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgekit.errors import ToolError
from edgekit.training._tensorflow import Layer, Model, Tensor, tf_keras
from edgekit.training.functional_model import replay
from edgekit.training.load.activation_layers import (
    holds_unknown_activation,
    with_activations_apart,
)
from edgekit.training.load.affine import Affine, Folds, plan_folds
from edgekit.training.load.bridge import outputs_agree, trial_batch

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Call = Callable[[Tensor], Tensor]
    Weights = list[npt.NDArray[np.float32]]

_SETTINGS = ("use_bias", "activation", "trainable")


@dataclass(frozen=True, kw_only=True, slots=True)
class Lowered:
    """A model that computes the same, and what was changed in words."""

    model: Model
    changes: tuple[str, ...]


def lower(model: Model) -> Lowered:
    """Return ``model`` with its 1-D, separable and lone normalizing layers rewritten.

    Conv1D and its kin become Conv2D of height 1, separable convolutions a depthwise and a
    pointwise one; a BatchNormalization, Normalization or Rescaling that does not follow a
    Conv2D, DepthwiseConv2D or Dense is folded into a neighbour, or becomes a depthwise
    convolution of one by one; an activation that tfmot refuses inside of a layer stands behind
    it. The argument is left as it was.

    Raises:
        ToolError: The outputs are no longer the same.
    """
    parted = with_activations_apart(model)
    folds = plan_folds(parted)
    changes = tuple(
        text for layer in parted.layers if (text := _change(layer, folds)) is not None
    ) + tuple(
        f"{layer.name} ({type(layer).__name__}) has its activation in a layer behind it"
        for layer in model.layers
        if holds_unknown_activation(layer)
    )
    if not changes:
        return Lowered(model=model, changes=())
    copy = replay(parted, lambda layer, name: _lowered(layer, name, folds))
    for old, new in copy.pairs:
        if hasattr(new, "set_weights"):
            new.set_weights(_weights(old, folds))
    batch = trial_batch(model)
    if not outputs_agree(model(batch, training=False), copy.model(batch, training=False)):
        raise ToolError(f"the outputs changed when model '{model.name}' was rewritten")
    return Lowered(model=copy.model, changes=changes)


def unroll(model: Model) -> Model:
    """Return ``model`` with its GRU and SimpleRNN layers written out step by step.

    The TFLite converter crashes when it calibrates their loops; an LSTM it knows by itself.
    """
    if not any(_loops(layer) for layer in model.layers):
        return model
    copy = replay(model, _unrolled)
    for old, new in copy.pairs:
        new.set_weights(old.get_weights())
    return copy.model


def _loops(layer: Layer) -> bool:
    return type(getattr(layer, "layer", layer)).__name__ in {"GRU", "SimpleRNN"}


def _unrolled(layer: Layer, name: str) -> Layer:
    config = {**layer.get_config(), "name": name}
    if _loops(layer):
        inner = [config[key] for key in ("layer", "backward_layer") if key in config]
        for item in [part["config"] for part in inner] or [config]:
            item["unroll"] = True
    return type(layer).from_config(config)


def _change(layer: Layer, folds: Folds) -> str | None:
    kind = type(layer).__name__
    if layer.name in folds.gone:
        return f"{layer.name} ({kind}) is folded into its neighbour"
    if layer.name in folds.alone:
        return f"{layer.name} ({kind}) is a depthwise convolution of one by one"
    if kind in _REWRITES:
        return f"{layer.name} ({kind}) is {_REWRITES[kind][1]}"
    return None


def _lowered(layer: Layer, name: str, folds: Folds) -> "Layer | Call":
    """Return the layer or the function that stands for ``layer`` in the new model."""
    kind = type(layer).__name__
    if layer.name in folds.gone:
        return _same
    if layer.name in folds.alone:
        return _channelwise(layer, name, folds.alone[layer.name])
    if kind in _REWRITES:
        return _REWRITES[kind][0](layer, name, _weights(layer, folds))
    config = layer.get_config()
    if layer.name in folds.before and "use_bias" in config:
        config["use_bias"] = True
    return type(layer).from_config(config)


def _weights(layer: Layer, folds: Folds) -> "Weights":
    """Return the weights of ``layer`` with what is folded into them, a bias always with it."""
    before, after = folds.before.get(layer.name), folds.after.get(layer.name)
    weights: Weights = layer.get_weights()
    if before is None and after is None:
        return weights
    kernel = weights[0].astype(np.float64)
    transposed = "Transpose" in type(layer).__name__  # their kernels end in (out, in)
    bias = weights[1].astype(np.float64) if layer.use_bias else np.zeros(_outputs(layer))
    if before is not None:
        bias = bias + np.tensordot(
            before.shift, kernel.sum(axis=tuple(range(kernel.ndim - 2))), axes=1
        )
        kernel = kernel * before.scale[:, np.newaxis]
    if after is not None:
        scale = after.scale[:, np.newaxis] if transposed else after.scale
        kernel, bias = kernel * scale, bias * after.scale + after.shift
    return [kernel.astype(np.float32), bias.astype(np.float32)]


def _outputs(layer: Layer) -> int:
    return int(layer.output_shape[-1])


def _same(values: Tensor) -> Tensor:
    return values


def _channelwise(layer: Layer, name: str, affine: Affine) -> "Call":
    """Return a depthwise convolution of one by one that scales and shifts each channel."""
    scaling = tf_keras().layers.DepthwiseConv2D(1, name=name, trainable=layer.trainable)

    def call(values: Tensor) -> Tensor:
        channels = len(affine.scale)
        sizes = tuple(values.shape[1:])
        if len(sizes) == 3:  # noqa: PLR2004  height, width, channels
            return _with_weights(scaling, values, [affine.scale.reshape(1, 1, -1, 1), affine.shift])
        flat = _reshape(f"{name}_in", (1, int(np.prod(sizes[:-1], dtype=int)), channels))(values)
        result = _with_weights(scaling, flat, [affine.scale.reshape(1, 1, -1, 1), affine.shift])
        return _reshape(f"{name}_out", sizes)(result)

    return call


def _flat_convolution(layer: Layer, name: str, weights: "Weights") -> "Call":
    """Return a 1-D convolution, plain, depthwise or transposed, as a 2-D one of height 1."""
    kind = type(layer).__name__.replace("1D", "2D")
    config = layer.get_config()
    causal = config["padding"] == "causal"
    kept = (*_SETTINGS, "filters", "groups", "depth_multiplier")
    wide = {
        **{key: config[key] for key in kept if key in config},
        "use_bias": len(weights) > 1,
        "kernel_size": (1, layer.kernel_size[0]),
        "strides": (1, layer.strides[0]),
        "dilation_rate": (1, layer.dilation_rate[0]),
        "padding": "valid" if causal else config["padding"],
        "name": name,
    }
    convolution = getattr(tf_keras().layers, kind).from_config(wide)
    lead = layer.dilation_rate[0] * (layer.kernel_size[0] - 1) if causal else 0
    kernel, *bias = weights

    def call(values: Tensor) -> Tensor:
        if lead:
            values = tf_keras().layers.ZeroPadding1D((lead, 0), name=f"{name}_pad")(values)
        values = _reshape(f"{name}_in", (1, *values.shape[1:]))(values)
        values = _with_weights(convolution, values, [kernel[np.newaxis], *bias])
        return _reshape(f"{name}_out", tuple(values.shape[2:]))(values)

    return call


def _flat_pooling(layer: Layer, name: str, weights: "Weights") -> "Call":
    """Return a 1-D pooling as a 2-D one of height 1."""
    del weights
    kind = type(layer).__name__.replace("1D", "2D")
    pooling = getattr(tf_keras().layers, kind)(
        (1, _first(layer.pool_size)),
        strides=(1, _first(layer.strides)),
        padding=layer.padding,
        name=name,
    )

    def call(values: Tensor) -> Tensor:
        values = pooling(_reshape(f"{name}_in", (1, *values.shape[1:]))(values))
        return _reshape(f"{name}_out", tuple(values.shape[2:]))(values)

    return call


def _first(size: int | tuple[int, ...]) -> int:
    return size if isinstance(size, int) else size[0]


def _split_convolution(layer: Layer, name: str, weights: "Weights") -> "Call":
    """Return a separable convolution as a depthwise and a pointwise one."""
    config = layer.get_config()
    is_flat = type(layer).__name__.endswith("1D")
    depthwise_kernel, pointwise_kernel, *bias = weights
    if is_flat:
        depthwise_kernel = depthwise_kernel[np.newaxis]
        pointwise_kernel = pointwise_kernel[np.newaxis]
    causal = config["padding"] == "causal"
    depthwise = tf_keras().layers.DepthwiseConv2D(
        depthwise_kernel.shape[:2],
        strides=layer.strides * 2 if is_flat else layer.strides,  # equal, as TensorFlow demands
        dilation_rate=(1, layer.dilation_rate[0]) if is_flat else layer.dilation_rate,
        padding="valid" if causal else config["padding"],
        depth_multiplier=config["depth_multiplier"],
        use_bias=False,
        trainable=layer.trainable,
        name=f"{name}_depthwise",
    )
    pointwise = tf_keras().layers.Conv2D.from_config(
        {
            **{key: config[key] for key in (*_SETTINGS, "filters")},
            "kernel_size": 1,
            "name": f"{name}_pointwise",
        }
    )
    lead = layer.dilation_rate[0] * (layer.kernel_size[0] - 1) if causal else 0

    def call(values: Tensor) -> Tensor:
        if lead:
            values = tf_keras().layers.ZeroPadding1D((lead, 0), name=f"{name}_pad")(values)
        if is_flat:
            values = _reshape(f"{name}_in", (1, *values.shape[1:]))(values)
        values = _with_weights(depthwise, values, [depthwise_kernel])
        values = _with_weights(pointwise, values, [pointwise_kernel, *bias])
        return _reshape(f"{name}_out", tuple(values.shape[2:]))(values) if is_flat else values

    return call


def _reshape(name: str, shape: tuple[int, ...]) -> Layer:
    return tf_keras().layers.Reshape(shape, name=name)


def _with_weights(layer: Layer, values: Tensor, weights: "Weights") -> Tensor:
    """Return what ``layer`` gives for ``values``; its weights are set once it is built."""
    result = layer(values)
    layer.set_weights(weights)
    return result


_REWRITES = {
    "AveragePooling1D": (_flat_pooling, "an AveragePooling2D"),
    "Conv1D": (_flat_convolution, "a Conv2D"),
    "Conv1DTranspose": (_flat_convolution, "a Conv2DTranspose"),
    "DepthwiseConv1D": (_flat_convolution, "a DepthwiseConv2D"),
    "MaxPooling1D": (_flat_pooling, "a MaxPooling2D"),
    "SeparableConv1D": (_split_convolution, "a DepthwiseConv2D and a Conv2D"),
    "SeparableConv2D": (_split_convolution, "a DepthwiseConv2D and a Conv2D"),
}
