"""Layers that only scale and shift each channel, and the layers that can take that on exactly."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgekit.training.functional_model import is_input, node_inputs, node_layer, nodes

if TYPE_CHECKING:
    import numpy.typing as npt

    from edgekit.training._tensorflow import Layer, Model, Node

    Floats = npt.NDArray[np.float32]

_KINDS = frozenset({"BatchNormalization", "Normalization", "Rescaling"})
_PAIRED = frozenset({"Conv2D", "DepthwiseConv2D", "Dense"})
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
        front, behind = _in_front(node, calls), _behind(node, calls)
        if front is not None and is_tfmots_pair(front, layer):
            continue
        affine = affine_of(layer)
        if front is not None and front.name not in after and _takes_after(front):
            after[front.name] = affine
            gone.add(layer.name)
        elif behind is not None and behind.name not in before and _takes_before(behind, affine):
            before[behind.name] = affine
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


def is_tfmots_pair(front: "Layer", layer: "Layer") -> bool:
    """Return whether tfmot trains ``front`` and the BatchNormalization ``layer`` as a pair.

    It would take an activation between the two away without a word: then they are no pair.
    """
    is_pair = type(front).__name__ in _PAIRED and type(layer).__name__ == "BatchNormalization"
    return is_pair and _is_linear(front)


def _takes_after(layer: "Layer") -> bool:
    return type(layer).__name__ in _TAKES_AFTER and _is_linear(layer)


def _is_linear(layer: "Layer") -> bool:
    return getattr(layer.activation, "__name__", "") == "linear"


def _takes_before(layer: "Layer", affine: Affine) -> bool:
    if type(layer).__name__ not in _TAKES_BEFORE or getattr(layer, "groups", 1) != 1:
        return False
    # Padding adds zeros behind the shift: a shift before it cannot go into the bias.
    return getattr(layer, "padding", "valid") == "valid" or not affine.shift.any()


def _in_front(node: "Node", calls: "list[Node]") -> "Layer | None":
    """Return the layer that ``node`` takes from, if that is called once and for it alone."""
    (given,) = node_inputs(node)
    layer = given._keras_history.layer  # noqa: SLF001  tf_keras has no public way
    if is_input(layer) or _calls_of(layer, calls) != 1 or len(_readers(layer, calls)) != 1:
        return None
    return layer


def _behind(node: "Node", calls: "list[Node]") -> "Layer | None":
    """Return the layer that takes from ``node``, if there is one alone and it is called once."""
    readers = _readers(node_layer(node), calls)
    return readers[0] if len(readers) == 1 and _calls_of(readers[0], calls) == 1 else None


def _readers(layer: "Layer", calls: "list[Node]") -> "list[Layer]":
    """Return the layers that take what ``layer`` gives, one entry for each time."""
    return [
        node_layer(node)
        for node in calls
        for given in node_inputs(node)
        if given._keras_history.layer is layer  # noqa: SLF001  tf_keras has no public way
    ]


def _calls_of(layer: "Layer", calls: "list[Node]") -> int:
    return sum(node_layer(node) is layer for node in calls)
