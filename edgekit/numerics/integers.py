"""Real numbers as integers and back, and zeros among weights: the functions of `edgekit.numerics`.

Nothing here knows of models: arrays go in, new arrays come out, of any shape. How it is done,
with numbers to follow by hand, stands in docs/arithmetic.md.
"""

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import numpy as np

from edgekit.errors import InputError, MissingDependencyError
from edgekit.numerics.masks import keep_largest, zero_fraction
from edgekit.numerics.ranges import Range, activation_range

if TYPE_CHECKING:
    import numpy.typing as npt

    Reals = npt.NDArray[np.floating]
    Scale: TypeAlias = float | npt.NDArray[np.floating]
    ZeroPoint: TypeAlias = int | npt.NDArray[np.integer]

__all__ = [
    "MOST_BITS",
    "QuantizedWeights",
    "Range",
    "activation_range",
    "along",
    "correct_bias",
    "dequantize",
    "dequantize_weights",
    "prune_by_ratio",
    "prune_by_threshold",
    "quantize",
    "quantize_weights",
    "round_to_float8",
    "sparsity",
    "weight_steps",
]

Number = TypeVar("Number", bound=np.number)

MOST_BITS = 16
_INT8_BITS = 8
_MOST_FLOAT8 = 448.0  # of E4M3, which has no infinity


@dataclass(frozen=True, kw_only=True, slots=True)
class QuantizedWeights:
    """Weights on a symmetric grid: ``real = step * stored``.

    Args:
        stored: int8 (int16 above 8 bits), of the weights' shape, in
            ``[-(2^(bits-1) - 1), 2^(bits-1) - 1]``; -1 and 1 for one bit.
        steps: float32, shape ``(1,)`` for one step, or ``(channels,)``.
        axis: The dimension that the channels run along; None for one step.
        bits: Of a stored value.
    """

    stored: "npt.NDArray[np.signedinteger]"
    steps: "npt.NDArray[np.float32]"
    axis: int | None
    bits: int


def quantize(
    real: "Reals", *, scale: "Scale", zero_point: "ZeroPoint", dtype: str, axis: int | None = None
) -> "npt.NDArray[np.generic]":
    """Return ``real`` as stored integers: ``round(real / scale) + zero_point``, saturated.

    Rounds half away from zero and divides in float32, as QUANTIZE does in TFLite-Micro and in
    LiteRT's reference kernels (``AffineQuantize`` in kernels/internal/reference/quantize.h).
    LiteRT's optimized kernels multiply with float32's reciprocal and round half to even: at
    halfway points they may be one step off. Numbers beyond the range take its end, however far.

    Args:
        real: Any shape; finite.
        scale: Of one step, above 0; or one a channel, shape ``(channels,)``.
        zero_point: The stored value that stands for 0.0, or one a channel.
        dtype: ``"int8"``, ``"uint8"`` or ``"int16"``.
        axis: The dimension that the channels run along; None for one scale.
    """
    limits = np.iinfo(dtype)
    rounded = _rounded(real, along(np.asarray(scale, np.float32), np.ndim(real), axis))
    shifted = rounded + along(np.asarray(zero_point, np.int64), np.ndim(real), axis)
    stored: npt.NDArray[np.generic] = np.clip(shifted, limits.min, limits.max).astype(dtype)
    return stored


def dequantize(
    stored: "npt.NDArray[np.generic]",
    *,
    scale: "Scale",
    zero_point: "ZeroPoint",
    axis: int | None = None,
) -> "npt.NDArray[np.float32]":
    """Return the float32 numbers that ``stored`` stands for: ``scale * (stored - zero_point)``.

    Arguments are those of `quantize`; the difference is an integer's, the product float32's, as
    in ``Dequantize`` of kernels/internal/reference/dequantize.h.
    """
    zero_points = along(np.asarray(zero_point, np.int64), stored.ndim, axis)
    steps = stored.astype(np.int64) - zero_points
    scales = along(np.asarray(scale, np.float32), stored.ndim, axis)
    return np.asarray(scales * steps.astype(np.float32), np.float32)


def quantize_weights(
    weights: "Reals", *, bits: int = 8, axis: int | None = None
) -> QuantizedWeights:
    """Return ``weights`` on the symmetric grid of ``bits`` bits: ``round(w / step)``, saturated.

    The largest magnitude takes the last step, ``step = max|w| / (2^(bits-1) - 1)``: the lowest
    code is left out, as in TFLite's 8-bit quantization specification, so that a weight and its
    negative are equally far from 0. That leaves nothing for one bit: there the stored value is
    the sign (1 for 0.0) and the step is ``mean|w|``, which comes nearest in squares (Rastegari
    and others, XNOR-Net, 2016, equation 6).

    Args:
        weights: float, any shape; finite. Left as they were.
        bits: From 1 to 16.
        axis: The dimension whose entries get a step each: the output channels, which are the
            last of a Keras kernel and the first of a TFLite one. None: one step for all.

    Raises:
        InputError: Another number of bits, no such dimension, no weights, or NaN or infinity.
    """
    axis = _checked(weights, bits, axis)
    values = np.asarray(weights, np.float32)
    steps = weight_steps(values, bits=bits, axis=axis)
    dtype = np.dtype(np.int8 if bits <= _INT8_BITS else np.int16)
    if bits == 1:
        stored = np.where(values < 0, -1, 1)
    else:
        last = 2 ** (bits - 1) - 1
        stored = np.clip(_rounded(values, along(steps, values.ndim, axis)), -last, last)
    return QuantizedWeights(stored=stored.astype(dtype), steps=steps, axis=axis, bits=bits)


def dequantize_weights(weights: QuantizedWeights) -> "npt.NDArray[np.float32]":
    """Return the float32 numbers that ``weights`` stand for, of their shape."""
    return dequantize(weights.stored, scale=weights.steps, zero_point=0, axis=weights.axis)


def weight_steps(
    weights: "Reals", *, bits: int = 8, axis: int | None = None
) -> "npt.NDArray[np.float32]":
    """Return the steps of `quantize_weights`, float32, shape ``(1,)`` or ``(channels,)``.

    Zeros have no largest magnitude: their step is 1.0, as in TFLite's ``SymmetricQuantizeFloats``
    (kernels/internal/reference/portable_tensor_utils.cc). So is a step that float32 holds only
    in part, below 1.2e-38.
    """
    axis = _checked(weights, bits, axis)
    magnitudes = np.abs(np.asarray(weights, np.float32))
    rows = magnitudes.reshape(1, -1) if axis is None else _by_channel(magnitudes, axis)
    if bits == 1:
        steps = rows.mean(axis=1, dtype=np.float64).astype(np.float32)
    else:
        steps = rows.max(axis=1) / np.float32(2 ** (bits - 1) - 1)
    return np.where(steps < np.finfo(np.float32).tiny, np.float32(1), steps)


def round_to_float8(weights: "Reals", *, axis: int | None = None) -> "npt.NDArray[np.float32]":
    """Return ``weights`` as float8 E4M3 holds them: 4 bits of exponent, 3 of mantissa.

    The largest magnitude takes the largest number, 448; rounded half to even, and small numbers
    to multiples of 2^-9 (Micikevicius and others, FP8 Formats for Deep Learning, 2022).

    Args:
        weights: float, any shape; finite. Left as they were.
        axis: The dimension whose entries get a scale each; None: one scale for all.

    Raises:
        MissingDependencyError: ml_dtypes, which brings the type, is not installed.
        InputError: As `quantize_weights`.
    """
    if find_spec("ml_dtypes") is None:
        raise MissingDependencyError("ml_dtypes is not installed", hint="pip install ml_dtypes")
    from ml_dtypes import float8_e4m3fn

    axis = _checked(weights, _INT8_BITS, axis)
    values = np.asarray(weights, np.float32)
    magnitudes = np.abs(values)
    rows = magnitudes.reshape(1, -1) if axis is None else _by_channel(magnitudes, axis)
    scales = rows.max(axis=1) / np.float32(_MOST_FLOAT8)
    scales = np.where(scales < np.finfo(np.float32).tiny, np.float32(1), scales)
    spread = along(scales, values.ndim, axis)
    shares = np.clip(values / spread, -_MOST_FLOAT8, _MOST_FLOAT8)  # beyond them lies NaN
    return np.asarray(shares.astype(float8_e4m3fn).astype(np.float32) * spread, np.float32)


def prune_by_ratio(weights: "Reals", ratio: float) -> "Reals":
    """Return ``weights`` with ``round(ratio * size)`` of them zero, the smallest magnitudes first.

    Args:
        weights: Any shape; left as they were. Every single weight counts, not rows of them;
            among equals the first of the array go first.
        ratio: In [0, 1].

    Raises:
        InputError: ``ratio`` is no fraction.
    """
    if not 0 <= ratio <= 1:
        raise InputError(f"the ratio is {ratio:g}, not between 0 and 1")
    return np.where(keep_largest(weights, ratio), weights, weights.dtype.type(0))


def prune_by_threshold(weights: "Reals", multiple: float) -> "Reals":
    """Return ``weights`` with those zero whose magnitude is below ``multiple * mean|w|``.

    Args:
        weights: Any shape; left as they were.
        multiple: At least 0, of the mean absolute value over the whole array.

    Raises:
        InputError: ``multiple`` is negative or no number.
    """
    if not multiple >= 0:
        raise InputError(f"the multiple of the mean magnitude is {multiple:g}, not 0 or more")
    magnitudes = np.abs(weights)
    threshold = multiple * (magnitudes.mean(dtype=np.float64) if weights.size else 0.0)
    return np.where(magnitudes < threshold, weights.dtype.type(0), weights)


def sparsity(weights: "Reals") -> float:
    """Return the fraction of exact zeros among all single weights; 0 of none."""
    return zero_fraction(weights) if weights.size else 0.0


def correct_bias(
    bias: "Reals", *, wanted: "Reals", found: "Reals", axis: int = -1
) -> "npt.NDArray[np.float32]":
    """Return ``bias`` moved so that each channel's mean output is the float model's again.

    ``bias + mean(wanted - found)``, the mean over all that is not the channel (Nagel and others,
    Data-Free Quantization, 2019, section 4.2, measured on data instead of derived). Outputs are
    taken before the activation function: behind one that clips, means do not add up.

    Args:
        bias: float, shape ``(channels,)``; left as it was.
        wanted: The float layer's outputs on calibration samples, any shape with the channels
            along ``axis``.
        found: The quantized layer's on the same samples, as real numbers, of the same shape.
        axis: The dimension that the channels run along.

    Raises:
        InputError: Shapes that do not belong together.
    """
    if wanted.shape != found.shape or wanted.shape[axis] != bias.size:
        raise InputError(
            f"outputs of the shapes {wanted.shape} and {found.shape} do not fit "
            f"{bias.size} biases along axis {axis}"
        )
    difference = np.asarray(wanted, np.float64) - np.asarray(found, np.float64)
    shift = _by_channel(difference, axis % difference.ndim).mean(axis=1)
    return np.asarray(bias + shift, np.float32)


def along(
    values: "npt.NDArray[Number]", dimensions: int, axis: int | None
) -> "npt.NDArray[Number]":
    """Return one value a channel in the shape that meets an array along ``axis``.

    Args:
        values: One, or shape ``(channels,)``.
        dimensions: Of the array to meet.
        axis: The dimension that the channels run along; None for one value.
    """
    if values.size == 1:
        return values.reshape(())
    if axis is None:
        raise ValueError(f"{values.size} values, and no axis to lay them along")
    shape = [1] * dimensions
    shape[axis] = -1
    return values.reshape(shape)


def _rounded(real: "Reals", scale: "npt.NDArray[np.float32]") -> "npt.NDArray[np.float64]":
    """Return ``real / scale``, divided in float32, rounded half away from zero."""
    steps = (np.asarray(real, np.float32) / scale).astype(np.float64)
    return np.asarray(np.trunc(steps + np.copysign(0.5, steps)), np.float64)


def _by_channel(values: "Reals", axis: int) -> "Reals":
    """Return ``values`` as rows of a channel each."""
    return np.moveaxis(values, axis, 0).reshape(values.shape[axis], -1)


def _checked(weights: "Reals", bits: int, axis: int | None) -> int | None:
    """Return ``axis`` counted from the front, or refuse the arguments."""
    if not 1 <= bits <= MOST_BITS:
        raise InputError(f"weights of {bits} bits, where 1 to {MOST_BITS} can be", hint="bits=8")
    if weights.size == 0:
        raise InputError("there are no weights")
    if not np.isfinite(weights).all():
        raise InputError("the weights hold NaN or infinity")
    if axis is None:
        return None
    if not -weights.ndim <= axis < weights.ndim:
        raise InputError(f"axis {axis} of weights with the shape {weights.shape}")
    return axis % weights.ndim
