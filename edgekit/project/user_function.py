"""A ``module:function`` that the user wrote: a model, data or a loss as Python."""

import importlib
import sys
from contextlib import contextmanager
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from edgekit.errors import EdgekitError, InputError, suggestion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_OURS: set[str] = set()  # names of modules that were imported from a project


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
    module = _imported(module_name, source, directory, what)
    function = getattr(module, name, None)
    if not callable(function):
        public = [item for item in vars(module) if not item.startswith("_")]
        raise InputError(
            f"{what}: module '{module_name}' has no function '{name}'",
            hint=suggestion(name, public) if public else None,
        )
    return function  # type: ignore[no-any-return]  # `callable` was the check


def import_module(name: str, directory: "Path", *, what: str) -> None:
    """Import a module of the user's own, so that the classes that it registers are known.

    Args:
        name: Of the module, dotted.
        directory: As `call`.
        what: The key that names it, for messages.

    Raises:
        InputError: No such module, or it failed.
    """
    _imported(name, name, directory, what)


def _imported(name: str, source: str, directory: "Path", what: str) -> ModuleType:
    _require_own(name, source, directory, what)
    with _import_from(directory):
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError as error:
            raise _missing(error, name, source, directory, what) from error
        except Exception as error:  # user code may raise anything
            raise InputError(
                f"{what}: module '{name}' failed: {type(error).__name__}: {error}"
            ) from error
    _check_place(module, directory, what)
    return module


def _require_own(module: str, source: str, directory: "Path", what: str) -> None:
    """Refuse a module that does not lie in the project, before it is imported.

    A file of a stranger can name a module too: a model its loss. Of all that is installed, only
    the user's own project is meant.
    """
    top = module.partition(".")[0]
    if PathFinder.find_spec(top, [str(directory)]) is None:
        raise InputError(
            f"{what}: no module '{module}' for '{source}' in {directory}",
            hint=f"put {module.replace('.', '/')}.py into {directory}",
        )
    held = getattr(sys.modules.get(top), "__file__", None)
    if top in _OURS and held is not None and not _lies_in(held, directory):
        for name in [item for item in sys.modules if item == top or item.startswith(f"{top}.")]:
            del sys.modules[name]  # of another project that this process has read
    if top not in sys.modules:
        _OURS.add(top)


def _check_place(module: ModuleType, directory: "Path", what: str) -> None:
    """Refuse a module of that name from elsewhere, which Python had before the project's."""
    place = getattr(module, "__file__", None)
    if place is None or not _lies_in(place, directory):
        raise InputError(
            f"{what}: module '{module.__name__}' is {place or 'a part of Python'}, not one of the "
            f"project in {directory}",
            hint="give the file in the project another name",
        )


def _lies_in(place: str, directory: "Path") -> bool:
    return Path(place).absolute().is_relative_to(directory.absolute())


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
        return InputError(  # the package is there, what is asked of it is not
            f"{what}: no module '{module}' for '{source}' in {directory}",
            hint=f"put {module.replace('.', '/')}.py into {directory}",
        )
    return InputError(
        f"{what}: module '{module}' needs '{error.name}', which is not installed",
        hint=f"pip install {error.name}",
    )
