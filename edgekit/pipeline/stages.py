"""Finished stages of a build are kept, and reused while what went into them is the same."""

import contextlib
import fcntl
import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from edgekit.errors import InputError, UsageError
from edgekit.files.fingerprint import RUN_MARKER
from edgekit.files.toml import decode
from edgekit.files.whole_files import is_draft, links_in, room_asked, whole_folder, write_text
from edgekit.pipeline.reuse import take_over
from edgekit.record.build import Stage
from edgekit.runtimes.process import silent

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from edgekit.pipeline.reuse import Siblings
    from edgekit.runtimes.process import Progress

    T = TypeVar("T", bound=DataclassInstance)
    R = TypeVar("R")

Watch = Callable[[str], "AbstractContextManager[Progress]"]
"""Given a stage's name, what is told of its progress while it runs."""


def unwatched(stage: str) -> "contextlib.nullcontext[Progress]":
    """Watch nothing."""
    del stage
    return contextlib.nullcontext(silent)


_RESULT = "result.json"
_SAVED_MODEL_IDENTITY = "fingerprint.pb"  # TensorFlow draws a number for each that it writes


class Stages:
    """The stages of one run, in order.

    Each result depends on what went into its stage and into all stages before it. It is kept
    in a folder of its own, whole or not at all: a build that was killed goes on from there.

    Args:
        folder: Where results are kept.
        watch: Told of progress.
        fresh: Reuse nothing.
        siblings: Runs to take finished stages from; None: no other.
    """

    def __init__(
        self, folder: Path, *, watch: Watch, fresh: bool, siblings: "Siblings | None" = None
    ) -> None:
        self._folder = folder
        self._watch = watch
        self._fresh = fresh
        self._siblings = siblings
        self._key = ""
        self.done: list[Stage] = []

    def run(
        self,
        name: str,
        inputs: Mapping[str, object],
        kind: "type[T]",
        work: "Callable[[Path, Progress], T]",
    ) -> "tuple[T, Path]":
        """Return the result of a stage and the folder of its files.

        Args:
            name: Of the stage.
            inputs: All that its result depends on besides the stages before; JSON values.
            kind: The frozen dataclass of its result.
            work: Given an empty folder for files and where to report progress, the result.
                The folder is renamed when it is done: results name files, not paths.
        """
        self._key = _digest({"stage": name, "before": self._key, "inputs": inputs})
        folder = self._folder / name
        siblings = self._siblings
        with contextlib.nullcontext() if siblings is None else siblings.turn(self._key):
            kept = None if self._fresh else self._found(folder, kind)
            if kept is not None:
                self.done.append(Stage(name=name, seconds=0.0, reused=True, notes=_notes(kept)))
                return kept, folder
            start = time.perf_counter()
            with (
                whole_folder(folder) as draft,
                room_asked(self._folder),
                self._watch(name) as progress,
            ):
                result = work(draft, progress)
                document = {"key": self._key, "result": asdict(result)}
                write_text(draft / _RESULT, json.dumps(document, sort_keys=True) + "\n")
        seconds = time.perf_counter() - start
        self.done.append(Stage(name=name, seconds=seconds, reused=False, notes=_notes(result)))
        return result, folder

    def _found(self, folder: Path, kind: "type[T]") -> "T | None":
        """Return the stage's result as this run has kept it, or else one of its siblings."""
        kept = _kept(folder / _RESULT, self._key, kind)
        if kept is not None or self._siblings is None:
            return kept
        for stage in self._siblings.stages(folder.name):
            if _kept(stage / _RESULT, self._key, kind) is not None and take_over(stage, folder):
                return _kept(folder / _RESULT, self._key, kind)
        return None

    def light(self, name: str, work: "Callable[[], R]") -> "R":
        """Return the result of a stage that is done anew each time: it takes no longer."""
        start = time.perf_counter()
        result = work()
        seconds = time.perf_counter() - start
        self.done.append(Stage(name=name, seconds=seconds, reused=False))
        return result


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[Path]:
    """Hold ``folder`` as the run directory of one build.

    Raises:
        UsageError: It holds other files, another build is at work in it, or a symbolic link
            stands where a build writes.
    """
    marker = folder / RUN_MARKER
    _refuse_links(marker, folder / "stages", *links_in(folder / "stages"))
    if folder.exists() and not marker.is_file():
        if not folder.is_dir():
            raise UsageError(f"{folder} is a file, not a folder", hint="choose another: --out DIR")
        if any(folder.iterdir()):
            raise UsageError(
                f"{folder} exists and is not a run directory of edgekit",
                hint="choose another: --out DIR",
            )
    folder.mkdir(parents=True, exist_ok=True)
    with marker.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(
                f"another build is at work in {folder}", hint="wait for it, or choose --out DIR"
            ) from error
        _remove_drafts(folder)
        yield folder
        _remove_drafts(folder)  # of a killed build whose last process has only just ended


def _refuse_links(*paths: Path) -> None:
    """Refuse symbolic links: what they name is not the build's to write or remove."""
    for path in paths:
        if path.is_symlink():
            raise UsageError(
                f"{path} is a symbolic link, which a build does not follow",
                hint="remove it, or choose another: --out DIR",
            )


def same_results(before: Path, after: Path, stage: str) -> bool:
    """Return whether a stage left the same in two run directories, as far as both keep it."""
    first, second = (run / "stages" / stage for run in (before, after))
    if not (first.is_dir() and second.is_dir()):
        return True
    return _contents(first) == _contents(second)


def _contents(folder: Path) -> dict[str, object]:
    """Return what a stage left by its path, but what stands for this one run of it."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if name == _RESULT:
            found[name] = _result_in(path)
        elif path.is_file() and path.name != _SAVED_MODEL_IDENTITY:
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def _result_in(path: Path) -> object:
    """Return the result that a stage kept in ``path``, or its bytes where it is damaged."""
    content = path.read_bytes()
    try:
        return json.loads(content)["result"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return content


def _remove_drafts(folder: Path) -> None:
    """Remove what builds that were killed left half-written."""
    for draft in (folder / "stages").glob(".*"):
        shutil.rmtree(draft, ignore_errors=True)
    for path in folder.glob(".*"):
        if is_draft(path):
            path.unlink(missing_ok=True)


def _kept(path: Path, key: str, kind: "type[T]") -> "T | None":
    """Return the result kept in ``path``, or None where there is none for ``key``."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["key"] != key:
            return None
        return decode(document["result"], kind, where=str(path))
    except (OSError, ValueError, KeyError, TypeError, InputError):
        return None  # absent or damaged: the stage runs again


def _notes(result: object) -> tuple[str, ...]:
    return tuple(getattr(result, "notes", ()))


def _digest(document: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
