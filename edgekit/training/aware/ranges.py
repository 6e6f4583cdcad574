"""Ranges that tfmot gets wrong: of activations in a short training, of channels all zero.

tfmot starts each activation's range at -6 to 6 and moves it by a thousandth a step: after 500
steps three fifths of that guess are still in it, and a ReLU that never falls below 0 wastes half
its steps.

A channel whose weights were all pruned has a range of nothing, and so a step of next to nothing;
its bias is counted in that step, and runs over the 32 bits that it has in the file.
"""

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING
from unittest.mock import patch

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    from edgekit.training._tensorflow import Layer, Model, Tensor

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


def set_statistics(
    model: "Model", samples: "npt.NDArray[np.float32]", *, batch_size: int
) -> tuple[str, ...]:
    """Set what batch normalization takes for mean and variance to those on ``samples``.

    The averages that a training leaves lag behind kernels that lose weights, or whose coarse
    steps flip (Nagel and others, Overcoming Oscillations in Quantization-Aware Training, 2022).
    Each is the mean over batches of the same size (Wu and Johnson, Rethinking "Batch" in
    BatchNorm, 2021). All else is as in use and stays as it was; frozen layers keep theirs.

    Args:
        model: A tf_keras model, quantization-aware or not.
        samples: In an order that is not that of the classes.
        batch_size: At most so many at once; those that fill no batch are left out.

    Returns:
        The names of the layers.
    """
    normal = [layer for layer in _normalizations(model) if layer.trainable]
    size = min(batch_size, len(samples))
    with ExitStack() as patches:
        for layer in normal:
            patches.enter_context(patch.object(layer, "call", _in_training(layer.call)))
        for number in range(len(samples) // size if normal else 0):
            with _set_for_now(normal, "momentum", number / (number + 1)):
                model(samples[number * size : (number + 1) * size], training=False)
    return tuple(layer.name for layer in normal)


def _in_training(call: "Callable[..., Tensor]") -> "Callable[..., Tensor]":
    """Return the ``call`` of a layer that is trained whatever the model around it is."""

    def trained(inputs: "Tensor", training: bool | None = None, **options: "Tensor") -> "Tensor":  # noqa: FBT001  Keras's call
        del training
        return call(inputs, training=True, **options)

    return trained


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
