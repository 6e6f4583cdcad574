"""What a pass has changed: the operators around which all others are the same in both models.

Operators before it get the same inputs and are the same; operators after it are the same too. A
proof that the changed operators alone give the same bytes is one of the whole model.
"""

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edgekit.model.edit import STATEFUL, compact, with_main

if TYPE_CHECKING:
    from edgekit.model.values import Graph, Model, Operator, Tensor

    Pair = tuple[int, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Region:
    """The changed operators of two models, each as a model of its own.

    Args:
        before: Of the original.
        after: Of the other one; its inputs and outputs stand in the same order.
    """

    before: "Model"
    after: "Model"


def is_provable(model: "Model") -> bool:
    """Return whether parts of ``model`` can run by themselves: no state, a batch of 1 all over."""
    graph = model.main
    border = [graph.tensors[index] for index in (*graph.inputs, *graph.outputs)]
    return (
        all(tensor.shape[:1] == (1,) for tensor in border)
        and not any(tensor.is_variable for tensor in graph.tensors)
        and not any(item.is_custom or item.op in STATEFUL for item in graph.operators)
    )


def changed_region(before: "Model", after: "Model") -> Region | None:
    """Return what differs between two models; None where every operator is the same.

    Args:
        before: A model.
        after: What passes made of it: inputs and outputs stand in the same order.
    """
    names = _Names(before.main), _Names(after.main)
    ends = _ends(before.main, after.main, names)
    if not ends:
        return None
    known = tuple({name: index for index, name in item.tensors.items()} for item in names)
    shared = known[0].keys() & known[1].keys()
    first = _reached(before.main, [one for one, _ in ends], {known[0][name] for name in shared})
    second = _reached(after.main, [other for _, other in ends], {known[1][name] for name in shared})
    starts = sorted(name for name in shared if known[0][name] in first or known[1][name] in second)
    return Region(
        before=_cut(before, [known[0][name] for name in starts], [one for one, _ in ends]),
        after=_cut(after, [known[1][name] for name in starts], [other for _, other in ends]),
    )


class _Names:
    """Names of a graph's tensors by how they come about: equal names are equal values."""

    def __init__(self, graph: "Graph") -> None:
        self._graph = graph
        self.tensors: dict[int, str] = {}
        for place, index in enumerate(graph.inputs):
            self.tensors[index] = _digest("input", place, spec(graph.tensors[index]))
        for operator in graph.operators:
            made = self.operator(operator, [self.read(index) for index in operator.inputs])
            for place, index in enumerate(operator.outputs):
                self.tensors[index] = _digest(made, place, spec(graph.tensors[index]))

    def read(self, index: int) -> str:
        """Return the name of a tensor that an operator reads, constants included."""
        if index in self.tensors:
            return self.tensors[index]
        return "" if index == -1 else self.constant(index)

    def constant(self, index: int) -> str:
        """Return the name of a tensor by its contents alone."""
        tensor = self._graph.tensors[index]
        return _digest("constant", spec(tensor), tensor.data, tensor.is_variable and index)

    def operator(self, operator: "Operator", inputs: list[str]) -> str:
        """Return the name of an operator that reads ``inputs``."""
        options = None if operator.options is None else sorted(vars(operator.options).items())
        kind = (operator.op, operator.version, operator.custom_options, repr(options))
        outputs = [spec(self._graph.tensors[index]) for index in operator.outputs]
        return _digest(*kind, *inputs, *outputs)

    def alone(self, operator: "Operator") -> str:
        """Return the name of an operator whatever values of the same type it reads."""
        tensors = self._graph.tensors
        read = [
            "" if index == -1 else spec(tensors[index]) if self.flows(index) else self.read(index)
            for index in operator.inputs
        ]
        return self.operator(operator, read)

    def flows(self, index: int) -> bool:
        """Return whether the values of a tensor depend on the model's inputs."""
        return index in self.tensors


def spec(tensor: "Tensor") -> str:
    """Return all of a tensor that kernels ask for, but its values."""
    made = tensor.quantization
    scales = () if made is None else (made.scales.tobytes(), made.zero_points.tolist(), made.axis)
    return repr((tensor.shape, tensor.dtype, scales, tensor.is_variable))


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _ends(before: "Graph", after: "Graph", names: "tuple[_Names, _Names]") -> "list[Pair]":
    """Return the pairs of tensors that must be equal for the outputs to be equal.

    From the outputs back: two tensors that equal operators wrote are equal where what these
    read is.
    """
    makers = tuple(
        {
            index: (item, place)
            for item in graph.operators
            for place, index in enumerate(item.outputs)
        }
        for graph in (before, after)
    )
    ends: list[Pair] = []
    asked = list(zip(before.outputs, after.outputs, strict=True))
    seen: set[Pair] = set()
    while asked:
        pair = one, other = asked.pop()
        if pair in seen or names[0].read(one) == names[1].read(other):
            continue
        seen.add(pair)
        if one not in makers[0] or other not in makers[1]:
            ends.append(pair)
            continue
        (first, place), (second, same_place) = makers[0][one], makers[1][other]
        if place == same_place and names[0].alone(first) == names[1].alone(second):
            flowing = zip(first.inputs, second.inputs, strict=True)
            asked += [item for item in flowing if names[0].flows(item[0])]
        else:
            ends.append(pair)
    return sorted(ends)


def _reached(graph: "Graph", ends: list[int], starts: set[int]) -> set[int]:
    """Return the ``starts`` that the way back from ``ends`` comes to."""
    makers = {index: operator for operator in graph.operators for index in operator.outputs}
    found: set[int] = set()
    asked, seen = list(ends), set[int]()
    while asked:
        index = asked.pop()
        if index in seen:
            continue
        seen.add(index)
        if index in starts:
            found.add(index)
        elif index in makers:
            asked += makers[index].inputs
    return found


def _cut(model: "Model", inputs: list[int], outputs: list[int]) -> "Model":
    """Return the operators between two sets of tensors as a model."""
    graph = model.main
    reached, needed = list(outputs), set[int]()
    makers = {index: operator for operator in graph.operators for index in operator.outputs}
    while reached:
        index = reached.pop()
        if index in inputs or index not in makers or makers[index].index in needed:
            continue
        needed.add(makers[index].index)
        reached += makers[index].inputs
    operators = tuple(item for item in graph.operators if item.index in needed)
    lone = replace(graph, operators=operators, inputs=tuple(inputs), outputs=tuple(outputs))
    bare = replace(model, signatures=(), metadata=(), legacy_metadata=None)
    return compact(with_main(bare, lone))
