"""Times that users measured: a table, or what benchmark firmware printed on its serial port."""

import csv
import math
from typing import TYPE_CHECKING

from edgekit.errors import InputError
from edgekit.fit.latency.cost import covered_by, foreign_types, work
from edgekit.fit.latency.cost_fit import Measurement
from edgekit.measurement.serial_port import whole_report
from edgekit.model.reader import load

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_COLUMNS = ("model", "latency_ms")


def read_measurements(
    path: "Path", *, models: "tuple[Path, ...]", clock_hz: int
) -> tuple[Measurement, ...]:
    """Return the measurements in the file ``path``.

    Args:
        path: A ``.csv`` with the columns ``model`` (a `.tflite`, from the table's folder on) and
            ``latency_ms``, and perhaps ``clock_hz``, of the core while it was measured; any other
            file is the log of an emitted project's report.
        models: For a log: the models that the firmware may hold, known by their SHA-256.
        clock_hz: Of the core, where the file does not say: a row without ``clock_hz``, and
            firmware that counts microseconds.

    Raises:
        InputError: The file or a model cannot be read, a column is missing, a time or clock is
            no positive number, or a model is not of int8.
        ToolError: The log holds no whole report.
    """
    if path.suffix == ".csv":
        return _from_table(path, clock_hz)
    return (_from_log(path, models, clock_hz),)


def _from_table(path: "Path", clock_hz: int) -> tuple[Measurement, ...]:
    reader = csv.DictReader(_text(path).splitlines())
    try:
        rows = [(reader.line_num, row) for row in reader]
    except csv.Error as error:  # a field without an end
        raise InputError(f"{path}: is no table: {error}") from error
    missing = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise InputError(
            f"{path}: no column '{missing[0]}'", hint=f"the first line is: {','.join(_COLUMNS)}"
        )
    found = []
    for number, row in rows:
        where = f"{path}:{number}"
        seconds = _positive(row, "latency_ms", where) * 1e-3
        clock = _positive(row, "clock_hz", where) if row.get("clock_hz") else clock_hz
        found.append(_measurement(path.parent / (row["model"] or ""), cycles=seconds * clock))
    if not found:
        raise InputError(f"{path}: no measurement")
    return tuple(found)


def _from_log(path: "Path", models: "tuple[Path, ...]", clock_hz: int) -> Measurement:
    report = whole_report(_text(path).splitlines())
    if report.clock == "instructions":
        raise InputError(
            f"{path}: counts an emulator's instructions, which tell no time",
            hint="measure on the device itself",
        )
    model = next((item for item in models if load(item).sha256 == report.sha256), None)
    if model is None:
        raise InputError(
            f"{path}: is of model '{report.model}', SHA-256 {report.sha256}",
            hint="give the file that was flashed: --model FILE",
        )
    if report.ticks == 0:
        raise InputError(f"{path}: an invocation took no tick", hint="measure with a finer clock")
    if report.clock == "cycles":  # of the core, whatever its clock was
        return _measurement(model, cycles=report.ticks)
    return _measurement(model, cycles=report.ticks / report.ticks_per_second * clock_hz)


def _measurement(model: "Path", *, cycles: float) -> Measurement:
    graph = load(model).main
    types = foreign_types(graph)
    if types:
        raise InputError(
            f"{model}: computes in {', '.join(types)}; cost models are of int8 models",
            hint="measure an int8 model",
        )
    return Measurement(
        model=str(model),
        work=work(graph),
        operators=covered_by(graph),
        cycles=cycles,
    )


def _positive(row: "Mapping[str, str | None]", column: str, where: str) -> float:
    text = row[column]
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise InputError(f"{where}: {column} is '{text}', not a positive number")
    return value


def _text(path: "Path") -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
