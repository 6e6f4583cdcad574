"""Run functions in a process of its own: a crash there is an error here, its noise is captured.

TensorFlow, its converter and TFLite-Micro print to C streams, change global state and
sometimes crash. Each runs in a `Worker`: a fresh Python process that is sent functions and
answers with their results. A worker whose parent dies, by whatever cause, ends too. Each has a
bound on its memory; those that run models of strangers are ended when they fall silent.
"""

import contextlib
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, Self, TypeVar

from edgekit.errors import CrashError, EdgekitError, ToolError
from edgekit.quantity import format_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

P = ParamSpec("P")
T = TypeVar("T")


class Progress(Protocol):
    """What long work calls as it goes on: units done, units in all, and a word on the state."""

    def __call__(self, done: int, total: int, detail: str = "") -> None:
        """Take note."""


def silent(done: int, total: int, detail: str = "") -> None:
    """Report nothing."""


def machine_memory_bytes() -> int:
    """Return the main memory of this machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def bounded(command: "Sequence[str]", *, memory_bytes: int) -> list[str]:
    """Return ``command`` as one that takes no more than ``memory_bytes`` of private memory."""
    # The shell sets the bound and becomes the program; the words after the script are its own.
    limit = ("/bin/sh", "-c", 'ulimit -d "$0" && exec "$@"', str(memory_bytes // 1024))
    return [*limit, *command]


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """How far a process may go before it is ended.

    Args:
        memory_bytes: Of private memory; None: as much as the machine has.
        printed_bytes: Of what it prints or writes to one file; None: no bound.
        silence_seconds: Without a result or a word of progress; None: no bound, as for a training.
    """

    memory_bytes: int | None = None
    printed_bytes: int | None = None
    silence_seconds: float | None = None


class Worker:
    """A Python process that runs functions for this one.

    Args:
        what: Who works there, for messages: ``"the TFLite converter"``.
        search: Folders put first on the process's import path: the user's own modules.
        bounds: Of the process.
    """

    def __init__(
        self,
        what: str,
        *,
        search: "tuple[Path, ...]" = (),
        bounds: Bounds = Bounds(),
    ) -> None:
        self._what = what
        self._bounds = bounds
        self._memory_bytes = min(bounds.memory_bytes or 2**63, machine_memory_bytes())
        limits = (str(self._memory_bytes), str(bounds.printed_bytes or ""))
        # Appending, so that what is read here does not move where the process writes.
        self._noise = tempfile.TemporaryFile("a+b")  # noqa: SIM115  closed in `close`
        environment = {**os.environ, "PYTHONPATH": _import_path(search)}
        self._process = subprocess.Popen(
            # -P: no module from where we stand
            [sys.executable, "-P", "-m", "edgekit.runtimes.process", *limits],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._noise,
            env=environment,
            start_new_session=True,  # Ctrl-C is the parent's, which ends the worker
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._since = 0  # what was printed before the last call is not about it
        self._begun = 0  # answers to come that nobody waits for
        self._interrupted = False
        self._requests = Connection(os.dup(self._process.stdin.fileno()), readable=False)
        self._replies = Connection(os.dup(self._process.stdout.fileno()), writable=False)
        self._process.stdin.close()
        self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: "TracebackType | None",
    ) -> None:
        self.close()

    def call(
        self,
        function: "Callable[Concatenate[Progress, P], T]",
        progress: Progress,
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Return ``function(progress, *args, **kwargs)``, run in the worker.

        Args:
            function: A function at the top of a module; it, its arguments and its result
                cross the border by pickle.
            progress: Called here with what the function reports there.
            *args: Handed on.
            **kwargs: Handed on.

        Raises:
            EdgekitError: What the function raised.
            ToolError: The process died or went out of bounds, or the function failed in another
                way; the message ends with the last lines that it printed. A call that is
                interrupted ends the process, so that no later call is given its answer.
        """
        self._since = os.fstat(self._noise.fileno()).st_size
        request = ForkingPickler.dumps((function, args, kwargs))
        with self._ended_if_interrupted():
            self._send(request)
            while self._begun:
                kind, _ = self._next()
                self._begun -= kind != "progress"
            kind, payload = self._next()
            while kind == "progress":
                progress(*payload)
                kind, payload = self._next()
        match kind:
            case "result":
                return payload  # type: ignore[no-any-return]
            case "refusal":
                kind_of_error, message, hint = payload
                raise kind_of_error(message, hint=hint)
            case "memory":
                raise ToolError(f"{self._what} {self._too_much()}")
            case _:
                raise ToolError(f"{self._what} failed: {payload}{self._last_words()}")

    def begin(self, function: "Callable[[Progress], object]") -> None:
        """Start ``function(progress)`` in the worker and wait for nothing: to import ahead."""
        with self._ended_if_interrupted():
            self._send(ForkingPickler.dumps((function, (), {})))
            self._begun += 1

    @contextlib.contextmanager
    def within(self, silence_seconds: float | None) -> "Iterator[None]":
        """End the process where a call in this block gives no sign of life for so long.

        None: it may be silent for ever.
        """
        before = self._bounds
        self._bounds = replace(before, silence_seconds=silence_seconds)
        try:
            yield
        finally:
            self._bounds = before

    @property
    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def noise(self) -> str:
        """Return all that the process has printed, C streams included."""
        return printed_since(0, self._noise.fileno())

    def kill(self) -> None:
        """End the process at once, from any thread; a call that waits for it raises `ToolError`."""
        self._process.kill()

    def close(self) -> None:
        """End the process."""
        for connection in (self._requests, self._replies):
            with contextlib.suppress(OSError):
                connection.close()
        self._process.kill()
        self._process.wait()
        self._noise.close()

    @contextlib.contextmanager
    def _ended_if_interrupted(self) -> "Iterator[None]":
        """End the process where the block is left early: its answer would be the next call's."""
        try:
            yield
        except BaseException:
            self._interrupted = self.is_alive
            self._process.kill()
            self._process.wait()
            raise

    def _send(self, request: memoryview) -> None:
        try:
            self._requests.send_bytes(request)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise self._death() from error

    def _next(self) -> "tuple[str, Any]":
        """Return the next answer, or end a process that gives none in time."""
        seconds = self._bounds.silence_seconds
        try:
            if self._replies.poll(seconds):
                return self._replies.recv()  # type: ignore[no-any-return]  # as `_serve` sends it
        except (EOFError, ConnectionResetError) as error:
            raise self._death() from error
        self._process.kill()
        self._process.wait()
        raise ToolError(
            f"{self._what} gave no sign of life for {seconds:g} s and was ended{self._last_words()}"
        )

    def _death(self) -> ToolError:
        cause = self._cause_of_death()
        kind = CrashError if cause.startswith("crashed") else ToolError
        return kind(f"{self._what} {cause}{self._last_words()}")

    def _cause_of_death(self) -> str:
        code = self._process.wait()
        if self._interrupted:
            return "was ended, because a call before this one was interrupted"
        if "std::bad_alloc" in printed_since(self._since, self._noise.fileno()):
            return self._too_much()
        if code < 0:
            return f"crashed ({signal.Signals(-code).name})"
        return f"ended unexpectedly (exit code {code})"

    def _too_much(self) -> str:
        return f"needed more than the {format_bytes(self._memory_bytes)} that it may take"

    def _last_words(self) -> str:
        printed = printed_since(self._since, self._noise.fileno()).splitlines()
        lines = [line.strip()[:200] for line in printed if line.strip()]
        return "; it printed: " + " | ".join(lines[-3:]) if lines else ""


def run(
    what: str,
    function: "Callable[Concatenate[Progress, P], T]",
    /,
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Return ``function(silent, *args, **kwargs)``, run in a worker of its own."""
    with Worker(what) as worker:
        return worker.call(function, silent, *args, **kwargs)


def printed_since(start: int, stream: int = 2) -> str:
    """Return what a worker has printed from byte ``start`` on; in the worker by its stream 2."""
    length = os.fstat(stream).st_size - start
    return os.pread(stream, length, start).decode(errors="replace")


def printed_bytes() -> int:
    """Return how many bytes the worker that calls this has printed so far."""
    sys.stderr.flush()
    return os.fstat(2).st_size


def _import_path(search: "tuple[Path, ...]") -> str:
    inherited = os.environ.get("PYTHONPATH", "")
    return os.pathsep.join([*(str(folder) for folder in search), *filter(None, [inherited])])


def _bound(memory_bytes: str, file_bytes: str) -> None:
    """Bound this process for good; what it asks beyond fails there, and ends it at worst."""
    for kind, limit in ((resource.RLIMIT_DATA, memory_bytes), (resource.RLIMIT_FSIZE, file_bytes)):
        _, hard = resource.getrlimit(kind)
        if limit and (hard == resource.RLIM_INFINITY or int(limit) < hard):
            resource.setrlimit(kind, (int(limit), int(limit)))


def _serve() -> None:
    """Answer requests until the parent closes the pipe."""
    requests = Connection(os.dup(0), writable=False)
    replies = Connection(os.dup(1), readable=False)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # what Python and C print goes to the noise, not between the replies
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()

    def progress(done: int, total: int, detail: str = "") -> None:
        replies.send(("progress", (done, total, detail)))

    while True:
        try:
            function, args, kwargs = requests.recv()
        except EOFError:
            return
        try:
            reply = ("result", function(progress, *args, **kwargs))
        except EdgekitError as error:
            # Its parts: TensorFlow has tblib pickle causes and traces, where that is installed.
            reply = ("refusal", (type(error), error.message, error.hint))
        except MemoryError:
            reply = ("memory", "")
        except Exception as error:  # noqa: BLE001  the border of the process: all else is told
            reply = ("failure", f"{type(error).__name__}: {' '.join(str(error).split())}")
        replies.send(reply)


def _end_with(parent: int) -> None:
    """End this process once its parent is gone: no work for nobody."""
    pause = threading.Event()
    while os.getppid() == parent:
        pause.wait(0.5)
    os._exit(1)


if __name__ == "__main__":
    _bound(*sys.argv[1:])
    _serve()
