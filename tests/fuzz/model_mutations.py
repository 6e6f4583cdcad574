"""Damage to a `.tflite` file: through the schema's objects, and in its bytes."""

from typing import TYPE_CHECKING

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from byte_mutations import damaged_bytes

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

_NUMBERS = (-(2**31), -2, -1, 0, 1, 2, 3, 7, 127, 128, 255, 65536, 10**6, 2**30, 2**31 - 1)
_SCALES = (0.0, -0.0, -1.0, 1e-45, 1e38, float("nan"), float("inf"), float("-inf"), 1.0)
_NAMES = (
    b"",
    b"\xff\xfe\x00\xc3(",
    b"*/ #error */",
    b"[/bold] [red",
    b"../../outside\x00.c",
    b"\x1b[2J\x1b]0;owned\x07",
    b"a\\\n??/\nb",
    "\u202egnp.exe \u2028".encode(),
    b"{{ 7 * 7 }} {% raw %} <script>",
    b"n" * 5000,
)


def damaged_model(content: bytes, chance: "random.Random") -> bytes:
    """Return ``content`` damaged: mostly a file that is whole and says what cannot be."""
    if chance.random() < 0.35:
        return damaged_bytes(content, chance)
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    for _ in range(chance.choice((1, 1, 1, 2, 2, 4))):
        chance.choice(_DAMAGES)(model, chance)
    try:
        builder = flatbuffers.Builder(len(content))
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
        packed = bytes(builder.Output())
    except Exception:  # noqa: BLE001  the schema cannot write this damage: another is made
        return damaged_bytes(content, chance)
    return damaged_bytes(packed, chance) if chance.random() < 0.1 else packed


def _graph(model: schema.ModelT, chance: "random.Random") -> schema.SubGraphT:
    return chance.choice(model.subgraphs or [schema.SubGraphT()])


def _tensor(model: schema.ModelT, chance: "random.Random") -> schema.TensorT:
    return chance.choice(_graph(model, chance).tensors or [schema.TensorT()])


def _operator(model: schema.ModelT, chance: "random.Random") -> schema.OperatorT:
    return chance.choice(_graph(model, chance).operators or [schema.OperatorT()])


def _ints(values: object) -> list[int]:
    return [] if values is None else [int(item) for item in values]  # type: ignore[attr-defined]


def _index(graph: schema.SubGraphT, chance: "random.Random") -> int:
    count = len(graph.tensors or ())
    return chance.choice((*_NUMBERS, count, count - 1, chance.randrange(count or 1)))


def _rewire(model: schema.ModelT, chance: "random.Random") -> None:
    """Let an operator read or write another tensor: cycles, forward reads, no such tensor."""
    graph = _graph(model, chance)
    operator = chance.choice(graph.operators or [schema.OperatorT()])
    side = chance.choice(("inputs", "outputs"))
    indices = _ints(getattr(operator, side)) or [0]
    indices[chance.randrange(len(indices))] = _index(graph, chance)
    setattr(operator, side, indices)


def _count_operands(model: schema.ModelT, chance: "random.Random") -> None:
    operator = _operator(model, chance)
    side = chance.choice(("inputs", "outputs", "intermediates"))
    indices = _ints(getattr(operator, side))
    longer = [*indices, *(indices or [0])] * 2
    setattr(operator, side, chance.choice(([], indices[:1], indices[:-1], longer, None, [-1] * 3)))


def _shape(model: schema.ModelT, chance: "random.Random") -> None:
    tensor = _tensor(model, chance)
    shape = _ints(tensor.shape) or [1]
    match chance.randrange(4):
        case 0:
            shape[chance.randrange(len(shape))] = chance.choice(_NUMBERS)
        case 1:
            shape = [chance.choice((0, 1, 2, 65536, 2**31 - 1))] * chance.choice((1, 4, 8))
        case 2:
            shape = shape[chance.choice((0, 1)) :][: chance.choice((0, 1, 3, 9))]
        case 3:
            shape = [*shape, chance.choice((0, 1, 3))]
    tensor.shape = shape


def _signature_shape(model: schema.ModelT, chance: "random.Random") -> None:
    tensor = _tensor(model, chance)
    tensor.shapeSignature = [chance.choice(_NUMBERS) for _ in range(chance.randrange(6))]
    tensor.hasRank = chance.random() < 0.5


def _type(model: schema.ModelT, chance: "random.Random") -> None:
    _tensor(model, chance).type = chance.choice((*range(21), 63, 127, -1, -128))


def _variable(model: schema.ModelT, chance: "random.Random") -> None:
    tensor = _tensor(model, chance)
    tensor.isVariable = not tensor.isVariable


def _buffer_of(model: schema.ModelT, chance: "random.Random") -> None:
    count = len(model.buffers or ())
    _tensor(model, chance).buffer = chance.choice((0, 1, count - 1, count, 2**31, 2**32 - 1))


def _buffer(model: schema.ModelT, chance: "random.Random") -> None:
    buffer = chance.choice(model.buffers or [schema.BufferT()])
    data = b"" if buffer.data is None else bytes(buffer.data)
    changed = chance.choice(
        (b"", data[:-1], data[: len(data) // 2], data + b"\x00", data * 2, b"\x80" * len(data))
    )
    buffer.data = np.frombuffer(changed, np.uint8)
    if chance.random() < 0.3:
        buffer.offset = chance.choice((1, 2, 8, 2**31, 2**63))
        buffer.size = chance.choice((0, 1, 16, 2**31, 2**63))


def _external(model: schema.ModelT, chance: "random.Random") -> None:
    _tensor(model, chance).externalBuffer = chance.choice((1, 2**31))
    group = schema.ExternalBufferGroupT()
    group.name = b"../../../etc/passwd"
    model.externalBufferGroups = [group]


def _quantization(model: schema.ModelT, chance: "random.Random") -> None:
    tensor = _tensor(model, chance)
    held = tensor.quantization or schema.QuantizationParametersT()
    tensor.quantization = held
    scales = [] if held.scale is None else [float(item) for item in held.scale]
    match chance.randrange(6):
        case 0:
            scales = scales or [1.0]
            scales[chance.randrange(len(scales))] = chance.choice(_SCALES)
            held.scale = scales
        case 1:
            held.scale = chance.choice((None, [], [1.0] * 3, scales[:-1], scales * 2))
        case 2:
            held.zeroPoint = [chance.choice((-(2**63), -129, 128, 2**31, 2**63 - 1))]
        case 3:
            held.zeroPoint = chance.choice((None, [], [0] * 2, [0] * (len(scales) + 1)))
        case 4:
            held.quantizedDimension = chance.choice(_NUMBERS)
        case 5:
            held.min = held.max = [chance.choice(_SCALES)] * chance.randrange(4)


def _no_quantization(model: schema.ModelT, chance: "random.Random") -> None:
    _tensor(model, chance).quantization = None


def _code(model: schema.ModelT, chance: "random.Random") -> None:
    code = chance.choice(model.operatorCodes or [schema.OperatorCodeT()])
    code.builtinCode = chance.choice((*range(0, 210, 7), -1, -(2**31), 2**31 - 1, 32, 127))
    code.deprecatedBuiltinCode = chance.choice((code.deprecatedBuiltinCode, 0, 127, -128))
    code.version = chance.choice(_NUMBERS)


def _custom(model: schema.ModelT, chance: "random.Random") -> None:
    code = chance.choice(model.operatorCodes or [schema.OperatorCodeT()])
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    code.customCode = chance.choice((*_NAMES, None, b"TFLM_DECODE", b"CONV_2D"))
    chance.choice(
        _graph(model, chance).operators or [schema.OperatorT()]
    ).customOptions = chance.choice((None, [], [0xFF] * 16))


def _code_of(model: schema.ModelT, chance: "random.Random") -> None:
    count = len(model.operatorCodes or ())
    _operator(model, chance).opcodeIndex = chance.choice((0, count - 1, count, 2**31, 2**32 - 1))


def _options(model: schema.ModelT, chance: "random.Random") -> None:
    operator = _operator(model, chance)
    options = operator.builtinOptions
    if options is None or chance.random() < 0.4:
        operator.builtinOptions, operator.builtinOptionsType = None, 0
        return
    field = chance.choice(sorted(vars(options)) or ["none"])
    value = getattr(options, field, None)
    if isinstance(value, int):
        setattr(options, field, chance.choice((0, 1, -1, 2, 100, 127)))
    else:
        setattr(options, field, None)


def _other_options(model: schema.ModelT, chance: "random.Random") -> None:
    kind = chance.choice(("Pool2DOptions", "ReshapeOptions", "LSTMOptions", "SubGraphT"))
    number = getattr(schema.BuiltinOptions, kind, 250)
    operator = _operator(model, chance)
    operator.builtinOptionsType = number
    operator.builtinOptions = getattr(schema, f"{kind}T", schema.SkipGramOptionsT)()


def _ports(model: schema.ModelT, chance: "random.Random") -> None:
    graph = _graph(model, chance)
    side = chance.choice(("inputs", "outputs"))
    indices = _ints(getattr(graph, side))
    other = _index(graph, chance)
    setattr(graph, side, chance.choice(([], indices * 2, [other], [*indices, other], None, [-1])))


def _operators(model: schema.ModelT, chance: "random.Random") -> None:
    graph = _graph(model, chance)
    operators = list(graph.operators or ())
    match chance.randrange(4):
        case 0:
            graph.operators = chance.choice((None, [], operators[:1], operators[1:]))
        case 1:
            graph.operators = operators[::-1]
        case 2:
            graph.operators = operators * chance.choice((2, 3))
        case 3:
            chance.shuffle(operators)
            graph.operators = operators


def _tensors(model: schema.ModelT, chance: "random.Random") -> None:
    graph = _graph(model, chance)
    graph.tensors = chance.choice((None, [], list(graph.tensors or ())[:-1], graph.tensors))


def _graphs(model: schema.ModelT, chance: "random.Random") -> None:
    graphs = list(model.subgraphs or ())
    model.subgraphs = chance.choice((None, [], graphs * 2, [schema.SubGraphT(), *graphs]))


def _signatures(model: schema.ModelT, chance: "random.Random") -> None:
    signature = schema.SignatureDefT()
    signature.subgraphIndex = chance.choice((0, 1, 7, 2**31, 2**32 - 1))
    signature.signatureKey = chance.choice(_NAMES)
    named = schema.TensorMapT()
    named.name, named.tensorIndex = chance.choice(_NAMES), chance.choice((0, 1, 999, 2**32 - 1))
    signature.inputs = chance.choice((None, [], [named], [named, named]))
    signature.outputs = [named]
    model.signatureDefs = [signature]


def _metadata(model: schema.ModelT, chance: "random.Random") -> None:
    entry = schema.MetadataT()
    entry.name = chance.choice((*_NAMES, b"COMPRESSION_METADATA", b"min_runtime_version"))
    entry.buffer = chance.choice((0, 1, 999, 2**32 - 1))
    model.metadata = [entry]
    if chance.random() < 0.2:
        model.metadataBuffer = [chance.choice((0, -1, 999))]


def _names(model: schema.ModelT, chance: "random.Random") -> None:
    for tensor in _graph(model, chance).tensors or ():
        if chance.random() < 0.5:
            tensor.name = chance.choice((*_NAMES, None))
    model.description = chance.choice((*_NAMES, None, model.description))
    _graph(model, chance).name = chance.choice((*_NAMES, None))


def _sparsity(model: schema.ModelT, chance: "random.Random") -> None:
    tensor = _tensor(model, chance)
    tensor.sparsity = schema.SparsityParametersT()
    tensor.sparsity.traversalOrder = [chance.choice(_NUMBERS) for _ in range(3)]
    tensor.sparsity.dimMetadata = [schema.DimensionMetadataT()]


def _version(model: schema.ModelT, chance: "random.Random") -> None:
    model.version = chance.choice((0, 1, 2, 4, 2**32 - 1))


_DAMAGES: "tuple[Callable[[schema.ModelT, random.Random], None], ...]" = (
    _rewire,
    _rewire,
    _count_operands,
    _count_operands,
    _shape,
    _shape,
    _signature_shape,
    _type,
    _type,
    _variable,
    _buffer_of,
    _buffer,
    _buffer,
    _external,
    _quantization,
    _quantization,
    _no_quantization,
    _code,
    _custom,
    _code_of,
    _options,
    _options,
    _other_options,
    _ports,
    _operators,
    _tensors,
    _graphs,
    _signatures,
    _metadata,
    _names,
    _sparsity,
    _version,
)
