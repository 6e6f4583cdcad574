"""Layers that only scale and shift each channel, and the layers that can take that on exactly."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgekit.train.graph import node_inputs, node_layer, nodes

if TYPE_CHECKING:
    import numpy.typing as npt

    from edgekit.train._tensorflow import Layer, Model, Node

    Floats = npt.NDArray[np.float32]

_KINDS = frozenset({"BatchNormalization", "Normalization", "Rescaling"})
_LEFT_TO_TFMOT = frozenset({"Conv2D", "DepthwiseConv2D", "Dense"})
"""Before a BatchNormalization: tfmot trains the pair as it is and the converter folds it."""
_TAKES_AFTER = frozenset({"Conv1D", "Conv1DTranspose", "Conv2DTranspose"})
"""What a scale and shift behind it can be folded into."""
_TAKES_BEFORE = frozenset({"Conv1D", "Conv2D", "Dense"})
"""What a scale and shift in front of it can be folded into."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Affine:
    """``y = scale * x + shift`` for each channel, float32, shape ``(channels,)``."""

    scale: "Floats"
    shift: "Floats"


@dataclass(frozen=True, kw_only=True, slots=True)
class Folds:
    """Where each scale and shift of a model goes, by names of layers.

    Args:
        before: Folded into the layer that follows.
        after: Folded into the layer in front.
        gone: Layers that are in another now.
        alone: Layers that nothing can take on.
    """

    before: dict[str, Affine]
    after: dict[str, Affine]
    gone: frozenset[str]
    alone: dict[str, Affine]


def plan_folds(model: "Model") -> Folds:
    """Return how the layers of ``model`` that only scale and shift can be folded away exactly."""
    calls = nodes(model)
    before: dict[str, Affine] = {}
    after: dict[str, Affine] = {}
    alone: dict[str, Affine] = {}
    gone: set[str] = set()
    for node in calls:
        layer = node_layer(node)
        if type(layer).__name__ not in _KINDS or _calls_of(layer, calls) != 1:
            continue
        source, sink = _producer(node), _only_consumer(node, calls)
        if (
            source is not None
            and _calls_of(source, calls) == 1
            and len(_consumers(source, calls)) == 1
        ):
            if (
                type(source).__name__ in _LEFT_TO_TFMOT
                and type(layer).__name__ == "BatchNormalization"
            ):
                continue
            if (
                type(source).__name__ in _TAKES_AFTER
                and _is_linear(source)
                and source.name not in after
            ):
                after[source.name] = affine_of(layer)
                gone.add(layer.name)
                continue
        affine = affine_of(layer)
        if (
            sink is not None
            and _calls_of(sink, calls) == 1
            and _takes_before(sink, affine)
            and sink.name not in before
        ):
            before[sink.name] = affine
            gone.add(layer.name)
        else:
            alone[layer.name] = affine
    return Folds(before=before, after=after, gone=frozenset(gone), alone=alone)


def affine_of(layer: "Layer") -> Affine:
    """Return what a BatchNormalization, Normalization or Rescaling does to each channel."""
    channels = int(layer.input_shape[-1])
    kind = type(layer).__name__
    if kind == "Rescaling":
        scale, shift = np.asarray(layer.scale, np.float64), np.asarray(layer.offset, np.float64)
    elif kind == "Normalization":
        deviation = np.maximum(np.sqrt(np.asarray(layer.variance, np.float64)), 1e-7)
        scale = 1 / deviation  # tf_keras divides by no less than its epsilon, 1e-7
        shift = -np.asarray(layer.mean, np.float64) * scale
    else:
        scale = 1 / np.sqrt(np.asarray(layer.moving_variance, np.float64) + layer.epsilon)
        scale = scale * (np.asarray(layer.gamma, np.float64) if layer.scale else 1)
        shift = -np.asarray(layer.moving_mean, np.float64) * scale
        shift = shift + (np.asarray(layer.beta, np.float64) if layer.center else 0)
    return Affine(
        scale=np.broadcast_to(scale.reshape(-1), channels).astype(np.float32),
        shift=np.broadcast_to(shift.reshape(-1), channels).astype(np.float32),
    )


def _takes_before(layer: "Layer", affine: Affine) -> bool:
    if type(layer).__name__ not in _TAKES_BEFORE or getattr(layer, "groups", 1) != 1:
        return False
    # Padding adds zeros behind the shift: a shift before it cannot go into the bias.
    return getattr(layer, "padding", "valid") == "valid" or not affine.shift.any()


def _is_linear(layer: "Layer") -> bool:
    return getattr(layer.activation, "__name__", "") == "linear"


def _producer(node: "Node") -> "Layer | None":
    (given,) = node_inputs(node)
    source = given._keras_history.layer  # noqa: SLF001  tf_keras has no public way
    return None if type(source).__name__ == "InputLayer" else source


def _consumers(layer: "Layer", calls: "list[Node]") -> list["Layer"]:
    """Return the layers that take what ``layer`` gives, one entry for each time."""
    return [
        node_layer(node)
        for node in calls
        for given in node_inputs(node)
        if given._keras_history.layer is layer  # noqa: SLF001  tf_keras has no public way
    ]


def _only_consumer(node: "Node", calls: "list[Node]") -> "Layer | None":
    consumers = _consumers(node_layer(node), calls)
    return consumers[0] if len(consumers) == 1 else None


def _calls_of(layer: "Layer", calls: "list[Node]") -> int:
    return sum(node_layer(node) is layer for node in calls)
