"""ESP-NN's scratch buffers: the arithmetic of the published source, done here by hand.

Sources: github.com/espressif/esp-nn, ``src/convolution``, at the commits that the tests name.
"""

from pathlib import Path

import pytest
from graphs import GraphBuilder

from edgekit.devices.profile import load_target
from edgekit.fit.arena import esp32_p4, esp32_s3
from edgekit.fit.arena.convolution_geometry import Convolution, Window
from edgekit.fit.arena.interpreter import EspChip, build_of, builds_of
from edgekit.fit.arena.plan import plan
from edgekit.fit.check import check
from edgekit.model.file import ModelFile
from edgekit.model.reader import load, read


def square(
    source: int, kernel: int, output: int, depth: int, filters: int, *, stride: int = 1
) -> Convolution:
    window = Window(source, kernel, output, stride, 1)
    return Convolution(rows=window, columns=window, depth=depth, filters=filters)


# What v1.2.6 itself returned, compiled for a host: scienthoon/bakeNN tests its copy (c087617) with
# (336, 32) for a 1 x 1 convolution and a 3 x 3 depthwise one, 4 x 4 x 2 each.
def test_the_library_itself_said_so() -> None:
    assert esp32_s3.convolution_d45b843(square(4, 1, 4, 2, 2)) == 336
    assert esp32_s3.depthwise_6e2e716(square(4, 3, 4, 2, 2), 1) == 32


POINTWISE = square(10, 1, 10, 64, 32)  # 10 x 10, 64 channels to 32
ODD = square(3, 1, 2, 12, 20, stride=2)  # 1 x 1 with a stride is no pointwise kernel
SAME = square(8, 3, 8, 32, 16)  # 3 x 3, one row of padding on each side
IMAGE = square(8, 3, 6, 3, 64)  # 3 x 3 of three channels, unpadded
DEEP = square(6, 5, 6, 24, 8)  # 5 x 5, padding of two


@pytest.mark.parametrize(
    ("layer", "oldest", "middle", "newest"),
    [
        # Filter 64 x 32 and two 8-position transposes of 64; the newest copies no filter:
        # the largest of 1,024, 24 x 64 + 8 x 32 and no panel.
        (POINTWISE, 2048 + 1024 + 32, 2048 + 1024 + 64, 24 * 64 + 8 * 32 + 64),
        # Filter copy with 16 channels and sums; then rows of 12 padded to 16 a second time, and
        # an input of 3 + (2 x 2 + 1 - 1 - 3) = 4 a side; at last the one larger copy.
        (ODD, 16 * 20 + 80 + 32, 16 * 20 + 80 + 64 + 16 * 20 + 4 * 4 * 12, 16 * 20 + 64 + 80),
        # Padded input 10 x 10 x 32, filter 9 x 32 x 16, sums; again filter (rows of 96 are whole
        # vectors), and an input of 8 + (8 + 2 - 8) = 10 a side; at last one window of 288 and
        # the filter.
        (
            SAME,
            3200 + 4608 + 64 + 32,
            3200 + 4608 + 64 + 64 + 4608 + 3200,
            288 + 16 * 288 + 64 + 32,
        ),
        # Filter 9 x 16 x 64 and sums; then windows of 27 in 32: sums, 64 of them, and one more.
        (IMAGE, 9216 + 256 + 32, 256 + 16 + 64 * 32 + 16 + 32 + 64, 256 + 16 + 2048 + 16 + 32 + 64),
        # Padded input 10 x 10 x 24, filter 25 x 32 x 8, sums; rows of 120 in 128 and an input of
        # 6 + (6 + 4 - 6) = 10 a side; at last 5 rows of 128 in 8 filters, padded once.
        (
            DEEP,
            2400 + 6400 + 32 + 32,
            2400 + 6400 + 32 + 64 + 128 * 5 * 8 + 2400,
            2400 + 128 * 5 * 8 + 64 + 32,
        ),
    ],
)
def test_convolutions_on_the_s3(layer: Convolution, oldest: int, middle: int, newest: int) -> None:
    assert esp32_s3.convolution_a4ef344(layer) == oldest
    assert esp32_s3.convolution_d45b843(layer) == middle
    assert esp32_s3.convolution_1017042(layer) == newest


def test_a_large_pointwise_filter_goes_in_panels() -> None:
    layer = square(4, 1, 4, 256, 256)  # 64 KiB of filter
    assert esp32_s3.convolution_a4ef344(layer) == 65536 + 2 * 8 * 256 + 32
    assert esp32_s3.convolution_1017042(layer) == 24 * 256 + 16 * 1024 + 64


def test_few_positions_are_not_transposed() -> None:
    layer = square(2, 1, 2, 12, 4)  # four positions; twelve channels as sixteen
    assert esp32_s3.convolution_a4ef344(layer) == 4 * 16 + 16 * 4 + 32


@pytest.mark.parametrize(
    ("layer", "multiplier", "oldest", "middle", "newest"),
    [
        # 16 channels, padded: filter 144 and 10 x 10 x 16.
        (square(8, 3, 8, 16, 16), 1, 144 + 1600 + 16, 144 + 1600 + 16, 144 + 1600 + 16),
        # Unpadded and whole: the filter alone.
        (square(8, 3, 6, 16, 16), 1, 144 + 16, 144 + 16, 144 + 16),
        # 50 x 50 x 32 padded is over 40 KiB: then three rows of 1,600; at last as many as fit,
        # (40,960 - 288 - 32) // 1,600 = 25.
        (
            square(48, 3, 48, 32, 32),
            1,
            288 + 80_000 + 16,
            288 + 3 * 1600 + 16,
            288 + 25 * 1600 + 32,
        ),
        # 51 x 51 x 16 padded: (40,960 - 144 - 32) // 816 = 49, where 32 B more would make 50.
        (
            square(49, 3, 49, 16, 16),
            1,
            144 + 41_616 + 16,
            144 + 3 * 816 + 16,
            144 + 49 * 816 + 32,
        ),
        # 8 channels: both in 16 bits.
        (
            square(8, 3, 8, 8, 8),
            1,
            2 * (72 + 512) + 16,
            2 * (72 + 512) + 32,
            2 * (72 + 512) + 32,
        ),
        # 24 channels as 32: filter, input of 8 + 2 + (8 + 2 - 8) = 12 a side, output; at last the
        # quantization's three arrays too.
        (
            square(8, 3, 8, 24, 24),
            1,
            2 * (216 + 1536) + 16,
            (9 + 144 + 64) * 32 + 64,
            (9 + 144 + 64) * 32 + 3 * 4 * 32 + 64,
        ),
        # 5 x 5: nothing at first; then both in 16 bits.
        (square(8, 5, 8, 16, 16), 1, 32, 2 * (400 + 1024) + 32, 2 * (400 + 1024) + 32),
        # 5 x 5 of over 48 KiB in 16 bits: the filter and five rows.
        (
            square(40, 5, 40, 16, 16),
            1,
            32,
            2 * 400 + 2 * 40 * 5 * 16 + 32,
            2 * 400 + 2 * 40 * 5 * 16 + 32,
        ),
        # Multiplier 8 of 4 channels, 5 x 5: filter 800, input 576, in 16 bits.
        (
            square(12, 5, 12, 4, 32),
            8,
            2 * (800 + 576) + 16,
            2 * (800 + 576) + 32,
            2 * (800 + 576) + 32,
        ),
        # Five channels as eight: filter 144, input 256 in 16 bits, output 128, 96 of arrays.
        (square(4, 3, 4, 5, 5), 1, 32, 144 + 256 + 128 + 96 + 16, 144 + 256 + 128 + 96 + 16),
    ],
)
def test_depthwise_on_the_s3(
    layer: Convolution, multiplier: int, oldest: int, middle: int, newest: int
) -> None:
    assert esp32_s3.depthwise_a4ef344(layer, multiplier) == oldest
    assert esp32_s3.depthwise_6e2e716(layer, multiplier) == middle
    assert esp32_s3.depthwise_1017042(layer, multiplier) == newest


def test_columns_of_one_are_read_in_place() -> None:
    layer = Convolution(
        rows=Window(384, 3, 384, 1, 1), columns=Window(1, 1, 1, 1, 1), depth=128, filters=128
    )
    assert esp32_s3.depthwise_1017042(layer, 1) == 128 * 4 + 2 * 3 * 128 + 64  # 1,344


@pytest.mark.parametrize(
    ("layer", "middle", "newest"),
    [
        (POINTWISE, 2048 + 1024 + 32, 2048 + 1024 + 32),
        (square(10, 1, 10, 8, 32), 128 + 16 * 32 + 32 + 32, 128 + 16 * 32 + 32 + 32),
        # Padded: sums and a window of 288; later sixteen more of it.
        (SAME, 64 + 288 + 32, 64 + 288 + 16 * 288 + 16 + 32),
        # Unpadded, rows of 96: the filter; later windows too, for they are 128 or more.
        (square(8, 3, 6, 32, 16), 4608 + 64 + 32, 64 + 288 + 16 * 288 + 16 + 32),
        # Eight filters are too few for that.
        (square(8, 3, 6, 32, 8), 9 * 32 * 8 + 32 + 32, 9 * 32 * 8 + 32 + 32),
        # A window of 9: channels to 16; input 8 x 8 unpadded.
        (square(8, 3, 6, 1, 4), 16 + 9 * 16 * 4 + 64 * 16 + 32, 16 + 9 * 16 * 4 + 64 * 16 + 32),
        # The same padded: input 10 x 10 and a filter of 16 channels; later ten rows of 160.
        (square(8, 3, 8, 1, 4), 100 + 576 + 16 + 32, 16 + 576 + 10 * 160 + 32),
        # 98 rows of 100 x 16 go in tiles of (32,768 - 592 - 4,800) // 1,600 + 1 = 18 outputs.
        (square(98, 3, 98, 1, 4), 10_000 + 576 + 16 + 32, 592 + 20 * 1600 + 32),
        # 9 x 64 x 256 is over 96 KiB: tiles of (32,768 - 1,024 - 3 x 640) // 640 + 1 = 47 outputs,
        # at most 8.
        (square(8, 3, 8, 64, 256), 1024 + 576 + 32, 1024 + 10 * 640 + 32),
    ],
)
def test_convolutions_on_the_p4(layer: Convolution, middle: int, newest: int) -> None:
    assert esp32_p4.convolution_d45b843(layer) == middle
    assert esp32_p4.convolution_0534433(layer) == newest


def test_depthwise_on_the_p4() -> None:
    assert esp32_p4.depthwise_2b0f6c5(SAME, 1) == 128
    assert esp32_p4.depthwise_2b0f6c5(SAME, 4) == 0
    assert esp32_p4.depthwise_2b0f6c5(square(8, 3, 8, 4, 4), 1) == 0


# esp-tflite-micro's person detection reserves 81 KiB, and 39 KiB for scratch on the ESP32-S3.
@pytest.mark.shared
@pytest.mark.parametrize(("target", "reserved"), [("esp32", 81), ("esp32-s3", 81 + 39)])
def test_espressifs_own_example_fits_just_so(
    shared_models: Path, target: str, reserved: int
) -> None:
    model = load(shared_models / "tflite_micro" / "person_detect.tflite")
    for build in builds_of(load_target(target)):
        arena = plan(model, build).arena_bytes
        assert reserved * 1024 - 1024 < arena <= reserved * 1024, build.esp_nn


def content() -> bytes:
    builder = GraphBuilder((1, 8, 8, 3), seed=3)
    x = builder.conv(builder.input, 16, kernel=3)
    x = builder.depthwise(x, kernel=3)
    pooled = builder.average_pool(builder.conv(x, 8), size=8)
    return builder.build(builder.softmax(builder.reshape(pooled, (1, 8))))


def scratch(chip: EspChip, target: str) -> list[tuple[str, int]]:
    build = build_of(load_target(target))
    assert build.esp_chip == chip
    found = plan(read(content()), build).buffers
    return [(item.name, item.planned_bytes) for item in found if item.kind == "scratch"]


def test_each_kernel_asks_once() -> None:
    # 3 x 3 of three channels padded to windows of 32: 64 + 16 + 512 + 16 + 32 + 64 = 704; filter
    # and padded input, 144 + 1,600 + 16 = 1,760; 24 x 16 + 8 x 8 + 64 = 512.
    assert scratch("esp32-s3", "esp32-s3") == [
        ("CONV_2D at 0", 704),
        ("DEPTHWISE_CONV_2D at 1", 1760),
        ("CONV_2D at 2", 512),
        ("SOFTMAX at 5", 32),  # four for each of eight elements
    ]
    assert scratch("generic", "esp32") == [("SOFTMAX at 5", 32)]


def test_the_arena_serves_every_version() -> None:
    target = load_target("esp32-s3")
    counts = [plan(read(content()), build).arena_bytes for build in builds_of(target)]
    fit = check(ModelFile.of(content()), target)
    arena = fit.arena_bytes
    assert arena is not None
    assert fit.plan is not None
    assert fit.plan.arena_bytes == arena.value
    assert (arena.low, arena.value) == (min(counts), max(counts))
    assert arena.high is not None
    assert arena.high >= arena.value + 64
    assert "3 versions of ESP-NN" in arena.source
