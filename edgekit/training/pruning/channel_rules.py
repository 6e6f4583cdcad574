"""What each kind of layer does with its channels: a graph followed from filter to filter.

What is known of a layer here is what `edgekit shrink` can remove a channel through; the channels
that enter and leave any other layer stay.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.training.functional_model import require_functional
from edgekit.training.kernels import Kernel, trained_in
from edgekit.training.pruning.channel_walk import Call, Channels, Found, Walk

if TYPE_CHECKING:
    from edgekit.training._tensorflow import Layer, Model
    from edgekit.training.pruning.channel_walk import Rule

_ZERO_STAYS_ZERO = frozenset(
    {
        "hard_silu",
        "hard_swish",
        "keras3_hard_silu",
        "leaky_relu",
        "linear",
        "NoOpActivation",  # what tfmot has in front of a BatchNormalization
        "NoneType",
        "relu",
        "relu6",
        "silu",
        "swish",
        "tanh",
    }
)
_ZERO_BECOMES_CONSTANT = frozenset({"hard_sigmoid", "keras3_hard_sigmoid", "sigmoid"})


def follow(model: "Model") -> tuple[Found, ...]:
    """Return the arrays of ``model`` that make, hand on or shift channels, layer by layer.

    Equal numbers are one channel; those at the model's inputs and outputs are -1.

    Raises:
        UnsupportedModelError: The layers of the model cannot be walked.
    """
    require_functional(model)
    state = Walk(_RULES)
    for given in state.run(model, [state.pinned(item) for item in model.inputs]):
        state.pin(given)
    filters = (item.channels for item in state.found if item.role == "filter")
    made = {state.root(number) for channels in filters for number in channels}
    trained = trained_in(model)
    return tuple(
        replace(item, channels=state.free(item.channels, made), kernel=_marked(item, trained))
        for item in state.found
    )


def _marked(item: Found, trained: frozenset[int]) -> Kernel:
    """Return the array of ``item``, which knows whether it is frozen; averages never train."""
    is_average = item.kernel.attribute == "moving_mean"
    frozen = item.kernel.frozen or not (is_average or id(item.kernel.variable) in trained)
    return replace(item.kernel, frozen=frozen)


def _sum(walk: Walk, call: Call) -> Channels:
    """Follow a convolution or Dense: it reads all channels, and makes its own."""
    if getattr(call.layer, "groups", 1) != 1:
        return _unknown(walk, call)
    if _is_padded(call.layer) and not call.source.zero:
        walk.pin(call.source)
    kernel = call.kernels.get("kernel") or call.kernels["pointwise_kernel"]
    made = walk.made_by(call.layer, call.shapes[-1][-1])
    walk.add(kernel, "filter", made)
    walk.add_shift(call.layer, "bias", made)
    return _activated(walk, call, Channels(numbers=made))


def _depthwise(walk: Walk, call: Call) -> Channels:
    """Follow a depthwise convolution: each channel makes some of its own."""
    before, after = len(call.source.numbers), call.shapes[-1][-1]
    if before == 1:  # each channel reads the same one, and could go alone: nothing ranks them
        return _unknown(walk, call)
    if _is_padded(call.layer) and not call.source.zero:
        walk.pin(call.source)
    numbers = np.repeat(call.source.numbers, after // before)
    walk.add(call.kernels["depthwise_kernel"], "depthwise", numbers)
    walk.add_shift(call.layer, "bias", numbers)
    return _activated(walk, call, Channels(numbers=numbers, zero=call.source.zero))


def _batch_normalization(walk: Walk, call: Call) -> Channels:
    axis = call.layer.axis
    (axis,) = axis if isinstance(axis, (list, tuple)) else (axis,)
    if axis % len(call.shapes[0]) != len(call.shapes[0]) - 1 or not call.source.zero:
        return _unknown(walk, call)
    for attribute in ("beta", "moving_mean"):
        walk.add_shift(call.layer, attribute, call.source.numbers)
    return call.source


def _same(walk: Walk, call: Call) -> Channels:
    del walk
    return call.source


def _relu(walk: Walk, call: Call) -> Channels:
    return _unknown(walk, call) if getattr(call.layer, "threshold", 0) else call.source


def _zero_padding(walk: Walk, call: Call) -> Channels:
    if not call.source.zero:
        walk.pin(call.source)
    return call.source


def _activation(walk: Walk, call: Call) -> Channels:
    return _activated(walk, call, call.source)


def _activated(walk: Walk, call: Call, channels: Channels) -> Channels:
    """Return ``channels`` behind the activation of the layer."""
    function = getattr(call.layer, "activation", None)
    function = getattr(function, "activation", function)  # tfmot wraps it
    name = getattr(function, "__name__", type(function).__name__)
    if name not in _ZERO_STAYS_ZERO | _ZERO_BECOMES_CONSTANT:
        walk.pin(channels)
    return replace(channels, zero=channels.zero and name in _ZERO_STAYS_ZERO)


def _merge(walk: Walk, call: Call) -> Channels:
    """Follow a sum, a product and the like: the same channel of all branches is one."""
    first, *others = call.given
    if not others or any(len(item.numbers) != len(first.numbers) for item in others):
        return _unknown(walk, call)
    for item in others:
        walk.join(first.numbers, item.numbers)
    zeros = [item.zero for item in call.given]
    is_product = type(call.layer).__name__ == "Multiply"
    return Channels(numbers=first.numbers, zero=any(zeros) if is_product else all(zeros))


def _concatenate(walk: Walk, call: Call) -> Channels:
    rank = len(call.shapes[0])
    if call.layer.axis % rank != rank - 1:
        return _merge(walk, call)
    return Channels(
        numbers=np.concatenate([item.numbers for item in call.given]),
        zero=all(item.zero for item in call.given),
    )


def _reshape(walk: Walk, call: Call) -> Channels:
    """Follow a reshape: element ``i`` in memory has channel ``i mod channels`` on both sides."""
    numbers, after = call.source.numbers, call.shapes[-1][-1]
    before = len(numbers)
    if not before or not after or (before % after and after % before):
        return _unknown(walk, call)
    if after < before:
        walk.join(numbers, numbers[np.arange(before) % after])
    return replace(call.source, numbers=numbers[np.arange(after) % before])


def _unknown(walk: Walk, call: Call) -> Channels:
    """Let all channels around a layer stay."""
    for item in call.given:
        walk.pin(item)
    channels = Channels(numbers=walk.new(call.shapes[-1][-1]))
    walk.pin(channels)
    return channels


def _is_padded(layer: "Layer") -> bool:
    sizes: Any = getattr(layer, "kernel_size", (1,))
    return getattr(layer, "padding", "valid") != "valid" and max(sizes) > 1


_RULES: "dict[str, Rule]" = {
    **dict.fromkeys(("Conv1D", "Conv2D", "Dense", "SeparableConv1D", "SeparableConv2D"), _sum),
    **dict.fromkeys(("DepthwiseConv1D", "DepthwiseConv2D"), _depthwise),
    **dict.fromkeys(("Add", "Average", "Maximum", "Minimum", "Multiply", "Subtract"), _merge),
    **dict.fromkeys(("Flatten", "Reshape"), _reshape),
    **dict.fromkeys(
        (
            "ActivityRegularization",
            "AveragePooling1D",
            "AveragePooling2D",
            "Dropout",
            "GaussianDropout",
            "GaussianNoise",
            "GlobalAveragePooling1D",
            "GlobalAveragePooling2D",
            "GlobalMaxPooling1D",
            "GlobalMaxPooling2D",
            "LeakyReLU",
            "MaxPooling1D",
            "MaxPooling2D",
            "PReLU",
            "QuantizeLayer",
            "SpatialDropout1D",
            "SpatialDropout2D",
            "UpSampling2D",
        ),
        _same,
    ),
    **dict.fromkeys(("ZeroPadding1D", "ZeroPadding2D"), _zero_padding),
    "Activation": _activation,
    "BatchNormalization": _batch_normalization,
    "Concatenate": _concatenate,
    "ReLU": _relu,
}
