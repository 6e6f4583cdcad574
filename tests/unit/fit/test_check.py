from dataclasses import replace
from pathlib import Path

import pytest
from graphs import GraphBuilder
from operator_graphs import GraphBuilder as OperatorGraph
from operator_graphs import pack
from operator_models import lstm, single_operator

from edgekit.devices.profile import Target, load_target
from edgekit.errors import InputError
from edgekit.fit.check import check
from edgekit.fit.flash import code_quantity, combined_bytes
from edgekit.model.file import ModelFile
from edgekit.model.reader import read
from edgekit.quantization.coarse_weights import int4_weights
from edgekit.record.fit import to_json
from edgekit.specs import Limits

# What each registration adds to a firmware of the interpreter alone (27,704 B), Cortex-M4.
BASE = 27_704
CONV, DEPTHWISE, DENSE, SOFTMAX, POOL, RESHAPE, ADD = (
    34_468, 24_532, 23_588, 13_024, 7_556, 2_600, 16_944,
)  # fmt: skip
TYPED = (16_800, 15_512, 19_060, 11_876, 6_776, RESHAPE)  # the same kinds for int8 alone


@pytest.mark.parametrize(
    ("alone", "linked"),
    [
        ((DENSE,), 51_292),
        ((CONV, DEPTHWISE, POOL, RESHAPE, DENSE, SOFTMAX), 110_472),
        (TYPED, 77_896),
        ((CONV, ADD, POOL, RESHAPE, DENSE, SOFTMAX), 105_440),
    ],
)
def test_the_code_of_the_linked_firmwares_is_met_within_five_percent(
    alone: tuple[int, ...], linked: int
) -> None:
    assert BASE + combined_bytes(alone) == pytest.approx(linked, rel=0.05)


@pytest.fixture
def board() -> Target:
    return load_target("nucleo-l4r5zi")


@pytest.fixture(scope="module")
def content() -> bytes:
    builder = GraphBuilder((1, 8, 8, 2), seed=1)
    image = builder.average_pool(builder.conv(builder.input, 16, kernel=3), size=8)
    return builder.build(builder.fully_connected(builder.reshape(image, (1, 16)), 4))


def test_every_figure_says_where_it_comes_from(content: bytes, board: Target) -> None:
    fit = check(ModelFile.of(content), board)
    assert fit.runs
    assert fit.fits
    for figure in (fit.arena_bytes, fit.model_bytes, fit.code_bytes, fit.flash_bytes):
        assert figure is not None
        assert figure.source
    assert fit.model_bytes.value == len(content)
    assert fit.flash_bytes.value == len(content) + fit.code_bytes.value
    assert fit.flash_bytes.low < fit.flash_bytes.value < fit.flash_bytes.high


def test_json_has_the_keys_that_outsiders_rely_on(content: bytes, board: Target) -> None:
    assert {
        "target", "runs", "fits", "unsupported_operators", "arena_bytes", "model_bytes",
        "code_bytes", "flash_bytes", "ram_bytes", "latency_ms", "findings",
    } <= set(to_json(check(ModelFile.of(content), board)))  # fmt: skip


def test_a_board_too_small_is_a_missed_finding_that_names_the_peak(
    content: bytes, board: Target
) -> None:
    small = replace(board, ram=replace(board.ram, total=2048, reserved=0))
    fit = check(ModelFile.of(content), small)
    (missed,) = [finding for finding in fit.findings if not finding.passed]
    assert (fit.runs, fit.fits, missed.gate) == (True, False, "ram")
    assert "peak" in str(missed.hint)


def test_a_model_larger_than_the_flash_does_not_fit(content: bytes, board: Target) -> None:
    assert board.flash is not None
    small = replace(board, flash=replace(board.flash, total=32 * 1024, reserved=0))
    fit = check(ModelFile.of(content), small)  # the interpreter's code alone takes more
    assert [finding.gate for finding in fit.findings if not finding.passed] == ["flash"]


def test_the_projects_limits_are_held(content: bytes, board: Target) -> None:
    fit = check(ModelFile.of(content), board, limits=Limits(flash=1024, ram=1024))
    assert [finding.gate for finding in fit.findings if not finding.passed] == ["flash", "ram"]


def test_no_code_size_is_claimed_for_a_core_that_was_not_linked_for(content: bytes) -> None:
    fit = check(ModelFile.of(content), load_target("esp32-s3"))
    assert fit.code_bytes is None
    assert fit.flash_bytes is None  # what is left out is not known to be small
    assert fit.model_bytes.value == len(content)
    assert any(finding.gate == "flash" and finding.passed for finding in fit.findings)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("mlperf_tiny/ad01_ToyCar_dynrange.tflite", "hybrid"),
        ("mlperf_tiny/kws_ref_model_float32.tflite", "hybrid"),
    ],
)
def test_models_for_phones_are_refused_on_a_microcontroller(
    name: str, reason: str, shared_models: Path, board: Target
) -> None:
    fit = check(ModelFile.of((shared_models / name).read_bytes()), board)
    assert not fit.runs
    assert reason in fit.unsupported_operators[0].reason
    assert "edgekit convert" in fit.unsupported_operators[0].instead


@pytest.mark.shared
def test_person_detect_runs_on_the_chip_and_not_in_litert(
    shared_models: Path, board: Target
) -> None:
    content = (shared_models / "tflite_micro" / "person_detect.tflite").read_bytes()
    assert check(ModelFile.of(content), board).runs
    assert not check(ModelFile.of(content), load_target("pixel-4")).runs


def test_a_legacy_uint8_model_is_refused_by_its_age(board: Target) -> None:
    fit = check(ModelFile.of(single_operator("RELU", "uint8")), board)
    assert not fit.runs
    assert "before 2020" in fit.unsupported_operators[0].reason


def test_float16_is_for_phones(board: Target) -> None:
    builder = OperatorGraph()
    half = builder.tensor((1, 4), "float16", data=[0.5] * 4, scale=None)
    result = builder.tensor((1, 4), "float32", scale=None)
    builder.operator("DEQUANTIZE", [half], [result])
    fit = check(ModelFile.of(builder.build([], [result])), board)
    assert "float16" in fit.unsupported_operators[0].reason


def test_a_recurrent_model_is_planned_like_any_other(board: Target) -> None:
    fit = check(ModelFile.of(lstm("int8")), board)
    assert fit.runs
    assert fit.arena_bytes is not None


def test_several_graphs_are_refused(board: Target) -> None:
    first, second = OperatorGraph(), OperatorGraph()
    for builder in (first, second):
        source, result = builder.tensor((1, 4)), builder.tensor((1, 4))
        builder.operator("RELU", [source], [result])
        builder.graph.inputs, builder.graph.outputs = [source], [result]
    content = pack([first.graph, second.graph], first.buffers, first.codes)
    fit = check(ModelFile.of(content), board)
    assert [item.gate for item in fit.findings if not item.passed] == ["graphs"]
    assert not fit.fits


MAP = """
Linker script and memory map

.text           0x08000000     {flash}
 .text          0x08000000     0x4000 app.o
 .rodata        0x08004000     {model} net_model.o
                0x08004000                net_model
.bss            0x20000000     0x1000
 .bss           0x20000000     0x1000 app.o
"""


def firmware(path: Path, model_bytes: int) -> Path:
    path.write_text(MAP.format(flash=hex(0x4000 + model_bytes), model=hex(model_bytes)))
    return path


def test_a_map_measures_code_and_ram(content: bytes, board: Target, tmp_path: Path) -> None:
    fit = check(ModelFile.of(content), board, map_file=firmware(tmp_path / "a.map", len(content)))
    assert fit.code_bytes is not None
    assert fit.flash_bytes is not None
    assert fit.ram_bytes is not None
    assert (fit.code_bytes.value, fit.code_bytes.kind) == (0x4000, "measured")
    assert (fit.flash_bytes.value, fit.ram_bytes.value) == (0x4000 + len(content), 0x1000)


@pytest.mark.parametrize("difference", [-1, 1, 4096])
def test_the_map_of_another_model_is_refused(
    content: bytes, board: Target, tmp_path: Path, difference: int
) -> None:
    path = firmware(tmp_path / "a.map", len(content) + difference)
    with pytest.raises(InputError, match=f"holds {len(content) + difference:,} B, and this one"):
        check(ModelFile.of(content), board, map_file=path)


def test_a_map_with_room_for_no_model_is_refused(
    content: bytes, board: Target, tmp_path: Path
) -> None:
    path = firmware(tmp_path / "a.map", 16)
    path.write_text(path.read_text().replace("net_model", "net_data").replace("0x4010", "0x20"))
    with pytest.raises(InputError, match="holds none by name"):
        check(ModelFile.of(content), board, map_file=path)


def test_the_code_of_int4_kernels_lies_between_int8s_and_that_of_all_types() -> None:
    builder = GraphBuilder((1, 8, 8, 4), seed=3)
    int8 = read(builder.build(builder.conv(builder.input, 8, kernel=3)))
    int4 = int4_weights(int8).model
    target = load_target("nucleo-l4r5zi")
    narrow, wide = code_quantity(int8, target), code_quantity(int4, target)
    assert narrow is not None
    assert wide is not None
    # The table of linked sizes: AddConv2D 34,468 B, its registration for int8 alone 16,800 B.
    assert wide.value - narrow.value == 34_468 - 16_800
    assert wide.low == narrow.low
    assert "Register_CONV_2D_INT4 were not measured" in wide.source
