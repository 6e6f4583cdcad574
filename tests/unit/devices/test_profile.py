import re
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from graphs import GraphBuilder
from targets_page import PAGE, page

from edgekit.devices.lint import lint
from edgekit.devices.profile import (
    _installed,
    all_targets,
    chip_paths,
    decode_target,
    load_target,
    profile_paths,
    usual_shape,
)
from edgekit.errors import InputError

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
    assert page(text) == text, "run: python tests/support/targets_page.py"
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


def install(monkeypatch: pytest.MonkeyPatch, *modules: str) -> None:
    """Let packages of these modules be installed with profiles."""
    points = [EntryPoint(name=name, value=name, group="edgekit.targets") for name in modules]
    monkeypatch.setattr("edgekit.devices.profile.entry_points", lambda group: points)
    monkeypatch.setattr("edgekit.devices.profile._installed", _installed.__wrapped__)


def package(folder: Path, **profiles: str) -> None:
    """Write a module beside profiles."""
    folder.mkdir()
    (folder / "__init__.py").touch()
    for name, text in profiles.items():
        (folder / f"{name}.toml").write_text(text)


OURS = 'extends = "nrf52840"\ntitle = "Our node"\n'


def test_an_installed_package_adds_its_profiles_and_replaces_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(tmp_path / "our_boards", sensor=OURS, pico='extends = "rp2040"\ntitle = "Not it"\n')
    monkeypatch.syspath_prepend(tmp_path)
    install(monkeypatch, "our_boards")
    assert load_target("sensor").title == "Our node"
    assert load_target("pico").title != "Not it"


def test_a_broken_package_stops_no_other_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    package(tmp_path / "good_boards", sensor=OURS)
    package(tmp_path / "odd_boards", wrong="speed = 3\n")
    (tmp_path / "bad_boards.py").write_text("raise ValueError('no licence')\n")
    monkeypatch.syspath_prepend(tmp_path)
    install(monkeypatch, "bad_boards", "no_boards", "sys", "odd_boards", "good_boards")
    shipped = len(list((Path(__file__).parents[3] / "targets").glob("*.toml")))

    assert len(all_targets()) == shipped + 1
    assert load_target("sensor").title == "Our node"
    for told in (
        "the plug-in 'bad_boards' (bad_boards) cannot be loaded: ValueError: no licence",
        "the plug-in 'no_boards' (no_boards) cannot be loaded: ModuleNotFoundError",
        "the plug-in 'sys' (sys) cannot be loaded: it is no module with a file",
        "wrong.toml: unknown key 'speed'",
    ):
        assert told in caplog.text
    with pytest.raises(InputError, match="no target is called 'nois'.*bad_boards.*no licence"):
        load_target("nois")
    with pytest.raises(InputError, match="unknown key 'speed'"):
        load_target("wrong")


def test_a_name_that_two_packages_give_is_refused_when_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(tmp_path / "first_boards", sensor=OURS, other=OURS)
    package(tmp_path / "second_boards", sensor=OURS)
    monkeypatch.syspath_prepend(tmp_path)
    install(monkeypatch, "first_boards", "second_boards", "second_boards")
    assert load_target("other").title == "Our node"
    assert "sensor" not in profile_paths()
    with pytest.raises(InputError, match="2 targets are called 'sensor': .*first.* and .*second"):
        load_target("sensor")
    assert load_target(str(tmp_path / "second_boards" / "sensor.toml")).name == "sensor"


def test_two_targets_of_one_name_are_not_taken_for_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import edgekit
    from edgekit.cli import run

    package(tmp_path / "a", board=BOARD, pico=BOARD)
    package(tmp_path / "b", board=BOARD)
    builder = GraphBuilder((1, 4), seed=0)
    model = tmp_path / "net.tflite"
    model.write_bytes(builder.build(builder.fully_connected(builder.input, 2)))
    first, second = str(tmp_path / "a" / "board.toml"), str(tmp_path / "b" / "board.toml")
    for names, name in (
        ((first, second), "board"),
        (("pico", str(tmp_path / "a" / "pico.toml")), "pico"),
        (("pico", "pico"), "pico"),
    ):
        with pytest.raises(InputError, match=f"two of the targets .* are called '{name}'"):
            edgekit.check(model, targets=names)
    assert run(["check", str(model), "--target", first, "--target", second]) == 3
    assert "are called 'board'" in capsys.readouterr().err
    (tmp_path / "edgekit.toml").write_text(
        f'targets = ["a/board.toml", "{second}"]\n[model]\nsource = "net.tflite"\n'
        '[data]\nsource = "random"\n'
    )
    for command in ("build", "compare"):
        assert run([command, str(tmp_path)]) == 3
        assert "are called 'board'" in capsys.readouterr().err
    assert len(edgekit.check(model, targets=(first, "pico"))) == 2
