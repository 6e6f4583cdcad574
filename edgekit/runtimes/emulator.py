"""Build an emitted cmake project with a TFLite-Micro tree and run it on an emulated Cortex-M."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgekit.errors import InputError, MissingDependencyError, ToolError, suggestion
from edgekit.quantity import Quantity
from edgekit.runtimes.device_report import DeviceReport, parse
from edgekit.runtimes.process import bounded

if TYPE_CHECKING:
    from pathlib import Path

BOARDS = {
    "microbit": "Cortex-M0",
    "mps2-an385": "Cortex-M3",
    "mps2-an386": "Cortex-M4",
    "mps2-an500": "Cortex-M7",
    "mps2-an505": "Cortex-M33",
    "mps3-an547": "Cortex-M55",
}
"""QEMU's machines that the project knows by their own names, each with its core."""

_TOOLS = {
    "cmake": "cmake",
    "arm-none-eabi-g++": "gcc-arm-none-eabi libnewlib-arm-none-eabi libstdc++-arm-none-eabi-newlib",
    "qemu-system-arm": "qemu-system-arm",
}
_TREE_MAKER = "tensorflow/lite/micro/tools/project_generation/create_tflm_tree.py"
_TELLING = re.compile(r"error:|CMake Error|overflowed|undefined reference")
_RUN_SECONDS = 600  # an emulated core does some 50 million instructions a second
_BUILD_SECONDS = 1800
_MEMORY_BYTES = 4 * 2**30  # of each compiler, and of the emulator


@dataclass(frozen=True, kw_only=True, slots=True)
class Emulation:
    """What an emulated core made of a project.

    Args:
        board: QEMU's machine.
        report: What the firmware printed.
        code_bytes: Of the linked firmware in flash: code, constants, the model, initial data.
        data_bytes: Of RAM that the linker laid out: data, the arena, without the stack.
        instructions: Of one invocation.
        map_path: The linker's map.
    """

    board: str
    report: DeviceReport
    code_bytes: Quantity
    data_bytes: Quantity
    instructions: Quantity
    map_path: "Path"

    @property
    def passed(self) -> bool:
        """Whether the firmware's outputs are the golden ones."""
        return self.report.passed


def check_tools(tflm: "Path", board: str) -> None:
    """Let pass what can be built and run here.

    Raises:
        InputError: No board of that name.
        MissingDependencyError: A tool is missing, or ``tflm`` is no TFLite-Micro tree.
    """
    if board not in BOARDS:
        raise InputError(f"no emulated board is called '{board}'", hint=suggestion(board, BOARDS))
    for tool, packages in _TOOLS.items():
        if shutil.which(tool) is None:
            raise MissingDependencyError(
                f"{tool} is not installed",
                hint=f"apt-get install -y --no-install-recommends {packages}",
            )
    if not (tflm / "tensorflow" / "lite" / "micro" / "micro_interpreter.h").is_file():
        raise MissingDependencyError(
            f"{tflm} is no TFLite-Micro tree (it has no tensorflow/lite/micro/micro_interpreter.h)",
            hint=f"in a clone of github.com/tensorflow/tflite-micro: python3 {_TREE_MAKER} "
            '--makefile_options "TARGET=cortex_m_generic TARGET_ARCH=cortex-m4+fp '
            f'OPTIMIZED_KERNEL_DIR=cmsis_nn" {tflm}',
        )


def emulate(project: "Path", *, name: str, tflm: "Path", board: str) -> Emulation:
    """Return what the cmake project in ``project`` does on an emulated core.

    Args:
        project: A folder that ``edgekit emit --as cmake`` wrote; its ``build`` is made anew.
        name: Of the model.
        tflm: A TFLite-Micro tree.
        board: One of `BOARDS`.

    Raises:
        InputError: No board of that name.
        MissingDependencyError: A tool is missing, or ``tflm`` is no TFLite-Micro tree.
        ToolError: The compiler or the emulator failed, or the firmware printed no report.
    """
    check_tools(tflm, board)
    build = project / "build"
    _run(
        "cmake", "-S", str(project), "-B", str(build), "--fresh",
        f"-DBOARD={board}", f"-DTFLM_DIR={tflm.resolve()}",
    )  # fmt: skip
    _run("cmake", "--build", str(build), "--target", name, "--parallel", str(os.cpu_count() or 1))
    firmware = build / f"{name}.elf"
    report = parse(_printed_by(firmware, board).splitlines())
    linked = f"arm-none-eabi-size of the firmware linked for {BOARDS[board]}"
    text, data, bss = _sizes(firmware)
    return Emulation(
        board=board,
        report=report,
        code_bytes=Quantity(value=text + data, unit="B", kind="measured", source=linked),
        data_bytes=Quantity(value=data + bss, unit="B", kind="measured", source=linked),
        instructions=Quantity(
            value=report.ticks,
            unit="instructions",
            kind="emulated",
            source=f"QEMU {board} ({BOARDS[board]}), mean of {report.invocations} invocations; "
            "instructions are not cycles",
        ),
        map_path=build / f"{name}.map",
    )


def _printed_by(firmware: "Path", board: str) -> str:
    """Return what ``firmware`` prints; its exit code says no more than its report."""
    command = (
        "qemu-system-arm", "-machine", board, "-nographic", "-monitor", "none", "-serial", "none",
        "-semihosting-config", "enable=on,target=native", "-icount", "shift=6",
        "-kernel", str(firmware),
    )  # fmt: skip
    late = f"the firmware did not end within {_RUN_SECONDS} s in QEMU"
    return _ended(command, seconds=_RUN_SECONDS, late=late).stdout


def _sizes(firmware: "Path") -> tuple[int, ...]:
    """Return the bytes of ``.text``, ``.data`` and ``.bss``."""
    last = _run("arm-none-eabi-size", str(firmware)).splitlines()[-1]
    return tuple(int(number) for number in last.split()[:3])


def _run(*command: str) -> str:
    late = f"{command[0]} did not end within {_BUILD_SECONDS} s"
    result = _ended(command, seconds=_BUILD_SECONDS, late=late)
    if result.returncode != 0:
        raise ToolError(f"{command[0]} failed: {_reason(result.stdout)}")
    return result.stdout


def _ended(
    command: "tuple[str, ...]", *, seconds: float, late: str
) -> "subprocess.CompletedProcess[str]":
    """Return what came of ``command``, all that it prints in one text; ``late`` if it hangs."""
    try:
        return subprocess.run(
            bounded(command, memory_bytes=_MEMORY_BYTES),
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,  # semihosting writes there
            text=True,
            errors="replace",
            env={**os.environ, "LC_ALL": "C"},  # compilers quote and speak as the locale says
            timeout=seconds,
        )
    except subprocess.TimeoutExpired as error:
        raise ToolError(late) from error


def _reason(printed: str) -> str:
    """Return what was printed from the first line that names an error on: three lines of it."""
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    telling = [bool(_TELLING.search(line)) for line in lines]
    start = telling.index(True) if True in telling else max(len(lines) - 3, 0)
    return " | ".join(lines[start : start + 3])
