"""Do the shapes that a file declares follow from its operators? TFLite-Micro takes their word."""

import math
from typing import TYPE_CHECKING

from edgekit.errors import UnsupportedModelError
from edgekit.model.computed_shapes import COMPUTED
from edgekit.model.moved_shapes import MOVED
from edgekit.model.shape_reading import Reading, UnknownShapeError

if TYPE_CHECKING:
    from edgekit.model.values import Graph, Model, Operator, Tensor

RULES = {**MOVED, **COMPUTED}
"""By operator: from what it reads to the shapes of its outputs."""


def check_shapes(model: "Model") -> None:
    """Refuse a file that declares other shapes than its operators give.

    LiteRT works the shapes out anew when it runs the file; TFLite-Micro takes the declared ones,
    and computes something else. Operators whose shapes depend on values that no constant holds
    are passed over.

    Raises:
        UnsupportedModelError: An operator gives another shape; the first is named.
    """
    for graph in model.graphs:
        for operator in graph.operators:
            _check_operator(graph, operator)


def given_shapes(graph: "Graph", operator: "Operator") -> "tuple[tuple[int, ...], ...]":
    """Return the shapes of the outputs of ``operator``; nothing where they are not known."""
    rule = None if operator.is_custom else RULES.get(operator.op)
    if rule is None or not operator.outputs:
        return ()
    try:
        return rule(Reading(graph, operator))
    except UnknownShapeError:
        return ()


def other_shape(tensor: "Tensor", given: tuple[int, ...]) -> UnsupportedModelError:
    """Return the error that ``tensor`` is declared with another shape than it is given."""
    hint = (
        "convert the model anew with fixed shapes, as this does: "
        "edgekit convert MODEL.keras --data DATA --out FILE"
    )
    if not tensor.elements:
        return UnsupportedModelError(
            f"tensor '{tensor.name}' has the shape {tensor.shape}: it holds no value", hint=hint
        )
    return UnsupportedModelError(
        f"tensor '{tensor.name}' is declared with the shape {tensor.shape}, and its "
        f"operator gives {given}",
        hint=hint,
    )


def _check_operator(graph: "Graph", operator: "Operator") -> None:
    for index, given in zip(operator.outputs, given_shapes(graph, operator), strict=False):
        tensor = graph.tensors[index]
        if not _alike(operator.op, tensor.shape, given):
            raise other_shape(tensor, given)


def _alike(op: str, declared: tuple[int, ...], given: tuple[int, ...]) -> bool:
    """Return whether kernels do the same with both shapes: they add leading ones themselves."""
    if op == "FULLY_CONNECTED":  # rows of units, in whatever dimensions
        declared, given = _rows(declared), _rows(given)
    return _without_ones(declared) == _without_ones(given)


def _without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    first = next((place for place, size in enumerate(shape) if size != 1), len(shape))
    return shape[first:]


def _rows(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (math.prod(shape[:-1]), *shape[-1:])
