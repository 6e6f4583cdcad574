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


def set_statistics(model: "Model", samples: "npt.NDArray[np.float32]") -> None:
    """Set what batch normalization takes for mean and variance to those on ``samples``.

    The averages that a training leaves lag behind kernels whose coarse steps flip (Nagel and
    others, Overcoming Oscillations in Quantization-Aware Training, 2022). Ranges
    of activations move as well.
    """
    normal = _normalizations(model)
    with _set_for_now(_dropouts(model), "rate", 0.0), _set_for_now(normal, "momentum", 0.0):
        if normal:
            model(samples, training=True)


@contextmanager
def _as_in_use(model: "Model") -> "Iterator[None]":
    """Let nothing drop out, and normalize by the statistics that were learned."""
    # tf_keras normalizes a frozen layer's inputs as in use
    frozen = _set_for_now(_normalizations(model), "trainable", value=False)
    with _set_for_now(_dropouts(model), "rate", 0.0), frozen:
        yield


@contextmanager
def _set_for_now(layers: "list[Layer]", attribute: str, value: float) -> "Iterator[None]":
    """Give an attribute of ``layers`` another value, and its own back."""
    own = [getattr(layer, attribute) for layer in layers]
    for layer in layers:
        setattr(layer, attribute, value)
    try:
        yield
    finally:
        for layer, before in zip(layers, own, strict=True):
            setattr(layer, attribute, before)


def _dropouts(model: "Model") -> "list[Layer]":
    return [layer for layer in map(_inner, model.layers) if hasattr(layer, "rate")]


def _normalizations(model: "Model") -> "list[Layer]":
    layers = map(_inner, model.layers)
    return [layer for layer in layers if type(layer).__name__ == "BatchNormalization"]


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
