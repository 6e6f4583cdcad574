"""A folder of emitted files: the record of what edgekit wrote there, and nothing else replaced."""

import json
import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NoReturn

from edgekit.errors import UsageError
from edgekit.files.whole_files import (
    json_text,
    remove,
    sha256,
    whole_folder,
    write_bytes,
    write_text,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from edgekit.emission.firmware import EmittedFile

RECORD_NAME = ".edgekit-emitted.json"
BUILD_FOLDER = "build"  # where a run on the emulator builds, inside the folder
_BUILD_MARKER = ".edgekit-build"
_SCHEMA = "edgekit.emitted/1"
_ELSEWHERE = "name an empty or new folder: --out DIR"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Holdings:
    """What stands in a folder, by paths below it.

    Args:
        recorded: SHA-256 of each file that edgekit wrote; None where no record says so.
        edited: Files of the record that are not what edgekit wrote.
        foreign: What the record does not name: files, links, empty folders.
        is_built: Whether the emulator's build stands there.
    """

    recorded: "Mapping[str, str] | None" = None
    edited: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    is_built: bool = False


def check_free(out: Path, *, replace: bool, builds: bool) -> None:
    """Let ``out`` pass if what stands there may be replaced, or written beside.

    Args:
        out: The folder.
        replace: Whether edited files may be replaced, and foreign ones left where they are.
        builds: Whether the emulator is going to build there.

    Raises:
        UsageError: It may not; the message names the first file in the way.
    """
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file, not a folder", hint="name another folder: --out DIR")
    _refuse(out, _holdings(out), replace=replace, builds=builds)


def is_own_build(out: Path) -> bool:
    """Return whether the emulator's build in ``out`` is edgekit's to replace."""
    folder = out / BUILD_FOLDER
    return not folder.is_symlink() and (folder / _BUILD_MARKER).is_file()


def mark_build(out: Path) -> None:
    """Say that the build folder in ``out`` is edgekit's own."""
    write_text(out / BUILD_FOLDER / _BUILD_MARKER, "")


def write_emitted(files: "tuple[EmittedFile, ...]", out: Path, *, replace: bool) -> None:
    """Make ``out`` hold ``files`` and the record of them.

    Args:
        files: All that is emitted.
        out: Was let pass by `check_free`. Where nothing foreign stands there, it is replaced
            whole or not at all.
        replace: As `check_free` takes it.

    Raises:
        UsageError: Something is in the way.
    """
    found = _holdings(out)
    _refuse(out, found, replace=replace, builds=False)
    contents = {str(file.path): file.text.encode() for file in files}
    if found.foreign:
        _write_beside(contents, out, found)
        return
    with whole_folder(out) as draft:
        for path, content in contents.items():
            write_bytes(draft / path, content)
        _write_record(draft, _hashes(contents))


def _write_beside(contents: "Mapping[str, bytes]", out: Path, found: _Holdings) -> None:
    """Write file by file, and leave what is foreign.

    The record names old and new files first: one that was stopped half way can be replaced.
    """
    _refuse_blocked(out, found.foreign, contents)
    old, new = dict(found.recorded or {}), _hashes(contents)
    if found.is_built:
        remove(out / BUILD_FOLDER)
    _write_record(out, {**old, **new})
    for path, content in contents.items():
        write_bytes(out / path, content)
    for path in sorted({*old} - {*new} - {*found.foreign}):
        _unlink(out, PurePosixPath(path))
    _write_record(out, new)


def _refuse_blocked(out: Path, foreign: "Iterable[str]", wanted: "Iterable[str]") -> None:
    """Refuse what is foreign where a file is to be written, or a folder of one."""
    places = [PurePosixPath(path) for path in wanted]
    for name in foreign:
        path = PurePosixPath(name)
        if any(place.is_relative_to(path) or path.is_relative_to(place) for place in places):
            raise UsageError(
                f"{out / name} is not edgekit's, and stands where a file is to be written",
                hint=f"move it away, or {_ELSEWHERE}",
            )


def _unlink(out: Path, path: PurePosixPath) -> None:
    """Remove a file that edgekit wrote, and the folders that are empty without it."""
    if PurePosixPath(RECORD_NAME) == path or ".." in path.parts or path.is_absolute():
        return
    if any((out / parent).is_symlink() for parent in path.parents):
        return
    (out / path).unlink(missing_ok=True)
    for parent in path.parents:
        folder = out / parent
        if folder == out or not folder.is_dir() or any(folder.iterdir()):
            return
        folder.rmdir()


def _refuse(out: Path, found: _Holdings, *, replace: bool, builds: bool) -> None:
    if found.recorded is None:
        if found.foreign:
            raise UsageError(
                f"{out} holds other files, such as {found.foreign[0]}", hint=_unrecorded_hint(out)
            )
        return
    if builds and (out / BUILD_FOLDER).exists() and not found.is_built:
        raise UsageError(
            f"{out / BUILD_FOLDER} is not edgekit's, and --run builds there",
            hint=f"move it away, or {_ELSEWHERE}",
        )
    if replace:
        if found.foreign and out.is_symlink():
            raise UsageError(
                f"{out} is a symbolic link, through which edgekit writes nothing",
                hint=f"name the folder itself: --out {out.resolve()}",
            )
        return
    if found.edited:
        raise UsageError(
            f"{out / found.edited[0]} was changed after edgekit had written it",
            hint=f"keep the change elsewhere and add --replace, or {_ELSEWHERE}",
        )
    if found.foreign:
        raise UsageError(
            f"{out / found.foreign[0]} is not edgekit's",
            hint=f"add --replace to write beside it, or {_ELSEWHERE}",
        )


def _unrecorded_hint(out: Path) -> str:
    """Return what to do about a folder without a record; the first edgekit wrote none."""
    tops = (path for path in sorted(out.iterdir()) if path.is_file() and not path.is_symlink())
    if not any(_begins_as_ours(path) for path in tops):
        return _ELSEWHERE
    return f"edgekit 0.1 kept no record of what it wrote: remove the folder, or {_ELSEWHERE}"


def _begins_as_ours(path: Path) -> bool:
    with path.open("rb") as stream:
        return b"Generated by edgekit" in stream.read(64)


def _holdings(out: Path) -> _Holdings:
    if not out.is_dir():
        return _Holdings()
    recorded = _recorded(out)
    if recorded is None:
        return _Holdings(foreign=tuple(sorted(path.name for path in out.iterdir())))
    is_built = is_own_build(out)
    edited, foreign = [], []
    for path in _entries(out, without=BUILD_FOLDER if is_built else RECORD_NAME):
        place = out / path
        if path == RECORD_NAME:
            continue
        if path not in recorded or place.is_symlink() or not place.is_file():
            foreign.append(path)
        elif sha256(place.read_bytes()) != recorded[path]:
            edited.append(path)
    return _Holdings(
        recorded=recorded,
        edited=tuple(sorted(edited)),
        foreign=tuple(sorted(foreign)),
        is_built=is_built,
    )


def _entries(out: Path, *, without: str) -> "Iterator[str]":
    """Yield all but folders that hold something, links unfollowed, but what is in ``without``."""
    for folder, folders, files in os.walk(out, onerror=_raise):
        here = Path(folder)
        if here == out and without in folders:
            folders.remove(without)
        links = [name for name in folders if (here / name).is_symlink()]
        for name in (*files, *links):
            yield (here / name).relative_to(out).as_posix()
        if here != out and not folders and not files:
            yield here.relative_to(out).as_posix()


def _raise(error: OSError) -> NoReturn:
    raise error


def _recorded(out: Path) -> "Mapping[str, str] | None":
    """Return what the record names; None where there is none that can be read."""
    path = out / RECORD_NAME
    if path.is_symlink() or not path.is_file():
        return None
    try:
        document = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return None
    files = document.get("files") if isinstance(document, dict) else None
    if not isinstance(files, dict) or document.get("schema") != _SCHEMA:
        return None
    return {name: item for name, item in files.items() if isinstance(item, str)}


def _write_record(folder: Path, hashes: "Mapping[str, str]") -> None:
    write_text(folder / RECORD_NAME, json_text({"schema": _SCHEMA, "files": dict(hashes)}))


def _hashes(contents: "Mapping[str, bytes]") -> dict[str, str]:
    return {path: sha256(content) for path, content in contents.items()}
