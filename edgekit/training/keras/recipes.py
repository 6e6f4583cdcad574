"""What the converter makes of operations that become several of TFLite's, with each range.

Each recipe computes what Keras computes, by the operators that TFLite has for integers, and
lets every one of its steps be observed. The last step is observed by whoever calls it.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgekit.training._tensorflow import keras3, tensorflow
from edgekit.training.keras.freezing import frozen, frozen_pair
from edgekit.training.keras.rounding import bounds_of, plain, round_activation

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgekit.training._tensorflow import Layer, Tensor
    from edgekit.training.keras.precision import FixedRange, Precision

    Observed = Callable[[Tensor], Tensor]


@dataclass(frozen=True, kw_only=True, slots=True)
class Inside:
    """What a recipe is given beside its inputs.

    Args:
        layer: The Keras layer that it stands for, or None.
        observe: Rounds a step to its range; called in the same order each time.
        precision: Of the model; None rounds no constants.
        training: Whether batch statistics are used.
    """

    layer: "Layer"
    observe: "Observed"
    precision: "Precision | None"
    training: bool

    @property
    def symmetric(self) -> bool:
        """Whether activations have 16 bits, for which some operators have no kernel."""
        return self.precision is not None and self.precision.symmetric

    def constant(self, compute: "Callable[[], Tensor]") -> "Tensor":
        """Return a constant operand as the file holds it: per tensor, with a range of its own."""
        precision = self.precision
        if precision is None:
            return compute()
        low, high = frozen_pair(lambda: bounds_of(compute(), precision))
        return round_activation(frozen(compute), low, high, precision)

    def number(self, value: float, like: "Tensor") -> "Tensor":
        """Return a constant of one number, of the type of ``like``."""
        tf = tensorflow()
        return tf.cast(self.constant(lambda: tf.constant(value, tf.float32)), like.dtype)


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """How an operation is computed, and the ranges on the way.

    Args:
        compute: From `Inside` and the inputs to the output.
        ranges: One for each step that is observed: None to learn it, or whose it is.
    """

    compute: "Callable[..., Tensor]"
    ranges: "tuple[FixedRange | None, ...]" = ()


def silu(inside: Inside, values: "Tensor", **_: object) -> "Tensor":
    """Return ``values`` times their logistic function: LOGISTIC, MUL."""
    return values * inside.observe(tensorflow().sigmoid(values))


def hard_sigmoid(inside: Inside, values: "Tensor", **_: object) -> "Tensor":
    """Return ``relu6(values + 3) / 6``: ADD, MUL."""
    shifted = values + inside.number(3.0, values)
    rising = inside.observe(tensorflow().nn.relu6(shifted))
    return rising * inside.number(1.0 / 6.0, values)


def hard_silu(inside: Inside, values: "Tensor", **_: object) -> "Tensor":
    """Return ``values * relu6(values + 3) / 6``: HARD_SWISH, which has no 16-bit kernel."""
    if inside.symmetric:
        return values * inside.observe(hard_sigmoid(inside, values))
    return values * tensorflow().nn.relu6(values + 3.0) * (1.0 / 6.0)


def batch_normalization(inside: Inside, values: "Tensor", **_: object) -> "Tensor":
    """Return ``values`` normalized, where no kernel can take it in: MUL, ADD."""
    tf = tensorflow()
    layer = inside.layer
    shape = [1] * len(values.shape)
    shape[layer.axis] = -1
    mean, variance = layer.moving_mean, layer.moving_variance
    statistics = None
    if inside.training and layer.trainable:
        layer(values, training=True)  # moves its averages
        others = [axis for axis, size in enumerate(shape) if size == 1]
        statistics = tf.nn.moments(tf.cast(values, tf.float32), others)
    mean, variance = statistics or (mean.value, variance.value)
    return _affine(
        inside,
        values,
        lambda: tf.reshape(factor_of(layer, variance), shape),
        lambda: tf.reshape(shift_of(layer, mean, variance), shape),
    )


def rescaling(inside: Inside, values: "Tensor", **_: object) -> "Tensor":
    """Return ``values`` times a scale, plus an offset: MUL, ADD."""
    tf = tensorflow()
    layer = inside.layer
    return _affine(
        inside,
        values,
        lambda: tf.constant(layer.scale, tf.float32),
        lambda: tf.constant(layer.offset, tf.float32),
    )


def normalization(inside: Inside, values: "Tensor", **_: object) -> "Tensor":
    """Return ``values`` less their mean over their deviation, as adapted: MUL, ADD, no DIV."""
    tf = tensorflow()
    layer = inside.layer

    def mean() -> "Tensor":
        return tf.cast(layer.mean, tf.float32)

    def deviation() -> "Tensor":
        root = tf.sqrt(tf.cast(layer.variance, tf.float32))
        return tf.maximum(root, keras3().backend.epsilon())

    if layer.invert:
        return _affine(inside, values, deviation, mean)
    return _affine(inside, values, lambda: 1.0 / deviation(), lambda: -mean() / deviation())


def _affine(
    inside: Inside,
    values: "Tensor",
    factor: "Callable[[], Tensor]",
    shift: "Callable[[], Tensor]",
) -> "Tensor":
    tf = tensorflow()
    dtype = values.dtype
    product = inside.observe(values * tf.cast(inside.constant(factor), dtype))
    return product + tf.cast(inside.constant(shift), dtype)


def factor_of(layer: "Layer", variance: "Tensor") -> "Tensor":
    """Return what a BatchNormalization multiplies each channel by."""
    factor = tensorflow().math.rsqrt(variance + layer.epsilon)
    return factor if layer.gamma is None else factor * plain(layer.gamma)


def shift_of(layer: "Layer", mean: "Tensor", variance: "Tensor") -> "Tensor":
    """Return what a BatchNormalization adds to each channel."""
    shift = -mean * factor_of(layer, variance)
    return shift if layer.beta is None else shift + plain(layer.beta)


def layer_normalization(inside: Inside, values: "Tensor", **_: object) -> "Tensor":
    """Return each sample normalized, without NEG, which has no integer form."""
    tf = tensorflow()
    axes = _axes(inside.layer)
    mean = inside.observe(tf.reduce_mean(values, axes, keepdims=True))
    centered = inside.observe(values - mean)
    squares = centered * centered
    if not inside.symmetric:  # SQUARED_DIFFERENCE has no 16-bit kernel
        squares = tf.math.squared_difference(values, mean)
    return _scaled(inside, centered * _inverse_root(inside, squares, axes), axes)


def float_layer_normalization(layer: "Layer", values: "Tensor") -> "Tensor":
    """Return what a LayerNormalization computes, by operators that have integer forms."""
    inside = Inside(layer=layer, observe=lambda step: step, precision=None, training=False)
    return layer_normalization(inside, values)


def rms_normalization(inside: Inside, values: "Tensor", **_: object) -> "Tensor":
    """Return each sample divided by the root of its mean square."""
    axes = _axes(inside.layer)
    return _scaled(inside, values * _inverse_root(inside, values * values, axes), axes)


def _axes(layer: "Layer") -> list[int]:
    return list(layer.axis) if isinstance(layer.axis, (list, tuple)) else [layer.axis]


def _inverse_root(inside: Inside, squares: "Tensor", axes: list[int]) -> "Tensor":
    tf = tensorflow()
    mean = inside.observe(tf.reduce_mean(inside.observe(squares), axes, keepdims=True))
    above = inside.observe(mean + inside.number(inside.layer.epsilon, mean))
    return inside.observe(tf.math.rsqrt(above))


def _scaled(inside: Inside, values: "Tensor", axes: list[int]) -> "Tensor":
    """Return ``values`` times gamma plus beta, where the layer has them."""
    tf = tensorflow()
    rank = len(values.shape)
    wanted = {axis % rank for axis in axes}
    shape = [values.shape[axis] if axis in wanted else 1 for axis in range(rank)]
    gamma = _variable(inside.layer, "gamma", "scale")
    beta = _variable(inside.layer, "beta")
    if gamma is not None:
        factor = inside.constant(lambda: tf.reshape(plain(gamma), shape))
        values = inside.observe(values) * tf.cast(factor, values.dtype)
    if beta is not None:
        shift = inside.constant(lambda: tf.reshape(plain(beta), shape))
        values = inside.observe(values) + tf.cast(shift, values.dtype)
    return values


def _variable(layer: "Layer", *names: str) -> "Tensor | None":
    found = [getattr(layer, name, None) for name in names]
    return next((item for item in found if hasattr(item, "assign")), None)


def attention(
    inside: Inside,
    query: "Tensor",
    key: "Tensor",
    value: "Tensor",
    bias: None = None,
    mask: None = None,
    scale: float | None = None,
    **_: object,
) -> "Tensor":
    """Return the dot-product attention of heads: MUL, BATCH_MATMUL, SOFTMAX, BATCH_MATMUL."""
    del bias, mask  # such attention is left
    tf = tensorflow()
    if scale is None:
        scale = query.shape[-1] ** -0.5
    query = inside.observe(query * inside.number(scale, query))
    scores = inside.observe(tf.einsum("BTNH,BSNH->BNTS", query, key))
    shares = inside.observe(tf.nn.softmax(scores))
    return tf.einsum("BNTS,BSNH->BTNH", shares, value)


RECIPES: dict[str, Recipe] = {
    "attention": Recipe(compute=attention, ranges=(None, None, "softmax")),
    "batch_normalization": Recipe(compute=batch_normalization, ranges=(None,)),
    "hard_sigmoid": Recipe(compute=hard_sigmoid, ranges=(None,)),
    "hard_silu": Recipe(compute=hard_silu, ranges=(None, None)),
    "layer_normalization": Recipe(compute=layer_normalization, ranges=(None,) * 8),
    "normalization": Recipe(compute=normalization, ranges=(None,)),
    "rescaling": Recipe(compute=rescaling, ranges=(None,)),
    "rms_normalization": Recipe(compute=rms_normalization, ranges=(None,) * 6),
    "silu": Recipe(compute=silu, ranges=("sigmoid",)),
}
