"""Masks held over live weights: what is pruned stays zero while training goes on."""

from typing import TYPE_CHECKING

import numpy as np

from edgekit.errors import UsageError
from edgekit.training._tensorflow import tensorflow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgekit.numerics.masks import Mask
    from edgekit.training._tensorflow import Tensor
    from edgekit.training.kernels import Kernel


class Masks:
    """One mask for each kernel; the kernels' own variables are changed, nothing is wrapped.

    Args:
        kernels: Of a model of either Keras, on TensorFlow; biases and the like too.
    """

    def __init__(self, kernels: "Sequence[Kernel]") -> None:
        tf = tensorflow()
        self.kernels = tuple(kernels)
        self._variables = [_raw(kernel) for kernel in self.kernels]
        self._masks = [tf.Variable(tf.ones_like(item), trainable=False) for item in self._variables]

        def apply() -> None:
            for variable, mask in zip(self._variables, self._masks, strict=True):
                variable.assign(variable * mask)

        self._apply = tf.function(apply)

    def renew(self, keep: "Sequence[Mask]") -> None:
        """Set the masks and put them into force."""
        for mask, values in zip(self._masks, keep, strict=True):
            mask.assign(values.astype(np.float32))
        self.apply()

    def apply(self) -> None:
        """Set every weight that is masked to zero again."""
        self._apply()


def _raw(kernel: "Kernel") -> "Tensor":
    """Return the TensorFlow variable behind a variable of either Keras."""
    variable = kernel.variable
    raw = variable if callable(variable.value) else variable.value
    if not hasattr(raw, "assign"):
        raise UsageError(
            "edgekit's callbacks work with Keras on TensorFlow, not on another backend",
            hint="set KERAS_BACKEND=tensorflow before Keras is imported",
        )
    return raw
