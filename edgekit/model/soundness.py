"""What a file must be before its numbers are trusted: bounded, and a graph that can be.

Everything here is checked once, when a file is read. What is left to the rest of the package
are models that may be unsupported, and none that contradict themselves.
"""

from typing import TYPE_CHECKING

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgekit.model.operators import called_graphs, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from edgekit.model.operators import OperatorKind
    from edgekit.model.values import Graph, Model, Operator, Tensor

MOST_TENSOR_BYTES = 2**31
"""Of one tensor: TFLite's kernels count elements in 32 bits."""
MOST_DIMENSIONS = 16
"""Of one tensor: TFLite's kernels know 8."""
MOST_STEPS = 20_000
"""Operators of one invocation, those of called graphs included; phones' largest have thousands."""
_MOST_NESTED = 32  # graphs within graphs
_SHARED_FOLD, _SMALL = 4, 4096  # writers share equal vectors, and count them once

_STORED = frozenset({"int8", "uint8", "int16"})


class UnsoundError(ValueError):
    """A file that cannot be; the message says why, and the hint what to try, if edgekit knows."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


def check_size(model: "schema.Model", file_bytes: int) -> None:
    """Refuse a file whose tables hold more than the file: the same ones over and over.

    Offsets of a flatbuffer may share what they point at. A file of some kilobytes can so unfold
    into more than fits in memory, and is refused before it is unpacked.

    Args:
        model: The root of the file; nothing of it has been unpacked.
        file_bytes: The length of the file.

    Raises:
        UnsoundError: It unfolds into more tables, numbers or bytes than it can hold.
    """
    left = _SHARED_FOLD * file_bytes + _SMALL
    for held in _held(model):
        left -= held
        if left < 0:
            raise UnsoundError("its tables overlap, and hold more than the whole file")


def _held(model: "schema.Model") -> "Iterator[int]":
    """Yield how much each part of the file holds: tables, numbers, letters and stored bytes."""
    yield model.MetadataLength() + model.OperatorCodesLength()
    for number in range(model.BuffersLength()):
        buffer = model.Buffers(number)
        yield 1 + buffer.DataLength() + (buffer.Size() if buffer.Offset() > 1 else 0)
    for number in range(model.SignatureDefsLength()):
        signature = model.SignatureDefs(number)
        yield 1 + signature.InputsLength() + signature.OutputsLength()
    for number in range(model.SubgraphsLength()):
        graph = model.Subgraphs(number)
        yield graph.InputsLength() + graph.OutputsLength()
        for place in range(graph.TensorsLength()):
            yield _held_by_tensor(graph.Tensors(place))
        for place in range(graph.OperatorsLength()):
            operator = graph.Operators(place)
            yield 1 + operator.InputsLength() + operator.OutputsLength()
            yield operator.IntermediatesLength() + operator.MutatingVariableInputsLength()
            yield operator.CustomOptionsLength()


def _held_by_tensor(tensor: "schema.Tensor") -> int:
    held = 1 + len(tensor.Name() or b"")
    held += tensor.ShapeLength() + tensor.ShapeSignatureLength() + tensor.VariantTensorsLength()
    sparsity, quantization = tensor.Sparsity(), tensor.Quantization()
    if sparsity is not None:
        held += sparsity.DimMetadataLength()
    if quantization is not None:
        held += quantization.ScaleLength() + quantization.ZeroPointLength()
        held += quantization.MinLength() + quantization.MaxLength()
    return int(held)


def check_model(model: "Model") -> None:
    """Refuse a model that contradicts itself.

    Raises:
        UnsoundError: An index points outside its graph, a tensor has a shape, type or
            quantization that cannot be, or an operator lacks what every kernel of it reads.
    """
    for graph in model.graphs:
        for tensor in graph.tensors:
            _check_tensor(tensor)
        _check_indices((*graph.inputs, *graph.outputs), graph, "the graph's inputs and outputs")
        for index in (*graph.inputs, *graph.outputs):
            _check_port(graph.tensors[index])
        for operator in graph.operators:
            _check_operator(operator, graph, len(model.graphs))
    for signature in model.signatures:
        if signature.graph >= len(model.graphs):
            raise UnsoundError(f"signature {signature.key!r} is of graph {signature.graph}")
        named = (index for _, index in signature.inputs + signature.outputs)
        _check_indices(named, model.graphs[signature.graph], f"signature {signature.key!r}")
    steps: dict[int, int] = {}
    for number in range(len(model.graphs)):
        if _steps(model, number, above=(), known=steps) > MOST_STEPS:
            raise UnsoundError(f"graph {number} takes more than {MOST_STEPS} operators to run")


def _steps(model: "Model", number: int, *, above: tuple[int, ...], known: dict[int, int]) -> int:
    """Return how many operators one run of a graph takes, with the graphs that it calls."""
    if number in above:
        raise UnsoundError(f"graph {number} calls itself")
    if len(above) > _MOST_NESTED:
        raise UnsoundError(f"graphs call each other {_MOST_NESTED} deep")
    if number not in known:
        graph = model.graphs[number]
        known[number] = len(graph.operators) + sum(
            _steps(model, called, above=(*above, number), known=known)
            for operator in graph.operators
            for called in called_graphs(operator)
        )
    return known[number]


def _check_tensor(tensor: "Tensor") -> None:
    where = f"tensor {tensor.index}"
    if len(tensor.shape) > MOST_DIMENSIONS:
        raise UnsoundError(f"{where} has {len(tensor.shape)} dimensions")
    if any(size < 0 for size in tensor.shape):
        raise UnsoundError(f"{where} has the shape {tensor.shape}")
    if tensor.stored_bytes > MOST_TENSOR_BYTES:
        raise UnsoundError(f"{where} of the shape {tensor.shape} takes more than 2 GiB")
    if tensor.data is not None and tensor.sparsity is None:
        found, wanted = len(tensor.data), tensor.stored_bytes
        if found < wanted:
            raise UnsoundError(f"{where} has {found} bytes, not {wanted}")
    _check_quantization(tensor, where)


def _check_quantization(tensor: "Tensor", where: str) -> None:
    made = tensor.quantization
    if made is None or made.details is not None:
        return
    if not np.isfinite(made.scales).all() or (made.scales < 0).any():
        raise UnsoundError(f"{where} has a scale that is no positive number")
    axis = tensor.channel_axis
    if axis is not None:
        channels = tensor.shape[axis] if 0 <= axis < len(tensor.shape) else 0
        if len(made.scales) != channels:
            raise UnsoundError(
                f"{where} of the shape {tensor.shape} has {len(made.scales)} scales along "
                f"dimension {made.axis}"
            )
    if tensor.dtype in _STORED:
        limits = np.iinfo(tensor.dtype)
        beyond = (made.zero_points < limits.min) | (made.zero_points > limits.max)
        if beyond.any():
            point = made.zero_points[beyond][0]
            raise UnsoundError(f"{where} of {tensor.dtype} has a zero point of {point}")


def _check_port(tensor: "Tensor") -> None:
    made = tensor.quantization
    if made is not None and made.details is None and not made.scales.all():
        raise UnsoundError(f"tensor {tensor.index}, an input or output, has a scale of 0")


def _check_indices(used: "Iterable[int]", graph: "Graph", where: str) -> None:
    limit = len(graph.tensors)
    for item in used:
        if not 0 <= item < limit:
            raise UnsoundError(f"{where}: there is no tensor {item}, {limit} are there")


def _check_operator(operator: "Operator", graph: "Graph", graphs: int) -> None:
    where = f"{operator.op} at {operator.index}"
    if operator.is_custom and hasattr(schema.BuiltinOperator, operator.op):
        raise UnsoundError(f"{where} is a custom operator with the name of a builtin one")
    present = [index for index in operator.inputs if index != -1]
    _check_indices((*present, *operator.outputs, *operator.intermediates), graph, where)
    kind = kind_of(operator)
    missing = [place for place in kind.inputs if operator.inputs[place : place + 1] in ((), (-1,))]
    if missing:
        raise UnsoundError(f"{where} has no input {missing[0]}")
    if len(operator.outputs) < kind.outputs:
        raise UnsoundError(f"{where} has no output")
    for place, rank in kind.ranks.items():
        shape = graph.tensors[operator.inputs[place]].shape
        if len(shape) != rank:
            what = "kernel" if place == 1 else "input"
            raise UnsoundError(f"{where} has a {what} of shape {shape}, not of {rank} dimensions")
    if kind.input_rank and len(graph.tensors[operator.inputs[0]].shape) < kind.input_rank:
        raise UnsoundError(f"{where} has a scalar for its input")
    if kind.output_rank and len(graph.tensors[operator.outputs[0]].shape) < kind.output_rank:
        shape = graph.tensors[operator.outputs[0]].shape
        raise UnsoundError(f"{where} has an output of the shape {shape}")
    _check_options(operator, kind, where)
    for called in called_graphs(operator):
        if not 0 <= called < graphs:
            raise UnsoundError(f"{where} calls graph {called} of {graphs}")


def _check_options(operator: "Operator", kind: "OperatorKind", where: str) -> None:
    options = type(operator.options).__name__.removesuffix("T")
    if kind.options and operator.options is not None and options != kind.options:
        raise UnsoundError(f"{where} has {options}")
    for name in kind.positive:
        value = getattr(operator.options, name, 0)
        if value < 1:
            raise UnsoundError(f"{where} has a {name} of {value}")
