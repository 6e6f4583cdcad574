"""What an operator reads, as far as the shape of its output follows from it."""

from typing import TYPE_CHECKING

import numpy as np

from edgekit.model.edit import options_of
from edgekit.model.values import NUMPY

if TYPE_CHECKING:
    from edgekit.model.values import Graph, Operator, Tensor

    Shape = tuple[int, ...]


class UnknownShapeError(Exception):
    """The shape depends on what the file does not say."""


class Reading:
    """What an operator reads.

    Args:
        graph: That it is in.
        operator: That is asked.
    """

    def __init__(self, graph: "Graph", operator: "Operator") -> None:
        self._graph = graph
        self._operator = operator
        self.options = options_of(operator)

    @property
    def inputs(self) -> "tuple[Shape, ...]":
        """The shapes of all inputs."""
        return tuple(self.shape(place) for place in range(len(self._operator.inputs)))

    @property
    def outputs(self) -> "tuple[Shape, ...]":
        """The shapes of all outputs, as the file declares them."""
        return tuple(self._graph.tensors[index].shape for index in self._operator.outputs)

    def shape(self, place: int) -> "Shape":
        """Return the shape of the input at ``place``."""
        return self._tensor(place).shape

    def row(self, place: int, *, length: int | None = None) -> list[int]:
        """Return the whole numbers of a constant input one after the other.

        Args:
            place: Of the input.
            length: How many there must be; None: any number.
        """
        tensor = self._tensor(place)
        if tensor.data is None or tensor.sparsity is not None:
            raise UnknownShapeError
        if tensor.dtype not in NUMPY or np.dtype(NUMPY[tensor.dtype]).kind not in "iu":
            raise UnknownShapeError
        found = [int(item) for item in tensor.values().reshape(-1)]
        if length is not None and len(found) != length:
            raise UnknownShapeError
        return found

    def image(self) -> "Shape":
        """Return the shape of the first input: batch, rows, columns and channels."""
        source = self.shape(0)
        if len(source) != 4:  # noqa: PLR2004  the four
            raise UnknownShapeError
        return source

    def axis(self, value: int, *, rank: int) -> int:
        """Return the dimension that ``value`` counts from the start or from the end."""
        if not -rank <= value < rank:
            raise UnknownShapeError
        return value % rank

    def _tensor(self, place: int) -> "Tensor":
        if place >= len(self._operator.inputs) or self._operator.inputs[place] == -1:
            raise UnknownShapeError
        return self._graph.tensors[self._operator.inputs[place]]
