"""Change a model's main graph, and drop from it what nothing uses."""

import copy
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from edgekit.model.values import Graph, Model, Operator, Signature, Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")

STATEFUL = frozenset(
    {
        "ASSIGN_VARIABLE",
        "CALL_ONCE",
        "HASHTABLE_IMPORT",
        "IF",
        "VAR_HANDLE",
        "WHILE",
    }
)
"""Operators that do more than write their outputs."""


def with_main(model: Model, graph: Graph) -> Model:
    """Return ``model`` with ``graph`` as its main graph."""
    return replace(model, graphs=(graph, *model.graphs[1:]))


def options_of(operator: Operator) -> "Mapping[str, int]":
    """Return the whole numbers among the options of ``operator``; others are 0, as in the schema.

    A file may leave options out: the runtimes read zeros then.
    """
    values = {} if operator.options is None else vars(operator.options)
    return defaultdict(int, {key: int(item) for key, item in values.items() if _is_number(item)})


def with_options(operator: Operator, **changes: object) -> Operator:
    """Return ``operator`` with fields of its options changed; the argument is left as it was."""
    options = copy.copy(operator.options)
    vars(options).update(changes)
    return replace(operator, options=options)


class Draft:
    """The main graph of a model under change.

    Tensors and operators are replaced in the two lists; added tensors get the next index.
    `finish` returns the changed model without what nothing uses any more.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self.tensors = list(model.main.tensors)
        self.operators = list(model.main.operators)
        self.inputs = model.main.inputs
        self.outputs = model.main.outputs

    def add(self, tensor: Tensor) -> int:
        """Add ``tensor`` under a new index, and return that."""
        index = len(self.tensors)
        self.tensors.append(replace(tensor, index=index))
        return index

    def replace_reads(self, old: int, new: int) -> None:
        """Let every operator that reads tensor ``old`` read tensor ``new``."""
        for place, operator in enumerate(self.operators):
            if old in operator.inputs:
                inputs = tuple(new if item == old else item for item in operator.inputs)
                self.operators[place] = replace(operator, inputs=inputs)

    def remove(self, operators: "set[int]") -> None:
        """Remove the operators at these places in the list."""
        kept = [item for place, item in enumerate(self.operators) if place not in operators]
        self.operators = kept

    def finish(self) -> Model:
        """Return the changed model, compact."""
        graph = replace(
            self._model.main, tensors=tuple(self.tensors), operators=tuple(self.operators)
        )
        return compact(with_main(self._model, graph))


def compact(model: Model) -> Model:
    """Return ``model`` without operators and tensors of the main graph that nothing uses.

    Exact: what is dropped is read by no operator that leads to an output. Inputs, outputs and
    tensors that a signature names stay; operators with effects and custom operators stay.
    """
    graph = model.main
    operators = _useful(graph)
    used = {*graph.inputs, *graph.outputs}
    for signature in model.signatures:
        if signature.graph == 0:
            used.update(index for _, index in signature.inputs + signature.outputs)
    for operator in operators:
        used.update(operator.inputs, operator.outputs, operator.intermediates)
    kept = [tensor for tensor in graph.tensors if tensor.index in used]
    places = {tensor.index: place for place, tensor in enumerate(kept)} | {-1: -1}
    slim = replace(
        graph,
        tensors=tuple(replace(tensor, index=place) for place, tensor in enumerate(kept)),
        operators=tuple(
            _renumbered(operator, place, places) for place, operator in enumerate(operators)
        ),
        inputs=tuple(places[index] for index in graph.inputs),
        outputs=tuple(places[index] for index in graph.outputs),
    )
    signatures = tuple(_renumbered_signature(item, places) for item in model.signatures)
    return replace(with_main(model, slim), signatures=signatures)


def consumers(graph: Graph) -> dict[int, list[Operator]]:
    """Return the operators that read each tensor; tensors that none reads are absent."""
    found: dict[int, list[Operator]] = {}
    for operator in graph.operators:
        for tensor in dict.fromkeys(operator.inputs):
            found.setdefault(tensor, []).append(operator)
    return found


def map_tensors(model: Model, change: "Callable[[Tensor], Tensor]") -> Model:
    """Return ``model`` with ``change`` applied to every tensor of its main graph."""
    graph = model.main
    return with_main(model, replace(graph, tensors=tuple(change(item) for item in graph.tensors)))


def _is_number(value: object) -> bool:
    return isinstance(value, int | np.integer | np.bool_)


def _useful(graph: Graph) -> list[Operator]:
    """Return the operators that lead to an output or have an effect, in their order."""
    read = set(graph.outputs)
    useful = []
    for operator in reversed(graph.operators):
        effective = operator.op in STATEFUL or operator.is_custom or not operator.outputs
        if effective or read.intersection(operator.outputs):
            useful.append(operator)
            read.update(operator.inputs)
    return useful[::-1]


def _renumbered(operator: Operator, place: int, places: "Mapping[int, int]") -> Operator:
    return replace(
        operator,
        index=place,
        inputs=tuple(places[index] for index in operator.inputs),
        outputs=tuple(places[index] for index in operator.outputs),
        intermediates=tuple(places[index] for index in operator.intermediates),
    )


def _renumbered_signature(signature: Signature, places: "Mapping[int, int]") -> Signature:
    if signature.graph != 0:
        return signature
    return replace(
        signature,
        inputs=tuple((name, places[index]) for name, index in signature.inputs),
        outputs=tuple((name, places[index]) for name, index in signature.outputs),
    )
