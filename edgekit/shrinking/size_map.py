"""Where the bytes of a `.tflite` file are."""

from collections import Counter
from typing import TYPE_CHECKING

from ai_edge_litert import schema_py_generated as schema

from edgekit.model.operators import CHANNEL_AXES, DECODE
from edgekit.model.schema import OPERATORS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np
    import numpy.typing as npt

Span = tuple[int, int]
"""Address and length of a vector in memory: shared vectors are counted once."""


def size_map(content: bytes) -> "Mapping[str, int]":
    """Return the bytes of each part of a file, the greatest first; they add up to its length.

    Parts are weights, coded weights, biases, other constants, scales, zero points, observed
    ranges, names and metadata, and structure: the flatbuffer's tables and padding.
    """
    model = schema.Model.GetRootAs(content, 0)
    spans: dict[Span, str] = {}
    texts = [model.Description()]
    for index in range(model.SubgraphsLength()):
        graph = model.Subgraphs(index)
        roles = _roles(model, graph)
        for number in range(graph.TensorsLength()):
            tensor = graph.Tensors(number)
            texts.append(tensor.Name())
            buffer = model.Buffers(tensor.Buffer())
            role = roles.get(number, "other constants")
            spans.setdefault(_span(buffer.DataAsNumpy()), role)
            spans.update((_span(vector), part) for part, vector in _quantization(tensor))
    for index in range(model.MetadataLength()):
        metadata = model.Metadata(index)
        texts.append(metadata.Name())
        span = _span(model.Buffers(metadata.Buffer()).DataAsNumpy())
        spans.setdefault(span, "names and metadata")
    parts: Counter[str] = Counter()
    for (_, length), part in spans.items():
        parts[part] += length
    parts["names and metadata"] += sum(len(text) + 1 for text in texts if text)
    parts["structure"] = len(content) - parts.total()
    return {part: count for part, count in parts.most_common() if count}


def _roles(model: schema.Model, graph: schema.SubGraph) -> dict[int, str]:
    """Return what the constants of layers are, by tensor index."""
    roles: dict[int, str] = {}
    for index in range(graph.OperatorsLength()):
        operator = graph.Operators(index)
        code = model.OperatorCodes(operator.OpcodeIndex())
        builtin = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        inputs = operator.InputsAsNumpy()
        if builtin == schema.BuiltinOperator.CUSTOM and code.CustomCode() == DECODE.encode():
            roles.update((int(index), "coded weights") for index in inputs)
        elif OPERATORS[builtin] in CHANNEL_AXES:
            roles[int(inputs[1])] = "weights"
            if len(inputs) > 2:  # noqa: PLR2004  the bias is the third
                roles[int(inputs[-1])] = "biases"
    return roles


def _quantization(tensor: schema.Tensor) -> "Iterator[tuple[str, npt.NDArray[np.generic] | int]]":
    quantization = tensor.Quantization()
    if quantization is not None:
        yield "scales", quantization.ScaleAsNumpy()
        yield "zero points", quantization.ZeroPointAsNumpy()
        yield "observed ranges", quantization.MinAsNumpy()
        yield "observed ranges", quantization.MaxAsNumpy()


def _span(vector: "npt.NDArray[np.generic] | int") -> Span:
    """Return the place of ``vector``; the schema's reader gives 0 for one that is absent."""
    if isinstance(vector, int):
        return (0, 0)
    return (int(vector.__array_interface__["data"][0]), vector.nbytes)
