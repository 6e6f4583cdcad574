"""What an op resolver must register for a model: its operators and no other, each for its type.

A registration for every type links the kernels of all of them. TFLite-Micro has registrations
for one type alone for the operators below: with them a keyword spotter's firmware took 78 KB
of code in the place of 110 (Cortex-M4, CMSIS-NN, gcc 12.2).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgekit.errors import UnsupportedModelError
from edgekit.model.operators import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edgekit.model.reader import Graph, Model, Operator


@dataclass(frozen=True, kw_only=True, slots=True)
class Registration:
    """One kind of operator in the resolver.

    Args:
        op: TFLite's name, or that of a custom operator.
        method: Of ``MicroMutableOpResolver``, such as ``"AddConv2D"``.
        typed: A function of TFLite-Micro that registers kernels of one type alone, such as
            ``"Register_CONV_2D_INT8"``; None where it has none for the types of this model.
    """

    op: str
    method: str
    typed: str | None


def registrations(model: "Model") -> tuple[Registration, ...]:
    """Return what the resolver must hold for ``model``, by name, each kind once.

    Raises:
        UnsupportedModelError: An operator that TFLite-Micro lacks.
    """
    uses: dict[str, set[str | None]] = {}
    for graph in model.graphs:
        for operator in graph.operators:
            uses.setdefault(operator.op, set()).add(_typed(graph, operator))
    return tuple(
        Registration(op=op, method=_method(op), typed=_only(variants))
        for op, variants in sorted(uses.items())
    )


def _only(variants: "set[str | None]") -> str | None:
    """Return the one variant that all operators of a kind share, if they share one."""
    return next(iter(variants)) if len(variants) == 1 else None


def _typed(graph: "Graph", operator: "Operator") -> str | None:
    variants = _TYPED.get(operator.op)
    if variants is None:
        return None
    inputs = tuple(graph.tensors[index].dtype for index in operator.inputs if index != -1)
    outputs = tuple(graph.tensors[index].dtype for index in operator.outputs)
    suffix = variants.get(_signature(operator.op, inputs, outputs))
    return suffix and f"Register_{operator.op}_{suffix}"


def _signature(op: str, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> tuple[str, ...]:
    """Return the types that decide: those of the activations, the weights and the output."""
    kind = KINDS.get(op)
    if kind is not None and kind.weights != -1:
        return (inputs[kind.data], inputs[kind.weights], outputs[0])
    return (*inputs[: 2 if op in _BINARY else 1], outputs[0])


_BINARY = frozenset({"ADD", "MAXIMUM", "MINIMUM", "MUL"})
_ONE = ("int8", "int8")
_ONE_16 = ("int16", "int16")
_TWO = ("int8", "int8", "int8")
_TWO_16 = ("int16", "int16", "int16")
_WEIGHTS_16 = ("int16", "int8", "int16")
_WEIGHTS_4 = ("int8", "int4", "int8")
_WEIGHTED: dict[tuple[str, ...], str] = {_TWO: "INT8", _WEIGHTS_16: "INT16", _WEIGHTS_4: "INT4"}

_TYPED: dict[str, dict[tuple[str, ...], str]] = {
    # tensorflow/lite/micro/kernels/{add,batch_matmul,conv,…}.h of TFLite-Micro, August 2026.
    "ADD": {_TWO: "INT8", _TWO_16: "INT16"},
    "AVERAGE_POOL_2D": {_ONE: "INT8", _ONE_16: "INT16"},
    "BATCH_MATMUL": {_TWO: "INT8", _TWO_16: "INT16"},
    "CONV_2D": _WEIGHTED,
    "DEPTHWISE_CONV_2D": _WEIGHTED,
    "FULLY_CONNECTED": _WEIGHTED,
    "MAXIMUM": {_TWO: "INT8"},
    "MAX_POOL_2D": {_ONE: "INT8", _ONE_16: "INT16"},
    "MINIMUM": {_TWO: "INT8"},
    "MUL": {_TWO: "INT8"},
    "PAD": {_ONE: "INT8"},
    "SOFTMAX": {_ONE: "INT8", _ONE_16: "INT16", ("int8", "int16"): "INT8_INT16"},
    "SVDF": {_TWO: "INT8"},
    "TRANSPOSE": {_ONE: "INT8"},
    "TRANSPOSE_CONV": {_TWO: "INT8"},
    "UNIDIRECTIONAL_SEQUENCE_LSTM": {_TWO: "INT8"},
}
"""By operator: from the types that decide to the end of the registration's name."""


def _method(op: str) -> str:
    if op in _CUSTOM:
        return f"Add{_CUSTOM[op]}"
    if op in _IRREGULAR:
        return f"Add{_IRREGULAR[op]}"
    if op in _REGULAR:
        return "Add" + "".join(word.capitalize() for word in op.split("_"))
    raise UnsupportedModelError(
        f"TFLite-Micro has no operator {op}",
        hint="replace the layer that makes it; docs/targets.md lists the operators there are",
    )


_IRREGULAR = {
    "AVERAGE_POOL_2D": "AveragePool2D",
    "BATCH_MATMUL": "BatchMatMul",
    "CONV_2D": "Conv2D",
    "CUMSUM": "CumSum",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2D",
    "L2_POOL_2D": "L2Pool2D",
    "MAX_POOL_2D": "MaxPool2D",
    "PADV2": "PadV2",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "UnidirectionalSequenceLSTM",
}

_CUSTOM = {
    "CIRCULAR_BUFFER": "CircularBuffer",
    "SignalDelay": "Delay",
    "SignalEnergy": "Energy",
    "SignalFftAutoScale": "FftAutoScale",
    "SignalFilterBank": "FilterBank",
    "SignalFilterBankLog": "FilterBankLog",
    "SignalFilterBankSpectralSubtraction": "FilterBankSpectralSubtraction",
    "SignalFilterBankSquareRoot": "FilterBankSquareRoot",
    "SignalFramer": "Framer",
    "SignalIrfft": "Irfft",
    "SignalOverlapAdd": "OverlapAdd",
    "SignalPCAN": "PCAN",
    "SignalRfft": "Rfft",
    "SignalStacker": "Stacker",
    "SignalWindow": "Window",
    "TFLM_DECODE": "Decode",
    "TFLite_Detection_PostProcess": "DetectionPostprocess",
    "ethos-u": "EthosU",
}


def _words(lines: "Iterable[str]") -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


_REGULAR = _words(
    [
        "ABS ADD ADD_N ARG_MAX ARG_MIN ASSIGN_VARIABLE BATCH_TO_SPACE_ND BROADCAST_ARGS",
        "BROADCAST_TO CALL_ONCE CAST CEIL CONCATENATION COS DEPTH_TO_SPACE DEQUANTIZE DIV",
        "DYNAMIC_UPDATE_SLICE ELU EMBEDDING_LOOKUP EQUAL EXP EXPAND_DIMS FILL FLOOR FLOOR_DIV",
        "FLOOR_MOD FULLY_CONNECTED GATHER GATHER_ND GREATER GREATER_EQUAL HARD_SWISH IF",
        "L2_NORMALIZATION LEAKY_RELU LESS LESS_EQUAL LOG LOG_SOFTMAX LOGICAL_AND LOGICAL_NOT",
        "LOGICAL_OR LOGISTIC MAXIMUM MEAN MINIMUM MIRROR_PAD MUL NEG NOT_EQUAL PACK PAD PRELU",
        "QUANTIZE READ_VARIABLE REDUCE_ALL REDUCE_MAX REDUCE_MIN RELU RELU6 RESHAPE",
        "RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR REVERSE_V2 ROUND RSQRT SELECT_V2 SHAPE SIN",
        "SLICE SOFTMAX SPACE_TO_BATCH_ND SPACE_TO_DEPTH SPLIT SPLIT_V SQRT SQUARE",
        "SQUARED_DIFFERENCE SQUEEZE STRIDED_SLICE SUB SUM SVDF TANH TRANSPOSE TRANSPOSE_CONV",
        "UNPACK VAR_HANDLE WHILE ZEROS_LIKE",
    ]
)
"""Builtin operators of TFLite-Micro whose method is their name with capitals."""
