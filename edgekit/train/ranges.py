"""Ranges that tfmot gets wrong: of activations in a short training, of channels all zero.

tfmot starts each activation's range at -6 to 6 and moves it by a thousandth a step: after 500
steps three fifths of that guess are still in it, and a ReLU that never falls below 0 wastes half
its steps.

A channel whose weights were all pruned has a range of nothing, and so a step of next to nothing;
its bias is counted in that step, and runs over the 32 bits that it has in the file.
"""

from contextlib import contextmanager
from typing import TYPE_CHECKING
from unittest.mock import patch

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from edgekit.train._tensorflow import Layer, Model, Tensor

_RANGES = ("_min", "_max")
_EMPTY = 1e-5  # tfmot's narrowest range is 1e-6 wide; that of trained weights thousands of times it


def set_ranges(model: "Model", samples: "npt.NDArray[np.float32]") -> None:
    """Set the ranges of a quantization-aware ``model`` to those it has on ``samples``.

    Everything else in it is left as it was.
    """
    from tensorflow_model_optimization.python.core.quantization.keras import quant_ops

    moving = quant_ops.MovingAvgQuantize

    def at_once(*args: "Tensor", **options: "Tensor") -> "Tensor":
        return moving(*args, **{**options, "ema_decay": 0.0})

    others = [item for item in model.variables if not _plain_name(item).endswith(_RANGES)]
    before = [item.numpy() for item in others]
    with _as_in_use(model), patch.object(quant_ops, "MovingAvgQuantize", at_once):
        model(samples, training=True)
    for variable, value in zip(others, before, strict=True):
        variable.assign(value)


@contextmanager
def _as_in_use(model: "Model") -> "Iterator[None]":
    """Let nothing drop out, and normalize by the statistics that were learned."""
    layers = [_inner(layer) for layer in model.layers]
    dropouts = [layer for layer in layers if hasattr(layer, "rate")]
    normal = [layer for layer in layers if type(layer).__name__ == "BatchNormalization"]
    rates, trainable = [layer.rate for layer in dropouts], [layer.trainable for layer in normal]
    for layer in dropouts:
        layer.rate = 0.0
    for layer in normal:
        layer.trainable = False  # tf_keras normalizes a frozen layer's inputs as in use
    try:
        yield
    finally:
        for layer, rate in zip(dropouts, rates, strict=True):
            layer.rate = rate
        for layer, value in zip(normal, trainable, strict=True):
            layer.trainable = value


def widen_empty_channels(model: "Model") -> None:
    """Give each channel without weights the widest range among its neighbours.

    Zero is zero in any range; the bias beside it comes out right.
    """
    for wrapper in model.layers:
        for _, _, limits in getattr(wrapper, "_weight_vars", ()):
            low, high = limits["min_var"], limits["max_var"]
            widest = float(abs(high.numpy()).max()) or 1.0
            empty = high.numpy() - low.numpy() < _EMPTY
            low.assign(np.where(empty, -widest, low.numpy()))
            high.assign(np.where(empty, widest, high.numpy()))


def _inner(layer: "Layer") -> "Layer":
    """Return the layer inside tfmot's wrapper."""
    return getattr(layer, "layer", layer)


def _plain_name(variable: "Tensor") -> str:
    return str(variable.name).partition(":")[0]
