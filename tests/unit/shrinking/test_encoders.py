"""Encoders against layouts worked out by hand, and against the wheel's decoder."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from graphs import GraphBuilder, random_inputs

from edgekit.model.file import ModelFile
from edgekit.model.reader import read
from edgekit.model.values import Quantization, Tensor
from edgekit.model.writer import write
from edgekit.runtimes import tflm
from edgekit.shrinking.coding import _RECORD_BYTES, CodedTensor, code, with_decode
from edgekit.shrinking.encoders import ENCODERS, huffman


def tensor(values: npt.ArrayLike, *, scales: int = 1, axis: int = 0) -> Tensor:
    stored = np.asarray(values, np.int8)
    return Tensor(
        index=0,
        name="",
        shape=stored.shape,
        dtype="int8",
        data=stored.tobytes(),
        quantization=Quantization(
            scales=np.ones(scales, np.float32), zero_points=np.zeros(scales, np.int64), axis=axis
        ),
        is_variable=False,
    )


def test_pruning_is_a_bitmask_and_the_other_values() -> None:
    coded = ENCODERS["pruning"](tensor([0, 5, 0, 0, -3, 0, 0, 1, 7]))
    assert coded is not None
    assert coded.encoded == bytes([0b01001001, 0b10000000])
    assert coded.ancillary == bytes([2, 1, 0, 0, 1]) + bytes(11) + bytes([5, 0xFD, 1, 7])


def test_lookup_is_indices_into_a_table() -> None:
    coded = ENCODERS["lookup"](tensor([7, -1, 7, 3, -1]))
    assert coded is not None
    # -1, 3, 7 are 0, 1, 2 in two bits: 10 00 10 01 | 00
    assert coded.encoded == bytes([0b10001001, 0b00000000])
    assert coded.ancillary == bytes([0, 1, 0, 0, 1, 0xF2, 0]) + bytes(9) + bytes([0xFF, 3, 7])


def test_lookup_has_a_table_a_channel_where_that_is_smaller() -> None:
    rows = [[value, value + 1] * 40 for value in range(0, 24, 2)]  # 24 values: 5 bits or 1
    coded = ENCODERS["lookup"](tensor(rows, scales=12))
    assert coded is not None
    assert coded.ancillary[4:7] == bytes([1, 0x01, 2])  # axis 0, one bit, two values a channel
    assert coded.ancillary[16:20] == bytes([0, 1, 2, 3])
    assert coded.encoded == bytes([0b01010101] * 120)


def test_lookup_has_a_table_a_channel_along_the_last_axis_too() -> None:
    columns = np.array([[value, value + 1] * 40 for value in range(0, 24, 2)]).T
    coded = ENCODERS["lookup"](tensor(columns, scales=12, axis=1))
    assert coded is not None
    assert coded.ancillary[4:7] == bytes([1, 0x11, 2])  # axis 1, one bit, two values a channel
    assert coded.ancillary[16:20] == bytes([0, 1, 2, 3])
    # In the order of the tensor: a row of twelve 0, a row of twelve 1.
    assert coded.encoded == bytes([0b00000000, 0b00001111, 0b11111111] * 40)
    assert ENCODERS["lookup"](tensor(columns, scales=12)) != coded  # of another axis


def test_lookup_of_channels_with_fewer_values_fills_their_tables_with_zeros() -> None:
    rows = [
        [100 + channel] * 60
        if channel % 2
        else [3 * channel, 3 * channel + 1, 3 * channel + 2] * 20
        for channel in range(24)
    ]
    coded = ENCODERS["lookup"](tensor(rows, scales=24))
    assert coded is not None
    assert coded.ancillary[4:7] == bytes([1, 0x02, 3])
    assert coded.ancillary[16:22] == bytes([0, 1, 2, 101, 0, 0])


def test_lookup_does_not_hold_more_than_128_values() -> None:
    assert ENCODERS["lookup"](tensor(np.arange(-64, 65))) is None
    assert ENCODERS["lookup"](tensor(np.arange(-64, 64))) is not None


def test_huffman_lengths_are_optimal_within_their_limit() -> None:
    # Huffman's own tree for 1, 1, 2, 4, 8: each value one bit longer than the next.
    assert huffman._code_lengths([1, 1, 2, 4, 8], 8) == [4, 4, 3, 2, 1]
    assert huffman._code_lengths([1, 1, 2, 4, 8], 3) == [3, 3, 3, 3, 1]


def test_huffman_codes_of_rare_values_are_longer_than_a_byte() -> None:
    # One value of 10,000, 254 of one: a bit says which, then 252 need 8 more and two need 7.
    coded = ENCODERS["huffman"](tensor([0] * 10_000 + [*range(-127, 0), *range(1, 128)]))
    assert coded is not None
    bits = 10_000 + 252 * 9 + 2 * 8
    assert len(coded.encoded) == 4 * (-(-bits // 32) + 1)  # in whole words, and one ahead


def test_huffman_is_the_layout_of_tflite_micros_own_test() -> None:
    # decode_state_huffman_test.cc: 16-bit entries, 0x8000 found, bits 11-14 count, low bits value.
    coded = ENCODERS["huffman"](tensor([ord(letter) for letter in "aaab"]))
    assert coded is not None
    assert coded.encoded == bytes([0b00010000]) + bytes(7)  # a is 0, b is 1; one word ahead
    assert coded.ancillary[:6] == bytes([1, 1, 0, 0, 1, 0 << 4])  # a table of two entries
    table = np.frombuffer(coded.ancillary[16:], "<u2").tolist()
    assert table == [0x8000 | 1 << 11 | ord("a"), 0x8000 | 1 << 11 | ord("b")]


def test_a_single_value_has_no_huffman_code() -> None:
    assert ENCODERS["huffman"](tensor([3, 3, 3])) is None


def spreads() -> dict[str, npt.NDArray[np.int8]]:
    """Return weights of many kinds, 24 x 80."""
    rng = np.random.default_rng(0)
    shape = (24, 80)
    noise = rng.integers(-127, 128, shape)
    powers = np.rint(np.sign(noise) * 127 * rng.random(shape) ** 12)
    few = rng.choice([-90, -3, 0, 11, 127], shape)
    return {
        "noise": noise.astype(np.int8),
        "long codes": powers.astype(np.int8),
        "sparse": np.where(rng.random(shape) < 0.85, 0, noise).astype(np.int8),
        "few values": few.astype(np.int8),
        "two values": rng.choice([-128, 127], shape).astype(np.int8),
        "one value": np.full(shape, -7, np.int8),
        "zeros": np.zeros(shape, np.int8),
    }


@pytest.mark.parametrize("coding", ENCODERS)
@pytest.mark.parametrize("spread", spreads())
@pytest.mark.parametrize("per_channel", [False, True])
def test_the_wheel_decodes_what_was_encoded(
    micro: tflm.Session, coding: str, spread: str, *, per_channel: bool
) -> None:
    builder = GraphBuilder((1, 80) if not per_channel else (1, 1, 1, 80), seed=1)
    x = (
        builder.conv(builder.input, 24)
        if per_channel
        else builder.fully_connected(builder.input, 24)
    )
    index = builder.operators[0].inputs[1]
    builder.set_data(index, spreads()[spread])
    content = builder.build(x)
    model = read(content)
    coded = ENCODERS[coding](model.main.tensors[index])
    if coded is None:  # more values than a table holds, or one alone: no code to tell it by
        assert coding == "lookup" or len(np.unique(spreads()[spread])) == 1
        return
    item = CodedTensor(tensor=index, coding=coding, coded=coded, saved_bytes=0)
    inputs = random_inputs(model, 8)
    expected = micro.run(content, inputs)
    np.testing.assert_array_equal(micro.run(write(with_decode(model, [item])), inputs), expected)


def two_layers() -> bytes:
    rng = np.random.default_rng(2)
    builder = GraphBuilder((1, 64), seed=2)
    builder.fully_connected(builder.fully_connected(builder.input, 128), 32)
    for operator in builder.operators:
        kernel = builder.tensors[operator.inputs[1]]
        weights = np.where(rng.random(kernel.shape) < 0.8, 0, kernel.values())
        builder.set_data(operator.inputs[1], weights.astype(np.int8))
    return builder.build(builder.operators[-1].outputs[0])


def test_the_budget_decides_how_many_are_coded(micro: tflm.Session) -> None:
    content = two_layers()
    plain = micro.minimum_arena_bytes(ModelFile.of(content))
    for extra, expected in ((0, 0), (4096 + 512, 1), (8192 + 1024, 2)):
        decoding, coded = code(read(content), micro, ram_budget_bytes=plain + extra)
        assert len(coded) == expected
        assert micro.minimum_arena_bytes(ModelFile.of(write(decoding))) <= plain + extra
    assert len(write(decoding)) < 0.5 * len(content)


@pytest.mark.parametrize("coding", ENCODERS)
@pytest.mark.parametrize(("features", "units"), [(16, 64), (80, 24), (64, 64)])
def test_what_a_decoder_takes_in_the_file_is_foreseen(
    coding: str, features: int, units: int
) -> None:
    builder = GraphBuilder((1, features), seed=1)
    x = builder.fully_connected(builder.input, units)
    index = builder.operators[0].inputs[1]
    few = np.random.default_rng(0).choice([0, 5, 9], (units, features)).astype(np.int8)
    builder.set_data(index, few)
    model = read(builder.build(x))
    coded = ENCODERS[coding](model.main.tensors[index])
    assert coded is not None
    item = CodedTensor(tensor=index, coding=coding, coded=coded, saved_bytes=0)
    grown = len(write(with_decode(model, [item]))) - len(write(model))
    taken = grown + units * features - coded.stored_bytes
    assert taken == pytest.approx(_RECORD_BYTES, abs=48)  # padding of up to 16 for each tensor


def test_weights_that_two_layers_read_are_decoded_for_each(micro: tflm.Session) -> None:
    builder = GraphBuilder((1, 64), seed=3, quantization=(0.05, 0))
    x = builder.fully_connected(builder.input, 64, quantization=(0.05, 0))
    shared = builder.operators[0].inputs[1]
    weights = builder.tensors[shared].values() * (np.arange(64) % 8 == 0)
    builder.set_data(shared, weights.astype(np.int8))
    y = builder.fully_connected(x, 64)
    second = builder.operators[1]
    builder.operators[1] = replace(second, inputs=(x, shared, second.inputs[2]))
    content = builder.build(y)
    decoding, coded = code(read(content), micro, ram_budget_bytes=2**20)
    assert len(coded) == 1
    assert [item.op for item in decoding.main.operators].count("TFLM_DECODE") == 2
    inputs = random_inputs(read(content), 8)
    np.testing.assert_array_equal(micro.run(write(decoding), inputs), micro.run(content, inputs))
