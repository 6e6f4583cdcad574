"""Is a model fully integer? The finished file is walked: converters leave floats in silence."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgekit.flatbuffer.model import Graph, Model

_FLOATS = frozenset({"float16", "float32", "float64", "bfloat16"})


@dataclass(frozen=True, kw_only=True, slots=True)
class FloatTensor:
    """A float tensor where only integers should be.

    Args:
        name: Of the tensor.
        dtype: Such as ``"float32"``.
        operator: The operator that writes it, or the first that reads it, with its index.
    """

    name: str
    dtype: str
    operator: str


def float_tensors(model: "Model") -> tuple[FloatTensor, ...]:
    """Return every float tensor of ``model`` in the order of the file; none means fully integer."""
    return tuple(
        FloatTensor(name=tensor.name, dtype=tensor.dtype, operator=_neighbour(graph, tensor.index))
        for graph in model.graphs
        for tensor in graph.tensors
        if tensor.dtype in _FLOATS
    )


def _neighbour(graph: "Graph", tensor: int) -> str:
    for operator in graph.operators:
        if tensor in operator.outputs or tensor in operator.inputs:
            return f"{operator.op} at {operator.index}"
    return "none"
