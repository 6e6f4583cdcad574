"""Which channels must stay: those through which an input can still change an output."""

from typing import TYPE_CHECKING

import numpy as np

from edgekit.shrinking.coupled_channels import channels, links

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from edgekit.model.values import Graph, Operator
    from edgekit.shrinking.channel_matrices import Weighed
    from edgekit.shrinking.constants import Constants
    from edgekit.shrinking.coupled_channels import Link

    Flags = npt.NDArray[np.bool_]

_BIAS_LIMIT = 2**31 - 1


def live_channels(
    graph: "Graph", views: "tuple[Weighed, ...]", constants: "Mapping[int, Constants]"
) -> "dict[int, Flags]":
    """Return for each tensor with channels which of them must stay, by tensor index.

    Channels that operators link stay or go together. A convolution or fully connected layer
    needs a channel of its input if it stays in one of the outputs that stay, and cannot be
    absorbed as a constant. The least set that holds all this is found; every tensor keeps one
    channel at least.
    """
    classes = _Classes(graph)
    weighed = {view.operator.index for view in views}
    others = [operator for operator in graph.operators if operator.index not in weighed]
    joined = [links(graph, operator) for operator in others]
    for link in (link for found in joined for link in found or ()):
        classes.join(link.source, link.source_channels, link.target, link.target_channels)
    for operator, found in zip(others, joined, strict=True):
        _need_unlinked(classes, operator, found)
    for index in (*graph.inputs, *graph.outputs):
        classes.need(index)
    reads = [_reads(view, constants.get(view.source)) for view in views]
    _spread(classes, views, reads)
    while classes.keep_one_each():  # only now: one that is live anyway is enough
        _spread(classes, views, reads)
    return classes.all_live()


def _spread(classes: "_Classes", views: "tuple[Weighed, ...]", reads: "list[Flags]") -> None:
    """Mark what live outputs read, until nothing new is found."""
    changed = True
    while changed:
        changed = False
        for view, matrix in reversed(list(zip(views, reads, strict=True))):  # against the flow
            needed = np.asarray(matrix[classes.live(view.target)].any(axis=0))
            changed |= classes.need(view.source, needed)


def _reads(view: "Weighed", constants: "Constants | None") -> "Flags":
    """Return whether an output needs an input channel, shape ``(outputs, inputs)``."""
    if constants is None:
        return view.nonzero
    above = np.where(constants.known, constants.stored.astype(np.int64) - view.zero_point, 0)
    parts = np.abs(view.sums * above).sum(axis=1) + np.abs(view.bias)
    if parts.max() > _BIAS_LIMIT:
        return view.nonzero
    absorbed = constants.known & (~view.varying | (above == 0))
    return np.asarray(view.nonzero & ~absorbed)


def _need_unlinked(
    classes: "_Classes", operator: "Operator", joined: "Sequence[Link] | None"
) -> None:
    """Mark what ``operator`` reads and writes without linking its channels."""
    linked = {index for link in joined or () for index in (link.source, link.target)}
    free = set(operator.outputs) if joined is not None else set()
    for index in {*operator.inputs, *operator.outputs} - linked - free - {-1}:
        classes.need(index)


class _Classes:
    """Channels of all tensors, numbered one after the other, in classes that stay together.

    All are joined before any is needed.
    """

    def __init__(self, graph: "Graph") -> None:
        counts = [channels(graph, tensor.index) for tensor in graph.tensors]
        self._starts = np.concatenate([[0], np.cumsum(counts)])
        self._parents = np.arange(int(self._starts[-1]))
        self._live = np.zeros(len(self._parents), np.bool_)
        self._written = [index for operator in graph.operators for index in operator.outputs]
        self._inputs = graph.inputs
        self._joined: set[int] = set()
        self._settled: npt.NDArray[np.intp] | None = None

    def join(
        self,
        left: int,
        left_channels: "npt.NDArray[np.intp]",
        right: int,
        right_channels: "npt.NDArray[np.intp]",
    ) -> None:
        """Put pairs of channels into one class each."""
        self._joined |= {left, right}
        lefts = left_channels + self._starts[left]
        rights = right_channels + self._starts[right]
        for one, other in zip(lefts.tolist(), rights.tolist(), strict=True):
            first, second = sorted((self._root(one), self._root(other)))
            self._parents[second] = first
        self._settled = None

    def need(self, tensor: int, flags: "Flags | None" = None) -> bool:
        """Mark channels of ``tensor`` (None: all) as live, and return whether any is new."""
        places = np.arange(self._starts[tensor], self._starts[tensor + 1])
        roots = self._roots(places if flags is None else places[flags])
        new = not self._live[roots].all()
        self._live[roots] = True
        return new

    def live(self, tensor: int) -> "Flags":
        """Return which channels of ``tensor`` are live."""
        places = np.arange(self._starts[tensor], self._starts[tensor + 1])
        found: Flags = self._live[self._roots(places)]
        return found

    def keep_one_each(self) -> bool:
        """Mark one channel of each tensor that has none, and return whether any was marked."""
        marked = False
        for tensor in self._written:
            flags = self.live(tensor)
            if len(flags) and not flags.any():
                marked |= self.need(tensor, np.arange(len(flags)) == 0)
        return marked

    def all_live(self) -> "dict[int, Flags]":
        """Return the live channels of each tensor that operators write, or that is linked."""
        return {
            tensor: self.live(tensor)
            for tensor in sorted({*self._inputs, *self._written, *self._joined})
            if self._starts[tensor] < self._starts[tensor + 1]
        }

    def _root(self, place: int) -> int:
        while self._parents[place] != place:
            self._parents[place] = self._parents[self._parents[place]]
            place = int(self._parents[place])
        return place

    def _roots(self, places: "npt.NDArray[np.intp]") -> "npt.NDArray[np.intp]":
        if self._settled is None:
            settled = self._parents.astype(np.intp)
            while not np.array_equal(settled, settled[settled]):
                settled = settled[settled]
            self._settled = settled
        return self._settled[places]
