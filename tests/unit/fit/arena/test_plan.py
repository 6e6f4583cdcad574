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


def test_the_tables_of_a_softmax_in_16_bits_have_their_room(micro: tflm.Session) -> None:
    model = read(single_operator("SOFTMAX", "int16"))
    (place,) = model.main.outputs
    tensors = list(model.main.tensors)
    made = tensors[place].quantization
    assert made is not None
    asked = replace(made, scales=np.array([1 / 32768], np.float32), zero_points=np.zeros(1, int))
    tensors[place] = replace(tensors[place], quantization=asked)
    content = write(replace(model, graphs=(replace(model.main, tensors=tuple(tensors)),)))
    beyond = plan(read(content), HOST).arena_bytes - micro.minimum_arena_bytes(
        ModelFile.of(content)
    )
    assert beyond in (0, 16)  # two tables of 513 int16; one alignment more than the wheel needs


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
