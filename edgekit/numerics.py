"""The arithmetic of quantization on NumPy arrays, with the runtimes' own rounding."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt


def quantize(
    real: "npt.NDArray[np.float32]", *, scale: float, zero_point: int, dtype: str
) -> "npt.NDArray[np.generic]":
    """Return ``real`` as stored integers: ``round(real / scale) + zero_point``, saturated.

    Rounds half away from zero, as TFLite's QUANTIZE does (``AffineQuantize`` in
    kernels/internal/reference/quantize.h); the division is float32's, as there.

    Args:
        real: Any shape; finite.
        scale: Of one step, above 0.
        zero_point: The stored value that stands for 0.0.
        dtype: ``"int8"``, ``"uint8"`` or ``"int16"``.
    """
    limits = np.iinfo(dtype)
    steps = (np.asarray(real, np.float32) / np.float32(scale)).astype(np.float64)
    rounded = np.trunc(steps + np.copysign(0.5, steps)) + zero_point
    stored: npt.NDArray[np.generic] = np.clip(rounded, limits.min, limits.max).astype(dtype)
    return stored


def dequantize(
    stored: "npt.NDArray[np.generic]", *, scale: float, zero_point: int
) -> "npt.NDArray[np.float32]":
    """Return the float32 numbers that ``stored`` stands for: ``scale * (stored - zero_point)``."""
    return np.float32(scale) * (stored.astype(np.int64) - zero_point).astype(np.float32)
