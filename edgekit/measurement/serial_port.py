"""Read a firmware's report from a serial port: a tty of POSIX, without a library."""

import logging
import os
import select
import termios
import time
import tty
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.errors import ToolError, UsageError
from edgekit.runtimes.device_report import PREFIX, DeviceReport, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LOG = logging.getLogger(__name__)
_LONGEST_LINE = 4096  # bytes; a record has some 200
_MOST_TICKS = 2**64  # no firmware counts further
_PORTS = ("ttyACM*", "ttyUSB*", "cu.usb*")


def read_report(port: str, *, baud: int, timeout_seconds: float) -> DeviceReport:
    """Return the first whole report that the device at ``port`` prints.

    Args:
        port: Such as ``/dev/ttyACM0``.
        baud: Bits a second; ports that are USB themselves ignore it.
        timeout_seconds: After which the device is given up.

    Raises:
        UsageError: ``port`` is no serial port, or knows no such speed.
        ToolError: The port cannot be opened, the device printed no whole report in time or went
            away, or the firmware failed.
    """
    with _opened(port, baud) as number:
        line = _Line(port=port, number=number, deadline=time.monotonic() + timeout_seconds)
        try:
            return whole_report(line.lines())
        except ToolError as error:
            if not line.timed_out:
                raise
            raise ToolError(
                f"{port}: {error.message} within {timeout_seconds:g} s", hint=line.advice()
            ) from error


def whole_report(lines: "Iterable[str]") -> DeviceReport:
    """Return the first report in ``lines`` that came whole.

    A report that was garbled on its way is passed over: firmware prints it again and again.

    Raises:
        ToolError: No report came whole, or the firmware gave up.
    """
    garbled: ToolError | None = None
    held: list[str] = []
    for line in lines:
        if not line.startswith(PREFIX):
            continue
        kind = line[len(PREFIX) :].split(" ", 1)[0].strip()
        if kind == "begin":
            held.clear()
        held.append(line)
        if kind != "end" or not held[0].startswith(f"{PREFIX}begin"):
            continue
        try:
            return _complete(parse(held))
        except ToolError as error:
            if any(item.startswith(f"{PREFIX}error") for item in held):
                raise
            garbled = error
            held.clear()
    raise garbled or ToolError("the firmware printed no whole report")


def _complete(report: DeviceReport) -> DeviceReport:
    """Let pass a report that makes sense: a lost line leaves a gap, lost blanks huge numbers."""
    if [item.index for item in report.operators] != list(range(len(report.operators))):
        raise ToolError("the firmware's report is garbled: a line of an operator was lost")
    if report.ticks_per_second <= 0 and report.clock != "instructions":
        raise ToolError("the firmware's report is garbled: its clock has no frequency")
    ticks = (report.least_ticks, report.ticks, report.most_ticks)
    if not 0 <= ticks[0] <= ticks[1] <= ticks[2] <= _MOST_TICKS:
        raise ToolError("the firmware's report is garbled: no mean of such extremes")
    if not all(0 <= item.ticks <= _MOST_TICKS for item in report.operators):
        raise ToolError("the firmware's report is garbled: an operator takes no such time")
    if report.invocations <= 0:
        raise ToolError("the firmware's report is garbled: nothing was invoked")
    return report


@contextmanager
def _opened(port: str, baud: int) -> "Iterator[int]":
    speed = getattr(termios, f"B{baud}", None)
    if speed is None:
        raise UsageError(f"serial ports know no speed of {baud}", hint="--baud 115200")
    try:
        number = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError as error:
        raise ToolError(f"{port}: {error.strerror}", hint=_way_in(error)) from error
    try:
        _make_raw(number, speed, port)
        yield number
    finally:
        os.close(number)


def _make_raw(number: int, speed: int, port: str) -> None:
    """Let every byte through as it comes: 8 bits, no parity, no flow control."""
    if not os.isatty(number):
        raise UsageError(f"{port} is no serial port", hint=f"for a recorded log: --log {port}")
    try:
        tty.setraw(number)
        settings = termios.tcgetattr(number)
        settings[2] &= ~(termios.CSTOPB | termios.CRTSCTS)
        settings[2] |= termios.CREAD | termios.CLOCAL
        settings[4] = settings[5] = speed
        termios.tcsetattr(number, termios.TCSANOW, settings)
    except termios.error as error:
        raise ToolError(f"{port}: cannot be set to the speed asked: {error}") from error


def _way_in(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "sudo usermod -aG dialout $USER, then log in again"
    if isinstance(error, FileNotFoundError):
        found = sorted(str(path) for glob in _PORTS for path in Path("/dev").glob(glob))
        return f"there are: {', '.join(found)}" if found else "is the board connected?"
    return "close other programs that use the port"


@dataclass(kw_only=True, slots=True)
class _Line:
    """An open serial line; what has come over it is remembered for advice."""

    port: str
    number: int
    deadline: float
    received_bytes: int = 0
    timed_out: bool = False

    def lines(self) -> "Iterator[str]":
        """Yield each whole line, without its end, until the deadline."""
        held = b""
        while content := self._next():
            *whole, held = (held + content).split(b"\n")
            held = held[-_LONGEST_LINE:]  # what never ends is noise
            for line in whole:
                text = line.decode("ascii", errors="replace").rstrip("\r")
                _LOG.debug("%s: %s", self.port, text)
                yield text

    def _next(self) -> bytes:
        """Return the bytes that come next; none at the deadline."""
        seconds = max(self.deadline - time.monotonic(), 0.0)
        readable, _, _ = select.select([self.number], [], [], seconds)
        if not readable or seconds == 0.0:
            self.timed_out = True
            return b""
        try:
            content = os.read(self.number, _LONGEST_LINE)
        except BlockingIOError:  # somebody else reads there too, and was faster
            return self._next()
        except OSError as error:
            raise ToolError(f"{self.port}: the device went away: {error.strerror}") from error
        if not content:
            raise ToolError(f"{self.port}: the device went away")
        self.received_bytes += len(content)
        return content

    def advice(self) -> str:
        """Return what to do about a device that was given up."""
        if self.received_bytes == 0:
            return "nothing came: reset the board, and check the port"
        return (
            f"{self.received_bytes} B came: check --baud, and that the firmware is one that "
            "edgekit emit wrote; a slow model needs a longer --timeout"
        )
