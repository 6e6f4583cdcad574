"""What a source was when it was read: reused stages depend on it."""

import hashlib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

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

    A ``module:function`` stands for every ``.py`` file of the project's folder; what such code
    reads besides is not seen.
    """
    path = directory / source
    if path.is_file():
        return _digest_files([path], path.parent)
    if path.is_dir():
        return _digest_files(sorted(item for item in path.rglob("*") if item.is_file()), path)
    if ":" in source:
        return _digest_files(sorted(directory.glob("*.py")), directory)
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


def _digest_files(paths: list[Path], base: Path) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(str(path.relative_to(base)).encode() + b"\0")
        with path.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()
