"""The structure that each kernel keeps for each of its operators, by kernel library.

One letter a field, as `edgekit.fit.arena.abi.Abi.struct_bytes` reads them, in the order of
TFLite-Micro's headers.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgekit.fit.arena.interpreter import Build

_CONV = "iiii iii ii PP ii i"  # OpDataConv: padding, zero points, multiplier, channels, range
_FULLY_CONNECTED = "iiiiiiiii PPb"  # OpDataFullyConnected
_POOLING = "iiii ii ii"  # OpDataPooling
_SOFTMAX = "q iiiiii i PPPPP"  # SoftmaxParams, with its tables
_ADD = "b ii ii iii ii iii ii"
_COMPARISON = "b i iii iii"  # ComparisonParams
_REDUCE = 11 * "i"  # OpDataReduce
_RELU = 7 * "i"
_SIGNIFICAND = "iiii bEE"  # OpDataAbsRsqrt
_PAD = "(b iiiii b iiiii b) i"  # PadParams and the zero point
_BATCH_MATMUL = "PPP bbb"
_ARITHMETIC = 13 * "q"  # ArithmeticParams: 104 bytes without a pointer, with 64-bit ranges
_CONV_PARAMS = "b hhhh hhhh iii ii ii ii"
_FC_PARAMS = "iii ii ii ii bbb"  # FullyConnectedParams
_LSTM = f"(b iiii) (i h i) E {8 * f'({_FC_PARAMS})'} {3 * f'({_ARITHMETIC})'} iiii"  # OpDataLSTM
_LSTM_GATE = "ii PP ii PP P E"  # cmsis_nn_lstm_gate

_REFERENCE: dict[str, str] = {
    "ABS": _SIGNIFICAND,
    "ADD": _ADD,
    "AVERAGE_POOL_2D": _POOLING,
    "BATCH_MATMUL": _BATCH_MATMUL,
    "CALL_ONCE": "ib",
    "CONCATENATION": "b PP h i i",  # ConcatenationParams
    "CONV_2D": _CONV,
    "DEPTHWISE_CONV_2D": _CONV,
    "DEQUANTIZE": "(q i) iii",
    "DIV": 7 * "i",
    "ELU": 256 * "b",
    "EMBEDDING_LOOKUP": "ii",
    "EQUAL": _COMPARISON,
    "FULLY_CONNECTED": _FULLY_CONNECTED,
    "GREATER": _COMPARISON,
    "GREATER_EQUAL": _COMPARISON,
    "HARD_SWISH": 5 * "i",
    "IF": "ii",
    "L2_NORMALIZATION": "i",
    "LEAKY_RELU": 6 * "i",
    "LESS": _COMPARISON,
    "LESS_EQUAL": _COMPARISON,
    "LOGISTIC": 4 * "i",
    "MAX_POOL_2D": _POOLING,
    "MEAN": _REDUCE,
    "MIRROR_PAD": 5 * "i",
    "MUL": 9 * "i",
    "NOT_EQUAL": _COMPARISON,
    "PAD": _PAD,
    "PADV2": _PAD,
    "PRELU": 7 * "i",
    "QUANTIZE": "(i q) iii",
    "REDUCE_ALL": _REDUCE,
    "REDUCE_MAX": _REDUCE,
    "REDUCE_MIN": _REDUCE,
    "RELU": _RELU,
    "RELU6": "ii",
    "RSQRT": _SIGNIFICAND,
    "SELECT_V2": "b",
    "SOFTMAX": _SOFTMAX,
    "SPACE_TO_BATCH_ND": "i",
    "SQUARED_DIFFERENCE": f"({_ARITHMETIC}) b",
    "STRIDED_SLICE": "b iiiii b iiiii b iiiii hhhhh b",
    "SUB": 13 * "i",
    "SUM": _REDUCE,
    "SVDF": 11 * "i",
    "TANH": 4 * "i",
    "TRANSPOSE_CONV": f"({_CONV_PARAMS}) ii PP",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _LSTM,
    "VAR_HANDLE": "i",
    "WHILE": "iib",
}
_CMSIS_NN: dict[str, str] = {
    "AVERAGE_POOL_2D": f"({_POOLING}) i",
    "BATCH_MATMUL": f"({_BATCH_MATMUL}) iiii i",
    "CONV_2D": f"({_CONV}) i",
    "DEPTHWISE_CONV_2D": f"({_CONV}) i",
    "FULLY_CONNECTED": f"({_FULLY_CONNECTED}) ii P iii",
    "MAX_POOL_2D": f"({_POOLING}) i",
    "SOFTMAX": f"({_SOFTMAX}) ii",
    "TRANSPOSE_CONV": f"({_CONV_PARAMS}) iii PP",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": f"({_LSTM}) ({15 * 'i'} {4 * f'({_LSTM_GATE})'})",
}
_ESP_NN: dict[str, str] = {
    "CONV_2D": f"({_CONV}) i",
    "DEPTHWISE_CONV_2D": f"({_CONV}) i",
    "SOFTMAX": f"({_SOFTMAX}) i",
}

_COMPRESSION: dict[str, str] = {
    # What the kernels keep besides where tensors may be compressed: places of scratch buffers.
    "ASSIGN_VARIABLE": "i",
    "CONCATENATION": 10 * "i",
    "CONV_2D": "ii",
    "DEPTHWISE_CONV_2D": "ii",
    "FULLY_CONNECTED": "ii",
    "TRANSPOSE_CONV": "ii",
}


def kernel_data(op: str, build: "Build") -> str | None:
    """Return the fields of the structure that a kernel keeps, or None where it keeps none."""
    if build.kernels == "cmsis-nn" and op in _CMSIS_NN:
        return _CMSIS_NN[op]
    if build.kernels == "esp-nn" and op in _ESP_NN:
        return _ESP_NN[op]
    plain = _REFERENCE.get(op)
    if build.wheel and op in _COMPRESSION:
        return (plain or "") + _COMPRESSION[op]
    return plain
