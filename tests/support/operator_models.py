"""A model of one operator for each operator of TFLite-Micro and each type that it may take."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from operator_graphs import GraphBuilder, options

IMAGE = (1, 4, 4, 2)
TYPES = ("int8", "int16", "float32", "int32", "uint8", "bool")


@dataclass(frozen=True)
class T:
    """A tensor to be: its shape and, where they are not the case's own, its type and values."""

    shape: tuple[int, ...] = IMAGE
    dtype: str = ""
    data: object = None
    scale: tuple[float, ...] | None = (0.05,)
    zero_point: int = 0
    variable: bool = False


def ints(values: object) -> T:
    return T(shape=np.shape(values), dtype="int32", data=values, scale=None)


SIGMOID = T(scale=(1 / 256,), zero_point=-128)
SPREAD = ints([[0, 0], [1, 1], [1, 1], [0, 0]])
POOL = options("Pool2DOptions", strideW=2, strideH=2, filterWidth=2, filterHeight=2)
FLAGS = T(dtype="bool", scale=None)

CASES: dict[str, tuple[list[T], list[T], object]] = {
    **{
        op: ([T()], [T()], None)
        for op in [
            "ABS",
            "CEIL",
            "COS",
            "ELU",
            "EXP",
            "FLOOR",
            "HARD_SWISH",
            "LOG",
            "NEG",
            "RELU",
            "RELU6",
            "ROUND",
            "RSQRT",
            "SIN",
            "SQRT",
            "SQUARE",
            "ZEROS_LIKE",
            "QUANTIZE",
        ]
    },
    **{
        op: ([T(), T()], [T()], None)
        for op in ["FLOOR_DIV", "FLOOR_MOD", "MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE", "ADD_N"]
    },
    **{
        op: ([T(), T()], [FLAGS], None)
        for op in ["EQUAL", "NOT_EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL"]
    },
    **{
        op: ([T(), ints([1, 2])], [T((1, 2))], options("ReducerOptions"))
        for op in ["MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_ALL"]
    },
    **{
        op: ([T(), T()], [T()], options(f"{op.title()}Options"))
        for op in ["ADD", "SUB", "MUL", "DIV"]
    },
    "LOGICAL_AND": ([T(), T()], [T()], None),
    "LOGICAL_OR": ([T(), T()], [T()], None),
    "LOGICAL_NOT": ([T()], [T()], None),
    "LOGISTIC": ([T()], [SIGMOID], None),
    "TANH": ([T()], [T(scale=(1 / 128,))], None),
    "SOFTMAX": ([T()], [SIGMOID], options("SoftmaxOptions", beta=1.0)),
    "LOG_SOFTMAX": ([T()], [T(scale=(16 / 256,), zero_point=127)], None),
    "LEAKY_RELU": ([T()], [T()], options("LeakyReluOptions", alpha=0.1)),
    "L2_NORMALIZATION": ([T()], [T()], options("L2NormOptions")),
    "PRELU": ([T(), T((1, 1, 2))], [T()], None),
    "DEQUANTIZE": ([T()], [T(dtype="float32")], None),
    "CAST": ([T()], [T(dtype="int32", scale=None)], options("CastOptions")),
    "SHAPE": ([T()], [T((4,), "int32", scale=None)], options("ShapeOptions")),
    "RESHAPE": ([T()], [T((1, 32))], options("ReshapeOptions")),
    "SQUEEZE": ([T()], [T((4, 4, 2))], options("SqueezeOptions", squeezeDims=[0])),
    "EXPAND_DIMS": ([T(), ints(0)], [T((1, 1, 4, 4, 2))], None),
    "CONCATENATION": ([T()] * 3, [T((1, 4, 4, 6))], options("ConcatenationOptions", axis=3)),
    "PACK": ([T(), T()], [T((2, *IMAGE))], options("PackOptions", valuesCount=2)),
    "UNPACK": ([T((2, 4))], [T((4,)), T((4,))], options("UnpackOptions", num=2)),
    "SPLIT": ([ints(3), T()], [T((1, 4, 4, 1))] * 2, options("SplitOptions", numSplits=2)),
    "SPLIT_V": (
        [T(), ints([1, 1]), ints(3)],
        [T((1, 4, 4, 1))] * 2,
        options("SplitVOptions", numSplits=2),
    ),
    "SLICE": ([T(), ints([0] * 4), ints([1, 2, 2, 2])], [T((1, 2, 2, 2))], None),
    "STRIDED_SLICE": (
        [T(), ints([0] * 4), ints([1, 2, 2, 2]), ints([1] * 4)],
        [T((1, 2, 2, 2))],
        options("StridedSliceOptions"),
    ),
    "TRANSPOSE": ([T(), ints([0, 2, 1, 3])], [T()], None),
    "PAD": ([T(), SPREAD], [T((1, 6, 6, 2))], None),
    "PADV2": ([T(), SPREAD, T((1,))], [T((1, 6, 6, 2))], None),
    "MIRROR_PAD": ([T(), SPREAD], [T((1, 6, 6, 2))], options("MirrorPadOptions")),
    "ARG_MAX": ([T(), ints(3)], [T((1, 4, 4), "int32", scale=None)], options("ArgMaxOptions")),
    "ARG_MIN": ([T(), ints(3)], [T((1, 4, 4), "int32", scale=None)], options("ArgMinOptions")),
    "GATHER": ([T(), ints([0, 1])], [T((1, 2, 4, 2))], options("GatherOptions", axis=1)),
    "GATHER_ND": ([T((4, 2)), ints([[0], [1]])], [T((2, 2))], None),
    "FILL": ([ints([2, 3]), T(())], [T((2, 3))], None),
    "BROADCAST_TO": ([T((1, 2)), ints([4, 2])], [T((4, 2))], None),
    "CUMSUM": ([T(), ints(1)], [T()], options("CumsumOptions")),
    "REVERSE_V2": ([T(), ints([1])], [T()], None),
    "RESIZE_BILINEAR": ([T(), ints([8, 8])], [T((1, 8, 8, 2))], options("ResizeBilinearOptions")),
    "RESIZE_NEAREST_NEIGHBOR": (
        [T(), ints([8, 8])],
        [T((1, 8, 8, 2))],
        options("ResizeNearestNeighborOptions"),
    ),
    "DEPTH_TO_SPACE": (
        [T((1, 2, 2, 4))],
        [T((1, 4, 4, 1))],
        options("DepthToSpaceOptions", blockSize=2),
    ),
    "SPACE_TO_DEPTH": (
        [T((1, 4, 4, 1))],
        [T((1, 2, 2, 4))],
        options("SpaceToDepthOptions", blockSize=2),
    ),
    "SPACE_TO_BATCH_ND": (
        [T(), ints([2, 2]), ints([[0, 0], [0, 0]])],
        [T((4, 2, 2, 2))],
        None,
    ),
    "BATCH_TO_SPACE_ND": (
        [T((4, 2, 2, 2)), ints([2, 2]), ints([[0, 0], [0, 0]])],
        [T()],
        None,
    ),
    "SELECT_V2": ([FLAGS, T(), T()], [T()], None),
    "DYNAMIC_UPDATE_SLICE": ([T(), T((1, 2, 2, 2)), ints([0] * 4)], [T()], None),
    "L2_POOL_2D": ([T()], [T((1, 2, 2, 2))], POOL),
    "AVERAGE_POOL_2D": ([T()], [T((1, 2, 2, 2))], POOL),
    "MAX_POOL_2D": ([T()], [T((1, 2, 2, 2))], POOL),
    "BATCH_MATMUL": ([T((1, 4, 8)), T((1, 8, 2))], [T((1, 4, 2))], options("BatchMatMulOptions")),
    # Operators that TFLite-Micro has not.
    "TILE": ([T(), ints([1, 1, 1, 2])], [T((1, 4, 4, 4))], None),
    "GELU": ([T()], [T()], None),
    "RELU_N1_TO_1": ([T()], [T()], None),
    "POW": ([T(), T()], [T()], None),
    "REDUCE_PROD": ([T(), ints([1, 2])], [T((1, 2))], options("ReducerOptions")),
}


def single_operators() -> Iterator[tuple[str, str, bytes]]:
    """Yield operator, type and file; the type is that of every tensor without one of its own."""
    for op in CASES:
        for dtype in TYPES:
            yield op, dtype, single_operator(op, dtype)
    for dtype in ("int8", "int16", "float32"):
        for op in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            yield op, dtype, convolution(op, dtype)
        yield "FULLY_CONNECTED", dtype, fully_connected(dtype)
        yield "TRANSPOSE_CONV", dtype, transpose_convolution(dtype)
        yield "UNIDIRECTIONAL_SEQUENCE_LSTM", dtype, lstm(dtype)
        yield "SVDF", dtype, svdf(dtype)


def single_operator(op: str, dtype: str) -> bytes:
    """Return a model of the operator `op` alone on tensors of `dtype`."""
    builder = GraphBuilder()
    inputs, outputs, table = CASES[op]
    places = [_add(builder, tensor, dtype) for tensor in inputs]
    results = [_add(builder, tensor, dtype) for tensor in outputs]
    builder.operator(op, places, results, table)
    live = [place for place, tensor in zip(places, inputs, strict=True) if tensor.data is None]
    return builder.build(live, results)


def _add(builder: GraphBuilder, tensor: T, dtype: str) -> int:
    scale = tensor.scale
    if not tensor.dtype and dtype in ("int32", "bool"):
        scale = None
    return builder.tensor(
        tensor.shape,
        tensor.dtype or dtype,
        data=tensor.data,
        scale=scale,
        zero_point=tensor.zero_point if dtype == "int8" else 0,
        variable=tensor.variable,
    )


def _kinds(dtype: str) -> tuple[str, str]:
    """Return the types of weights and biases beside activations of `dtype`."""
    return {
        "float32": ("float32", "float32"),
        "int8": ("int8", "int32"),
        "int16": ("int8", "int64"),
    }[dtype]


def convolution(
    op: str,
    dtype: str = "int8",
    *,
    weights: str = "",
    bias: bool = True,
    channels: int = 4,
    kernel: tuple[int, int] = (3, 3),
    size: tuple[int, int] = (6, 6),
    stride: int = 1,
) -> bytes:
    """Return a convolution, depthwise or whole, with SAME padding."""
    builder = GraphBuilder()
    weight_type, bias_type = _kinds(dtype)
    weight_type = weights or weight_type
    deep = op == "CONV_2D"
    shape = (channels, *kernel, channels) if deep else (1, *kernel, channels)
    count = int(np.prod(shape))
    data = bytes(-(-count // 2)) if weight_type == "int4" else np.ones(shape)
    source = builder.tensor((1, *size, channels), dtype)
    places = [
        source,
        builder.tensor(
            shape, weight_type, data=data, scale=(0.05,) * channels, axis=0 if deep else 3
        ),
    ]
    if bias:
        scale = (0.0025,) * channels
        places.append(builder.tensor((channels,), bias_type, data=[0] * channels, scale=scale))
    out = (1, -(-size[0] // stride), -(-size[1] // stride), channels)
    result = builder.tensor(out, dtype)
    more = {} if deep else {"depthMultiplier": 1}
    kind = "Conv2DOptions" if deep else "DepthwiseConv2DOptions"
    table = options(kind, strideW=stride, strideH=stride, padding=0, **more)
    builder.operator(op, places, [result], table)
    return builder.build([source], [result])


def fully_connected(
    dtype: str = "int8", *, weights: str = "", per_channel: bool = False, layers: int = 1
) -> bytes:
    """Return a chain of dense layers of 8 units."""
    builder = GraphBuilder()
    weight_type, bias_type = _kinds(dtype)
    weight_type = weights or weight_type
    channels = 8 if per_channel else 1
    start = place = builder.tensor((1, 8), dtype)
    for _ in range(layers):
        data = bytes(32) if weight_type == "int4" else np.ones((8, 8))
        kernel = builder.tensor((8, 8), weight_type, data=data, scale=(0.05,) * channels)
        scale = None if bias_type == "int64" else (0.0025,) * channels
        bias = builder.tensor((8,), bias_type, data=[0] * 8, scale=scale)
        result = builder.tensor((1, 8), dtype)
        inputs = [place, kernel] if dtype == "int16" else [place, kernel, bias]
        builder.operator("FULLY_CONNECTED", inputs, [result], options("FullyConnectedOptions"))
        place = result
    return builder.build([start], [place])


def transpose_convolution(dtype: str = "int8") -> bytes:
    """Return a transposed convolution of stride 2, 3 channels to 5."""
    builder = GraphBuilder()
    weight_type, bias_type = _kinds(dtype)
    shape = builder.tensor((4,), "int32", data=[1, 8, 8, 5], scale=None)
    ones = np.ones((5, 3, 3, 3))
    weights = builder.tensor(ones.shape, weight_type, data=ones, scale=(0.05,) * 5)
    source = builder.tensor((1, 4, 4, 3), dtype)
    bias = builder.tensor((5,), bias_type, data=[0] * 5, scale=(0.0025,) * 5)
    result = builder.tensor((1, 8, 8, 5), dtype)
    table = options("TransposeConvOptions", strideW=2, strideH=2, padding=0)
    builder.operator("TRANSPOSE_CONV", [shape, weights, source, bias], [result], table)
    return builder.build([source], [result])


def lstm(dtype: str = "int8", *, steps: int = 4, features: int = 3, units: int = 5) -> bytes:
    """Return a plain LSTM over a sequence."""
    builder = GraphBuilder()
    weight_type, bias_type = _kinds(dtype)
    state_type = "float32" if dtype == "float32" else "int16"
    source = builder.tensor((1, steps, features), dtype, scale=(1 / 128,))
    places = [source]
    for width in (features,) * 4 + (units,) * 4:
        ones = np.ones((units, width))
        places.append(builder.tensor(ones.shape, weight_type, data=ones, scale=(0.01,)))
    places += [-1] * 3
    for _ in range(4):
        places.append(builder.tensor((units,), bias_type, data=[0] * units, scale=(0.01 / 128,)))
    places += [-1] * 2
    places.append(builder.tensor((1, units), dtype, variable=True, scale=(1 / 128,)))
    places.append(builder.tensor((1, units), state_type, variable=True, scale=(2.0**-11,)))
    places += [-1] * 4
    result = builder.tensor((1, steps, units), dtype, scale=(1 / 128,))
    table = options("UnidirectionalSequenceLSTMOptions", fusedActivationFunction=4)
    builder.operator("UNIDIRECTIONAL_SEQUENCE_LSTM", places, [result], table)
    return builder.build([source], [result])


def svdf(dtype: str = "int8") -> bytes:
    """Return an SVDF of rank 2, 4 filters and a memory of 6."""
    builder = GraphBuilder()
    weight_type, bias_type = _kinds(dtype)
    time_type = "float32" if dtype == "float32" else "int16"
    half = (0.5,)
    source = builder.tensor((1, 8), dtype, scale=half)
    places = [
        source,
        builder.tensor((4, 8), weight_type, data=np.ones((4, 8)), scale=half),
        builder.tensor((4, 6), time_type, data=np.ones((4, 6)), scale=half),
        builder.tensor((2,), bias_type, data=[0, 0], scale=(0.25,)),
        builder.tensor((1, 24), time_type, variable=True, scale=half),
    ]
    result = builder.tensor((1, 2), dtype, scale=half)
    builder.operator("SVDF", places, [result], options("SVDFOptions", rank=2))
    return builder.build([source], [result])
