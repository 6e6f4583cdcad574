"""Run functions in a process of its own: a crash there is an error here, its noise is captured.

TensorFlow, its converter and TFLite-Micro print to C streams, change global state and
sometimes crash. Each runs in a `Worker`: a fresh Python process that is sent functions and
answers with their results. A worker whose parent dies, by whatever cause, ends too.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Protocol, Self, TypeVar

from edgekit.errors import EdgekitError, ToolError

if TYPE_CHECKING:
    from collections.abc import Callable
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


class Worker:
    """A Python process that runs functions for this one.

    Args:
        what: Who works there, for messages: ``"the TFLite converter"``.
        search: Folders put first on the process's import path: the user's own modules.
    """

    def __init__(self, what: str, *, search: "tuple[Path, ...]" = ()) -> None:
        self._what = what
        # Appending, so that what is read here does not move where the process writes.
        self._noise = tempfile.TemporaryFile("a+b")  # noqa: SIM115  closed in `close`
        environment = {**os.environ, "PYTHONPATH": _import_path(search)}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "edgekit.process"],  # -P: no module from where we stand
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
            ToolError: The process died, or the function failed in another way; the message
                ends with the last lines that it printed.
        """
        self._since = os.fstat(self._noise.fileno()).st_size
        try:
            self._requests.send((function, args, kwargs))
            while self._begun:
                kind, _ = self._replies.recv()
                self._begun -= kind != "progress"
            while True:
                kind, payload = self._replies.recv()
                match kind:
                    case "progress":
                        progress(*payload)
                    case "result":
                        return payload  # type: ignore[no-any-return]
                    case "refusal":
                        raise payload
                    case _:
                        raise ToolError(f"{self._what} failed: {payload}{self._last_words()}")
        except (EOFError, BrokenPipeError, ConnectionResetError) as error:
            raise ToolError(f"{self._what} {self._cause_of_death()}{self._last_words()}") from error

    def begin(self, function: "Callable[[Progress], object]") -> None:
        """Start ``function(progress)`` in the worker and wait for nothing: to import ahead."""
        self._requests.send((function, (), {}))
        self._begun += 1

    @property
    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def noise(self) -> str:
        """Return all that the process has printed, C streams included."""
        return printed_since(0, self._noise.fileno())

    def close(self) -> None:
        """End the process."""
        for connection in (self._requests, self._replies):
            with contextlib.suppress(OSError):
                connection.close()
        self._process.kill()
        self._process.wait()
        self._noise.close()

    def _cause_of_death(self) -> str:
        code = self._process.wait()
        if code < 0:
            return f"crashed ({signal.Signals(-code).name})"
        return f"ended unexpectedly (exit code {code})"

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
            reply = ("refusal", error)
        except Exception as error:  # noqa: BLE001  the border of the process: all else is told
            reply = ("failure", f"{type(error).__name__}: {error}")
        replies.send(reply)


def _end_with(parent: int) -> None:
    """End this process once its parent is gone: no work for nobody."""
    pause = threading.Event()
    while os.getppid() == parent:
        pause.wait(0.5)
    os._exit(1)


if __name__ == "__main__":
    _serve()
