"""Emitted firmware, linked and run: what edgekit reads from its map and from its serial line."""

import re
from pathlib import Path

import pytest
from firmware_tools import STUB, emitted, need, run, small_model, stub_vectors
from serial_board import board

from edgekit.measurement.linker_map import read_map
from edgekit.measurement.measure import bench
from edgekit.runtimes.emulator import emulate

TOOLS = ("cmake", "arm-none-eabi-gcc", "arm-none-eabi-nm", "qemu-system-arm")
QEMU = ("-nographic", "-monitor", "none", "-serial", "none", "-semihosting-config",
        "enable=on,target=native", "-icount", "shift=6")  # fmt: skip


@pytest.mark.parametrize("machine", ["microbit", "mps2-an386"])
def test_map_and_report_of_a_firmware(machine: str, tmp_path: Path) -> None:
    need(*TOOLS)
    model = tmp_path / "demo.tflite"
    model.write_bytes(small_model())
    project = tmp_path / "firmware"
    emitted(project, small_model(), as_format="cmake", vectors=stub_vectors())
    result = emulate(project, name="demo", tflm=STUB, board=machine)

    found = read_map(result.map_path)
    assert found.flash_bytes == result.code_bytes.value  # arm-none-eabi-size: text + data
    assert found.ram_bytes == result.data_bytes.value  # data + bss
    symbols = run("arm-none-eabi-nm", "--print-size", project / "build" / "demo.elf")
    size = re.search(r"^[0-9a-f]+ ([0-9a-f]+) . demo_model$", symbols, re.MULTILINE)
    assert size is not None
    assert found.model_bytes == int(size[1], 16) == len(small_model())

    firmware = project / "build" / "demo.elf"
    printed = run("qemu-system-arm", "-machine", machine, *QEMU, "-kernel", firmware)
    with board(b"boot loader\r\n", printed.encode()) as port:
        measured = bench(model, target="nucleo-l4r5zi", serial=port, timeout_seconds=20)
    assert measured.passed
    assert measured.latency_ms is None
    assert measured.instructions is not None
    assert measured.instructions.value == result.instructions.value
    assert [item.op for item in measured.operators] == ["FULLY_CONNECTED", "SOFTMAX"]
