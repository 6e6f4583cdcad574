"""CMSIS-NN's buffers of layers that no measured firmware holds: its published source, by hand."""

from dataclasses import replace

import pytest
from operator_models import lstm, transpose_convolution

from edgekit.devices.profile import load_target
from edgekit.fit.arena.interpreter import build_of
from edgekit.fit.arena.plan import plan
from edgekit.model.reader import read
from edgekit.model.values import Model

M4 = build_of(load_target("nucleo-l4r5zi"))


def transposed(depth: int, strides: tuple[int, int]) -> Model:
    """Return a 3 x 3 transposed convolution of 4 x 4 positions, ``depth`` channels to 5."""
    model = read(transpose_convolution())
    (operator,) = model.main.operators
    _, weights, source, *_ = operator.inputs
    options = operator.options
    options.strideH, options.strideW = strides
    shapes = {
        weights: (5, 3, 3, depth),
        source: (1, 4, 4, depth),
        operator.outputs[0]: (1, 4 * strides[0], 4 * strides[1], 5),
    }
    tensors = tuple(
        item
        if item.index not in shapes
        else replace(
            item,
            shape=shapes[item.index],
            data=bytes(5 * 9 * depth) if item.index == weights else None,
        )
        for item in model.main.tensors
    )
    return replace(model, graphs=(replace(model.main, tensors=tensors),))


# arm_transpose_conv_get_buffer_sizes_s8.c: above 16 channels and at strides of 2 at most it is a
# convolution: columns of 9 x depth in int16, two of them, and the filter turned around. Else rows
# of the output roll through a buffer of int32: (3 inputs x stride + the kernel's width, or the
# stride where that is more) x 5 channels, as many rows as the kernel is high, or the stride.
@pytest.mark.parametrize(
    ("depth", "strides", "buffers"),
    [
        (16, (2, 2), (4 * (3 * 2 + 3) * 5 * 3,)),
        (17, (2, 2), (4 * (9 * 17 + 3), 9 * 17 * 5)),  # 153 in whole fours: 156
        (17, (1, 1), (4 * (9 * 17 + 3), 9 * 17 * 5)),
        (17, (3, 2), (4 * (3 * 2 + 3) * 5 * 3,)),
        (17, (2, 3), (4 * (3 * 3 + 3) * 5 * 3,)),
        (17, (4, 2), (4 * (3 * 2 + 4) * 5 * 4,)),
    ],
)
def test_transposed_convolutions_turn_the_filter_where_it_pays(
    depth: int, strides: tuple[int, int], buffers: tuple[int, ...]
) -> None:
    planned = plan(transposed(depth, strides), M4).buffers
    scratch = [item.planned_bytes for item in planned if item.kind == "scratch"]
    assert [count for count in scratch if count] == [-(-count // 16) * 16 for count in buffers]


# Four gates, each with the sums of its input's and of its state's weights: int32 a unit beside
# int8, int64 beside int16. The state is a byte or two a unit, the cell's two.
@pytest.mark.parametrize(("dtype", "sum_bytes", "state_bytes"), [("int8", 4, 1), ("int16", 8, 2)])
def test_an_lstm_keeps_the_sums_of_eight_matrices(
    dtype: str, sum_bytes: int, state_bytes: int
) -> None:
    few, more = (plan(read(lstm(dtype, units=units)), M4).tail_bytes for units in (16, 32))
    assert more - few == 16 * (8 * sum_bytes + state_bytes + 2)
