"""Files that are whole or not there: drafts beside their place, then one rename."""

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.errors import InputError, ToolError
from edgekit.quantity import format_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_LEAST_FREE_BYTES = 65536  # a library that fails with less has failed for want of room

_DRAFT = re.compile(r"\..+\.[a-z0-9_]{8}")  # what `tempfile.mkstemp` makes of our prefix


def write_bytes(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path``; a failure leaves what was there.

    A symbolic link at ``path`` is replaced: what it names stays as it is.

    Raises:
        OSError: The disk is full, or the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    number, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(number, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(draft).chmod(_permissions())
        Path(draft).replace(path)
    except BaseException as error:
        Path(draft).unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:  # a full disk names no file
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


@contextlib.contextmanager
def room_asked(folder: Path) -> "Iterator[None]":
    """Tell of a full disk by the folder that is written to, whatever the writer says of it.

    Raises:
        InputError: The block failed for want of room.
    """
    try:
        yield
    except (OSError, ToolError) as error:
        free_bytes = shutil.disk_usage(folder).free
        is_full = isinstance(error, OSError) and error.errno in _FULL
        # HDF5 and TensorFlow speak of a failed write, or of their own tables.
        if not is_full and not (isinstance(error, ToolError) and free_bytes < _LEAST_FREE_BYTES):
            raise
        raise InputError(
            f"{folder}: the disk is full, {format_bytes(free_bytes)} are left",
            hint="make room and call again: finished stages are kept; or choose --out DIR",
        ) from error


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` as UTF-8; a failure leaves what was there."""
    write_bytes(path, text.encode())


def json_text(document: "Mapping[str, object]") -> str:
    """Return ``document`` as the JSON that files and reports hold: equal values, equal bytes."""
    return json.dumps(document, indent=2, sort_keys=True, allow_nan=False) + "\n"


def write_files(folder: Path, contents: "Mapping[str, bytes]", *, anew: str) -> None:
    """Write each of ``contents`` to its place in ``folder``.

    Args:
        folder: There already.
        contents: By paths relative to it.
        anew: A folder in it, emptied first; where it is a symbolic link, the link is removed.
    """
    remove(folder / anew)
    for path, content in contents.items():
        write_bytes(folder / path, content)


@contextlib.contextmanager
def whole_folder(path: Path) -> "Iterator[Path]":
    """Yield an empty folder that becomes ``path`` when the block ends well.

    What stood at ``path`` is replaced then, and not before; an error leaves it as it was. Of a
    symbolic link the link is replaced: what it names stays as it is.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    try:
        yield draft
        draft.chmod(_permissions() | 0o111)
        remove(path)
        draft.replace(path)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def remove(path: Path) -> None:
    """Remove what stands at ``path``, if anything does; of a symbolic link the link alone."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)


def links_in(folder: Path) -> "tuple[Path, ...]":
    """Return the symbolic links among the entries of ``folder``; none where there is no folder."""
    return tuple(sorted(path for path in folder.glob("*") if path.is_symlink()))


def is_draft(path: Path) -> bool:
    """Return whether ``path`` is the draft of a file, which a writer that was killed has left."""
    return path.is_file() and _DRAFT.fullmatch(path.name) is not None


def sha256(content: bytes) -> str:
    """Return the SHA-256 of ``content`` in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def _permissions() -> int:
    """Return the permissions a new file has here; drafts are made private."""
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
