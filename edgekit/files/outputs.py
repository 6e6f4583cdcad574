"""Where a command may write: nowhere that it reads."""

import re
from typing import TYPE_CHECKING

from edgekit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_PARTS = re.compile(
    r"(saved_model|keras_metadata|fingerprint)\.pb|.+\.(index|data-\d+-of-\d+|png|jpe?g|bmp)",
    re.IGNORECASE,
)
"""The files that are read in a folder that is an input: of a SavedModel, and images."""


def check_output_file(out: "Path", inputs: "Iterable[Path]", *, option: str = "--out") -> None:
    """Refuse to write a file that is an input, or a part of one.

    Symbolic links are resolved, and a hard link is the file itself.

    Args:
        out: The file to write.
        inputs: Files and folders that are read; those that are not there do no harm.
        option: That names ``out``.

    Raises:
        UsageError: It is, or ``out`` is a folder.
    """
    hint = f"name another file: {option} FILE"
    if out.is_dir():
        raise UsageError(f"{out} is a folder, not a file", hint=hint)
    for path in inputs:
        if _is_same(out, path):
            raise UsageError(f"{out} is {_name(out, path)}, which stays as it is", hint=hint)
        inside = path.is_dir() and out.exists() and out.resolve().is_relative_to(path.resolve())
        if inside and _PARTS.fullmatch(out.name):
            raise UsageError(f"{out} is a part of {path}, which stays as it is", hint=hint)


def check_output_folder(out: "Path", inputs: "Iterable[Path]") -> None:
    """Refuse to write a folder that is an input, or that holds one; see `check_output_file`.

    Raises:
        UsageError: It is, or does.
    """
    hint = "name another folder: --out DIR"
    for path in inputs:
        if _is_same(out, path):
            raise UsageError(f"{out} is {_name(out, path)}, which stays as it is", hint=hint)
        if path.exists() and path.resolve().is_relative_to(out.resolve()):
            raise UsageError(f"{out} holds {path}, which is read and stays as it is", hint=hint)


def _is_same(out: "Path", path: "Path") -> bool:
    return out.exists() and path.exists() and out.samefile(path)


def _name(out: "Path", path: "Path") -> str:
    """Return how to call an input that ``out`` is, perhaps by another name."""
    return "an input" if out == path else f"the input {path}"
