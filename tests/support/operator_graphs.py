"""Small `.tflite` files made by hand: any operator, any types, without TensorFlow."""

from dataclasses import dataclass, field

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

_SIZES = {"float32": 4, "int8": 1, "int16": 2, "int32": 4, "int64": 8, "uint8": 1, "bool": 1}


@dataclass
class GraphBuilder:
    """A graph that grows tensor by tensor and operator by operator."""

    graph: schema.SubGraphT = field(default_factory=schema.SubGraphT)
    buffers: list[schema.BufferT] = field(default_factory=lambda: [schema.BufferT()])
    codes: dict[object, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.graph.tensors = []
        self.graph.operators = []
        self.graph.inputs = []
        self.graph.outputs = []

    def tensor(
        self,
        shape: tuple[int, ...],
        dtype: str = "int8",
        *,
        data: object = None,
        scale: object = (0.05,),
        zero_point: int = 0,
        axis: int = 0,
        variable: bool = False,
    ) -> int:
        """Add a tensor and return its index; a constant where `data` is given."""
        tensor = schema.TensorT()
        tensor.name = f"t{len(self.graph.tensors)}".encode()
        tensor.shape = list(shape)
        tensor.type = getattr(schema.TensorType, dtype.upper())
        tensor.isVariable = variable
        tensor.buffer = 0
        if data is not None:
            buffer = schema.BufferT()
            content = data if isinstance(data, bytes) else np.asarray(data, dtype).tobytes()
            buffer.data = np.frombuffer(content, np.uint8)
            self.buffers.append(buffer)
            tensor.buffer = len(self.buffers) - 1
        if scale is not None and dtype not in ("float32", "bool", "int64"):
            quantization = schema.QuantizationParametersT()
            quantization.scale = np.asarray(scale, np.float32)
            quantization.zeroPoint = np.full(len(scale), zero_point, np.int64)
            quantization.quantizedDimension = axis
            tensor.quantization = quantization
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def operator(
        self,
        op: str,
        inputs: list[int],
        outputs: list[int],
        options: object = None,
        *,
        kind: str = "",
    ) -> None:
        """Add an operator; `op` is a builtin's name, or any other name for a custom one."""
        operator = schema.OperatorT()
        operator.opcodeIndex = self.codes.setdefault(op, len(self.codes))
        operator.inputs = list(inputs)
        operator.outputs = list(outputs)
        if options is not None:
            name = kind or type(options).__name__.removesuffix("T")
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, name)
            operator.builtinOptions = options
        self.graph.operators.append(operator)

    def build(self, inputs: list[int], outputs: list[int]) -> bytes:
        """Return the file."""
        self.graph.inputs = list(inputs)
        self.graph.outputs = list(outputs)
        return pack([self.graph], self.buffers, self.codes)


def pack(
    graphs: list[schema.SubGraphT], buffers: list[schema.BufferT], codes: dict[object, int]
) -> bytes:
    """Return a whole file of `graphs`."""
    model = schema.ModelT()
    model.version = 3
    model.subgraphs = graphs
    model.buffers = buffers
    model.operatorCodes = []
    for op in codes:
        code = schema.OperatorCodeT()
        number = getattr(schema.BuiltinOperator, str(op), schema.BuiltinOperator.CUSTOM)
        code.builtinCode = number
        code.deprecatedBuiltinCode = min(number, 127)
        code.version = 1
        if number == schema.BuiltinOperator.CUSTOM:
            code.customCode = str(op).encode()
        model.operatorCodes.append(code)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def options(kind: str, **values: object) -> object:
    """Return an options table such as ``Conv2DOptions`` with `values` set."""
    table = getattr(schema, f"{kind}T")()
    for name, value in values.items():
        if not hasattr(table, name):
            raise AttributeError(f"{kind} has no {name}")
        setattr(table, name, value)
    return table
