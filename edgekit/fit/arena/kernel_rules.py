"""How each kernel of TFLite-Micro prepares its operators, as far as the arena sees it."""

from typing import TYPE_CHECKING

import numpy as np

from edgekit.fit.arena import cmsis_nn, esp_nn

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgekit.fit.arena.kernels import KernelSetup

_SOFTMAX_TABLE_BYTES = 2 * 513  # int16 tables of exp(x) and 1 / (1 + x)
_LSTM_CELL_STATE = 19  # kLstmCellStateTensor
_LSTM_ROW_SUMS = 8  # CMSIS-NN keeps the sums of the weights' rows of four gates, twice each

# Decoders of DECODE by the code in the ancillary tensor, each behind what all keep: a virtual
# table, the context and a profiler.
_LOOKUP, _HUFFMAN, _PRUNING = 0, 1, 2
_DECODERS: dict[int, str] = {
    _LOOKUP: "PPP PPPPP bbb",
    _HUFFMAN: "PPP PPP bb",
    _PRUNING: "PPP PPPPPP bb",
}

_TEMPORARIES: dict[str, str] = {
    # Kernels that look at tensors and ask for nothing.
    **dict.fromkeys(
        ("ABS", "CAST", "CEIL", "COS", "DEQUANTIZE", "ELU", "EXP", "HARD_SWISH", "L2_NORMALIZATION",
         "LEAKY_RELU", "LOG", "LOGICAL_NOT", "LOGISTIC", "MAX_POOL_2D", "NEG", "QUANTIZE", "RELU",
         "RESHAPE", "ROUND", "RSQRT", "SIN", "SQRT", "SQUARE", "SQUEEZE", "ZEROS_LIKE",
         "BATCH_TO_SPACE_ND", "SPACE_TO_BATCH_ND"),
        "i0 o0",
    ),
    "RELU6": "i0",
    "TANH": "i0 o0 i0",
    **dict.fromkeys(
        ("ADD", "BROADCAST_ARGS", "BROADCAST_TO", "DIV", "EXPAND_DIMS", "FILL",
         "FLOOR_DIV", "FLOOR_MOD", "MUL", "PRELU", "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR",
         "SQUARED_DIFFERENCE", "SUB", "TRANSPOSE"),
        "i0 i1 o0",
    ),
    **dict.fromkeys(
        ("ASSIGN_VARIABLE", "EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL", "NOT_EQUAL"),
        "i0 i1",
    ),
    "SELECT_V2": "i0 i1 i2 o0",
    "SLICE": "i0 i1 i2 o0",
    "STRIDED_SLICE": "i0 i1 i2 i3 o0",
    "PAD": "i0 i1 i2 o0",
    "PADV2": "i0 i1 i2 o0",
    "DYNAMIC_UPDATE_SLICE": "i0 i1 i2 o0",
    "REVERSE_V2": "i0 i1 o0",
    "SPLIT": "i0",
    "SPLIT_V": "i0 i1 i2",
    **dict.fromkeys(
        ("ARG_MAX", "ARG_MIN", "FLOOR", "LOGICAL_AND", "LOGICAL_OR", "MAXIMUM", "MINIMUM", "PACK",
         "SHAPE", "UNPACK", "CALL_ONCE", "VAR_HANDLE"),
        "",
    ),
}  # fmt: skip


def prepare(kernel: "KernelSetup") -> None:
    """Take what the kernel asks for in its `Prepare`.

    A kernel without a rule of its own, such as a custom one, is taken to look at all its tensors.
    """
    op = kernel.operator.op
    if op in _RULES:
        _RULES[op](kernel)
    elif op in _TEMPORARIES:
        kernel.temporaries(_TEMPORARIES[op])
    else:
        kernel.all_temporaries()


def _convolution(kernel: "KernelSetup") -> None:
    axis = 0 if kernel.operator.op == "CONV_2D" else 3
    source, weights = kernel.input(0), kernel.input(1)
    kernel.temporaries("i0 i1 o0" if kernel.has_cmsis_nn else "o0 i0 i1")
    if not kernel.has_cmsis_nn or source.dtype != "float32":
        kernel.keep(4 * weights.shape[axis])
        kernel.keep(4 * weights.shape[axis])
    kernel.temporaries("i0 i1 i2 o0")
    if kernel.has_cmsis_nn:
        size = cmsis_nn.convolution_bytes if axis == 0 else cmsis_nn.depthwise_bytes
        count = size(kernel)
        if count > 0:
            kernel.request(count)
        return
    if weights.dtype == "int4":
        kernel.request(weights.elements)
    if kernel.has_esp_nn:
        count = (esp_nn.convolution_bytes if axis == 0 else esp_nn.depthwise_bytes)(kernel)
        if count > 0:
            kernel.request(count)


def _fully_connected(kernel: "KernelSetup") -> None:
    weights = kernel.input(1)
    kernel.temporaries("i0 i1 i2 o0")
    if not kernel.has_cmsis_nn and weights.dtype == "int4":
        kernel.request(weights.elements)
    channels = _channels(kernel, 1)
    if weights.dtype != "float32" and channels > 1:
        kernel.keep(4 * channels)
        kernel.keep(4 * channels)
    if kernel.has_cmsis_nn:
        for count in cmsis_nn.fully_connected_bytes(kernel):
            kernel.request(count)


def _channels(kernel: "KernelSetup", position: int) -> int:
    quantization = kernel.input(position).quantization
    return 0 if quantization is None else len(quantization.scales)


def _average_pool(kernel: "KernelSetup") -> None:
    kernel.temporaries("i0 o0")
    if kernel.has_cmsis_nn:
        kernel.temporaries("i0 o0")
        count = cmsis_nn.average_pool_bytes(kernel)
        if count > 0:
            kernel.request(count)


def _l2_pool(kernel: "KernelSetup") -> None:
    kernel.temporaries("i0 o0")
    kernel.keep_shape()


def _softmax(kernel: "KernelSetup") -> None:
    kernel.temporaries("i0 o0")
    if kernel.input(0).dtype == "int16":
        kernel.keep(_SOFTMAX_TABLE_BYTES)
        kernel.keep(_SOFTMAX_TABLE_BYTES)
    if kernel.has_esp_nn:
        count = esp_nn.softmax_bytes(kernel)
        if count > 0:
            kernel.request(count)


def _log_softmax(kernel: "KernelSetup") -> None:
    kernel.temporaries("i0 o0")
    if kernel.input(0).dtype == "int8":
        kernel.keep_structure("iiiii PP")


def _cumsum(kernel: "KernelSetup") -> None:
    kernel.temporaries("i0 i1 o0")
    if kernel.input(0).dtype == "int8":
        kernel.keep(36)  # nine ints


def _add_n(kernel: "KernelSetup") -> None:
    count = len(kernel.operator.inputs)
    kernel.temporaries("i0 o0 " + " ".join(f"i{index}" for index in range(1, count)))
    if kernel.input(0).dtype == "int8":
        kernel.keep(40)  # ten ints
    kernel.request(kernel.build.abi.pointer_bytes * count)


def _concatenation(kernel: "KernelSetup") -> None:
    every = " ".join(f"i{index}" for index in range(len(kernel.operator.inputs)))
    kernel.temporaries(f"i0 {every} o0")


def _decode(kernel: "KernelSetup") -> None:
    """The kernel keeps a decoder for each coded tensor, told by the ancillary tensor's first byte.

    It sets a decoder up while the temporary tensors of the one before are still there.
    """
    outputs = len(kernel.operator.outputs)
    kernel.keep_structure("P", count=outputs)
    for place in range(min(outputs, len(kernel.operator.inputs) // 2)):
        kernel.temporaries(f"i{2 * place} i{2 * place + 1} o{place}")
        coding = (kernel.input(2 * place + 1).data or bytes([_LOOKUP]))[0]
        kernel.keep_structure(_DECODERS.get(coding, _DECODERS[_LOOKUP]))
        decoded = kernel.output(place).quantization
        zero_points = np.zeros(0) if decoded is None else decoded.zero_points
        if coding == _PRUNING and len(zero_points) > 1 and np.any(zero_points):
            kernel.keep(len(zero_points))


def _depth_to_space(kernel: "KernelSetup") -> None:
    kernel.temporaries("i0 o0")
    kernel.keep_shape()


def _gather(kernel: "KernelSetup") -> None:
    kernel.temporaries("i0 i1 o0")
    kernel.keep_shape()


def _embedding_lookup(kernel: "KernelSetup") -> None:
    kernel.temporaries("i0 i1 o0")
    kernel.keep_shape()


def _mean_or_sum(kernel: "KernelSetup") -> None:
    kernel.temporaries("i0 o0 i1")
    kernel.request(4 * len(kernel.input(0).shape))
    kernel.request(4 * kernel.input(1).elements)
    if kernel.input(0).dtype in ("int8", "int16"):
        kernel.request(4 * kernel.output().elements)
    kernel.temporaries("i0 i1 o0" if kernel.input(0).dtype == "int8" else "i0 i1")


def _reduce_extreme(kernel: "KernelSetup") -> None:
    kernel.temporaries("i0 i1 o0" if kernel.input(0).dtype == "int8" else "i0 i1")
    kernel.temporaries("i0 o0 i1")
    kernel.request(4 * len(kernel.input(0).shape))
    kernel.request(4 * kernel.input(1).elements)


def _mirror_pad(kernel: "KernelSetup") -> None:
    kernel.temporaries("i0 i1 o0")
    kernel.request(4 * len(kernel.input(0).shape))
    kernel.request(4 * len(kernel.input(0).shape))


def _batch_matmul(kernel: "KernelSetup") -> None:
    options = kernel.options
    kernel.temporaries("i0 i1 o0")
    for position, transposed in ((0, options.adjX), (1, not options.adjY)):
        if transposed:
            tensor = kernel.input(position)
            kernel.keep_structure("PPE")  # TfLiteEvalTensor
            kernel.keep(4 + 4 * len(tensor.shape))
            kernel.keep(tensor.stored_bytes)
    kernel.keep_shape()
    if kernel.input(0).dtype != "float32":
        kernel.keep(28)  # seven ints of quantization
        if kernel.has_cmsis_nn and kernel.build.mve and kernel.input(0).dtype == "int8":
            kernel.request(cmsis_nn.row_sums_bytes(kernel))


def _svdf(kernel: "KernelSetup") -> None:
    kernel.temporaries("i0 i1 i2 i3 i4 o0")
    batch = kernel.input(0).shape[0]
    filters = kernel.input(1).shape[0]
    kernel.request(4 * batch * filters)
    if kernel.input(0).dtype == "int8":
        kernel.request(4 * batch * (filters // kernel.options.rank))


def _transpose_conv(kernel: "KernelSetup") -> None:
    weights, source = kernel.input(1), kernel.input(2)
    kernel.temporaries("o0 i2 i1")
    kernel.keep(4 * weights.shape[0])
    kernel.keep(4 * weights.shape[0])
    if source.dtype == "int8":
        if kernel.has_cmsis_nn:
            for count in cmsis_nn.transpose_convolution_bytes(kernel):
                kernel.request(count)
        else:
            kernel.request(4 * kernel.output().elements)
    if source.dtype == "int16":
        kernel.request(8 * kernel.output().elements)
    if source.dtype != "float32":
        kernel.temporaries("i2 i1 i3 o0")


def _lstm(kernel: "KernelSetup") -> None:
    """The kernel looks at all 24 inputs, and works in rows of the cell's state."""
    kernel.temporaries(" ".join(f"i{index}" for index in range(24)) + " o0")
    state = kernel.input(_LSTM_CELL_STATE)
    if kernel.has_cmsis_nn and kernel.input(0).dtype != "float32":
        width = 8 if kernel.input(0).dtype == "int16" else 4  # of the biases
        for _ in range(_LSTM_ROW_SUMS):
            kernel.keep(width * state.shape[-1])
        buffers = 3
    else:
        buffers = 4
    for _ in range(buffers):
        kernel.request(state.stored_bytes)


_RULES: "dict[str, Callable[[KernelSetup], None]]" = {
    "ADD_N": _add_n,
    "AVERAGE_POOL_2D": _average_pool,
    "BATCH_MATMUL": _batch_matmul,
    "CONCATENATION": _concatenation,
    "CONV_2D": _convolution,
    "CUMSUM": _cumsum,
    "DEPTHWISE_CONV_2D": _convolution,
    "DEPTH_TO_SPACE": _depth_to_space,
    "EMBEDDING_LOOKUP": _embedding_lookup,
    "FULLY_CONNECTED": _fully_connected,
    "GATHER": _gather,
    "GATHER_ND": _gather,
    "L2_POOL_2D": _l2_pool,
    "LOG_SOFTMAX": _log_softmax,
    "MEAN": _mean_or_sum,
    "MIRROR_PAD": _mirror_pad,
    "REDUCE_ALL": _reduce_extreme,
    "REDUCE_MAX": _reduce_extreme,
    "REDUCE_MIN": _reduce_extreme,
    "SOFTMAX": _softmax,
    "SPACE_TO_DEPTH": _depth_to_space,
    "SUM": _mean_or_sum,
    "SVDF": _svdf,
    "TFLM_DECODE": _decode,
    "TRANSPOSE_CONV": _transpose_conv,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _lstm,
}
