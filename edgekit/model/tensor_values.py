"""What can be given to a model's inputs and read from its outputs: numbers, and not too many."""

import numpy as np

from edgekit.errors import UnsupportedModelError
from edgekit.model.values import NUMPY, Tensor
from edgekit.quantity import format_bytes

MOST_ELEMENTS = 2**25
"""Of one sample of one input that edgekit makes itself: an image of 3300 x 3300 in colour."""
MOST_SAMPLES_BYTES = 2**31
"""Of all samples of one input that edgekit makes itself."""


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


def check_samples(tensor: Tensor, count: int) -> None:
    """Let pass an input for which ``count`` samples can be made.

    Raises:
        UnsupportedModelError: They would fill the memory, or are of a type without numbers.
    """
    needed = count * tensor.elements * value_type(tensor).itemsize
    if tensor.elements > MOST_ELEMENTS or needed > MOST_SAMPLES_BYTES:
        raise UnsupportedModelError(
            f"'{tensor.name}' of the shape {tensor.shape} is too large an input: "
            f"{count} samples take {format_bytes(needed)}"
        )
