"""What is in a `.tflite`: operators, multiply-accumulates, weights, zeros, inputs and outputs."""

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from edgekit.files.results import few, save_json, told
from edgekit.model.integer import float_tensors
from edgekit.model.macs import macs
from edgekit.model.values import NUMPY
from edgekit.numerics.integers import along
from edgekit.record.model import Constant, FloatTensor, OperatorSummary, Port

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from edgekit.model.reader import Graph, Model, Operator, Tensor


@dataclass(frozen=True, kw_only=True, slots=True)
class Inspection:
    """All that `inspect` finds."""

    bytes: int
    sha256: str
    description: str
    macs: int
    parameters: int
    zero_weight_fraction: float
    float_tensors: tuple[FloatTensor, ...]
    operators: tuple[OperatorSummary, ...]
    constants: tuple[Constant, ...]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]

    @property
    def fully_integer(self) -> bool:
        """Whether no tensor is a float."""
        return not self.float_tensors

    def save(self, path: "str | Path") -> None:
        """Write what ``edgekit inspect --json`` prints to ``path``."""
        save_json(path, "inspect", to_json(self))

    def __repr__(self) -> str:
        return told(
            f"Inspection: {self.bytes:,} B, {'' if self.fully_integer else 'not '}fully integer",
            sha256=self.sha256,
            macs=f"{self.macs:,}",
            parameters=f"{self.parameters:,}, {self.zero_weight_fraction:.1%} zeros",
            operators=f"{len(self.operators)}: {few(item.op for item in self.operators)}",
            inputs=few(f"{item.name} {item.dtype} {item.shape}" for item in self.inputs),
            outputs=few(f"{item.name} {item.dtype} {item.shape}" for item in self.outputs),
            float_tensors=few(item.name for item in self.float_tensors),
        )


def inspect(model: "Model") -> Inspection:
    """Return what is in the main graph of ``model``."""
    graph = model.main
    constants = tuple(_constants(graph))
    operators = tuple(
        OperatorSummary(
            index=operator.index,
            op=operator.op,
            macs=macs(graph, operator),
            parameters=sum(tensor.elements for tensor in _parameters(graph, operator)),
        )
        for operator in graph.operators
    )
    return Inspection(
        bytes=model.file_bytes,
        sha256=model.sha256,
        description=model.description,
        macs=sum(operator.macs for operator in operators),
        parameters=sum(operator.parameters for operator in operators),
        zero_weight_fraction=zero_fraction(constants),
        float_tensors=float_tensors(model),
        operators=operators,
        constants=constants,
        inputs=tuple(_port(graph.tensors[index]) for index in graph.inputs),
        outputs=tuple(_port(graph.tensors[index]) for index in graph.outputs),
    )


def with_names(inspection: Inspection, original: Inspection) -> Inspection:
    """Return ``inspection`` with the names that its constants had in the ``original`` file.

    Shrinking takes the names away. Constants are told apart by their order among those of the same
    kind of operator; where their number changed they stay without a name.
    """

    def key(constants: tuple[Constant, ...]) -> list[tuple[str, bool]]:
        return [(item.op, item.is_kernel) for item in constants]

    if key(inspection.constants) != key(original.constants):
        return inspection
    named = tuple(
        replace(item, name=item.name or before.name)
        for item, before in zip(inspection.constants, original.constants, strict=True)
    )
    return replace(inspection, constants=named)


def to_json(inspection: Inspection) -> dict[str, object]:
    """Return the keys of ``edgekit inspect --json``."""
    return {
        "model": {"bytes": inspection.bytes, "sha256": inspection.sha256},
        "macs": inspection.macs,
        "parameters": inspection.parameters,
        "zero_weight_fraction": inspection.zero_weight_fraction,
        "fully_integer": inspection.fully_integer,
        "float_tensors": [asdict(item) for item in inspection.float_tensors],
        "operators": [asdict(item) for item in inspection.operators],
        "constants": [asdict(item) for item in inspection.constants],
        "inputs": [asdict(item) for item in inspection.inputs],
        "outputs": [asdict(item) for item in inspection.outputs],
    }


def zero_fraction(constants: tuple[Constant, ...]) -> float:
    """Return the fraction of exact zeros among the weights of all kernels; 0 without kernels."""
    kernels = [item for item in constants if item.is_kernel]
    sizes = [int(np.prod(item.shape, dtype=np.int64)) for item in kernels]
    zeros = sum(item.zero_fraction * size for item, size in zip(kernels, sizes, strict=True))
    return zeros / sum(sizes) if sum(sizes) else 0.0


def is_parameter(tensor: "Tensor") -> bool:
    """Return whether ``tensor`` is a trained constant: not shapes, axes or paddings."""
    trained = tensor.quantization is not None or (tensor.is_float and tensor.dtype in NUMPY)
    return tensor.data is not None and trained


def _parameters(graph: "Graph", operator: "Operator") -> "list[Tensor]":
    """Return the trained constants that ``operator`` reads: not shapes, axes or paddings."""
    tensors = (graph.tensors[index] for index in operator.inputs if index != -1)
    return [tensor for tensor in tensors if is_parameter(tensor)]


def _constants(graph: "Graph") -> "list[Constant]":
    """Return every trained constant once, in the order in which the operators read them."""
    found: dict[int, Constant] = {}
    for operator in graph.operators:
        for tensor in _parameters(graph, operator):
            if tensor.index not in found:
                found[tensor.index] = _constant(tensor, operator)
    return list(found.values())


def _constant(tensor: "Tensor", operator: "Operator") -> Constant:
    assert tensor.data is not None
    return Constant(
        name=tensor.name,
        op=operator.op,
        operator=operator.index,
        shape=tensor.shape,
        dtype=tensor.dtype,
        bytes=len(tensor.data),
        zero_fraction=_zeros(tensor),
    )


def is_zero(tensor: "Tensor") -> "npt.NDArray[np.bool_]":
    """Return where the constant ``tensor`` stands for exactly 0.0, in its shape."""
    values, quantization = tensor.values(), tensor.quantization
    if quantization is None:
        return np.asarray(values == 0)
    return np.asarray(values == along(quantization.zero_points, values.ndim, tensor.channel_axis))


def _zeros(tensor: "Tensor") -> float:
    return float(is_zero(tensor).mean()) if tensor.elements else 0.0


def _port(tensor: "Tensor") -> Port:
    quantization = tensor.quantization
    return Port(
        name=tensor.name,
        shape=tensor.shape,
        dtype=tensor.dtype,
        scale=None if quantization is None else float(quantization.scales[0]),
        zero_point=None if quantization is None else int(quantization.zero_points[0]),
    )
