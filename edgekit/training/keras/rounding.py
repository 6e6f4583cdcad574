"""Fake quantization: values on the grid of their integers, gradients as if they were not.

Gradients pass rounding as they are (Bengio and others, Estimating or Propagating Gradients
Through Stochastic Neurons, 2013) and stop outside of an activation's range.
"""

from typing import TYPE_CHECKING

from edgekit.training._tensorflow import keras3, tensorflow
from edgekit.training.keras.freezing import constant

if TYPE_CHECKING:
    from edgekit.training._tensorflow import Tensor, Tensors
    from edgekit.training.keras.precision import Precision

_HALF = 1e-3  # what a float half may lack; averages of up to 200 values come no nearer to one
_NARROWEST = 1e-5  # a range of nothing has no step


def on_weight_grid(kernel: "Tensor", *, bits: int, axes: tuple[int, ...]) -> "Tensor":
    """Return ``kernel`` as its integers stand for it: ``step = max|w| / (2^(bits-1) - 1)``.

    Args:
        kernel: float32; zeros stay exact.
        bits: Of a weight.
        axes: Of the kernel, that get a step for each of their entries; none for one step.
    """
    tf = tensorflow()
    last = float(2 ** (bits - 1) - 1)
    others = [axis for axis in range(len(kernel.shape)) if axis not in axes]
    largest = tf.reduce_max(tf.abs(kernel), others, keepdims=True)
    step = tf.where(largest > 0, largest, 1.0) / last
    return tf.clip_by_value(tf.round(kernel / step), -last, last) * step


def round_weights(kernel: "Tensor", *, bits: int, axes: tuple[int, ...]) -> "Tensor":
    """Return ``kernel`` on its grid; its gradient is that of ``kernel``."""
    tf = tensorflow()
    return kernel + tf.stop_gradient(on_weight_grid(kernel, bits=bits, axes=axes) - kernel)


def with_range(kernel: "Tensor", *, axes: tuple[int, ...]) -> "Tensor":
    """Return a constant ``kernel`` on its grid with its range, of 8 bits, beside it.

    By itself the converter takes a step for each channel of what it finds to be a kernel, and
    with 16-bit activations it quantizes none. It takes ranges by channel along the last axis
    alone. A channel of zeros gets the widest range, for a bias is counted in its step.

    Args:
        kernel: Of `on_weight_grid`.
        axes: The last ones, or none.
    """
    tf = tensorflow()
    options = {"num_bits": 8, "narrow_range": True}
    if not axes:
        bound = tf.constant(max(abs(constant(kernel)).max(), _NARROWEST), tf.float32)
        return tf.quantization.fake_quant_with_min_max_vars(kernel, -bound, bound, **options)
    values = constant(kernel)
    rows = values.reshape(*values.shape[: -len(axes)], -1)
    bound = abs(rows).max(axis=tuple(range(rows.ndim - 1)))
    bound[bound == 0] = max(bound.max(), _NARROWEST)
    rounded = tf.quantization.fake_quant_with_min_max_vars_per_channel(
        tf.reshape(kernel, rows.shape), -bound, bound, **options
    )
    return tf.reshape(rounded, values.shape)


def bounds(low: "Tensors", high: "Tensors", precision: "Precision") -> "tuple[Tensor, Tensor]":
    """Return the range that a tensor with values from ``low`` to ``high`` has in the file.

    0 lies in it; with 16 bits it lies in the middle.
    """
    tf = tensorflow()
    if precision.symmetric:
        bound = tf.maximum(tf.maximum(-low, high), _NARROWEST)
        return -bound, bound
    low = tf.minimum(low, 0.0)
    return low, tf.maximum(high, tf.maximum(low + _NARROWEST, 0.0))


def bounds_of(values: "Tensor", precision: "Precision") -> "tuple[Tensor, Tensor]":
    """Return the range of a constant operand; no gradient goes through it."""
    tf = tensorflow()
    still = tf.stop_gradient(values)
    return bounds(tf.reduce_min(still), tf.reduce_max(still), precision)


def round_activation(
    values: "Tensor", low: "Tensors", high: "Tensors", precision: "Precision"
) -> "Tensor":
    """Return ``values`` on the grid of a tensor with a range of `bounds`.

    Args:
        values: Of any float type, which the result has too.
        low: The least value of the range.
        high: The greatest.
        precision: Of the model.
    """
    tf = tensorflow()
    rounded = tf.quantization.fake_quant_with_min_max_vars(
        tf.cast(values, tf.float32),
        low,
        high,
        num_bits=precision.activation_bits,
        narrow_range=precision.symmetric,
    )
    return tf.cast(rounded, values.dtype)


def round_average(
    values: "Tensor", low: "Tensors", high: "Tensors", precision: "Precision"
) -> "Tensor":
    """Return averages of values on a grid on that grid, as AVERAGE_POOL_2D rounds them.

    Halves of the stored integers go away from zero there; other arguments as in
    `round_activation`.
    """
    tf = tensorflow()
    given = tf.cast(values, tf.float32)
    steps = float(2**precision.activation_bits - (2 if precision.symmetric else 1))
    scale = tf.stop_gradient(high - low) / steps
    least = -float(2 ** (precision.activation_bits - 1) - precision.symmetric)
    zero_point = tf.round(least - low / scale)
    stored = given / scale + zero_point
    rounded = tf.sign(stored) * tf.floor(tf.abs(stored) + 0.5 + _HALF)
    result = given + tf.stop_gradient((rounded - zero_point) * scale - given)
    return tf.cast(result, values.dtype)


def plain(variable: "Tensor") -> "Tensor":
    """Return the value of a Keras variable as it is kept, not cast for mixed precision."""
    with keras3().src.backend.AutocastScope(None):  # there is no public way
        return variable.value
