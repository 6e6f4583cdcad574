"""What a source was when it was read: reused stages and the proof of a rebuild depend on it."""

import hashlib
import platform
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.files.source import source_kind

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

RUN_MARKER = ".edgekit-run"
"""The file that makes a folder a run directory."""
PROJECT_FILE = "edgekit.toml"
"""The file that says what to build."""

_PACKAGES = (
    "ai-edge-litert",
    "keras",
    "litert-quantizer",
    "numpy",
    "tensorflow",
    "tensorflow-model-optimization",
    "tf-keras",
    "tflite-micro",
)


def fingerprint(source: str, directory: Path) -> str:
    """Return a digest of what ``source`` (a file, a folder or ``module:function``) holds.

    A ``module:function`` can read anything: it stands for all files of the project's folder and
    two folders deep, the ``.py`` files by their content and all others by size and time of
    change. Run directories, hidden folders and what lies elsewhere are not seen; nor is the
    project file, whose values stages are told by name.
    """
    path = directory / source
    if path.is_file():
        return _digest_files([path], path.parent)
    if path.is_dir():
        return _digest_files(sorted(item for item in path.rglob("*") if item.is_file()), path)
    if source_kind(source, directory) == "function":
        return _digest_project(directory)
    return source


def content_of(source: str, directory: Path) -> str | None:
    """Return the SHA-256 of the file ``source``, or a digest of a folder; None of anything else.

    Unlike `fingerprint` it is the same wherever the project lies and whenever it was copied.
    """
    path = directory / source
    if path.is_file():
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    return fingerprint(source, directory) if path.is_dir() else None


def code_of(directory: Path) -> str:
    """Return a digest of the project's ``.py`` files, two folders deep, by name and content."""
    found = (path for path in _project_files(directory, deep=2) if path.suffix == ".py")
    return _digest_files(sorted(found), directory)


def samples_digest(arrays: "Iterable[npt.NDArray[np.generic] | None]") -> str:
    """Return a digest of ``arrays`` in their order: types, shapes and values; None is absent."""
    digest = hashlib.sha256()
    for array in arrays:
        if array is None:
            digest.update(b"none\0")
        else:
            digest.update(f"{array.dtype.str} {array.shape}\0".encode())
            digest.update(array.tobytes())
    return digest.hexdigest()


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages whose results a run holds.

    Absent packages are left out.
    """
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _digest_project(directory: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(_project_files(directory, deep=2)):
        digest.update(str(path.relative_to(directory)).encode() + b"\0")
        if path.suffix == ".py":
            digest.update(path.read_bytes())
        else:
            facts = path.stat()
            digest.update(f"{facts.st_size} {facts.st_mtime_ns}".encode())
    return digest.hexdigest()


def _project_files(folder: Path, *, deep: int) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name.startswith((".", "__pycache__")) or path.name == PROJECT_FILE:
            continue
        if path.is_file():
            yield path
        elif deep and path.is_dir() and not (path / RUN_MARKER).is_file():
            yield from _project_files(path, deep=deep - 1)


def _digest_files(paths: list[Path], base: Path) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(str(path.relative_to(base)).encode() + b"\0")
        with path.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()
