"""A TFLite flatbuffer as frozen values, read from bytes."""

import hashlib
import struct
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from edgekit.errors import InputError, UnsupportedModelError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

T = TypeVar("T")

_IDENTIFIER = b"TFL3"  # bytes 4 to 8 of every TFLite file (schema.fbs, file_identifier)


@dataclass(frozen=True, kw_only=True, slots=True)
class Quantization:
    """How stored integers stand for real numbers: ``real = scale * (stored - zero_point)``.

    Args:
        scales: float32, shape ``(1,)`` per tensor or ``(channels,)`` per channel.
        zero_points: int64, the same shape.
        axis: The dimension that the channels run along.
    """

    scales: npt.NDArray[np.float32]
    zero_points: npt.NDArray[np.int64]
    axis: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Tensor:
    """One tensor of a graph.

    Args:
        index: Its place in the graph.
        name: As the converter wrote it.
        shape: Static dimensions.
        dtype: TFLite's name in small letters: ``"int8"``, ``"float32"``, ``"int4"``.
        data: The bytes of a constant as stored, or None.
        quantization: None for a tensor without scales.
        is_variable: True for state kept between invocations.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    data: bytes | None
    quantization: Quantization | None
    is_variable: bool

    @property
    def elements(self) -> int:
        """The number of elements."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def stored_bytes(self) -> int:
        """The bytes of the tensor's values in memory; int4 values are packed in pairs."""
        return -(-self.elements * _BITS[self.dtype] // 8)

    def values(self) -> npt.NDArray[np.generic]:
        """Return a constant's stored values, of the tensor's shape; int4 unpacked to int8.

        Raises:
            UnsupportedModelError: The tensor is no constant or of a type without values.
        """
        if self.data is None or self.dtype not in _NUMPY:
            raise UnsupportedModelError(f"tensor '{self.name}' has no constant {self.dtype} values")
        if self.dtype == "int4":
            return _unpack_int4(self.data, self.elements).reshape(self.shape)
        return np.frombuffer(self.data, dtype=_NUMPY[self.dtype]).reshape(self.shape)


@dataclass(frozen=True, kw_only=True, slots=True)
class Operator:
    """One operator of a graph.

    Args:
        index: Its place in the order of execution.
        op: TFLite's builtin name such as ``"CONV_2D"``, or the name of a custom operator.
        version: The operator's version in the file.
        inputs: Tensor indices; -1 stands for an optional input that is absent.
        outputs: Tensor indices.
        options: The options of the schema, such as ``strideW``; None where there are none.
    """

    index: int
    op: str
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: object | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Graph:
    """One subgraph: tensors, and operators in the order of execution."""

    name: str
    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    def producer(self, tensor: int) -> Operator | None:
        """Return the operator that writes tensor ``tensor``, or None for inputs and constants."""
        return next((item for item in self.operators if tensor in item.outputs), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """A whole `.tflite` file.

    Args:
        graphs: The first is the main one.
        description: What the converter wrote of itself.
        file_bytes: The length of the file.
        sha256: Of the file, in hexadecimal.
    """

    graphs: tuple[Graph, ...]
    description: str
    file_bytes: int
    sha256: str

    @property
    def main(self) -> Graph:
        """The graph that runs when the model is invoked."""
        return self.graphs[0]


def load(path: "Path") -> Model:
    """Return the model in the file ``path``.

    Raises:
        InputError: No such file, or not a TFLite file; see `read`.
    """
    return read(read_bytes(path), name=str(path))


def read_bytes(path: "Path") -> bytes:
    """Return the content of the file ``path``.

    Raises:
        InputError: The file is missing, a folder, or cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error


def read(content: bytes, *, name: str = "the model") -> Model:
    """Return the model in ``content``.

    Args:
        content: A whole `.tflite` file.
        name: Of the file, for messages.

    Raises:
        InputError: Not a TFLite file, or a damaged one: cut short, or with indices that point
            outside it.
        UnsupportedModelError: The file has no graph.
    """
    if content[4:8] != _IDENTIFIER:
        raise InputError(
            f"{name}: not a TFLite file (no '{_IDENTIFIER.decode()}' identifier)",
            hint="convert a Keras model with: edgekit convert MODEL --data random --out FILE",
        )
    try:
        source = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
        graphs = tuple(_graph(source, graph) for graph in source.subgraphs or ())
    except (
        struct.error,
        IndexError,
        KeyError,
        ValueError,
        TypeError,
        AttributeError,
        OverflowError,
        MemoryError,
        RecursionError,
    ) as error:  # what the schema's reader lets out on damaged bytes
        raise InputError(f"{name}: damaged TFLite file ({error})") from error
    if not graphs:
        raise UnsupportedModelError(f"{name}: the model has no graph")
    return Model(
        graphs=graphs,
        description=_text(source.description),
        file_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def _graph(source: schema.ModelT, graph: schema.SubGraphT) -> Graph:
    tensors = tuple(
        _tensor(index, tensor, source.buffers) for index, tensor in enumerate(graph.tensors)
    )
    built = Graph(
        name=_text(graph.name),
        tensors=tensors,
        operators=tuple(
            _operator(index, operator, source.operatorCodes)
            for index, operator in enumerate(_items(graph.operators))
        ),
        inputs=_indices(graph.inputs),
        outputs=_indices(graph.outputs),
    )
    _check_indices(built)
    return built


def _tensor(index: int, tensor: schema.TensorT, buffers: list[schema.BufferT]) -> Tensor:
    buffer = buffers[tensor.buffer]
    shape = tuple(int(size) for size in _items(tensor.shape))
    dtype = _type_names()[tensor.type]
    data = None if buffer.data is None or len(buffer.data) == 0 else bytes(buffer.data)
    if any(size < 0 for size in shape):
        raise ValueError(f"tensor {index} has the shape {shape}")
    built = Tensor(
        index=index,
        name=_text(tensor.name),
        shape=shape,
        dtype=dtype,
        data=data,
        quantization=_quantization(tensor.quantization),
        is_variable=bool(tensor.isVariable),
    )
    if (
        data is not None
        and dtype in _BITS
        and tensor.sparsity is None
        and len(data) < built.stored_bytes
    ):
        raise ValueError(f"tensor {index} has {len(data)} bytes, not {built.stored_bytes}")
    return built


def _quantization(source: schema.QuantizationParametersT | None) -> Quantization | None:
    if source is None or source.scale is None or len(source.scale) == 0:
        return None
    scales = np.asarray(source.scale, np.float32)
    stored = source.zeroPoint
    zero_points = np.zeros(len(scales), np.int64)
    if stored is not None and len(stored):
        zero_points = np.broadcast_to(np.asarray(stored, np.int64), scales.shape)
    return Quantization(scales=scales, zero_points=zero_points, axis=int(source.quantizedDimension))


def _operator(
    index: int, operator: schema.OperatorT, codes: list[schema.OperatorCodeT]
) -> Operator:
    code = codes[operator.opcodeIndex]
    # Converters before TF 2.4 knew the old field alone, which holds codes up to 127.
    builtin = max(code.builtinCode, code.deprecatedBuiltinCode)
    name = _operator_names()[builtin]
    return Operator(
        index=index,
        op=_text(code.customCode) if name == "CUSTOM" else name,
        version=int(code.version),
        inputs=_indices(operator.inputs),
        outputs=_indices(operator.outputs),
        options=operator.builtinOptions or operator.builtinOptions2,
    )


def _check_indices(graph: Graph) -> None:
    limit = len(graph.tensors)
    used = [*graph.inputs, *graph.outputs]
    for operator in graph.operators:
        used += [*(item for item in operator.inputs if item != -1), *operator.outputs]
    for item in used:
        if not 0 <= item < limit:
            raise ValueError(f"tensor {item} of {limit} is used")


def _items(value: "Iterable[T] | None") -> "Iterable[T]":
    return () if value is None else value


def _indices(value: "Iterable[int] | None") -> tuple[int, ...]:
    return tuple(int(item) for item in _items(value))


def _text(value: bytes | None) -> str:
    return (value or b"").decode(errors="replace")


def _unpack_int4(data: bytes, elements: int) -> npt.NDArray[np.int8]:
    """Return the int4 values of ``data``: two to a byte, the low half first."""
    pairs = np.frombuffer(data, np.uint8)
    halves = np.stack([pairs & 0xF, pairs >> 4], axis=-1).reshape(-1)[:elements]
    return ((halves.astype(np.int8) ^ 8) - 8).astype(np.int8)


@cache
def _operator_names() -> dict[int, str]:
    return _names(schema.BuiltinOperator)


@cache
def _type_names() -> dict[int, str]:
    return {number: name.lower() for number, name in _names(schema.TensorType).items()}


def _names(enumeration: type) -> dict[int, str]:
    return {value: name for name, value in vars(enumeration).items() if isinstance(value, int)}


_NUMPY = {
    "bool": np.bool_,
    "int4": np.int8,
    "int8": np.int8,
    "uint8": np.uint8,
    "int16": np.int16,
    "uint16": np.uint16,
    "int32": np.int32,
    "uint32": np.uint32,
    "int64": np.int64,
    "uint64": np.uint64,
    "float16": np.float16,
    "float32": np.float32,
    "float64": np.float64,
    "complex64": np.complex64,
    "complex128": np.complex128,
}
_BITS = {name: 8 * np.dtype(kind).itemsize for name, kind in _NUMPY.items()} | {
    "int2": 2,
    "int4": 4,
}
