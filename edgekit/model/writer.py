"""Write a model as a TFLite flatbuffer: the same values give the same bytes.

The layout is this writer's own: constants are stored once and aligned to 16 bytes, equal
vectors, texts and tables are stored once and shared, operator codes and buffers that nothing
uses do not exist.
"""

from functools import cache
from typing import TYPE_CHECKING

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgekit.model.reader import IDENTIFIER

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    import numpy.typing as npt

    from edgekit.model.values import (
        Graph,
        Model,
        ObservedRange,
        Operator,
        Quantization,
        Signature,
        Tensor,
    )

_ALIGNMENT_BYTES = 16  # of constants: what schema.fbs forces and kernels with SIMD rely on
_OLD_CODES_END = 127  # the old field of an operator code holds a signed byte


def write(model: "Model") -> bytes:
    """Return ``model`` as the content of a `.tflite` file; `file_bytes` and `sha256` are ignored.

    Every field of the schema that ``model`` holds survives: reading the result and writing it
    again gives the same bytes.
    """
    return _Writer(model).content()


class _Writer:
    """One file in the making; flatbuffers grow from their end to their beginning."""

    def __init__(self, model: "Model") -> None:
        self._model = model
        self._builder = flatbuffers.Builder(max(1024, model.file_bytes))
        self._shared: dict[Hashable, int] = {}
        self._buffers: dict[bytes, int] = {b"": 0}  # the schema wants an empty buffer at 0
        self._codes: dict[tuple[str, bool, int], int] = {}

    def content(self) -> bytes:
        model = self._model
        fields = {
            "Subgraphs": self._offsets([self._graph(item) for item in model.graphs]),
            "Description": self._text(model.description),
            "Metadata": self._list([self._metadata(m.name, m.data) for m in model.metadata]),
            "SignatureDefs": self._list([self._signature(item) for item in model.signatures]),
            "ExternalBufferGroups": self._list(
                [
                    self._table("ExternalBufferGroup", {"Name": self._text(name)})
                    for name in model.external_groups
                ]
            ),
            "ExternalBuffers": self._list([self._packed(m) for m in model.external_buffers]),
        }
        if model.legacy_metadata is not None:
            blocks = [self._buffer_index(block) for block in model.legacy_metadata]
            fields["MetadataBuffer"] = self._vector(np.array(blocks, np.int32))
        fields["OperatorCodes"] = self._offsets([self._code(*code) for code in self._codes])
        fields["Buffers"] = self._offsets([self._buffer(block) for block in self._buffers])
        root = self._table("Model", fields, {"Version": model.version})
        self._builder.Finish(root, file_identifier=IDENTIFIER)
        return bytes(self._builder.Output())

    def _graph(self, graph: "Graph") -> int:
        fields = {
            "Tensors": self._offsets([self._tensor(item) for item in graph.tensors]),
            "Inputs": self._indices(graph.inputs),
            "Outputs": self._indices(graph.outputs),
            "Operators": self._offsets([self._operator(item) for item in graph.operators]),
            "Name": self._text(graph.name),
        }
        return self._table("SubGraph", fields, {"DebugMetadataIndex": graph.debug_index})

    def _tensor(self, tensor: "Tensor") -> int:
        signature = tensor.shape_signature
        fields = {
            "Shape": self._indices(tensor.shape),
            "Name": self._text(tensor.name),
            "Quantization": self._quantization(tensor.quantization, tensor.observed),
            "ShapeSignature": None if signature is None else self._indices(signature),
            "Sparsity": None if tensor.sparsity is None else self._packed(tensor.sparsity),
            "VariantTensors": self._list([self._packed(item) for item in tensor.variants]),
        }
        scalars = {
            "Type": getattr(schema.TensorType, tensor.dtype.upper()),
            "Buffer": self._buffer_index(tensor.data or b""),
            "IsVariable": tensor.is_variable,
            "HasRank": tensor.has_rank,
            "ExternalBuffer": tensor.external_buffer,
        }
        return self._table("Tensor", fields, scalars)

    def _quantization(
        self, quantization: "Quantization | None", observed: "ObservedRange | None"
    ) -> int | None:
        fields: dict[str, int | None] = {}
        scalars: dict[str, int] = {}
        if observed is not None:
            fields["Min"] = self._vector(observed.low.astype(np.float32))
            fields["Max"] = self._vector(observed.high.astype(np.float32))
        if quantization is not None:
            fields["Scale"] = self._vector(quantization.scales.astype(np.float32))
            fields["ZeroPoint"] = self._vector(quantization.zero_points.astype(np.int64))
            scalars["QuantizedDimension"] = quantization.axis
            if quantization.details is not None:
                fields["Details"] = self._packed(quantization.details)
                scalars["DetailsType"] = _union_type("QuantizationDetails", quantization.details)
        return self._table("QuantizationParameters", fields, scalars) if fields else None

    def _operator(self, operator: "Operator") -> int:
        fields: dict[str, int | None] = {
            "Inputs": self._indices(operator.inputs),
            "Outputs": self._indices(operator.outputs),
        }
        code = (operator.op, operator.is_custom, operator.version)
        scalars = {
            "OpcodeIndex": self._codes.setdefault(code, len(self._codes)),
            "DebugMetadataIndex": operator.debug_index,
        }
        if operator.options is not None:
            union = _options_union(operator.options)
            fields[union] = self._packed(operator.options)
            scalars[f"{union}Type"] = _union_type(union, operator.options)
        if operator.custom_options is not None:
            fields["CustomOptions"] = self._vector(np.frombuffer(operator.custom_options, np.uint8))
        if operator.mutating:
            fields["MutatingVariableInputs"] = self._vector(np.array(operator.mutating, np.bool_))
        if operator.intermediates:
            fields["Intermediates"] = self._indices(operator.intermediates)
        return self._table("Operator", fields, scalars)

    def _code(self, op: str, is_custom: bool, version: int) -> int:  # noqa: FBT001  a key's parts
        builtin = getattr(schema.BuiltinOperator, "CUSTOM" if is_custom else op)
        scalars = {
            "DeprecatedBuiltinCode": min(builtin, _OLD_CODES_END),
            "BuiltinCode": builtin,
            "Version": version,
        }
        name = self._text(op) if is_custom else None
        return self._table("OperatorCode", {"CustomCode": name}, scalars)

    def _metadata(self, name: str, data: bytes) -> int:
        scalars = {"Buffer": self._buffer_index(data)}
        return self._table("Metadata", {"Name": self._text(name)}, scalars)

    def _signature(self, signature: "Signature") -> int:
        fields = {
            "SignatureKey": self._text(signature.key),
            "Inputs": self._offsets([self._named(*item) for item in signature.inputs]),
            "Outputs": self._offsets([self._named(*item) for item in signature.outputs]),
        }
        return self._table("SignatureDef", fields, {"SubgraphIndex": signature.graph})

    def _named(self, name: str, tensor: int) -> int:
        return self._table("TensorMap", {"Name": self._text(name)}, {"TensorIndex": tensor})

    def _buffer_index(self, data: bytes) -> int:
        return self._buffers.setdefault(data, len(self._buffers))

    def _buffer(self, data: bytes) -> int:
        stored = np.frombuffer(data, np.uint8)
        offset = self._vector(stored, alignment=_ALIGNMENT_BYTES) if data else None
        return self._table("Buffer", {"Data": offset})

    def _text(self, text: str) -> int | None:
        """Write ``text`` once; nothing for an empty one."""
        if not text:
            return None
        return self._once(("text", text), lambda: self._builder.CreateString(text))

    def _indices(self, values: "Iterable[int]") -> int:
        return self._vector(np.array(tuple(values), np.int32))

    def _vector(self, values: "npt.NDArray[np.generic]", *, alignment: int = 1) -> int:
        alignment = max(alignment, values.itemsize)
        content = values.tobytes()

        def build() -> int:
            builder = self._builder
            builder.StartVector(values.itemsize, values.size, alignment)
            builder.head -= len(content)
            builder.Bytes[builder.head : builder.head + len(content)] = content
            return int(builder.EndVector())

        return self._once(("vector", values.itemsize, alignment, content), build)

    def _offsets(self, offsets: list[int]) -> int:
        """Write a vector of tables."""
        self._builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self._builder.PrependUOffsetTRelative(offset)
        return int(self._builder.EndVector())

    def _list(self, offsets: list[int]) -> int | None:
        """Write a vector of tables, or nothing for none."""
        return self._offsets(offsets) if offsets else None

    def _packed(self, value: object) -> int:
        """Write a table that the schema's own code knows how to write: operators' options."""
        return self._once(_fingerprint(value), lambda: value.Pack(self._builder))  # type: ignore[attr-defined]

    def _table(
        self,
        name: str,
        offsets: "dict[str, int | None]",
        scalars: "dict[str, int] | None" = None,
    ) -> int:
        """Write the schema's table ``name``, once for equal fields; no field for None."""
        written = {field: offset for field, offset in offsets.items() if offset is not None}
        written.update(scalars or {})

        def build() -> int:
            getattr(schema, f"{name}Start")(self._builder)
            for field, value in written.items():
                getattr(schema, f"{name}Add{field}")(self._builder, value)
            return int(getattr(schema, f"{name}End")(self._builder))

        return self._once((name, *written.items()), build)

    def _once(self, key: "Hashable", build: "Callable[[], int]") -> int:
        if key not in self._shared:
            self._shared[key] = build()
        return self._shared[key]


def _fingerprint(value: object) -> "Hashable":
    """Return what is equal for equal values of the schema's classes."""
    if isinstance(value, np.ndarray):
        return (value.dtype.str, value.tobytes())
    if isinstance(value, list | tuple):
        return tuple(_fingerprint(item) for item in value)
    if hasattr(value, "Pack"):
        fields = sorted(vars(value).items())
        return (type(value).__name__, *((name, _fingerprint(item)) for name, item in fields))
    assert isinstance(value, int | float | bytes | str | None)
    return value


def _options_union(options: object) -> str:
    name = type(options).__name__.removesuffix("T")
    return "BuiltinOptions" if hasattr(schema.BuiltinOptions, name) else "BuiltinOptions2"


@cache
def _union_members(union: str) -> dict[str, int]:
    members: dict[str, int] = vars(getattr(schema, union))
    return members


def _union_type(union: str, value: object) -> int:
    return _union_members(union)[type(value).__name__.removesuffix("T")]
