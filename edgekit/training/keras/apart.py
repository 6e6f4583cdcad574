"""Layers that are several operations to the converter, taken apart."""

from dataclasses import replace
from typing import TYPE_CHECKING

from edgekit.training._tensorflow import keras3
from edgekit.training.keras.treatments import KERNELS, name_of
from edgekit.training.keras.walk import KerasGraph, LayerCall, Ref, free_name

if TYPE_CHECKING:
    from edgekit.training._tensorflow import Config, Layer

_SEPARABLE = {
    "SeparableConv1D": ("DepthwiseConv1D", "Conv1D"),
    "SeparableConv2D": ("DepthwiseConv2D", "Conv2D"),
}


def apart(graph: KerasGraph) -> KerasGraph:
    """Return ``graph`` with separable convolutions as two, and activations by themselves.

    An activation has the name of its layer, for it makes the output; a kernel without it is
    called by a `edgekit.training.keras.aware.Aware` that leaves it out.
    """
    names = {step.name for step in graph.steps}
    steps: list[LayerCall] = []
    for step in graph.steps:
        for part in _separated(graph, step, names):
            steps.extend(_activation_apart(graph, part, names))
    return replace(graph, steps=steps)


def _activation_apart(graph: KerasGraph, step: LayerCall, names: set[str]) -> list[LayerCall]:
    layer = step.operation
    kind = type(layer).__name__
    if kind not in KERNELS or not type(layer).__module__.startswith("keras."):
        return [step]
    name = name_of(layer.activation)
    if name == "linear":
        return [step]
    (output,) = step.outputs
    between = graph.new(graph.specs[output])
    activation = LayerCall(
        operation=_activation(layer, name),
        args=(Ref(edge=between),),
        kwargs={},
        outputs=(output,),
        name=step.name,
    )
    bare = free_name(f"{step.name}_{'kernel' if name in {'relu', 'relu6'} else 'linear'}", names)
    return [replace(step, outputs=(between,), name=bare), activation]


def _activation(layer: "Layer", name: str | None) -> "Layer":
    layers = keras3().layers
    options: Config = {"name": layer.name, "dtype": layer.dtype_policy}
    if name == "relu":
        return layers.ReLU(**options)
    if name == "relu6":
        return layers.ReLU(6.0, **options)
    return layers.Activation(layer.activation, **options)


def _separated(graph: KerasGraph, step: LayerCall, names: set[str]) -> list[LayerCall]:
    layer = step.operation
    kinds = _SEPARABLE.get(type(layer).__name__)
    if kinds is None or not layer.built or not type(layer).__module__.startswith("keras."):
        return [step]
    depthwise, pointwise = _halves(layer, *kinds)
    (given,) = step.inputs
    spec = depthwise.compute_output_spec(graph.specs[given])
    between = graph.new(keras3().KerasTensor(spec.shape, dtype=graph.specs[step.outputs[0]].dtype))
    first = replace(
        step,
        operation=depthwise,
        outputs=(between,),
        name=free_name(f"{step.name}_depthwise", names),
    )
    return [first, replace(step, operation=pointwise, args=(Ref(edge=between),))]


def _halves(layer: "Layer", first: str, second: str) -> "tuple[Layer, Layer]":
    """Return a depthwise and a pointwise convolution with the weights of a separable one."""
    layers = keras3().layers
    config = layer.get_config()
    shared = {"dtype": layer.dtype_policy, "trainable": layer.trainable}
    depthwise = getattr(layers, first)(
        **shared,
        **{
            key: config[key]
            for key in ("kernel_size", "strides", "padding", "dilation_rate", "depth_multiplier")
        },
        depthwise_regularizer=layer.depthwise_regularizer,
        use_bias=False,
        name=f"{layer.name}_depthwise",
    )
    pointwise = getattr(layers, second)(
        layer.filters,
        1,
        **shared,
        activation=layer.activation,
        use_bias=layer.use_bias,
        kernel_regularizer=layer.pointwise_regularizer,
        bias_regularizer=layer.bias_regularizer,
        name=layer.name,
    )
    channels = layer.depthwise_kernel.shape[-2]
    open_sizes = [None] * layer.rank
    depthwise.build((None, *open_sizes, channels))
    pointwise.build((None, *open_sizes, layer.pointwise_kernel.shape[-2]))
    depthwise.set_weights([layer.depthwise_kernel])
    bias = [layer.bias] if layer.use_bias else []
    pointwise.set_weights([layer.pointwise_kernel, *bias])
    return depthwise, pointwise
