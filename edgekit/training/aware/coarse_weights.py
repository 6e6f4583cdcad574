"""Training with weights of few bits in mind, and putting them on their grid when it is done.

tfmot's quantizers know the 8-bit grid of the converter. Here each kernel is rounded to the grid
of `edgekit.numerics.quantize_weights` on its way forward, while gradients pass as if it were not
(Bengio and others, Estimating or Propagating Gradients Through Stochastic Neurons, 2013).
"""

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from edgekit.numerics.integers import dequantize_weights, quantize_weights
from edgekit.training._tensorflow import tensorflow

if TYPE_CHECKING:
    import numpy.typing as npt

    from edgekit.specs import QuantizeSpec
    from edgekit.training._tensorflow import Layer, Model, Tensor, Tensors

    Floats = npt.NDArray[np.float32]

_BITS = 8  # of tfmot's own quantizers
_CHANNELS: dict[str, tuple[int, ...]] = {
    "Conv2D": (3,),
    "Conv2DTranspose": (2,),
    "Dense": (1,),
    "DepthwiseConv2D": (2, 3),
}
"""By layer: the axes of its kernel that make an output channel."""
_INT4_CHANNELS: dict[str, tuple[int, ...]] = {
    "Conv2D": (3,),
    "Dense": (),  # its int4 kernel takes one scale for all
    "DepthwiseConv2D": (2, 3),
}


class LowBitWeights:
    """Rounds a kernel to few bits in training; in use it passes what `settle` has rounded.

    It stands in the place of a weight quantizer of tfmot and is called as one.

    Args:
        bits: Of a weight, 1 to 7.
        axes: Of the kernel, that get a step for each of their entries; none for one step.
    """

    def __init__(self, bits: int, axes: tuple[int, ...]) -> None:
        self._bits = bits
        self._axes = axes

    def __call__(self, kernel: "Tensors", training: bool, **_: object) -> "Tensors":  # noqa: FBT001  tfmot's call
        """Return ``kernel`` as the layer multiplies with it."""
        if not training:
            return kernel
        tf = tensorflow()
        others = [axis for axis in range(len(kernel.shape)) if axis not in self._axes]
        magnitudes = tf.abs(kernel)
        if self._bits == 1:
            step = tf.reduce_mean(magnitudes, others, keepdims=True)
            rounded = tf.where(kernel < 0, -step, step)
        else:
            last = float(2 ** (self._bits - 1) - 1)
            step = tf.reduce_max(magnitudes, others, keepdims=True) / last
            counts = tf.floor(tf.math.divide_no_nan(magnitudes, step) + 0.5)
            rounded = tf.sign(kernel) * tf.minimum(counts, last) * step
        return kernel + tf.stop_gradient(rounded - kernel)

    def rounded(self, kernel: "Floats") -> "Floats":
        """Return the values that ``kernel`` takes in training."""
        channels = [kernel.shape[axis] for axis in self._axes]
        front = np.moveaxis(kernel, self._axes, range(len(channels)))
        rows = front.reshape(prod(channels), -1)
        axis = 0 if channels else None
        values = dequantize_weights(quantize_weights(rows, bits=self._bits, axis=axis))
        return np.moveaxis(values.reshape(front.shape), range(len(channels)), self._axes)


def train_low_bits(model: "Model", spec: "QuantizeSpec") -> None:
    """Let a quantization-aware ``model`` round its kernels to the bits that ``spec`` asks for.

    Kernels that stay 8 bits wide in the file keep tfmot's quantizers.
    """
    if spec.weight_bits == _BITS:
        return
    axes = _INT4_CHANNELS if spec.scheme == "int4" else _CHANNELS
    for wrapper in model.layers:
        kind = type(getattr(wrapper, "layer", None)).__name__
        if kind in axes:
            wrapper._weight_vars = [  # noqa: SLF001  tfmot has no public way
                (kernel, LowBitWeights(spec.weight_bits, axes[kind]), ranges)
                for kernel, _, ranges in wrapper._weight_vars  # noqa: SLF001
            ]


def settle(model: "Model") -> None:
    """Put the kernels that were rounded in training on their grid for good.

    The converter finds plain constants there, and gives each channel a step of its own.
    """
    for kernel, quantizer in _rounding(model):
        kernel.assign(quantizer.rounded(kernel.numpy()))


def _rounding(model: "Model") -> "list[tuple[Tensor, LowBitWeights]]":
    layers: list[Layer] = model.layers
    return [
        (kernel, quantizer)
        for layer in layers
        for kernel, quantizer, _ in getattr(layer, "_weight_vars", ())
        if isinstance(quantizer, LowBitWeights)
    ]
