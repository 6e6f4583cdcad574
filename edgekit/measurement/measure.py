"""Measured numbers of a model: from a board's serial port, a phone, or a log of either."""

import csv
import io
import math
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.devices.profile import load_target
from edgekit.errors import InputError, UsageError
from edgekit.files.whole_files import write_text
from edgekit.measurement import phone
from edgekit.measurement.serial_port import read_report, whole_report
from edgekit.model.reader import load, read_bytes
from edgekit.quantity import Quantity
from edgekit.runtimes.device_report import PREFIX, DeviceReport, Selftest
from edgekit.specs import check_count

if TYPE_CHECKING:
    from edgekit.devices.profile import Target
    from edgekit.model.reader import Model

BAUD = 115200
TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class OperatorCost:
    """What one operator costs, in the order of execution, with the profiler on."""

    index: int
    op: str
    cost: Quantity


@dataclass(frozen=True, kw_only=True, slots=True)
class Bench:
    """What a device made of a model.

    Args:
        target: The device's name.
        model: The model's path, as it was given.
        sha256: Of the model.
        latency_ms: Of one invocation, the mean; its band is from the shortest to the longest.
            None where an emulator counted instructions, which tell no time.
        instructions: Of one invocation, where an emulator counted them.
        invocations: That were measured.
        operators: Each with its cost; with the profiler on, so that they add up to more.
        arena_used_bytes: That the interpreter says it uses; None on a phone.
        selftest: None on a phone, and where the firmware has no golden vectors.
        clock_hz: Of the core while it was measured, where the firmware counts cycles.
        passed: Whether the device calls its run a success, and its outputs are the golden ones.
    """

    target: str
    model: str
    sha256: str
    latency_ms: Quantity | None
    instructions: Quantity | None
    invocations: int
    operators: tuple[OperatorCost, ...]
    arena_used_bytes: Quantity | None
    selftest: Selftest | None
    clock_hz: int | None
    passed: bool


def bench(
    model: str | Path,
    *,
    target: str,
    serial: str | None = None,
    adb: bool = False,
    baud: int | None = None,
    timeout_seconds: float | None = None,
    log: str | Path | None = None,
) -> Bench:
    """Measure a `.tflite` on a board or a phone, or read a log of that.

    Args:
        model: Its path.
        target: The device that is measured.
        serial: The serial port of a board with firmware that ``emit`` wrote for this model.
        adb: Whether to run ``benchmark_model`` on the phone that adb finds.
        baud: Of the serial port; else 115,200.
        timeout_seconds: After which the device is given up; else 60.
        log: What a serial port or ``benchmark_model`` printed, recorded.

    Returns:
        What was measured. A self-test that failed is in its ``passed``, not an exception.

    Raises:
        UsageError: None or several of the three, or one that is not for the target.
        InputError: A file is wrong, or the device holds another model.
        MissingDependencyError: No adb here, or no ``benchmark_model`` on the phone.
        ToolError: The device failed or did not answer in time.
    """
    if sum((serial is not None, adb, log is not None)) != 1:
        raise UsageError("name one source", hint="--serial PORT, --adb or --log FILE")
    if baud is not None and serial is None:
        raise UsageError("--baud is of a serial port, and none is read", hint="leave it out")
    if timeout_seconds is not None and log is not None:
        raise UsageError("--timeout is of a device, and --log asks none", hint="leave it out")
    rate = BAUD if baud is None else baud
    patience = TIMEOUT_SECONDS if timeout_seconds is None else timeout_seconds
    check_count("baud", rate, least=1)
    if not 0 < patience < math.inf:
        raise UsageError(f"a time-out of {patience:g} s is none", hint="--timeout 60s")
    profile = load_target(target)
    is_phone = profile.runtime.name == "litert"
    if is_phone == (serial is not None) and log is None:
        way = "--adb" if is_phone else "--serial PORT"
        raise UsageError(f"{profile.title} runs {profile.runtime.name}", hint=f"use {way}")
    parsed = load(Path(model))
    subject = _Subject(path=str(model), model=parsed, target=profile)
    if log is not None:
        return _of_log(subject, Path(log))
    if serial is not None:
        report = read_report(serial, baud=rate, timeout_seconds=patience)
        return _of_firmware(subject, report)
    measured = phone.measure(Path(model), sha256=parsed.sha256, timeout_seconds=patience)
    return _of_phone(subject, measured)


def to_json(result: Bench) -> dict[str, object]:
    """Return ``result`` as JSON gives it."""
    values = asdict(result)
    if result.selftest is not None:
        values["selftest"]["passed"] = result.selftest.passed
    return values


CSV_COLUMNS = ("model", "latency_ms", "clock_hz", "source")


def append_measurement(path: Path, result: Bench) -> None:
    """Add ``result`` as a row to the CSV ``path``, which ``edgekit targets calibrate`` reads.

    The model's path is written from the table's folder on.

    Raises:
        UsageError: There is no time to write, or ``path`` does not end in ``.csv``.
        InputError: ``path`` is another kind of file.
    """
    if path.suffix != ".csv":
        raise UsageError(f"{path} is no .csv", hint=f"--out {path.stem}.csv")
    if result.latency_ms is None:
        raise UsageError("an emulator's instructions tell no time, so there is nothing to write")
    rows = io.StringIO(read_bytes(path).decode(errors="replace") if path.exists() else "")
    head = rows.getvalue().partition("\n")[0].rstrip("\r")
    if head not in {"", ",".join(CSV_COLUMNS)}:
        raise InputError(
            f"{path}: its columns are not {','.join(CSV_COLUMNS)}", hint="name another file"
        )
    rows.seek(0, io.SEEK_END)
    writer = csv.writer(rows, lineterminator="\n")
    if not head:
        writer.writerow(CSV_COLUMNS)
    figure, clock = result.latency_ms, result.clock_hz
    model = os.path.relpath(Path(result.model).resolve(), path.parent.resolve())
    writer.writerow((model, figure.value, "" if clock is None else clock, figure.source))
    write_text(path, rows.getvalue())


@dataclass(frozen=True, kw_only=True, slots=True)
class _Subject:
    """What is measured, where, and from which log."""

    path: str
    model: "Model"
    target: "Target"
    log: str = ""

    @property
    def prefix(self) -> str:
        """How a source begins."""
        return f"log {self.log}: " if self.log else ""


def _of_log(subject: _Subject, path: Path) -> Bench:
    """Return what was recorded, by a firmware's report or by ``benchmark_model``."""
    text = read_bytes(path).decode("ascii", errors="replace")
    subject = replace(subject, log=path.name)
    runtime = subject.target.runtime.name
    lines = text.splitlines()
    if any(line.startswith(PREFIX) for line in lines):
        if runtime == "litert":
            raise UsageError(f"{path}: is of a board, and {subject.target.title} is none")
        return _of_firmware(subject, whole_report(lines))
    if not phone.is_report(text):
        raise InputError(
            f"{path}: holds neither a firmware's report nor what benchmark_model prints",
            hint="record the serial port of firmware that edgekit emit wrote",
        )
    if runtime != "litert":
        raise UsageError(f"{path}: is of a phone, and {subject.target.title} runs {runtime}")
    report = phone.parse(text)
    expected = f"{subject.model.file_bytes / 1e6:.6g}"
    if report.model_megabytes != expected:
        said = f"{report.model_megabytes} MB" if report.model_megabytes else "unnamed size"
        raise InputError(
            f"{path}: measured a model of {said}, and {subject.path} has {expected} MB"
        )
    return _of_phone(subject, report)


def _of_firmware(subject: _Subject, report: DeviceReport) -> Bench:
    if report.sha256 != subject.model.sha256:
        raise InputError(
            f"the firmware holds another model (sha256 {report.sha256[:12]}…) than "
            f"{subject.path} ({subject.model.sha256[:12]}…)",
            hint="flash the firmware that edgekit emit wrote for this model",
        )
    emulated = report.clock == "instructions"
    scale = 1.0 if emulated else 1e3 / report.ticks_per_second
    whole = Quantity(
        value=report.ticks * scale,
        unit="instructions" if emulated else "ms",
        kind="emulated" if emulated else "measured",
        source=subject.prefix + _firmware_source(subject.target, report),
        low=report.least_ticks * scale,
        high=report.most_ticks * scale,
    )
    return Bench(
        target=subject.target.name,
        model=subject.path,
        sha256=report.sha256,
        latency_ms=None if emulated else whole,
        instructions=whole if emulated else None,
        invocations=report.invocations,
        operators=_operators(whole, [(item.op, item.ticks * scale) for item in report.operators]),
        arena_used_bytes=Quantity(
            value=report.arena_used_bytes,
            unit="B",
            kind=whole.kind,
            source=f"{subject.prefix}the interpreter's arena_used_bytes()",
        ),
        selftest=report.selftest,
        clock_hz=report.ticks_per_second if report.clock == "cycles" else None,
        passed=report.passed and (report.selftest is None or report.selftest.passed),
    )


def _operators(whole: Quantity, costs: list[tuple[str, float]]) -> tuple[OperatorCost, ...]:
    """Return the costs as figures like ``whole``, that of the invocation."""
    source = f"{whole.source}, profiler on"
    return tuple(
        OperatorCost(
            index=index,
            op=op,
            cost=Quantity(value=value, unit=whole.unit, kind=whole.kind, source=source),
        )
        for index, (op, value) in enumerate(costs)
    )


def _firmware_source(target: "Target", report: DeviceReport) -> str:
    mean = f"mean of {report.invocations} invocations"
    if report.clock == "instructions":
        return f"firmware in an emulator, {mean}; instructions are not cycles"
    if report.clock == "microseconds":
        return f"firmware on {target.title}, {mean}, by its clock of microseconds"
    clock = f"at {report.ticks_per_second / 1e6:g} MHz"
    if report.ticks_per_second != target.core.clock:
        clock += f" (the profile's clock is {target.core.clock / 1e6:g} MHz)"
    return f"firmware on {target.title}, {mean} {clock}"


def _of_phone(subject: _Subject, report: phone.PhoneReport) -> Bench:
    where = report.device or subject.target.title
    how = "" if subject.log else f", {phone.THREADS} thread, XNNPACK"
    mean = f"mean of {report.invocations} invocations"
    whole = Quantity(
        value=report.milliseconds,
        unit="ms",
        kind="measured",
        source=f"{subject.prefix}benchmark_model on {where}, {mean}{how}",
        low=report.least_milliseconds,
        high=report.most_milliseconds,
    )
    return Bench(
        target=subject.target.name,
        model=subject.path,
        sha256=subject.model.sha256,
        latency_ms=whole,
        instructions=None,
        invocations=report.invocations,
        operators=_operators(whole, [(item.op, item.milliseconds) for item in report.operators]),
        arena_used_bytes=None,
        selftest=None,
        clock_hz=None,
        passed=True,
    )
