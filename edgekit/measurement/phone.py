"""Time a model on a phone: TFLite's ``benchmark_model`` over ``adb``, and what it prints."""

import logging
import math
import re
import shutil
import subprocess
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edgekit.errors import MissingDependencyError, ToolError

if TYPE_CHECKING:
    from pathlib import Path

_LOG = logging.getLogger(__name__)
FOLDER = "/data/local/tmp"
"""Where every user of adb may write and run programs."""
TOOL = f"{FOLDER}/benchmark_model"
THREADS = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class PhoneOperator:
    """One operator, or what a delegate makes of some, with its time in a whole invocation."""

    op: str
    milliseconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class PhoneReport:
    """What ``benchmark_model`` printed.

    Args:
        milliseconds: Of one invocation, the mean.
        least_milliseconds: The shortest invocation.
        most_milliseconds: The longest one.
        invocations: That were measured.
        model_megabytes: Of the model's file, in the six digits that the tool prints.
        operators: In the order of execution; none where the profiler was off.
        device: What the phone calls itself, if it was asked.
    """

    milliseconds: float
    least_milliseconds: float
    most_milliseconds: float
    invocations: int
    model_megabytes: str | None
    operators: tuple[PhoneOperator, ...] = ()
    device: str | None = None


def measure(model: "Path", *, sha256: str, timeout_seconds: float) -> PhoneReport:
    """Run ``model`` on the phone that adb finds, without and then with the profiler.

    Args:
        model: Its path; it is pushed, and removed afterwards.
        sha256: Of the model; names it on the phone.
        timeout_seconds: After which the phone is given up.

    Raises:
        MissingDependencyError: No adb here, or no ``benchmark_model`` on the phone.
        ToolError: No phone, several of them, a failure there, or no answer in time.
    """
    adb = _Adb(
        program=_program(),
        deadline=time.monotonic() + timeout_seconds,
        timeout_seconds=timeout_seconds,
    )
    adb.run("get-state")
    device = adb.shell("getprop ro.product.model").strip() or None
    if "present" not in adb.shell(f"test -x {TOOL} && echo present || echo absent"):
        raise MissingDependencyError(
            f"the phone has no {TOOL}",
            hint=f"adb push benchmark_model {FOLDER} && adb shell chmod +x {TOOL}",
        )
    place = f"{FOLDER}/edgekit-{sha256[:12]}.tflite"
    command = f"{TOOL} --graph={place} --num_threads={THREADS} --use_xnnpack=true"
    try:
        adb.run("push", str(model), place)
        plain = parse(adb.shell(f"{command} --enable_op_profiling=false"))
        profiled = parse(adb.shell(f"{command} --enable_op_profiling=true"))
    finally:
        adb.forget(place)
    return replace(plain, operators=profiled.operators, device=device)


def is_report(text: str) -> bool:
    """Return whether ``text`` is what ``benchmark_model`` prints."""
    return _SUMMARY.search(text) is not None


_NUMBER = r"([0-9][0-9.]*(?:e[+-]?[0-9]+)?)"
# Bounded, so that a log of nothing but these words is read in no time too.
_SUMMARY = re.compile(
    rf"^.{{0,99}}?Inference timings in us:.{{0,500}}?Inference \(avg\): {_NUMBER}", re.MULTILINE
)
_MEGABYTES = re.compile(r"input model file size \(MB\): ([0-9.e+-]+)")
_COUNT = re.compile(r"\bcount=([0-9]+)\b(.*)")
_EXTREMES = re.compile(rf"\bmin={_NUMBER} max={_NUMBER}")
_WIDEST = 1000  # characters of a row; what is wider is noise
_RUNS = "Operator-wise Profiling Info for Regular Benchmark Runs"
# type, [start in older versions], first, mean of a call in ms, %, cumulated %, KB, calls, name
_ROW = re.compile(
    r"\s*(?P<op>\S.*?)\s+(?:[0-9.]+\s+){1,2}(?P<mean>[0-9.]+)\s+[0-9.]+%\s+[0-9.]+%\s+[0-9.]+\s+"
    r"(?P<calls>[0-9]+)\s+\S.*"
)


def parse(text: str) -> PhoneReport:
    """Return the report in what ``benchmark_model`` printed.

    Raises:
        ToolError: It printed no timings, or garbled ones.
    """
    summary = _SUMMARY.search(text)
    if summary is None:
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        last = f": {lines[-1]}" if lines else ""
        raise ToolError(f"benchmark_model printed no timings{last}")
    counts = _COUNT.findall(text[: summary.start()])
    try:
        mean_us = float(summary[1])
        invocations, rest = int(counts[-1][0]), counts[-1][1]
        extremes = _EXTREMES.search(rest)
        least_us, most_us = (
            (float(item) for item in extremes.groups()) if extremes else (mean_us, mean_us)
        )
        operators = _operators(text[summary.end() :])
        _check_finite(mean_us, least_us, most_us, *(item.milliseconds for item in operators))
    except (IndexError, ValueError, OverflowError) as error:
        raise ToolError(f"benchmark_model's timings are garbled: {error}") from error
    size = _MEGABYTES.search(text)
    return PhoneReport(
        milliseconds=mean_us / 1e3,
        least_milliseconds=least_us / 1e3,
        most_milliseconds=most_us / 1e3,
        invocations=invocations,
        model_megabytes=None if size is None else size[1],
        operators=operators,
    )


def _check_finite(*values: float) -> None:
    if not all(math.isfinite(value) for value in values):
        raise ValueError("a time without end")


def _operators(text: str) -> tuple[PhoneOperator, ...]:
    """Return the rows of the table in run order; what takes part in it several times is summed."""
    table = text.partition(_RUNS)[2].partition("Top by Computation Time")[0]
    lines = (" ".join(line.split()) for line in table.splitlines() if len(line) < _WIDEST)
    rows = (_ROW.fullmatch(line) for line in lines)
    return tuple(
        PhoneOperator(op=row["op"], milliseconds=float(row["mean"]) * int(row["calls"]))
        for row in rows
        if row is not None
    )


def _program() -> str:
    found = shutil.which("adb")
    if found is None:
        raise MissingDependencyError(
            "adb is not installed", hint="apt-get install -y --no-install-recommends adb"
        )
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class _Adb:
    """The program and the time by which it must be done."""

    program: str
    deadline: float
    timeout_seconds: float

    def run(self, *arguments: str) -> str:
        """Return what adb prints."""
        try:
            done = self._started(arguments, seconds=self.deadline - time.monotonic())
        except subprocess.TimeoutExpired as error:
            raise ToolError(
                f"the phone did not answer to adb {arguments[0]} in time",
                hint=f"give it longer: --timeout {2 * self.timeout_seconds:g}",
            ) from error
        if done.returncode != 0:
            raise ToolError(f"adb {arguments[0]} failed: {_last_line(done.stdout)}", hint=_HINT)
        return done.stdout

    def shell(self, command: str) -> str:
        """Return what ``command`` prints on the phone."""
        return self.run("shell", command)

    def forget(self, place: str) -> None:
        """Remove ``place`` from the phone, if it is still there to listen."""
        try:
            self._started(("shell", f"rm -f {place}"), seconds=5)
        except subprocess.TimeoutExpired:
            return

    def _started(
        self, arguments: tuple[str, ...], *, seconds: float
    ) -> "subprocess.CompletedProcess[str]":
        _LOG.debug("adb %s", " ".join(arguments))
        return subprocess.run(
            [self.program, *arguments],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=max(seconds, 0.0),
        )


_HINT = "adb devices lists them; export ANDROID_SERIAL=… picks one; unlock it to allow debugging"


def _last_line(printed: str) -> str:
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    return lines[-1] if lines else "it printed nothing"
