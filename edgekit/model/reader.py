"""A TFLite flatbuffer as frozen values, read from bytes."""

import hashlib
import struct
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgekit.errors import InputError, UnsupportedModelError
from edgekit.model.schema import (
    OPERATORS,
    TYPES,
    NewerError,
    builtin_code,
    check_known,
    check_places,
)
from edgekit.model.soundness import UnsoundError, check_model, check_size
from edgekit.model.values import (
    Graph,
    Metadata,
    Model,
    ObservedRange,
    Operator,
    Quantization,
    Signature,
    Tensor,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = [
    "Graph",
    "Metadata",
    "Model",
    "ObservedRange",
    "Operator",
    "Quantization",
    "Signature",
    "Tensor",
    "load",
    "read",
    "read_bytes",
]

T = TypeVar("T")

_CONVERT = "quantize it first: edgekit convert MODEL --data DATA --out FILE"
IDENTIFIER = b"TFL3"
"""Bytes 4 to 8 of every TFLite file (schema.fbs, file_identifier)."""


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
    except (FileNotFoundError, ValueError) as error:  # also a name that no file can have
        raise InputError(f"{path}: no such file") from error
    except OSError as error:
        hint = _CONVERT if (path / "saved_model.pb").is_file() else None
        raise InputError(f"{path}: cannot be read: {error.strerror}", hint=hint) from error


def read(content: bytes, *, name: str = "the model") -> Model:
    """Return the model in ``content``.

    Args:
        content: A whole `.tflite` file.
        name: Of the file, for messages.

    Raises:
        InputError: Not a TFLite file, or a damaged one: cut short, with indices that point
            outside it, or one that contradicts itself.
        UnsupportedModelError: The file has no graph, or one without operators; or it is written
            in a newer schema than edgekit knows.
    """
    if content[4:8] != IDENTIFIER:
        raise InputError(
            f"{name}: not a TFLite file (no '{IDENTIFIER.decode()}' identifier)",
            hint=_way_from(content, name),
        )
    try:
        source = _unpacked(content)
        model = _model(source, content)
        check_model(model)
    except UnsoundError as error:
        reason = " ".join(str(error).split())  # with names out of the file
        raise InputError(f"{name}: damaged TFLite file: {reason}", hint=error.hint) from error
    except NewerError as error:
        raise UnsupportedModelError(f"{name}: {error}", hint=error.hint) from error
    if not model.graphs:
        raise UnsupportedModelError(f"{name}: the model has no graph")
    if not model.main.operators:
        raise UnsupportedModelError(f"{name}: the model has no operators: there is nothing to run")
    return model


def _unpacked(content: bytes) -> schema.ModelT:
    """Return what the schema's own reader makes of ``content``.

    Raises:
        UnsoundError: It finds no tables where the offsets point, or more than fit the file.
    """
    try:
        root = schema.Model.GetRootAs(content, 0)
        check_size(root, len(content))
        return schema.ModelT.InitFromObj(root)
    except UnsoundError:
        raise
    except (
        struct.error,
        IndexError,
        ValueError,
        TypeError,
        AttributeError,
        OverflowError,
        RecursionError,
    ) as error:  # what the schema's reader lets out on damaged bytes
        raise UnsoundError(
            "a table or number points at nothing",
            hint="it may have been cut short: copy or convert it again",
        ) from error


def _way_from(content: bytes, name: str) -> str:
    """Return how to come from what is no TFLite file to one."""
    is_keras = content.startswith(b"\x89HDF") or b"model.weights.h5" in content
    if not is_keras:
        return "give a .tflite file, as a converter wrote it"
    return "call the Keras model .keras or .h5" if name.endswith(".tflite") else _CONVERT


def _model(source: schema.ModelT, content: bytes) -> Model:
    check_known(source)
    check_places(source)
    blocks = [_block(buffer, content) for buffer in _items(source.buffers)]
    graphs = tuple(_graph(source, graph, blocks) for graph in _items(source.subgraphs))
    legacy = source.metadataBuffer
    return Model(
        graphs=graphs,
        description=_text(source.description),
        file_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        version=int(source.version),
        metadata=tuple(
            Metadata(name=_text(item.name), data=blocks[item.buffer] or b"")
            for item in _items(source.metadata)
        ),
        signatures=tuple(_signature(item) for item in _items(source.signatureDefs)),
        legacy_metadata=None if legacy is None else tuple(blocks[item] or b"" for item in legacy),
        external_groups=tuple(_text(item.name) for item in _items(source.externalBufferGroups)),
        external_buffers=tuple(_items(source.externalBuffers)),
    )


def _block(buffer: schema.BufferT, content: bytes) -> bytes | None:
    if buffer.offset > 1:  # files above 2 GB keep their buffers behind the flatbuffer
        return content[buffer.offset : buffer.offset + buffer.size]
    return None if buffer.data is None or len(buffer.data) == 0 else bytes(buffer.data)


def _graph(source: schema.ModelT, graph: schema.SubGraphT, blocks: list[bytes | None]) -> Graph:
    return Graph(
        name=_text(graph.name),
        tensors=tuple(
            _tensor(index, tensor, blocks) for index, tensor in enumerate(_items(graph.tensors))
        ),
        operators=tuple(
            _operator(index, operator, source.operatorCodes)
            for index, operator in enumerate(_items(graph.operators))
        ),
        inputs=_indices(graph.inputs),
        outputs=_indices(graph.outputs),
        debug_index=int(graph.debugMetadataIndex),
    )


def _tensor(index: int, tensor: schema.TensorT, blocks: list[bytes | None]) -> Tensor:
    signature = tensor.shapeSignature
    return Tensor(
        index=index,
        name=_text(tensor.name),
        shape=_indices(tensor.shape),
        dtype=TYPES[tensor.type],
        data=blocks[tensor.buffer],
        quantization=_quantization(tensor.quantization),
        is_variable=bool(tensor.isVariable),
        observed=_observed(tensor.quantization),
        shape_signature=None if signature is None else _indices(signature),
        has_rank=bool(tensor.hasRank),
        sparsity=tensor.sparsity,
        variants=tuple(_items(tensor.variantTensors)),
        external_buffer=int(tensor.externalBuffer),
    )


def _quantization(source: schema.QuantizationParametersT | None) -> Quantization | None:
    if source is None or source.scale is None or len(source.scale) == 0:
        return None
    scales = np.asarray(source.scale, np.float32)
    stored = source.zeroPoint
    zero_points = np.zeros(len(scales), np.int64)
    if stored is not None and len(stored):
        if len(stored) not in {1, len(scales)}:
            raise UnsoundError(f"a tensor has {len(scales)} scales and {len(stored)} zero points")
        zero_points = np.broadcast_to(np.asarray(stored, np.int64), scales.shape)
    return Quantization(
        scales=scales,
        zero_points=zero_points,
        axis=int(source.quantizedDimension),
        details=source.details,
    )


def _observed(source: schema.QuantizationParametersT | None) -> ObservedRange | None:
    if source is None or (source.min is None and source.max is None):
        return None
    return ObservedRange(
        low=np.asarray(_floats(source.min), np.float32),
        high=np.asarray(_floats(source.max), np.float32),
    )


def _operator(
    index: int, operator: schema.OperatorT, codes: list[schema.OperatorCodeT]
) -> Operator:
    code = codes[operator.opcodeIndex]
    name = OPERATORS[builtin_code(code)]
    custom = operator.customOptions
    return Operator(
        index=index,
        op=_text(code.customCode) if name == "CUSTOM" else name,
        version=int(code.version),
        inputs=_indices(operator.inputs),
        outputs=_indices(operator.outputs),
        options=operator.builtinOptions or operator.builtinOptions2,
        is_custom=name == "CUSTOM",
        custom_options=None if custom is None else bytes(custom),
        mutating=tuple(bool(item) for item in _items(operator.mutatingVariableInputs)),
        intermediates=_indices(operator.intermediates),
        debug_index=int(operator.debugMetadataIndex),
    )


def _signature(source: schema.SignatureDefT) -> Signature:
    return Signature(
        key=_text(source.signatureKey),
        graph=int(source.subgraphIndex),
        inputs=_named(source.inputs),
        outputs=_named(source.outputs),
    )


def _named(entries: "Iterable[schema.TensorMapT] | None") -> tuple[tuple[str, int], ...]:
    return tuple((_text(item.name), int(item.tensorIndex)) for item in _items(entries))


def _items(value: "Iterable[T] | None") -> "Iterable[T]":
    return () if value is None else value


def _floats(value: "Iterable[float] | None") -> list[float]:
    return [float(item) for item in _items(value)]


def _indices(value: "Iterable[int] | None") -> tuple[int, ...]:
    return tuple(int(item) for item in _items(value))


def _text(value: bytes | None) -> str:
    return (value or b"").decode(errors="replace")
