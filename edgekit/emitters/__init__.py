"""A model as firmware: C arrays, the operators it needs, conversions, vectors, whole projects."""

from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from edgekit.emitters.c_array import c_array
from edgekit.emitters.firmware import EmittedFile, Firmware, Vectors, check_integer, firmware
from edgekit.emitters.names import check_name
from edgekit.emitters.projects import project_formats
from edgekit.errors import UsageError, suggestion

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edgekit.quantity import Quantity

__all__ = [
    "FORMATS",
    "EmittedFile",
    "Firmware",
    "Vectors",
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
    model: bytes,
    *,
    name: str,
    format: str = "c-array",  # noqa: A002  the word of the command line
    arena_bytes: "Quantity | None",
    vectors: Vectors | None = None,
    labels: tuple[str, ...] = (),
    scale: float = 1.0,
    offset: float = 0.0,
) -> tuple[EmittedFile, ...]:
    """Return the files of ``model`` in one format; nothing is written.

    Args:
        model: A whole `.tflite` file, fully integer.
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
        InputError: Not a TFLite file, or vectors that do not fit the model.
        UnsupportedModelError: A float model, or an operator that TFLite-Micro lacks.
    """
    known = formats()
    if format not in known:
        raise UsageError(f"no format is called '{format}'", hint=suggestion(format, known))
    return known[format](
        firmware(
            model,
            name=name,
            arena_bytes=arena_bytes,
            vectors=vectors,
            labels=labels,
            scale=scale,
            offset=offset,
        )
    )


def formats() -> "Mapping[str, Callable[[Firmware], tuple[EmittedFile, ...]]]":
    """Return our own formats and those of installed packages, by name."""
    found = {point.name: point.load() for point in entry_points(group=_ENTRY_POINTS)}
    return {**found, **FORMATS}
