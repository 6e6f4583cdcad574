"""What a source was when it was read: reused stages depend on it."""

import hashlib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

RUN_MARKER = ".edgekit-run"
"""The file that makes a folder a run directory."""

_PACKAGES = (
    "ai-edge-litert",
    "keras",
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
    change. Run directories, hidden folders and what lies elsewhere are not seen.
    """
    path = directory / source
    if path.is_file():
        return _digest_files([path], path.parent)
    if path.is_dir():
        return _digest_files(sorted(item for item in path.rglob("*") if item.is_file()), path)
    if ":" in source:
        return _digest_project(directory)
    return source


def versions() -> dict[str, str]:
    """Return the versions of the packages whose results a run holds; absent ones are left out."""
    found = {}
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
        if path.name.startswith((".", "__pycache__")):
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
