"""The plan of the arena against real firmware: QEMU, Cortex-M3, M4 and M55."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from graphs import GraphBuilder
from operator_models import single_operator
from random_graphs import random_graph

from edgekit.devices.profile import load_target
from edgekit.fit.arena.interpreter import HOST, build_of
from edgekit.fit.arena.plan import plan
from edgekit.model.file import ModelFile
from edgekit.model.reader import load, read
from edgekit.model.writer import write
from edgekit.runtimes import tflm
from edgekit.shrinking.coding import CodedTensor, with_decode
from edgekit.shrinking.encoders import ENCODERS

# Least arenas of AllocateTensors and Invoke in TFLite-Micro (commit 90b983c) with CMSIS-NN, found
# by bisection on QEMU: Cortex-M3 without DSP, M4, and M55 with Helium.
_FACTS = Path(__file__).parents[5] / "shared" / "facts" / "cortex_m3_m4_m55_truth.csv"


@pytest.mark.shared
@pytest.mark.parametrize("core", ["m3", "m4", "m55"])
def test_the_plan_meets_the_truth_of_the_firmware(core: str, shared_models: Path) -> None:
    board = load_target("nucleo-l4r5zi")
    build = build_of(replace(board, core=replace(board.core, name=f"cortex-{core}")))
    with _FACTS.open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 11
    for row in rows:
        truth = int(row[f"{core}_min_arena_bytes"])
        planned = plan(load(shared_models / row["model"]), build).arena_bytes
        assert planned == truth, row["model"]


@pytest.mark.parametrize("seed", range(4))
def test_the_plan_is_what_the_wheel_needs(seed: int, micro: tflm.Session) -> None:
    content = random_graph(seed)
    assert plan(read(content), HOST).arena_bytes == micro.minimum_arena_bytes(ModelFile.of(content))


# Two tables of 513 int16 are written while the input and the output are looked at: the wheel lets
# them lie over the zero points of the last of these, so those of the input alone take room.
@pytest.mark.parametrize(("of_input", "of_output"), [(1, 1), (16, 1), (1, 16)])
def test_the_tables_of_a_softmax_in_16_bits_have_their_room(
    micro: tflm.Session, of_input: int, of_output: int
) -> None:
    model = read(single_operator("SOFTMAX", "int16"))
    tensors = list(model.main.tensors)
    places = ((*model.main.inputs, 1e-4, of_input), (*model.main.outputs, 1 / 32768, of_output))
    for place, scale, channels in places:
        made = tensors[place].quantization
        assert made is not None
        asked = replace(
            made,
            scales=np.full(channels, scale, np.float32),
            zero_points=np.zeros(channels, int),
            axis=1,
        )
        tensors[place] = replace(tensors[place], shape=(1, 16), quantization=asked)
    content = write(replace(model, graphs=(replace(model.main, tensors=tuple(tensors)),)))
    assert plan(read(content), HOST).arena_bytes == micro.minimum_arena_bytes(ModelFile.of(content))


def decoding(coding: str, *, per_channel: bool, outputs: int = 1) -> bytes:
    """Return layers of few values, of which a DECODE gives the weights."""
    builder = GraphBuilder((1, 1, 1, 80), seed=1)
    x = builder.input
    for _ in range(outputs):
        x = builder.conv(x, 80)
    few = np.where(np.random.default_rng(0).random((80, 80)) < 0.8, 0, 5).astype(np.int8)
    weights = [operator.inputs[1] for operator in builder.operators]
    for index in weights:
        builder.set_data(index, few)
        made = builder.tensors[index].quantization
        if not per_channel and made is not None:
            one = replace(made, scales=made.scales[:1], zero_points=made.zero_points[:1])
            builder.tensors[index] = replace(builder.tensors[index], quantization=one)
    model = read(builder.build(x))
    items = []
    for index in weights:
        coded = ENCODERS[coding](model.main.tensors[index])
        assert coded is not None
        items.append(CodedTensor(tensor=index, coding=coding, coded=coded, saved_bytes=0))
    return write(with_decode(model, items))


@pytest.mark.parametrize("coding", ENCODERS)
@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("layers", [1, 3])
def test_the_plan_of_coded_weights_is_what_the_wheel_needs(
    micro: tflm.Session, coding: str, *, per_channel: bool, layers: int
) -> None:
    content = decoding(coding, per_channel=per_channel, outputs=layers)
    assert plan(read(content), HOST).arena_bytes == micro.minimum_arena_bytes(ModelFile.of(content))


def test_a_decoder_keeps_zero_points_that_are_not_zero(micro: tflm.Session) -> None:
    plain = read(decoding("pruning", per_channel=True))
    (decoder,) = (item for item in plain.main.operators if item.op == "TFLM_DECODE")
    tensors = list(plain.main.tensors)
    (decoded,) = decoder.outputs
    made = tensors[decoded].quantization
    assert made is not None
    shifted = replace(made, zero_points=np.array([3] + 79 * [0]))
    tensors[decoded] = replace(tensors[decoded], quantization=shifted)
    model = replace(plain, graphs=(replace(plain.main, tensors=tuple(tensors)),))
    needed = plan(model, HOST).arena_bytes
    assert needed == plan(plain, HOST).arena_bytes + 80  # a byte for each of 80 channels
    assert needed == micro.minimum_arena_bytes(ModelFile.of(write(model)))


# Of a 32-bit compiler: each keeps the table of a class, a context and a profiler (12 bytes).
@pytest.mark.parametrize(
    ("coding", "decoder_bytes"),
    [
        ("lookup", 48),  # and five words and three bytes: 35
        ("pruning", 48),  # and six words and two bytes: 38
        ("huffman", 32),  # and three words and two bytes: 26
    ],
)
def test_decoders_of_a_32_bit_core_have_their_room(coding: str, decoder_bytes: int) -> None:
    model = read(decoding(coding, per_channel=False))
    others = tuple(
        replace(item, op="BROADCAST_ARGS") if item.op == "TFLM_DECODE" else item
        for item in model.main.operators
    )  # which keeps nothing
    build = build_of(load_target("nucleo-l4r5zi"))
    without = replace(model, graphs=(replace(model.main, operators=others),))
    kept = plan(model, build).tail_bytes - plan(without, build).tail_bytes
    assert kept == 16 + decoder_bytes  # and the place of the one decoder, aligned


def test_the_peak_is_named_with_its_largest_buffer() -> None:
    builder = GraphBuilder((1, 8, 8, 2), seed=1)
    wide = builder.conv(builder.input, 16, kernel=3)  # 8 x 8 x 16 = 1,024 B out, 128 B in
    content = builder.build(builder.average_pool(wide, size=8))
    planned = plan(read(content), HOST)
    assert (planned.peak.index, planned.peak.op) == (0, "CONV_2D")
    assert planned.peak.live_bytes == 1024 + 128
    largest = planned.largest_at_peak
    assert largest is not None
    assert largest.planned_bytes == 1024
