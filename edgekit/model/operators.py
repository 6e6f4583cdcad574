"""What all kernels of an operator have in common: its inputs, weights, channels and options.

The one table of operators. What one module alone knows of them stands there: how a kernel
prepares and registers an operator, how many multiply-accumulates it takes, what shape it gives.
"""

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgekit.model.values import Operator

Layer = Literal["convolution", "depthwise", "dense"]


@dataclass(frozen=True, kw_only=True, slots=True)
class OperatorKind:
    """One operator of TFLite, whatever the model: places are those among its inputs, -1 is none.

    Args:
        inputs: Places of inputs that are there.
        outputs: The least number of outputs.
        ranks: The dimensions of inputs, by place.
        input_rank: The least dimensions of the first input.
        output_rank: The least dimensions of the first output.
        options: The schema's name of its options, where they are read.
        positive: Names of options that are 1 or more: strides and the like.
        calls: Names of options that are graphs which it runs, in the order of planning.
        data: Place of the data that it works on.
        weights: Place of the weights, or of the first of them.
        bias: Place of the bias, one value for each channel, the last dimension of the output.
        channel_axis: The dimension of the output channels in the weights, or None.
        layer: What it is called in networks; None for all but `LAYERS`.
        int4_scales: How TFLite-Micro scales int4 weights, where it takes such: one a ``"channel"``,
            or one for the ``"tensor"``.
        moves: Whether its outputs hold values of its data as they are, and on their grid.
        grid: Whose grid of an 8-bit output is, if calibration has no say: the ``"data"``'s, or
            one that the ``"runtime"`` prescribes.
    """

    inputs: tuple[int, ...] = (0,)
    outputs: int = 1
    ranks: "Mapping[int, int]" = field(default_factory=lambda: MappingProxyType({}))
    input_rank: int = 0
    output_rank: int = 0
    options: str = ""
    positive: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    data: int = 0
    weights: int = -1
    bias: int = -1
    channel_axis: int | None = None
    layer: Layer | None = None
    int4_scales: Literal["channel", "tensor"] | None = None
    moves: bool = False
    grid: Literal["data", "runtime"] | None = None


_STRIDES = ("strideW", "strideH")
_DILATIONS = ("dilationWFactor", "dilationHFactor")
_POOL = OperatorKind(
    ranks={0: 4},
    output_rank=4,
    options="Pool2DOptions",
    positive=(*_STRIDES, "filterWidth", "filterHeight"),
)
_REDUCE = OperatorKind(inputs=(0, 1), options="ReducerOptions")
_PAIR = OperatorKind(inputs=(0, 1))
_ORDINARY = OperatorKind()
_ANYTHING = OperatorKind(inputs=(), outputs=0)
_MOVE = OperatorKind(moves=True, grid="data")
_MOVE_BY_TABLE = replace(_MOVE, inputs=(0, 1))
_FIXED_GRID = OperatorKind(grid="runtime")
_SECOND = OperatorKind(data=1)


def _each(kind: OperatorKind, *lines: str) -> "dict[str, OperatorKind]":
    return {op: kind for line in lines for op in line.split()}


KINDS: "Mapping[str, OperatorKind]" = {
    **_each(_REDUCE, "REDUCE_ALL REDUCE_MAX REDUCE_MIN MEAN SUM"),
    **_each(_PAIR, "ADD CUMSUM DIV GATHER_ND MUL SUB"),
    **_each(_ANYTHING, "CALL CUSTOM DELEGATE PLACEHOLDER_FOR_GREATER_OP_CODES"),
    **_each(OperatorKind(inputs=()), "HASHTABLE VAR_HANDLE"),
    **_each(_FIXED_GRID, "L2_NORMALIZATION LOGISTIC LOG_SOFTMAX SOFTMAX TANH"),
    **_each(
        _MOVE,
        "BATCH_TO_SPACE_ND CONCATENATION DEPTH_TO_SPACE EXPAND_DIMS PACK RESHAPE",
        "RESIZE_NEAREST_NEIGHBOR REVERSE_V2 SLICE SPACE_TO_BATCH_ND SPACE_TO_DEPTH SPLIT_V SQUEEZE",
        "STRIDED_SLICE TILE UNPACK",
    ),
    **_each(_MOVE_BY_TABLE, "GATHER MIRROR_PAD PAD TRANSPOSE"),
    **_each(_SECOND, "FILL SELECT_V2"),
    "ASSIGN_VARIABLE": OperatorKind(inputs=(0, 1), outputs=0),
    "AVERAGE_POOL_2D": replace(_POOL, grid="data"),
    "BATCH_MATMUL": OperatorKind(
        inputs=(0, 1), input_rank=1, output_rank=1, options="BatchMatMulOptions", weights=1
    ),
    "CALL_ONCE": OperatorKind(
        inputs=(), outputs=0, options="CallOnceOptions", calls=("initSubgraphIndex",)
    ),
    "CONV_2D": OperatorKind(
        inputs=(0, 1),
        ranks={0: 4, 1: 4},
        output_rank=4,
        options="Conv2DOptions",
        positive=(*_STRIDES, *_DILATIONS),
        weights=1,
        bias=2,
        channel_axis=0,
        layer="convolution",
        int4_scales="channel",
    ),
    "CONV_3D": OperatorKind(inputs=(0, 1), ranks={0: 5, 1: 5}, options="Conv3DOptions"),
    "CONV_3D_TRANSPOSE": OperatorKind(
        inputs=(0, 1, 2), ranks={1: 5, 2: 5}, options="Conv3DOptions"
    ),
    "DEPTHWISE_CONV_2D": OperatorKind(
        inputs=(0, 1),
        ranks={0: 4, 1: 4},
        output_rank=4,
        options="DepthwiseConv2DOptions",
        positive=(*_STRIDES, *_DILATIONS),
        weights=1,
        bias=2,
        channel_axis=3,
        layer="depthwise",
        int4_scales="channel",
    ),
    "EMBEDDING_LOOKUP": OperatorKind(inputs=(0, 1), data=1),
    "FULLY_CONNECTED": OperatorKind(
        inputs=(0, 1),
        ranks={1: 2},
        output_rank=1,
        options="FullyConnectedOptions",
        weights=1,
        bias=2,
        channel_axis=0,
        layer="dense",
        int4_scales="tensor",  # fully_connected_common.cc
    ),
    "HASHTABLE_IMPORT": OperatorKind(inputs=(0,), outputs=0),
    "IF": OperatorKind(
        outputs=0, options="IfOptions", calls=("thenSubgraphIndex", "elseSubgraphIndex")
    ),
    "L2_POOL_2D": _POOL,
    "MAX_POOL_2D": replace(_POOL, moves=True, grid="data"),
    "PADV2": replace(_MOVE, inputs=(0, 1, 2)),
    "RESIZE_BILINEAR": OperatorKind(grid="data"),
    "RNN": OperatorKind(inputs=(0, 1, 2), ranks={0: 2, 1: 2, 2: 2}),
    "SPLIT": replace(_MOVE, data=1),  # its first input is the axis
    "SVDF": OperatorKind(
        inputs=(0, 1, 2, 4),
        ranks={0: 2, 1: 2, 2: 2},
        options="SVDFOptions",
        positive=("rank",),
        weights=1,
    ),
    "TRANSPOSE_CONV": OperatorKind(
        inputs=(0, 1, 2),
        ranks={1: 4, 2: 4},
        output_rank=4,
        options="TransposeConvOptions",
        positive=_STRIDES,
        data=2,
        weights=1,
        bias=3,
        channel_axis=0,
    ),
    # Input, four weights of the input and of the state, and the two states.
    "UNIDIRECTIONAL_SEQUENCE_LSTM": OperatorKind(
        inputs=(0, 2, 3, 4, 6, 7, 8, 18, 19), ranks={0: 3, 19: 2}, weights=1
    ),
    "UNIDIRECTIONAL_SEQUENCE_RNN": OperatorKind(inputs=(0, 1, 2), ranks={0: 3, 1: 2, 2: 2}),
    "WHILE": OperatorKind(
        outputs=0, options="WhileOptions", calls=("condSubgraphIndex", "bodySubgraphIndex")
    ),
}
"""By operator; the others have an input and an output, and nothing else that is asked for here."""

LAYERS: "Mapping[str, Layer]" = {op: kind.layer for op, kind in KINDS.items() if kind.layer}
"""What data, weights and bias are the first three inputs of, in this order."""

CHANNEL_AXES: "Mapping[str, int]" = {
    op: kind.channel_axis for op, kind in KINDS.items() if kind.channel_axis is not None
}
"""By operator whose channels have a bias each: the axis of the channels in its weights."""

SAME, VALID = 0, 1
"""Padding, in the options of the schema."""

CONVERSIONS = frozenset({"DEQUANTIZE", "QUANTIZE"})
"""Operators between stored integers and real numbers."""

DECODE = "TFLM_DECODE"
"""The name under which TFLite-Micro knows its DECODE operator."""

CALLS = frozenset(op for op, kind in KINDS.items() if kind.calls)
"""Operators that run further graphs of the file."""


def kind_of(operator: "Operator") -> OperatorKind:
    """Return what is known of ``operator``; of most: that it has an input and an output."""
    if operator.is_custom or operator.op.startswith("STABLEHLO_"):
        return _ANYTHING
    return KINDS.get(operator.op, _ORDINARY)


def called_graphs(operator: "Operator") -> tuple[int, ...]:
    """Return the graphs that ``operator`` calls, in the order in which they are planned.

    Options that the file leaves out are zeros, as in the schema.
    """
    return tuple(int(getattr(operator.options, name, 0)) for name in kind_of(operator).calls)


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerTensors:
    """The tensors that are data, weights and bias of an operator, by index; -1 is none."""

    data: int
    weights: int
    bias: int


def layer_tensors(operator: "Operator") -> LayerTensors:
    """Return the data, weights and bias of ``operator``."""
    kind = kind_of(operator)
    data, weights, bias = (
        operator.inputs[place] if 0 <= place < len(operator.inputs) else -1
        for place in (kind.data, kind.weights, kind.bias)
    )
    return LayerTensors(data=data, weights=weights, bias=bias)
