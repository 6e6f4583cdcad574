"""Memory and limits held against a model's figures: to the byte, and the sentences whole."""

from dataclasses import replace
from pathlib import Path

import pytest
from graphs import GraphBuilder
from operator_models import single_operator

from edgekit.devices.profile import Cycles, Target, load_target
from edgekit.errors import InputError
from edgekit.finding import Finding
from edgekit.fit.check import check, check_model, peak_in_words
from edgekit.model.file import ModelFile
from edgekit.model.reader import read
from edgekit.quantity import Quantity
from edgekit.record.fit import Fit, to_json
from edgekit.specs import Limits


@pytest.fixture(scope="module")
def board() -> Target:
    return load_target("nucleo-l4r5zi")


@pytest.fixture(scope="module")
def content() -> bytes:
    builder = GraphBuilder((1, 8, 8, 2), seed=1)
    image = builder.average_pool(builder.conv(builder.input, 16, kernel=3), size=8)
    return builder.build(builder.fully_connected(builder.reshape(image, (1, 16)), 4))


def figures(fit: Fit) -> tuple[Quantity, Quantity]:
    assert fit.flash_bytes is not None
    assert fit.ram_bytes is not None
    return fit.flash_bytes, fit.ram_bytes


def finding(fit: Fit, gate: str) -> Finding:
    """Return the last finding of a gate: the project's, behind the target's own."""
    return [item for item in fit.findings if item.gate == gate][-1]


@pytest.mark.parametrize(("spare", "passed"), [(0, True), (1, True), (-1, False)])
def test_a_limit_holds_to_the_byte(
    content: bytes, board: Target, spare: int, *, passed: bool
) -> None:
    flash, ram = figures(check(ModelFile.of(content), board))
    limits = Limits(flash=int(flash.value) + spare, ram=int(ram.value) + spare)
    fit = check(ModelFile.of(content), board, limits=limits)
    assert finding(fit, "flash").passed is passed
    assert finding(fit, "ram").passed is passed
    assert fit.fits is passed
    assert fit.runs


@pytest.mark.parametrize(("spare", "passed"), [(0, True), (-1, False)])
def test_the_memory_of_a_target_holds_to_the_byte(
    content: bytes, board: Target, spare: int, *, passed: bool
) -> None:
    assert board.flash is not None
    flash, ram = figures(check(ModelFile.of(content), board))
    small = replace(
        board,
        flash=replace(
            board.flash, total=int(flash.value) + 5000 + spare, reserved=5000, reserved_for="x"
        ),
        ram=replace(board.ram, total=int(ram.value) + 700 + spare, reserved=700, reserved_for="x"),
    )
    fit = check(ModelFile.of(content), small)
    assert [item.passed for item in fit.findings if item.gate in ("flash", "ram")] == [passed] * 2


def test_a_missed_limit_is_told_with_both_numbers_and_the_peak(
    content: bytes, board: Target
) -> None:
    fit = check(ModelFile.of(content), board, limits=Limits(flash=1024, ram=1536))
    flash, ram = figures(fit)
    assert finding(fit, "flash") == Finding(
        gate="flash",
        passed=False,
        message=f"flash: {flash.value / 1024:.1f} KiB of 1 KiB, the project's limit",
        value=flash,
        limit=1024,
        target="nucleo-l4r5zi",
    )
    # At the convolution: 8 x 8 x 2 bytes in, 8 x 8 x 16 out, and for CMSIS-NN two windows of
    # 3 x 3 x 2 in 16 bits, 72 B in 80.
    peak = "peak 1,232 B at operator 0 (CONV_2D); the largest buffer there has 1,024 B tensor_3"
    assert finding(fit, "ram") == Finding(
        gate="ram",
        passed=False,
        message=f"ram: {ram.value / 1024:.1f} KiB of 1.5 KiB, the project's limit",
        value=ram,
        limit=1536,
        target="nucleo-l4r5zi",
        hint=peak,
    )
    assert fit.plan is not None
    assert peak_in_words(fit.plan) == peak


def test_what_a_board_leaves_is_named_after_the_board(content: bytes, board: Target) -> None:
    fit = check(ModelFile.of(content), board)
    messages = [item.message for item in fit.findings]
    assert messages[0] == "tflite-micro takes every operator"
    # The profile: 2 MiB of flash and 640 KiB of RAM, less what is reserved there.
    assert board.flash is not None
    assert messages[1].endswith(f" of 2 MiB, what {board.title} leaves")
    assert messages[2].endswith(f" of {board.ram.available_bytes / 1024:g} KiB, what {board.title} "
                                "leaves")  # fmt: skip
    assert [item.hint for item in fit.findings] == [None] * 3
    assert {item.target for item in fit.findings} == {"nucleo-l4r5zi"}


def test_the_arena_has_64_bytes_or_a_hundredth_in_reserve(board: Target) -> None:
    def arena(side: int) -> Quantity:
        builder = GraphBuilder((1, side, side, 4), seed=1)
        fit = check(ModelFile.of(builder.build(builder.conv(builder.input, 4, kernel=3))), board)
        assert fit.arena_bytes is not None
        return fit.arena_bytes

    small, large = arena(4), arena(64)
    assert small.value < 6400 < large.value
    for found, reserve in ((small, 64), (large, round(large.value / 100))):
        assert found.high is not None
        assert found.high % 16 == 0
        assert found.value + reserve <= found.high < found.value + reserve + 16
        assert found.low == found.value  # one build of CMSIS-NN
        assert found.source == "plan of TFLite-Micro's arena with cmsis-nn on cortex-m4"
        assert (found.unit, found.kind) == ("B", "predicted")


def test_flash_is_the_model_and_the_code_with_the_bands_of_the_code(
    content: bytes, board: Target
) -> None:
    fit = check(ModelFile.of(content), board)
    model, code, flash = fit.model_bytes, fit.code_bytes, fit.flash_bytes
    assert code is not None
    assert code.low is not None
    assert code.high is not None
    assert flash == Quantity(
        value=len(content) + code.value,
        unit="B",
        kind="predicted",
        source=f"{model.source}, and {code.source}",
        low=len(content) + code.low,
        high=len(content) + code.high,
    )


def test_a_limit_on_time_holds_at_the_limit(content: bytes, board: Target) -> None:
    one = Cycles(
        convolution=1, pointwise=1, depthwise=1, fully_connected=1, output_element=0, call=0
    )
    assert board.latency is not None
    known = replace(board, latency=replace(board.latency, cycles=one, band=2, least_macs=0))
    macs = 8 * 8 * 16 * 3 * 3 * 2 + 16 * 4
    exact = replace(known, core=replace(known.core, clock=macs * 1000))  # one millisecond
    for limit, passed in ((1000.0, True), (1001.0, True), (999.0, False)):
        found = finding(
            check(ModelFile.of(content), exact, limits=Limits(latency=limit)), "latency"
        )
        assert found.passed is passed
    fit = check(ModelFile.of(content), exact, limits=Limits(latency=500.0))
    found = finding(fit, "latency")
    assert found.message == "latency: 1 ms of 0.5 ms, the project's limit"
    assert (found.limit, found.target, found.value) == (0.5, "nucleo-l4r5zi", fit.latency_ms)
    assert fit.latency_unknown is None
    assert sum(fit.operator_ms) == pytest.approx(1.0)


def test_a_limit_on_time_is_not_held_where_no_time_is_known(content: bytes) -> None:
    fit = check(ModelFile.of(content), load_target("pico"), limits=Limits(latency=1.0))
    assert fit.latency_ms is None
    assert fit.latency_unknown is not None
    assert "latency" not in [item.gate for item in fit.findings]


def test_an_operator_that_is_refused_is_named_and_leaves_no_figures(board: Target) -> None:
    fit = check(ModelFile.of(single_operator("RELU", "uint8")), board)
    assert (fit.runs, fit.fits) == (False, False)
    assert (fit.arena_bytes, fit.code_bytes, fit.flash_bytes, fit.ram_bytes) == (None,) * 4
    assert (fit.latency_ms, fit.operator_ms, fit.plan) == (None, (), None)
    assert fit.latency_unknown == "the model does not run there"
    (first,) = fit.unsupported_operators
    refusal = finding(fit, "operators")
    assert refusal.message == f"operator 0 (RELU): {first.reason}"
    assert (refusal.target, refusal.hint) == ("nucleo-l4r5zi", first.instead)


def test_the_first_of_several_refusals_is_told_with_its_layer(board: Target) -> None:
    graph = read(single_operator("RELU", "uint8")).main
    (refused,) = graph.operators
    (place,) = refused.outputs
    tensors = list(graph.tensors)
    tensors[place] = replace(tensors[place], name="net/activation_3/Relu")
    for count, more in ((1, ""), (2, "; and 1 more"), (3, "; and 2 more")):
        model = read(single_operator("RELU", "uint8"))
        operators = tuple(replace(refused, index=index) for index in range(count))
        several = replace(graph, tensors=tuple(tensors), operators=operators)
        fit = check_model(replace(model, graphs=(several,)), board, limits=Limits())
        found = finding(fit, "operators")
        reason = fit.unsupported_operators[0].reason
        assert found.message == (f"operator 0 (RELU, made by layer 'activation_3'): {reason}{more}")
        assert found.passed is False


def test_every_operator_taken_is_a_finding_too(content: bytes, board: Target) -> None:
    assert finding(check(ModelFile.of(content), board), "operators") == Finding(
        gate="operators",
        passed=True,
        message="tflite-micro takes every operator",
        target="nucleo-l4r5zi",
    )


def test_several_graphs_are_refused_with_their_number(content: bytes, board: Target) -> None:
    model = read(content)
    twice = replace(model, graphs=(model.main, model.main))
    fit = check_model(twice, board, limits=Limits())
    assert finding(fit, "graphs") == Finding(
        gate="graphs",
        passed=False,
        message="the file has 2 graphs; edgekit plans and proves one",
        target="nucleo-l4r5zi",
        hint="convert one signature alone",
    )
    assert fit.arena_bytes is None
    phone = check_model(twice, load_target("pixel-4"), limits=Limits())
    assert "graphs" not in [item.gate for item in phone.findings]


def test_json_has_all_but_the_plan(content: bytes, board: Target) -> None:
    fit = check(ModelFile.of(content), board)
    assert to_json(fit).keys() == set(Fit.__slots__) - {"plan"}


MAP = """
Linker script and memory map

.text           0x08000000     {flash}
 .text          0x08000000     0x4000 app.o
 .rodata        0x08004000     {model} net_model.o
                0x08004000                net_model
.bss            0x20000000     0x1000
 .bss           0x20000000     0x1000 app.o
"""


def test_a_linked_firmware_is_measured_in_bytes(
    content: bytes, board: Target, tmp_path: Path
) -> None:
    path = tmp_path / "a.map"
    path.write_text(MAP.format(flash=hex(0x4000 + len(content)), model=hex(len(content))))
    fit = check(ModelFile.of(content), board, map_file=path)
    source = "linker map a.map"
    assert fit.code_bytes == Quantity(value=0x4000, unit="B", kind="measured", source=source)
    assert fit.ram_bytes == Quantity(value=0x1000, unit="B", kind="measured", source=source)
    assert fit.flash_bytes == Quantity(
        value=0x4000 + len(content),
        unit="B",
        kind="measured",
        source=f"length of the file, and {source}",
    )


def test_a_map_that_is_the_model_alone_is_none_of_a_firmware(
    content: bytes, board: Target, tmp_path: Path
) -> None:
    path = tmp_path / "a.map"
    flash, model = hex(len(content)), hex(len(content))  # no byte is left for the code
    path.write_text(MAP.format(flash=flash, model=model).replace("0x4000 app.o", "0x0 app.o"))
    with pytest.raises(InputError, match="is of another model") as caught:
        check(ModelFile.of(content), board, map_file=path)
    assert caught.value.hint == "link the firmware with this model and give its map"


def test_a_fused_tensor_is_named_after_its_last_operation(board: Target) -> None:
    builder = GraphBuilder((1, 8, 8, 2), seed=1)
    place = builder.conv(builder.input, 16, kernel=3)
    builder.tensors[place] = replace(builder.tensors[place], name="a b/Relu;a b/BiasAdd;a b/Conv2D")
    fit = check(ModelFile.of(builder.build(builder.average_pool(place, size=8))), board)
    assert fit.plan is not None
    assert peak_in_words(fit.plan).endswith("the largest buffer there has 1,024 B a b/Relu")
    builder.tensors[place] = replace(builder.tensors[place], name="")
    fit = check(ModelFile.of(builder.build(builder.average_pool(place, size=8))), board)
    assert fit.plan is not None
    assert peak_in_words(fit.plan).endswith("the largest buffer there has 1,024 B")
