"""The shapes that operators give which compute: element by element, in windows, in sums."""

import math
from typing import TYPE_CHECKING

import numpy as np

from edgekit.model.operators import SAME
from edgekit.model.shape_reading import Reading, UnknownShapeError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Shape = tuple[int, ...]

_LSTM_RECURRENT_TO_OUTPUT = 8  # kRecurrentToOutputWeightsTensor


def _broadcast(view: Reading) -> "tuple[Shape, ...]":
    try:
        return (np.broadcast_shapes(*view.inputs),)
    except ValueError:
        raise UnknownShapeError from None


def _slid(view: Reading, kernel: "Shape", channels: int) -> "tuple[Shape, ...]":
    """A window of height and width ``kernel`` goes over the rows and columns of the input."""
    source = view.image()
    sizes = []
    for size, window, side in zip(source[1:3], kernel, ("H", "W"), strict=True):
        gap = max(view.options[f"dilation{side}Factor"], 1)
        stride = max(view.options[f"stride{side}"], 1)
        reach = 0 if view.options["padding"] == SAME else (window - 1) * gap
        sizes.append(max(0, -(-(size - reach) // stride)))
    return ((source[0], *sizes, channels),)


def _convolution(view: Reading) -> "tuple[Shape, ...]":
    filters, *kernel, _ = view.shape(1)
    return _slid(view, tuple(kernel), filters)


def _depthwise(view: Reading) -> "tuple[Shape, ...]":
    _, *kernel, channels = view.shape(1)
    return _slid(view, tuple(kernel), channels)


def _pool(view: Reading) -> "tuple[Shape, ...]":
    kernel = (view.options["filterHeight"], view.options["filterWidth"])
    return _slid(view, kernel, view.shape(0)[-1])


def _fully_connected(view: Reading) -> "tuple[Shape, ...]":
    source, (units, features) = view.shape(0), view.shape(1)
    if view.options["keepNumDims"]:
        return ((*source[:-1], units),)
    elements = math.prod(source)
    if not features or elements % features:
        raise UnknownShapeError
    return ((elements // features, units),)


def _matrix_product(view: Reading) -> "tuple[Shape, ...]":
    left, right = view.shape(0), view.shape(1)
    if min(len(left), len(right)) < 2:  # noqa: PLR2004  rows and columns
        raise UnknownShapeError
    rows = left[-1 if view.options["adjX"] else -2]
    columns = right[-2 if view.options["adjY"] else -1]
    try:
        return ((*np.broadcast_shapes(left[:-2], right[:-2]), rows, columns),)
    except ValueError:
        raise UnknownShapeError from None


def _resize(view: Reading) -> "tuple[Shape, ...]":
    batch, _, _, depth = view.image()
    return ((batch, *view.row(1, length=2), depth),)


def _reduction(view: Reading) -> "tuple[Shape, ...]":
    source = view.shape(0)
    axes = {view.axis(value, rank=len(source)) for value in view.row(1)}
    keep = view.options["keepDims"]
    left = [(axis, size) for axis, size in enumerate(source) if keep or axis not in axes]
    return (tuple(1 if axis in axes else size for axis, size in left),)


def _place_of_extreme(view: Reading) -> "tuple[Shape, ...]":
    source = view.shape(0)
    axis = view.axis(view.row(1, length=1)[0], rank=len(source))
    return ((*source[:axis], *source[axis + 1 :]),)


def _shape(view: Reading) -> "tuple[Shape, ...]":
    return ((len(view.shape(0)),),)


def _svdf(view: Reading) -> "tuple[Shape, ...]":
    filters, rank = view.shape(1)[0], max(view.options["rank"], 1)
    return ((view.shape(0)[0], filters // rank),)


def _lstm(view: Reading) -> "tuple[Shape, ...]":
    return ((*view.shape(0)[:2], *view.shape(_LSTM_RECURRENT_TO_OUTPUT)[-1:]),)


def _like(place: int) -> "Callable[[Reading], tuple[Shape, ...]]":
    return lambda view: (view.shape(place),)


def _wanted(view: Reading) -> "tuple[Shape, ...]":
    """A transposed convolution is told the shape of its output."""
    return (tuple(view.row(0)),)


def _each(
    rule: "Callable[[Reading], tuple[Shape, ...]]", *lines: str
) -> "dict[str, Callable[[Reading], tuple[Shape, ...]]]":
    return {op: rule for line in lines for op in line.split()}


COMPUTED: "Mapping[str, Callable[[Reading], tuple[Shape, ...]]]" = {
    **_each(
        _like(0),
        "ABS ADD_N CAST CEIL COS CUMSUM DEQUANTIZE DYNAMIC_UPDATE_SLICE ELU EXP FLOOR GELU",
        "HARD_SWISH L2_NORMALIZATION LEAKY_RELU LOG LOGICAL_NOT LOGISTIC LOG_SOFTMAX NEG QUANTIZE",
        "RELU RELU6 RELU_0_TO_1 RELU_N1_TO_1 REVERSE_V2 ROUND RSQRT SIN SOFTMAX SQRT SQUARE TANH",
        "ZEROS_LIKE",
    ),
    **_each(
        _broadcast,
        "ADD DIV EQUAL FLOOR_DIV FLOOR_MOD GREATER GREATER_EQUAL LESS LESS_EQUAL LOGICAL_AND",
        "LOGICAL_OR MAXIMUM MINIMUM MUL NOT_EQUAL POW PRELU SELECT_V2 SQUARED_DIFFERENCE SUB",
    ),
    **_each(_reduction, "MEAN REDUCE_ALL REDUCE_ANY REDUCE_MAX REDUCE_MIN REDUCE_PROD SUM"),
    **_each(_pool, "AVERAGE_POOL_2D L2_POOL_2D MAX_POOL_2D"),
    **_each(_place_of_extreme, "ARG_MAX ARG_MIN"),
    **_each(_resize, "RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR"),
    "BATCH_MATMUL": _matrix_product,
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise,
    "FULLY_CONNECTED": _fully_connected,
    "SELECT": _like(1),
    "SHAPE": _shape,
    "SVDF": _svdf,
    "TRANSPOSE_CONV": _wanted,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _lstm,
}
"""By operator."""
