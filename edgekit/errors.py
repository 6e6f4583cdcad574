"""Every way in which edgekit refuses: one exception for each exit code."""

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class EdgekitError(Exception):
    """What the user must put right before edgekit can go on.

    Args:
        message: One sentence: where, what, and the value found.
        hint: What to type or change, if edgekit knows.
    """

    exit_code = 70

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __reduce__(self) -> tuple[object, ...]:
        # Errors cross the border between processes with their hint.
        return _rebuild, (type(self), self.message, self.hint)


class UsageError(EdgekitError):
    """The call itself is wrong: an option, an argument, a folder in the way."""

    exit_code = 2


class InputError(EdgekitError):
    """A project, target or data file is missing, damaged or does not fit."""

    exit_code = 3


class UnsupportedModelError(EdgekitError):
    """The model holds something that edgekit or the runtime cannot take."""

    exit_code = 4


class MissingDependencyError(EdgekitError):
    """A package or tool is not installed; the hint is the line that installs it."""

    exit_code = 5


class ToolError(EdgekitError):
    """A converter, compiler or runtime failed."""

    exit_code = 6


class CrashError(ToolError):
    """A process that ran it was ended by a signal."""


def suggestion(name: str, known: "Iterable[str]") -> str:
    """Return a hint that names the nearest known name, or lists all there are."""
    names = sorted(known)
    near = get_close_matches(name, names, n=1)
    return f"did you mean '{near[0]}'?" if near else f"known: {', '.join(names)}"


def _rebuild(kind: type[EdgekitError], message: str, hint: str | None) -> EdgekitError:
    return kind(message, hint=hint)
