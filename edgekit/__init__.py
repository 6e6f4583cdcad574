"""From a Keras model to verified firmware: prune, quantize, convert, prove that it fits, emit C.

Each command is a function here: ``edgekit.build("examples/digits")``. They are loaded when they
are first used, so that importing edgekit is light.
"""

from typing import TYPE_CHECKING

from edgekit.version import __version__ as __version__

if TYPE_CHECKING:
    from edgekit.api import (
        bench,
        build,
        check,
        compare,
        convert,
        doctor,
        emit,
        explain,
        init,
        inspect,
        reproduce,
        sensitivity,
        shrink,
        verify,
    )
    from edgekit.project.project import Project

__all__ = [
    "Project",
    "bench",
    "build",
    "check",
    "compare",
    "convert",
    "doctor",
    "emit",
    "explain",
    "init",
    "inspect",
    "reproduce",
    "sensitivity",
    "shrink",
    "verify",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'edgekit' has no attribute '{name}'")
    import importlib

    module = importlib.import_module(
        "edgekit.project.project" if name == "Project" else "edgekit.api"
    )
    return getattr(module, name)
