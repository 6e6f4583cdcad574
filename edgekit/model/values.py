"""The values of a TFLite file: model, graphs, operators, tensors, quantization."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from edgekit.errors import UnsupportedModelError

if TYPE_CHECKING:
    from ai_edge_litert import schema_py_generated as schema


@dataclass(frozen=True, kw_only=True, slots=True)
class Quantization:
    """How stored integers stand for real numbers: ``real = scale * (stored - zero_point)``.

    Args:
        scales: float32, shape ``(1,)`` per tensor or ``(channels,)`` per channel.
        zero_points: int64, the same shape.
        axis: The dimension that the channels run along.
        details: What the schema keeps for other schemes than one scale a channel, or None.
    """

    scales: npt.NDArray[np.float32]
    zero_points: npt.NDArray[np.int64]
    axis: int
    details: object | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ObservedRange:
    """The least and greatest real values that the converter saw; no runtime reads them.

    Args:
        low: float32, shape ``(1,)`` or ``(channels,)``; may be empty.
        high: float32, the same.
    """

    low: npt.NDArray[np.float32]
    high: npt.NDArray[np.float32]


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
        observed: The range that the converter saw, or None.
        shape_signature: The shape with -1 for dynamic dimensions, or None.
        has_rank: Whether the shape is known where it is empty: a scalar.
        sparsity: The schema's own sparse layout of ``data``, or None.
        variants: Types inside a variant tensor.
        external_buffer: Number of the buffer outside the file, or 0.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    data: bytes | None
    quantization: Quantization | None
    is_variable: bool
    observed: ObservedRange | None = None
    shape_signature: tuple[int, ...] | None = None
    has_rank: bool = False
    sparsity: "schema.SparsityParametersT | None" = None
    variants: "tuple[schema.VariantSubTypeT, ...]" = ()
    external_buffer: int = 0

    @property
    def elements(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    @property
    def stored_bytes(self) -> int:
        """The bytes of the tensor's values in memory; int4 values are packed in pairs.

        Values of a type without a fixed width, such as texts, count none.
        """
        return -(-self.elements * BITS.get(self.dtype, 0) // 8)

    @property
    def is_float(self) -> bool:
        """Whether it holds floating-point numbers, of whatever width."""
        return "float" in self.dtype

    @property
    def channel_axis(self) -> int | None:
        """The dimension that several scales run along; None where there are not several.

        Converters before 2021 gave a bias the axis of its weights: it has one dimension.
        """
        made = self.quantization
        if made is None or made.scales.size <= 1:
            return None
        return 0 if len(self.shape) == 1 else made.axis

    def values(self) -> npt.NDArray[np.generic]:
        """Return a constant's stored values, of the tensor's shape; int4 unpacked to int8.

        Raises:
            UnsupportedModelError: The tensor is no constant, of a type without values, or stored
                in the schema's sparse layout.
        """
        if self.data is None or self.dtype not in NUMPY or self.sparsity is not None:
            raise UnsupportedModelError(f"tensor '{self.name}' has no constant {self.dtype} values")
        if self.dtype == "int4":
            return _unpack_int4(self.data, self.elements).reshape(self.shape)
        kind = np.dtype(NUMPY[self.dtype])
        return np.frombuffer(self.data, dtype=kind, count=self.elements).reshape(self.shape)


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
            To be read: a change is made on a copy.
        is_custom: True where ``op`` is the name of a custom operator.
        custom_options: The bytes that a custom operator reads, or None.
        mutating: For each input whether the operator changes it; may be empty.
        intermediates: Indices of tensors that the operator keeps to itself.
        debug_index: Into the debug metadata, or -1.
    """

    index: int
    op: str
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: object | None
    is_custom: bool = False
    custom_options: bytes | None = None
    mutating: tuple[bool, ...] = ()
    intermediates: tuple[int, ...] = ()
    debug_index: int = -1


@dataclass(frozen=True, kw_only=True, slots=True)
class Graph:
    """One subgraph: tensors, and operators in the order of execution."""

    name: str
    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    debug_index: int = -1


@dataclass(frozen=True, kw_only=True, slots=True)
class Metadata:
    """A named block of bytes that tools leave in the file."""

    name: str
    data: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Signature:
    """Names under which callers find the inputs and outputs of a graph.

    Args:
        key: Of the signature, such as ``"serving_default"``.
        graph: Index of the graph.
        inputs: Names and tensor indices.
        outputs: The same.
    """

    key: str
    graph: int
    inputs: tuple[tuple[str, int], ...]
    outputs: tuple[tuple[str, int], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """A whole `.tflite` file.

    Args:
        graphs: The first is the main one.
        description: What the converter wrote of itself.
        file_bytes: The length of the file.
        sha256: Of the file, in hexadecimal.
        version: Of the schema; 3 since 2017.
        metadata: In the order of the file.
        signatures: In the order of the file.
        legacy_metadata: Blocks of the field that ``metadata`` replaced, or None.
        external_groups: Names of files that hold buffers outside this one.
        external_buffers: Places of those buffers.
    """

    graphs: tuple[Graph, ...]
    description: str
    file_bytes: int
    sha256: str
    version: int = 3
    metadata: tuple[Metadata, ...] = ()
    signatures: tuple[Signature, ...] = ()
    legacy_metadata: tuple[bytes, ...] | None = None
    external_groups: tuple[str, ...] = ()
    external_buffers: "tuple[schema.ExternalBufferT, ...]" = ()

    @property
    def main(self) -> Graph:
        """The graph that runs when the model is invoked."""
        return self.graphs[0]


def pack_int4(values: npt.NDArray[np.int8]) -> bytes:
    """Return int4 ``values``, of any shape, as `Tensor.data` holds them: see `Tensor.values`.

    Args:
        values: In [-8, 7]. The last of an odd number has the low half of its byte.
    """
    halves = np.append(values.reshape(-1), np.zeros(values.size % 2, np.int8)) & 0xF
    return (halves[0::2] | halves[1::2] << 4).astype(np.uint8).tobytes()


def _unpack_int4(data: bytes, elements: int) -> npt.NDArray[np.int8]:
    """Return the int4 values of ``data``: two to a byte, the low half first."""
    pairs = np.frombuffer(data, np.uint8)
    halves = np.stack([pairs & 0xF, pairs >> 4], axis=-1).reshape(-1)[:elements]
    return ((halves.astype(np.int8) ^ 8) - 8).astype(np.int8)


NUMPY = {
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
"""The NumPy type of each tensor type that has one."""

BITS = {name: 8 * np.dtype(kind).itemsize for name, kind in NUMPY.items()} | {
    "int2": 2,
    "int4": 4,
}
"""The bits of one stored value of each tensor type."""
