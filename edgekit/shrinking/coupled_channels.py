"""Which channels of an operator's inputs and outputs are one and the same channel.

A channel is a place in the last dimension. Where an operator computes each channel on its own
(an addition, a pooling, a depthwise convolution), a channel can go from its output only
together with the same channel of its inputs: they are linked.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgekit.model.edit import options_of

if TYPE_CHECKING:
    import numpy.typing as npt

    from edgekit.model.values import Graph, Operator

_UNARY = frozenset(
    {
        "ABS",
        "AVERAGE_POOL_2D",
        "ELU",
        "HARD_SWISH",
        "LEAKY_RELU",
        "LOGISTIC",
        "MAX_POOL_2D",
        "QUANTIZE",
        "RELU",
        "RELU6",
        "RELU_N1_TO_1",
        "RESIZE_BILINEAR",
        "RESIZE_NEAREST_NEIGHBOR",
        "TANH",
    }
)
_BINARY = frozenset({"ADD", "MAXIMUM", "MINIMUM", "MUL", "PRELU", "SUB"})
_REDUCING = frozenset({"MEAN", "REDUCE_MAX"})
_PADDING = frozenset({"PAD", "PADV2"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """Channels of an input, and for each of them the channel of the output that it is.

    Args:
        source: Tensor index of the input.
        source_channels: int, shape ``(links,)``.
        target: Tensor index of the output.
        target_channels: int, shape ``(links,)``.
    """

    source: int
    source_channels: "npt.NDArray[np.intp]"
    target: int
    target_channels: "npt.NDArray[np.intp]"


def channels(graph: "Graph", tensor: int) -> int:
    """Return the number of channels of tensor ``tensor``; 0 for a scalar."""
    shape = graph.tensors[tensor].shape
    return shape[-1] if shape else 0


def links(graph: "Graph", operator: "Operator") -> tuple[Link, ...] | None:
    """Return the links of ``operator``; None where it needs its channels as they are."""
    if any(graph.tensors[index].dtype != "int8" for index in operator.outputs):
        return None
    if operator.op in _LINKERS:
        return _LINKERS[operator.op](graph, operator)
    own = operator.op in _UNARY or (operator.op in _PADDING and _leaves_channels(graph, operator))
    if own or (operator.op in _REDUCING and _keeps_channels(graph, operator)):
        return _same(graph, operator, operator.inputs[:1])
    return _same(graph, operator, operator.inputs) if operator.op in _BINARY else None


def _same(graph: "Graph", operator: "Operator", inputs: tuple[int, ...]) -> tuple[Link, ...] | None:
    """Link each channel of ``inputs`` with that of the output; broadcast inputs have no part."""
    target = operator.outputs[0]
    count = channels(graph, target)
    every = np.arange(count)
    found = tuple(
        Link(source=index, source_channels=every, target=target, target_channels=every)
        for index in inputs
        if channels(graph, index) == count
    )
    return found or None


def _depthwise(graph: "Graph", operator: "Operator") -> tuple[Link, ...] | None:
    source, weights, *rest = operator.inputs
    target = operator.outputs[0]
    if not is_int8_constant(graph, weights) or operator.options is None:
        return None
    count, made = channels(graph, source), channels(graph, target)
    biases = [graph.tensors[index].shape for index in rest if index != -1]
    shape = graph.tensors[weights].shape
    fits = len(shape) == 4 and shape[-1] == made and made % max(count, 1) == 0  # noqa: PLR2004
    if not fits or any(bias != (made,) for bias in biases):
        return None
    if count == 1:  # each output channel reads the one input channel: none is linked
        return ()
    link = Link(
        source=source,
        source_channels=np.arange(made) // (made // count),
        target=target,
        target_channels=np.arange(made),
    )
    return (link,)


def _concatenation(graph: "Graph", operator: "Operator") -> tuple[Link, ...] | None:
    target = operator.outputs[0]
    rank = len(graph.tensors[target].shape)
    axis = options_of(operator)["axis"] % rank
    if axis != rank - 1:
        return _same(graph, operator, operator.inputs)
    found, start = [], 0
    for source in operator.inputs:
        own = np.arange(channels(graph, source))
        found.append(
            Link(source=source, source_channels=own, target=target, target_channels=own + start)
        )
        start += len(own)
    return tuple(found) if start == channels(graph, target) else None


def _reshape(graph: "Graph", operator: "Operator") -> tuple[Link, ...] | None:
    """Link by the place in memory: element ``i`` has channel ``i mod channels`` on both sides."""
    source, target = operator.inputs[0], operator.outputs[0]
    before, after = channels(graph, source), channels(graph, target)
    if not before or not after or (before % after and after % before):
        return None
    every = np.arange(max(before, after))
    link = Link(
        source=source,
        source_channels=every % before,
        target=target,
        target_channels=every % after,
    )
    return (link,)


def _leaves_channels(graph: "Graph", operator: "Operator") -> bool:
    table = graph.tensors[operator.inputs[1]]
    return table.data is not None and not np.any(table.values()[-1])


def _keeps_channels(graph: "Graph", operator: "Operator") -> bool:
    source, axes = (graph.tensors[index] for index in operator.inputs[:2])
    if axes.data is None:
        return False
    rank = len(source.shape)
    return all(int(axis) % rank != rank - 1 for axis in axes.values().reshape(-1))


def is_int8_constant(graph: "Graph", tensor: int) -> bool:
    """Return whether tensor ``tensor`` holds plain int8 values in the file."""
    found = graph.tensors[tensor]
    return found.dtype == "int8" and found.data is not None and found.sparsity is None


_LINKERS = {
    "CONCATENATION": _concatenation,
    "DEPTHWISE_CONV_2D": _depthwise,
    "RESHAPE": _reshape,
}
