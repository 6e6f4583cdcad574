"""What TFLite-Micro keeps of an operator's options: one C structure a kind of operator."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgekit.fit.arena.interpreter import Build

_OPTIONS: dict[str, str] = {
    # builtin_op_data.h, as far as flatbuffer_conversions.cc allocates a structure for the
    # operator; one letter a field, as `edgekit.fit.arena.abi.Abi.struct_bytes` reads them.
    "ADD": "Eb",
    "ARG_MAX": "E",
    "ARG_MIN": "E",
    "AVERAGE_POOL_2D": "EiiiiE(iiii)",
    "BATCH_MATMUL": "bbb",
    "CALL_ONCE": "i",
    "CAST": "EE",
    "CONCATENATION": "iE",
    "CONV_2D": "EiiEiiE",
    "CUMSUM": "bb",
    "DEPTHWISE_CONV_2D": "EiiiEii",
    "DEPTH_TO_SPACE": "i",
    "DIV": "E",
    "FULLY_CONNECTED": "EEbbE",
    "GATHER": "ii",
    "IF": "ii",
    "L2_NORMALIZATION": "E",
    "L2_POOL_2D": "EiiiiE(iiii)",
    "LEAKY_RELU": "i",
    "MAX_POOL_2D": "EiiiiE(iiii)",
    "MEAN": "b",
    "MIRROR_PAD": "E",
    "MUL": "E",
    "PACK": "ii",
    "REDUCE_ALL": "b",
    "REDUCE_MAX": "b",
    "REDUCE_MIN": "b",
    "RESHAPE": "iiiiiiiii",
    "RESIZE_BILINEAR": "bb",
    "RESIZE_NEAREST_NEIGHBOR": "bb",
    "SHAPE": "E",
    "SOFTMAX": "i",
    "SPACE_TO_DEPTH": "i",
    "SPLIT": "i",
    "SPLIT_V": "i",
    "SQUEEZE": "iiiiiiiii",
    "STRIDED_SLICE": "iiiiib",
    "SUB": "Eb",
    "SUM": "b",
    "SVDF": "iEb",
    "TRANSPOSE_CONV": "EiiEE",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "Eiibbb",
    "UNPACK": "ii",
    "VAR_HANDLE": "PP",
    "WHILE": "ii",
}
_WHEEL = {"FULLY_CONNECTED": "EEbbE Pi"}  # the wheel of October 2026 keeps a vector as well


def options(op: str, build: "Build") -> str | None:
    """Return the fields of the structure that holds an operator's options, or None."""
    if build.wheel and op in _WHEEL:
        return _WHEEL[op]
    return _OPTIONS.get(op)
