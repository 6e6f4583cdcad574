"""Keras 3's activations that tf_keras lacks or computes in another way."""

from functools import cache
from typing import TYPE_CHECKING

from edgekit.training._tensorflow import tensorflow, tf_keras

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edgekit.training._tensorflow import Tensor


@cache
def own_activations() -> "Mapping[str, Callable[[Tensor], Tensor]]":
    """Return functions by their names in Keras 3; tf_keras can save and load layers with them."""
    tf = tensorflow()

    def keras3_hard_sigmoid(x: "Tensor") -> "Tensor":
        """Return ``relu6(x + 3) / 6``; tf_keras's own is ``clip(0.2 x + 0.5)``."""
        return tf.nn.relu6(x + 3.0) * (1 / 6)

    def keras3_hard_silu(x: "Tensor") -> "Tensor":
        """Return ``x * relu6(x + 3) / 6``, TFLite's HARD_SWISH."""
        return x * tf.nn.relu6(x + 3.0) * (1 / 6)

    for function in (keras3_hard_sigmoid, keras3_hard_silu):
        name = function.__name__
        tf_keras().utils.get_custom_objects()[name] = function
        # tf_keras writes a function of one's own in a form that it cannot read; a name it can.
        tf_keras().src.activations._TF_ACTIVATIONS_V2[name] = name  # noqa: SLF001
    return {
        "hard_sigmoid": keras3_hard_sigmoid,
        "hard_silu": keras3_hard_silu,
        "hard_swish": keras3_hard_silu,
    }
