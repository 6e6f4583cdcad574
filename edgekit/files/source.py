"""Where a model, data or a loss come from: what the text that names them means.

It stands below the project, for the fingerprint of a source must know as well.
"""

import re
from pathlib import Path
from typing import Literal

RANDOM = "random"
"""Names data that are made: for size and fit alone."""
_FUNCTION = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")

SourceKind = Literal["random", "tflite", "folder", "npz", "file", "function", "missing"]


def source_kind(source: str, directory: Path) -> SourceKind:
    """Return what ``source``, relative to ``directory``, is; what lies there goes before code.

    ``"tflite"`` and ``"npz"`` go by the name, there or not. A ``"function"`` is one by its form.
    """
    path = directory / source
    if source == RANDOM:
        return "random"
    if source.endswith(".tflite"):
        return "tflite"
    if path.is_dir():
        return "folder"
    if path.suffix == ".npz":
        return "npz"
    if path.exists():
        return "file"
    return "function" if is_function(source) else "missing"


def is_function(source: str) -> bool:
    """Return whether ``source`` reads as ``module:function``, whatever lies there."""
    return _FUNCTION.fullmatch(source) is not None


def module_folders(directory: Path, *sources: str) -> tuple[Path, ...]:
    """Return the folder that a worker imports from first: the project's, if it names a function.

    Without one nothing there is code: a file called ``numpy.py`` beside a stranger's data is not
    imported.
    """
    return (directory,) if any(map(is_function, sources)) else ()


def source_file(source: str, directory: Path) -> Path:
    """Return the file or folder that ``source`` names: a path, or a ``module:function``'s file."""
    path = directory / source
    if path.exists() or not is_function(source):
        return path
    module = directory / module_of(source).replace(".", "/")
    return module if module.is_dir() else module.with_suffix(".py")


def module_of(source: str) -> str:
    """Return ``module`` of ``module:function``, and anything else as it is."""
    return source.partition(":")[0]
