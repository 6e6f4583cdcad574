"""The formats that firmware is written in, by name: edgekit's own, and those of other packages."""

from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING

from edgekit.emission.c_array import c_array
from edgekit.emission.firmware import EmittedFile, Firmware, GoldenVectors, check_integer, firmware
from edgekit.emission.names import check_name
from edgekit.emission.projects import project_formats
from edgekit.errors import MissingDependencyError, UsageError, suggestion

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edgekit.model.file import ModelFile
    from edgekit.quantity import Quantity

__all__ = [
    "FORMATS",
    "EmittedFile",
    "Firmware",
    "GoldenVectors",
    "check_integer",
    "check_name",
    "emit",
    "formats",
]

FORMATS: "Mapping[str, Callable[[Firmware], tuple[EmittedFile, ...]]]" = {
    "c-array": c_array,
    **project_formats(),
}
"""Each format's function: from a checked model to files."""

_ENTRY_POINTS = "edgekit.emitters"


def emit(
    file: "ModelFile",
    *,
    name: str,
    format: str = "c-array",  # noqa: A002  the word of the command line
    arena_bytes: "Quantity | None",
    vectors: GoldenVectors | None = None,
    labels: tuple[str, ...] = (),
    scale: float = 1.0,
    offset: float = 0.0,
) -> tuple[EmittedFile, ...]:
    """Return the files of a model in one format; nothing is written.

    Args:
        file: A fully integer model.
        name: A C identifier; files, arrays and functions begin with it.
        format: One of `formats`.
        arena_bytes: Of the tensor arena, with its kind and source. None leaves
            ``NAME_arena.h`` out of ``c-array``; projects cannot do without.
        vectors: Golden vectors for the self-test, or None.
        labels: Names of the classes, in the order of the first output.
        scale: Multiplied with every raw input value, before ``offset`` is added.
        offset: Added to every scaled input value.

    Raises:
        UsageError: A name that C cannot take, an unknown format, a project without an arena.
        InputError: Vectors that do not fit the model.
        UnsupportedModelError: A float model, or an operator that TFLite-Micro lacks.
    """
    write = FORMATS.get(format) or _installed(format)
    return write(
        firmware(
            file,
            name=name,
            arena_bytes=arena_bytes,
            vectors=vectors,
            labels=labels,
            scale=scale,
            offset=offset,
        )
    )


def formats() -> tuple[str, ...]:
    """Return the names of our own formats and of those of installed packages."""
    return (*FORMATS, *(name for name in _points() if name not in FORMATS))


def _installed(format: str) -> "Callable[[Firmware], tuple[EmittedFile, ...]]":  # noqa: A002
    """Return the function of a package's format; no other package is loaded.

    Raises:
        UsageError: No package has it, or two have.
        MissingDependencyError: It cannot be loaded.
    """
    points = _points().get(format, ())
    if not points:
        raise UsageError(f"no format is called '{format}'", hint=suggestion(format, formats()))
    values = " and ".join(point.value for point in points)
    if len(points) > 1:
        raise UsageError(
            f"{len(points)} plug-ins have a format '{format}': {values}",
            hint="uninstall all but one of them",
        )
    try:
        found = points[0].load()
    except Exception as error:  # a stranger's code, which may raise anything
        raise MissingDependencyError(
            f"the format '{format}' of the plug-in {values} cannot be loaded: "
            f"{type(error).__name__}: {error}",
            hint="install that package anew, or uninstall it",
        ) from error
    if not callable(found):
        raise UsageError(f"the format '{format}' of the plug-in {values} is no function")
    return found  # type: ignore[no-any-return]  # `callable` was the check


def _points() -> "Mapping[str, tuple[EntryPoint, ...]]":
    found: dict[str, tuple[EntryPoint, ...]] = {}
    for point in entry_points(group=_ENTRY_POINTS):
        if all(point.value != other.value for other in found.get(point.name, ())):
            found[point.name] = (*found.get(point.name, ()), point)
    return found
