"""From which operator to which each tensor and kernel buffer holds something."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from edgekit.model.operators import called_graphs

if TYPE_CHECKING:
    from edgekit.fit.arena.kernels import KernelSetup
    from edgekit.model.reader import Model, Tensor


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """A buffer of the arena's head and its life.

    Args:
        name: The tensor's name, or the operator that works in the buffer.
        kind: ``"tensor"`` or ``"scratch"``.
        count: Of its bytes, before alignment.
        first: The first moment: 0 is before the first operator, 1 the first operator, and so on.
        last: The last moment.
    """

    name: str
    kind: Literal["tensor", "scratch"]
    count: int
    first: int
    last: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """One operator in the order of execution, with the graphs that it calls."""

    index: int
    op: str
    subgraph: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Lifetimes:
    """All buffers of the head: first the tensors of all graphs, then the kernels' buffers."""

    spans: tuple[Span, ...]
    steps: tuple[Moment, ...]


def lifetimes(model: "Model", kernels: "tuple[KernelSetup, ...]") -> Lifetimes:
    """Return the life of each buffer as TFLite-Micro's `MarkAllocationLifetimes` counts it.

    An input lives from before the first operator, an output to the end of its graph; a graph
    called by an operator is walked between that operator's outputs and its inputs.
    """
    walk = _Walk(model)
    walk.graph(0)
    tensors = [
        Span(
            name=tensor.name, kind="tensor", count=tensor.stored_bytes, first=life[0], last=life[1]
        )
        for subgraph, graph in enumerate(model.graphs)
        for tensor in graph.tensors
        if _planned(tensor)
        for life in (walk.tensors.get((subgraph, tensor.index), (-1, -1)),)
    ]
    scratch = []
    for kernel in kernels:
        place = (kernel.subgraph, kernel.operator.index)
        first, last = walk.operators.get(place, (-1, -1))
        name = f"{kernel.operator.op} at {kernel.operator.index}"
        scratch += [
            Span(name=name, kind="scratch", count=count, first=first, last=last)
            for count in kernel.scratch
        ]
    return Lifetimes(spans=(*tensors, *scratch), steps=tuple(walk.steps))


def _planned(tensor: "Tensor") -> bool:
    return tensor.data is None and not tensor.is_variable and tensor.stored_bytes > 0


class _Walk:
    """The moments of all tensors and operators, gathered in the order of execution."""

    def __init__(self, model: "Model") -> None:
        self._model = model
        self._moment = 0
        self.tensors: dict[tuple[int, int], tuple[int, int]] = {}
        self.operators: dict[tuple[int, int], tuple[int, int]] = {}
        self.steps: list[Moment] = []

    def graph(self, subgraph: int) -> None:
        graph = self._model.graphs[subgraph]
        for index in (*graph.inputs, *graph.outputs):
            self._create(subgraph, index)
        for operator in graph.operators:
            self._moment += 1
            self.steps.append(Moment(index=operator.index, op=operator.op, subgraph=subgraph))
            start = self._moment
            for index in operator.outputs:
                self._create(subgraph, index)
            for called in called_graphs(operator):
                self._moment += 1
                # The moment of the call itself: TFLite-Micro counts it before the first operator.
                self.steps.append(Moment(index=operator.index, op=operator.op, subgraph=subgraph))
                self.graph(called)
            for index in (*operator.inputs, *operator.outputs):
                self._use(subgraph, index)
            self.operators[subgraph, operator.index] = (start, self._moment)
        for index in graph.outputs:
            self._use(subgraph, index)

    def _create(self, subgraph: int, index: int) -> None:
        self.tensors[subgraph, index] = (self._moment, self._moment)

    def _use(self, subgraph: int, index: int) -> None:
        if index == -1:
            return
        first, _ = self.tensors.get((subgraph, index), (-1, -1))
        self.tensors[subgraph, index] = (first, self._moment)
