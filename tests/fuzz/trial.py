"""One damaged input after the other in a process of its own, with all that it must not do watched.

Started by `campaign`; prints a line of JSON when an input is begun and when it is done.
"""

import contextlib
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import traceback
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from edgekit.errors import EdgekitError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from subjects import Subject

CPU_SECONDS, SECONDS = 5.0, 30.0
"""For one input, of the processor and on the clock: the machine may be busy with other things."""
MEMORY_BYTES = 2**31
"""Private memory of the process."""
GROWTH_BYTES = 2**30
"""Of the resident memory, by one input."""

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_PLACES = {
    "os.mkdir": 1, "os.remove": 1, "os.rmdir": 1, "os.truncate": 1, "os.chmod": 1,
    "os.rename": 2, "os.link": 2, "os.symlink": 2, "shutil.rmtree": 1,
}  # fmt: skip
"""Audit events that change the file system, and how many of their arguments are paths."""
_CODE = ("os.system", "os.exec", "os.posix_spawn", "socket.connect")
_PROCESSES = ("subprocess.Popen", "pickle.find_class")  # answers of workers are pickled


class HangError(BaseException):
    """An input takes too long; no handler of ordinary errors may take it for one."""


class _Watch:
    """Notes what an input does outside of its folder, and code that it starts."""

    def __init__(self, *, processes: bool) -> None:
        self._folder: Path | None = None
        self._code = _CODE if processes else (*_CODE, *_PROCESSES)
        self.seen: list[str] = []
        sys.addaudithook(self._note)

    @contextlib.contextmanager
    def inside(self, folder: Path) -> "Iterator[None]":
        self._folder, self.seen = folder, []
        try:
            yield
        finally:
            self._folder = None

    def _note(self, event: str, arguments: tuple[object, ...]) -> None:
        if self._folder is None:
            return
        if event in self._code:
            self.seen.append(f"{event} {arguments[:2]}")
        elif event == "open":
            path, _, flags = arguments
            if isinstance(flags, int) and flags & _WRITING and not self._allows(path):
                self.seen.append(f"writes {path}")
        else:
            for path in arguments[: _PLACES.get(event, 0)]:
                if not self._allows(path):
                    self.seen.append(f"{event} {path}")

    def _allows(self, path: object) -> bool:
        if isinstance(path, int | bytes) or path is None:
            return True
        place = Path(str(path)).resolve()
        noise = str(path) == tempfile.gettempdir()  # a temporary file without a name
        return noise or str(path) == os.devnull or place.is_relative_to(str(self._folder))


def run(subject: "Subject", *, seed: int, start: int, stop: int) -> None:
    """Take the inputs ``start`` to ``stop`` of ``subject``, and print what became of each."""
    home = Path(tempfile.mkdtemp(prefix="edgekit-fuzz-"))
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, hard))
    for signal_number in _TIMERS.values():
        signal.signal(signal_number, _hang)
    warnings.simplefilter("error")  # a user would see it beside the result
    watch = _Watch(processes=subject.starts_processes)
    try:
        for number in range(start, stop):
            _say(begun=number)
            content = damaged(subject, seed=seed, number=number)
            _say(done=number, **_outcome(subject, content, home, watch))
    finally:
        shutil.rmtree(home)


def damaged(subject: "Subject", *, seed: int, number: int) -> bytes:
    """Return input ``number`` of a campaign; the same for the same seed.

    Those below 0 are the good inputs, from the last to the first.
    """
    if number < 0:
        return subject.seeds()[number % len(subject.seeds())]
    chance = random.Random(f"{seed} {subject.name} {number}")
    return subject.damage(chance.choice(subject.seeds()), chance)


def _outcome(subject: "Subject", content: bytes, home: Path, watch: _Watch) -> dict[str, str]:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with _folder(home) as folder:
        _set_timers(SECONDS, CPU_SECONDS)
        try:
            with watch.inside(folder):
                subject.take(content, folder)
            outcome = {"outcome": "accepted"}
        except EdgekitError as error:
            good = error.exit_code in range(2, 7) and "\n" not in error.message
            outcome = {"outcome": "refused"} if good else _fault("crash", repr(error))
        except HangError:
            outcome = _fault("hang", _where())
        except MemoryError:
            outcome = _fault("memory", _where())
        except BaseException:  # noqa: BLE001  whatever else comes out is the fault looked for
            outcome = _fault("crash", _where())
        finally:
            _set_timers(0, 0)
    grown = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    if grown > GROWTH_BYTES:
        return _fault("memory", f"{grown / 2**20:.0f} MiB more")
    if watch.seen:
        return _fault("outside", "; ".join(watch.seen[:3]))
    return outcome


def _fault(kind: str, told: str) -> dict[str, str]:
    return {"outcome": kind, "told": told}


def _where() -> str:
    """Return the last lines of the traceback."""
    lines = traceback.format_exc().strip().splitlines()
    places = [line.strip() for line in lines if line.strip().startswith("File ")]
    return " < ".join([lines[-1][:300], *places[:-5:-1]])


@contextlib.contextmanager
def _folder(home: Path) -> "Iterator[Path]":
    """Work in an empty folder of ``home``."""
    folder = home.resolve() / "work"
    folder.mkdir()
    with contextlib.chdir(folder):
        yield folder
    shutil.rmtree(folder)


_TIMERS = {signal.ITIMER_REAL: signal.SIGALRM, signal.ITIMER_PROF: signal.SIGPROF}


def _set_timers(seconds: float, cpu_seconds: float) -> None:
    for timer, value in zip(_TIMERS, (seconds, cpu_seconds), strict=True):
        signal.setitimer(timer, value)


def _hang(*_: object) -> NoReturn:
    raise HangError


def _say(**values: object) -> None:
    sys.__stdout__.write(json.dumps(values) + "\n")  # type: ignore[union-attr]
    sys.__stdout__.flush()  # type: ignore[union-attr]
