"""What the converter makes of each layer and operation of Keras: does it need a range?"""

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgekit.training._tensorflow import Layer, Tensor
    from edgekit.training.keras.precision import FixedRange
    from edgekit.training.keras.walk import LayerCall

Treatment = Literal[
    "average", "fixed", "inside", "joined", "kernel", "plain", "recipe", "relu", "same", "sum"
]

KERNELS = frozenset(
    {
        "Conv1D",
        "Conv1DTranspose",
        "Conv2D",
        "Conv2DTranspose",
        "Dense",
        "DepthwiseConv1D",
        "DepthwiseConv2D",
        "EinsumDense",
    }
)
_SAME_LAYERS = frozenset(
    {
        "ActivityRegularization",
        "AlphaDropout",
        "Cropping1D",
        "Cropping2D",
        "Dropout",
        "Flatten",
        "GaussianDropout",
        "GaussianNoise",
        "GlobalMaxPooling1D",
        "GlobalMaxPooling2D",
        "Identity",
        "MaxPooling1D",
        "MaxPooling2D",
        "Permute",
        "RepeatVector",
        "Reshape",
        "SpatialDropout1D",
        "SpatialDropout2D",
        "UpSampling1D",
        "UpSampling2D",
        "ZeroPadding1D",
        "ZeroPadding2D",
    }
)
_SAME_OPERATIONS = frozenset(
    {
        "Amax",
        "Amin",
        "BroadcastTo",
        "Cast",
        "Copy",
        "DepthToSpace",
        "ExpandDims",
        "Flip",
        "GetItem",
        "Max",
        "MaxPool",
        "Min",
        "Moveaxis",
        "Pad",
        "Ravel",
        "Rearrange",
        "Repeat",
        "Reshape",
        "Resize",
        "Slice",
        "SpaceToDepth",
        "Split",
        "Squeeze",
        "StopGradient",
        "Swapaxes",
        "Tile",
        "Transpose",
        "Unstack",
    }
)
_AVERAGES = frozenset({"AveragePool", "AveragePooling1D", "AveragePooling2D"})
_EXTREMES = frozenset({"Maximum", "Minimum"})
_JOINED = frozenset({"Concatenate", "Maximum", "Minimum", "Select", "Stack", "Where"})
_SUMS = frozenset({"Add", "Multiply", "Subtract"})
_FIXED: "dict[str, FixedRange]" = {"sigmoid": "sigmoid", "softmax": "softmax", "tanh": "tanh"}
_FUSED = frozenset({"relu", "relu6"})
_RECIPES = {
    "BatchNormalization": "batch_normalization",
    "DotProductAttention": "attention",
    "LayerNormalization": "layer_normalization",
    "Normalization": "normalization",
    "RMSNormalization": "rms_normalization",
    "Rescaling": "rescaling",
}
_ACTIVATION_RECIPES = frozenset({"hard_sigmoid", "hard_silu", "silu"})
_ACTIVATIONS = {
    "HardSigmoid": "hard_sigmoid",
    "HardSilu": "hard_silu",
    "Relu": "relu",
    "Relu6": "relu6",
    "Sigmoid": "sigmoid",
    "Silu": "silu",
    "Softmax": "softmax",
    "Tanh": "tanh",
}
_PLAIN_LAYERS = frozenset(
    {
        "ELU",
        "Embedding",
        "GlobalAveragePooling1D",
        "GlobalAveragePooling2D",
        "LeakyReLU",
        "PReLU",
        "ReLU",
    }
)
_ONE_OPERATOR = 2  # inputs of a sum; more of them are a chain


def treatment(step: "LayerCall") -> Treatment:
    """Return how a call is taken."""
    operation = step.operation
    if not _is_kerass_own(operation):
        return "inside" if is_layer(operation) else "plain"
    activation = activation_name(operation)
    if activation is not None:
        return _of_activation(activation)
    if recipe_name(step) is not None:
        return "recipe"
    if type(operation).__name__ in _AVERAGES:
        return "average"
    return _of_layer(step) if is_layer(operation) else _of_operation(step)


def _of_activation(name: str) -> Treatment:
    if name == "linear":
        return "same"
    if name in _FUSED:
        return "relu"
    if name in _FIXED:
        return "fixed"
    return "recipe" if name in _ACTIVATION_RECIPES else "plain"


def _of_operation(step: "LayerCall") -> Treatment:
    kind = type(step.operation).__name__
    if kind in _EXTREMES and len(step.inputs) == 1:
        return "plain"  # the converter takes the greater of a tensor and 0 for a ReLU
    if kind in _JOINED:
        return "joined"
    if kind in _SUMS:
        return "sum"
    return "same" if kind in _SAME_OPERATIONS else "plain"


def _of_layer(step: "LayerCall") -> Treatment:
    layer = step.operation
    kind = type(layer).__name__
    if kind in KERNELS:
        return "kernel"
    if kind in _SAME_LAYERS or ".image_preprocessing." in type(layer).__module__:
        return "same"
    if kind in _JOINED:
        return "joined"
    if kind in _SUMS and len(step.inputs) <= _ONE_OPERATOR:
        return "sum"
    return "plain" if kind in _PLAIN_LAYERS else "inside"


def recipe_name(step: "LayerCall") -> str | None:
    """Return the name of the recipe that computes a call, or None."""
    activation = activation_name(step.operation)
    if activation in _ACTIVATION_RECIPES:
        return activation
    return None if _is_masked(step) else _RECIPES.get(type(step.operation).__name__)


def fixed_range_name(step: "LayerCall") -> "FixedRange | None":
    """Return the activation whose range the runtimes fix that a call is, or None."""
    activation = activation_name(step.operation)
    return _FIXED.get(activation) if activation else None


def activation_name(operation: "Layer") -> str | None:
    """Return which of Keras's activations a layer or an operation is, or None."""
    kind = type(operation).__name__
    if kind == "ReLU":
        if operation.negative_slope or operation.threshold:
            return None
        return {None: "relu", 6.0: "relu6"}.get(operation.max_value)
    if kind != "Activation":
        return _ACTIVATIONS.get(kind)
    return name_of(operation.activation)


def name_of(activation: "Callable[..., Tensor] | None") -> str | None:
    """Return the name of one of Keras's activation functions; None for a user's own."""
    if activation is None:
        return "linear"
    own = getattr(activation, "__module__", "").startswith("keras.")
    return str(activation.__name__) if own and hasattr(activation, "__name__") else None


def is_layer(operation: "Layer") -> bool:
    """Return whether ``operation`` is a layer, not an operation such as ``+``."""
    return hasattr(operation, "trainable_variables")


def _is_masked(step: "LayerCall") -> bool:
    if type(step.operation).__name__ != "DotProductAttention":
        return False
    places = dict(zip(("query", "key", "value", "bias", "mask"), step.args, strict=False))
    given = {**places, **step.kwargs}
    causal = given.get("is_causal") or getattr(step.operation, "is_causal", False)
    return bool(causal) or any(given.get(name) is not None for name in ("bias", "mask"))


def _is_kerass_own(operation: "Layer") -> bool:
    return type(operation).__module__.startswith("keras.")
