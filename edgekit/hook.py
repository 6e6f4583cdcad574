"""A ``module:function`` that the user wrote: a model, data or a loss as Python."""

import importlib
import re
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from edgekit.errors import EdgekitError, InputError, suggestion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_REFERENCE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


def is_hook(source: str) -> bool:
    """Return whether ``source`` reads as ``module:function``."""
    return _REFERENCE.fullmatch(source) is not None


def call(source: str, directory: "Path", *, what: str) -> object:
    """Return what the user's function gives, called without arguments.

    Args:
        source: ``module:function``.
        directory: Where the user's modules are found, before any others.
        what: What the function makes, for messages: ``"the data"``.

    Raises:
        InputError: No such module or function, or it failed; the message has its own words.
    """
    function = find(source, directory, what=what)
    with _import_from(directory):
        try:
            return function()
        except EdgekitError:
            raise
        except (Exception, SystemExit) as error:  # user code may raise anything
            raise InputError(
                f"{what}: '{source}' failed: {type(error).__name__}: {error}"
            ) from error


def find(source: str, directory: "Path", *, what: str) -> "Callable[..., object]":
    """Return the function ``module:function`` itself; see `call`."""
    module_name, _, name = source.partition(":")
    with _import_from(directory):
        try:
            module = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            raise _missing(error, module_name, source, directory, what) from error
        except Exception as error:  # user code may raise anything
            raise InputError(
                f"{what}: module '{module_name}' failed: {type(error).__name__}: {error}"
            ) from error
    function = getattr(module, name, None)
    if not callable(function):
        public = [item for item in vars(module) if not item.startswith("_")]
        raise InputError(
            f"{what}: module '{module_name}' has no function '{name}'",
            hint=suggestion(name, public) if public else None,
        )
    return function  # type: ignore[no-any-return]  # `callable` was the check


@contextmanager
def _import_from(directory: "Path") -> "Iterator[None]":
    sys.path.insert(0, str(directory))
    try:
        yield
    finally:
        sys.path.remove(str(directory))


def _missing(
    error: ModuleNotFoundError, module: str, source: str, directory: "Path", what: str
) -> InputError:
    if error.name is not None and (module == error.name or module.startswith(f"{error.name}.")):
        return InputError(
            f"{what}: no module '{module}' for '{source}' in {directory}",
            hint=f"put {module.replace('.', '/')}.py into {directory}",
        )
    return InputError(
        f"{what}: module '{module}' needs '{error.name}', which is not installed",
        hint=f"pip install {error.name}",
    )
