import re
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from targets_page import PAGE, page

from edgekit.errors import InputError
from edgekit.fit.lint import lint
from edgekit.target import chip_paths, decode_target, load_target, profile_paths, usual_shape

BOARD = """\
title = "A board"

[core]
name = "cortex-m4"
clock = "64MHz"
source = "its data sheet"

[runtime]
name = "tflite-micro"
kernels = "cmsis-nn"
abi = "arm-eabi"

[ram]
total = "256KiB"
source = "its data sheet"

[flash]
total = "1MiB"
source = "its data sheet"
"""

NAMED = re.compile(
    r"@[0-9a-f]{7}\b|oldid [0-9]+|data sheet,|manual:|\.(com|org)[/,]|README|linker script"
)
"""A file at a commit, a page at its address, or a document by its name."""


@pytest.fixture
def board(tmp_path: Path) -> Path:
    path = tmp_path / "board.toml"
    path.write_text(BOARD)
    return path


@pytest.mark.parametrize("name", profile_paths())
def test_every_shipped_profile_is_right(name: str) -> None:
    assert lint(name) == ()


def test_the_cores_and_makers_that_users_ask_for_are_there() -> None:
    profiles = [load_target(name) for name in profile_paths()]
    assert len(profiles) >= 30
    assert {
        "cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55",
        "cortex-m85", "xtensa-lx6", "xtensa-lx7", "esp32-c3-riscv", "esp32-p4-riscv",
    } <= {profile.core.name for profile in profiles}  # fmt: skip
    titles = " ".join(profile.title for profile in profiles)
    for maker in (
        "ST ", "Nordic", "Raspberry Pi Pico 2", "Arduino", "Renesas", "NXP", "Teensy", "Ambiq",
        "Silicon Labs", "Pixel", "iPhone XS", "Raspberry Pi 4", "STM32MP1",
    ):  # fmt: skip
        assert maker in titles


def test_every_chip_is_extended_and_no_chip_is_called_like_a_target() -> None:
    texts = [path.read_text() for path in profile_paths().values()]
    for chip in chip_paths():
        assert any(f'extends = "{chip}"' in text for text in texts)
    assert not set(chip_paths()) & set(profile_paths())


@pytest.mark.parametrize("name", profile_paths())
def test_every_shipped_figure_names_the_document_it_was_read_in(name: str) -> None:
    target = load_target(name)
    memories = (target.ram, *(() if target.flash is None else (target.flash,)))
    sources = [target.core.source, *(memory.source for memory in memories)]
    sources += [memory.reserved_for for memory in memories if memory.reserved]
    for source in sources:
        assert NAMED.search(source) or source.endswith("(not checked)"), source


@pytest.mark.parametrize(
    ("name", "ram", "flash"),
    [  # what an arena and a program get: a linker script's own figures, in bytes
        ("nucleo-l4r5zi", 640 * 1024 - 4096, 0x200000),  # ST: RAM 640K, ROM 2048K
        ("nucleo-h743zi2", 0x80000, 0x200000),  # AXI SRAM, not the 1 MB in all
        ("pico", 256 * 1024, 0x200000),  # pico-sdk: RAM 256k beside the stacks' two pages
        ("pico-2", 512 * 1024, 0x400000),  # pico-sdk: RAM 512k
        ("esp32", 0x2C200, 0x400000 - 0x10000),  # ESP-IDF: dram0_0_seg
        ("esp32-s3", 0x403CB700 - 0x40378000, 0x800000 - 0x10000),  # ESP-IDF: I_D_SRAM_SIZE
        ("esp32-p4", 0x80000 - 0x20000, 0x1000000 - 0x10000),  # ESP-IDF: less 128 KB of L2 cache
        ("nano-33-ble", 262_144, 983_040),  # Arduino's boards.txt
        ("teensy-4.0", 0x80000, 2_031_616),  # PlatformIO: maximum_size
        ("apollo4-plus-evb", 0x2C0000, 0x1E8000),  # Zephyr: sram0, flash0
        ("sparkfun-edge", 0x60000, 0xF4000),  # Zephyr: tcm and sram0, flash0
        ("lpcxpresso55s69", 272 * 1024, 630 * 1024),  # Zephyr: SRAM0 to SRAM4, flash0
    ],
)
def test_what_is_left_is_what_the_kits_linker_scripts_leave(
    name: str, ram: int, flash: int
) -> None:
    target = load_target(name)
    assert target.flash is not None
    assert (target.ram.available_bytes, target.flash.available_bytes) == (ram, flash)


def test_the_page_is_that_of_the_profiles() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert page(text) == text, "run: PYTHONPATH=tests python tests/targets_page.py"
    assert all(f"`{chip}`" in text for chip in chip_paths())


def test_a_profile_lies_over_what_it_extends(board: Path) -> None:
    sensor = board.with_name("sensor.toml")
    sensor.write_text('extends = "board.toml"\ntitle = "Ours"\n[core]\nclock = "32MHz"\n')
    target = decode_target(sensor)
    assert (target.name, target.title) == ("sensor", "Ours")
    assert (target.core.clock, target.core.name) == (32_000_000, "cortex-m4")
    assert target.ram.total == 262_144
    assert target.latency == load_target("nucleo-l4r5zi").latency  # the core's and runtime's


def test_a_profile_may_extend_a_shipped_chip(tmp_path: Path) -> None:
    path = tmp_path / "ours.toml"
    path.write_text('extends = "rp2040"\ntitle = "Ours"\n')
    assert decode_target(path).ram.total == 264 * 1024


@pytest.mark.parametrize(
    ("found", "written", "message"),
    [
        ('total = "256KiB"', "total = 262144", "ram.total is 262144, not a text with a unit"),
        ('total = "256KiB"', 'total = "256"', "ram.total: '256' is not a size"),
        ('clock = "64MHz"', 'clock = "64MiB"', "core.clock: '64MiB' is not a frequency"),
        ('clock = "64MHz"', 'clock = "0MHz"', "core.clock is 0 Hz"),
        ("[flash]", "speed = 3\n[flash]", "unknown key 'ram.speed'"),
        ('source = "its data sheet"\n\n[runtime]', "\n[runtime]", "'core.source' is missing"),
        (
            'source = "its data sheet"\n\n[runtime]',
            'source = " "\n[runtime]',
            "core.source is empty",
        ),
        ("[flash]", 'reserved = "1KiB"\n[flash]', "does not say for what"),
        ("[flash]", 'reserved = "1MiB"\n[flash]', "are reserved"),
        ('"cmsis-nn"', '"xnnpack"', "does not run the kernels 'xnnpack'"),
        ('"cmsis-nn"', '"cmsis_nn"', "runtime.kernels is 'cmsis_nn'; did you mean 'cmsis-nn'?"),
        ('"cmsis-nn"', '"esp-nn"', "'esp-nn' do not run on cortex-m4"),
        ('"arm-eabi"', '"lp64"', "'lp64' is not that of firmware for cortex-m4"),
        ('"cortex-m4"', '"cortex-m44"', "'cortex-m44' is no Cortex-M"),
        ('[flash]\ntotal = "1MiB"\nsource = "its data sheet"\n', "", "There is no flash"),
        ("title", 'extends = "board.toml"\ntitle', "extends itself"),
        ("title", 'extends = "rp2400"\ntitle', "did you mean 'rp2040'?"),
        ("title", "extends = 3\ntitle", "extends is 3, not a text"),
    ],
)
def test_lint_says_what_is_wrong(board: Path, found: str, written: str, message: str) -> None:
    text = board.read_text()
    assert found in text
    board.write_text(text.replace(found, written, 1))
    problems = lint(str(board))
    assert len(problems) == 1
    assert message in problems[0]
    assert str(board) in problems[0]


def test_a_board_that_is_right_has_no_problem(board: Path) -> None:
    assert lint(str(board)) == ()


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(InputError) as caught:
        load_target("pixel4")
    assert caught.value.hint == "did you mean 'pixel-4'?"


def test_the_usual_shape_counts_in_multiply_accumulates_of_a_convolution() -> None:
    assert usual_shape().convolution == 1
    assert usual_shape().depthwise > 1  # FACTS: 2 to 12 times a convolution's, on every core


def test_an_installed_package_adds_its_profiles_and_replaces_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "our_boards.py").touch()
    (tmp_path / "sensor-node.toml").write_text('extends = "nrf52840"\ntitle = "Our node"\n')
    (tmp_path / "pico.toml").write_text('extends = "rp2040"\ntitle = "Not the Pico"\n')
    monkeypatch.syspath_prepend(tmp_path)
    points = [EntryPoint(name="ours", value="our_boards", group="edgekit.targets")]
    monkeypatch.setattr("edgekit.target.entry_points", lambda group: points)
    monkeypatch.setattr("edgekit.target.profile_paths", profile_paths.__wrapped__)

    assert load_target("sensor-node").title == "Our node"
    assert load_target("pico").title != "Not the Pico"
