"""TFLite-Micro's operators with the types they take, as its wheel of October 2026 has them.

``tests/integration/test_operator_table.py`` runs a model of each operator in the wheel and
compares. The type is that of the activations; None: the operator has no activations of a type.
"""

_F, _8, _16, _32 = "float32", "int8", "int16", "int32"
_ANY = frozenset({"bool", "float32", "int8", "int16", "int32", "int64", "uint8"})


def _types(*names: str) -> frozenset[str]:
    return frozenset(names)


TYPES: dict[str, frozenset[str] | None] = {
    **dict.fromkeys(["ASSIGN_VARIABLE", "CALL_ONCE", "IF", "READ_VARIABLE", "VAR_HANDLE", "WHILE"]),
    **dict.fromkeys(
        [
            "CEIL",
            "COS",
            "EXP",
            "FLOOR",
            "FLOOR_DIV",
            "FLOOR_MOD",
            "L2_POOL_2D",
            "LOG",
            "NEG",
            "ROUND",
            "SIN",
            "SQRT",
            "SQUARE",
        ],
        _types(_F),
    ),
    **dict.fromkeys(
        [
            "ADD_N",
            "ARG_MAX",
            "ARG_MIN",
            "BATCH_TO_SPACE_ND",
            "CUMSUM",
            "DEPTH_TO_SPACE",
            "ELU",
            "EMBEDDING_LOOKUP",
            "GATHER",
            "GATHER_ND",
            "HARD_SWISH",
            "L2_NORMALIZATION",
            "LOG_SOFTMAX",
            "MIRROR_PAD",
            "PRELU",
            "REDUCE_MAX",
            "REDUCE_MIN",
            "RESIZE_BILINEAR",
            "SPACE_TO_BATCH_ND",
            "SPACE_TO_DEPTH",
            "SVDF",
        ],
        _types(_F, _8),
    ),
    **dict.fromkeys(
        [
            "ABS",
            "AVERAGE_POOL_2D",
            "BATCH_MATMUL",
            "CONV_2D",
            "DEPTHWISE_CONV_2D",
            "EXPAND_DIMS",
            "FULLY_CONNECTED",
            "LEAKY_RELU",
            "LOGISTIC",
            "MAX_POOL_2D",
            "MEAN",
            "RELU",
            "RELU6",
            "RESIZE_NEAREST_NEIGHBOR",
            "RSQRT",
            "SELECT_V2",
            "SOFTMAX",
            "SUM",
            "TANH",
            "TRANSPOSE",
            "TRANSPOSE_CONV",
            "UNIDIRECTIONAL_SEQUENCE_LSTM",
        ],
        _types(_F, _8, _16),
    ),
    **dict.fromkeys(
        [
            "ADD",
            "DYNAMIC_UPDATE_SLICE",
            "MAXIMUM",
            "MINIMUM",
            "MUL",
            "PACK",
            "PAD",
            "PADV2",
            "SPLIT",
            "SPLIT_V",
            "SQUARED_DIFFERENCE",
            "SUB",
            "UNPACK",
        ],
        _types(_F, _8, _16, _32),
    ),
    **dict.fromkeys(
        ["DIV", "FILL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL", "ZEROS_LIKE"],
        _types(_F, _8, _32),
    ),
    **dict.fromkeys(["EQUAL", "NOT_EQUAL"], _types("bool", _F, _8, _32)),
    **dict.fromkeys(
        ["CAST", "CONCATENATION", "SLICE", "STRIDED_SLICE"], _types("bool", _F, _8, _16, _32)
    ),
    **dict.fromkeys(["LOGICAL_AND", "LOGICAL_NOT", "LOGICAL_OR", "REDUCE_ALL"], _types("bool")),
    **dict.fromkeys(["BROADCAST_TO", "RESHAPE", "REVERSE_V2", "SHAPE", "SQUEEZE"], _ANY),
    "BROADCAST_ARGS": _types(_32, "int64"),
    "DEQUANTIZE": _types(_8, _16, "uint8"),
    "QUANTIZE": _types(_F, _8, _16, _32, "uint8"),
}
"""By builtin operator: the types of activations for which it has a kernel."""

CUSTOM = frozenset(
    [
        "CIRCULAR_BUFFER",
        "SignalDelay",
        "SignalEnergy",
        "SignalFftAutoScale",
        "SignalFilterBank",
        "SignalFilterBankLog",
        "SignalFilterBankSpectralSubtraction",
        "SignalFilterBankSquareRoot",
        "SignalFramer",
        "SignalIrfft",
        "SignalOverlapAdd",
        "SignalPCAN",
        "SignalRfft",
        "SignalStacker",
        "SignalWindow",
        "TFLM_DECODE",
        "TFLite_Detection_PostProcess",
    ]
)
"""Custom operators that it brings along."""
