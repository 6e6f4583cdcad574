"""The values of a tensor: their type, and what real numbers its stored integers stand for."""

from typing import TYPE_CHECKING

import numpy as np

from edgekit.errors import UnsupportedModelError
from edgekit.model.values import NUMPY, Tensor
from edgekit.numerics.integers import dequantize, quantize

if TYPE_CHECKING:
    import numpy.typing as npt


def value_type(tensor: Tensor) -> "np.dtype[np.generic]":
    """Return the type of the values that a runtime takes or gives for ``tensor``.

    Raises:
        UnsupportedModelError: Texts, resources, packed or complex numbers.
    """
    if tensor.dtype not in NUMPY or tensor.dtype.startswith(("complex", "int4")):
        raise UnsupportedModelError(
            f"'{tensor.name}' is of {tensor.dtype}, which edgekit cannot give to a runtime",
            hint="convert the model with int8 or float32 inputs and outputs",
        )
    return np.dtype(NUMPY[tensor.dtype])


def is_quantized(tensor: Tensor) -> bool:
    """Return whether stored integers of ``tensor`` stand for real numbers."""
    return tensor.quantization is not None and value_type(tensor).kind in "iu"


def stored_values(real: "npt.NDArray[np.floating]", tensor: Tensor) -> "npt.NDArray[np.generic]":
    """Return ``real`` numbers as ``tensor`` stores them, of any shape.

    Args:
        real: Finite.
        tensor: An activation: kernels take the first of its scales.
    """
    made = tensor.quantization
    if made is None or not is_quantized(tensor):
        return real.astype(value_type(tensor))
    return quantize(
        real,
        scale=float(made.scales[0]),
        zero_point=int(made.zero_points[0]),
        dtype=tensor.dtype,
    )


def real_values(stored: "npt.NDArray[np.generic]", tensor: Tensor) -> "npt.NDArray[np.float32]":
    """Return the real numbers that ``stored`` stands for in ``tensor``, without a scale itself.

    Args:
        stored: A constant's values, of its shape; or an activation's, of any shape, of which
            kernels take the first scale.
        tensor: Of the values.
    """
    made = tensor.quantization
    if made is None or stored.dtype.kind not in "iu":
        return stored.astype(np.float32)
    if tensor.data is None:
        return dequantize(stored, scale=float(made.scales[0]), zero_point=int(made.zero_points[0]))
    return dequantize(
        stored, scale=made.scales, zero_point=made.zero_points, axis=tensor.channel_axis
    )
