"""What every kernel of an operator reads without asking: inputs, outputs, ranks and options."""

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgekit.model.values import Operator


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """What an operator cannot do without.

    Args:
        inputs: Places of inputs that are there.
        outputs: The least number of outputs.
        ranks: The dimensions of inputs, by place.
        input_rank: The least dimensions of the first input.
        output_rank: The least dimensions of the first output.
        options: The schema's name of its options, where they are read.
        positive: Names of options that are 1 or more: strides and the like.
    """

    inputs: tuple[int, ...] = (0,)
    outputs: int = 1
    ranks: "Mapping[int, int]" = field(default_factory=lambda: MappingProxyType({}))
    input_rank: int = 0
    output_rank: int = 0
    options: str = ""
    positive: tuple[str, ...] = ()


_STRIDES = ("strideW", "strideH")
_DILATIONS = ("dilationWFactor", "dilationHFactor")
_POOL = Form(
    ranks={0: 4},
    output_rank=4,
    options="Pool2DOptions",
    positive=(*_STRIDES, "filterWidth", "filterHeight"),
)
_REDUCE = Form(inputs=(0, 1), options="ReducerOptions")
_PAIR = Form(inputs=(0, 1))
_ANYTHING = Form(inputs=(), outputs=0)

_FORMS: "Mapping[str, Form]" = {
    **dict.fromkeys(("AVERAGE_POOL_2D", "L2_POOL_2D", "MAX_POOL_2D"), _POOL),
    **dict.fromkeys(("REDUCE_ALL", "REDUCE_MAX", "REDUCE_MIN", "MEAN", "SUM"), _REDUCE),
    **dict.fromkeys(("ADD", "CUMSUM", "DIV", "GATHER", "GATHER_ND", "MUL", "PAD", "SUB"), _PAIR),
    **dict.fromkeys(("EMBEDDING_LOOKUP", "MIRROR_PAD", "TRANSPOSE"), _PAIR),
    "ASSIGN_VARIABLE": Form(inputs=(0, 1), outputs=0),
    "BATCH_MATMUL": Form(inputs=(0, 1), input_rank=1, output_rank=1, options="BatchMatMulOptions"),
    "CALL_ONCE": Form(inputs=(), outputs=0, options="CallOnceOptions"),
    "CONV_2D": Form(
        inputs=(0, 1),
        ranks={0: 4, 1: 4},
        output_rank=4,
        options="Conv2DOptions",
        positive=(*_STRIDES, *_DILATIONS),
    ),
    "CONV_3D": Form(inputs=(0, 1), ranks={0: 5, 1: 5}, options="Conv3DOptions"),
    "CONV_3D_TRANSPOSE": Form(inputs=(0, 1, 2), ranks={1: 5, 2: 5}, options="Conv3DOptions"),
    "DEPTHWISE_CONV_2D": Form(
        inputs=(0, 1),
        ranks={0: 4, 1: 4},
        output_rank=4,
        options="DepthwiseConv2DOptions",
        positive=(*_STRIDES, *_DILATIONS),
    ),
    "FULLY_CONNECTED": Form(
        inputs=(0, 1), ranks={1: 2}, output_rank=1, options="FullyConnectedOptions"
    ),
    "HASHTABLE_IMPORT": Form(inputs=(0,), outputs=0),
    "IF": Form(outputs=0, options="IfOptions"),
    "PADV2": Form(inputs=(0, 1, 2)),
    "RNN": Form(inputs=(0, 1, 2), ranks={0: 2, 1: 2, 2: 2}),
    "SVDF": Form(
        inputs=(0, 1, 2, 4),
        ranks={0: 2, 1: 2, 2: 2},
        options="SVDFOptions",
        positive=("rank",),
    ),
    "TRANSPOSE_CONV": Form(
        inputs=(0, 1, 2),
        ranks={1: 4, 2: 4},
        output_rank=4,
        options="TransposeConvOptions",
        positive=_STRIDES,
    ),
    # Input, four weights of the input and of the state, and the two states.
    "UNIDIRECTIONAL_SEQUENCE_LSTM": Form(inputs=(0, 2, 3, 4, 6, 7, 8, 18, 19), ranks={0: 3, 19: 2}),
    "UNIDIRECTIONAL_SEQUENCE_RNN": Form(inputs=(0, 1, 2), ranks={0: 3, 1: 2, 2: 2}),
    "WHILE": Form(outputs=0, options="WhileOptions"),
    **dict.fromkeys(("HASHTABLE", "VAR_HANDLE"), Form(inputs=())),
    **dict.fromkeys(("CALL", "CUSTOM", "DELEGATE", "PLACEHOLDER_FOR_GREATER_OP_CODES"), _ANYTHING),
}


def form_of(operator: "Operator") -> Form:
    """Return what ``operator`` cannot do without; of most: an input and an output."""
    if operator.is_custom or operator.op.startswith("STABLEHLO_"):
        return _ANYTHING
    return _FORMS.get(operator.op, Form())


_CALLS: "Mapping[str, tuple[str, ...]]" = {
    "CALL_ONCE": ("initSubgraphIndex",),
    "IF": ("thenSubgraphIndex", "elseSubgraphIndex"),
    "WHILE": ("condSubgraphIndex", "bodySubgraphIndex"),
}


def called_graphs(operator: "Operator") -> tuple[int, ...]:
    """Return the graphs that ``operator`` calls, in the order in which they are planned.

    Options that the file leaves out are zeros, as in the schema.
    """
    names = () if operator.is_custom else _CALLS.get(operator.op, ())
    return tuple(int(getattr(operator.options, name, 0)) for name in names)
