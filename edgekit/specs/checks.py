"""What the tables of a project file refuse, in one sentence each."""

import math
import types
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from edgekit.errors import InputError, suggestion

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_LARGEST_SEED = 2**32 - 1  # TensorFlow seeds NumPy's old generator with it


def check_types(spec: "DataclassInstance", table: str) -> None:
    """Refuse a value that Python lets into a field and that is none of the field's type.

    A number is finite and no truth value, a choice is one of those there are, and a text is no
    list of texts.

    Args:
        spec: A dataclass whose fields a project file can write.
        table: Its dotted key in the file; empty: the file itself.

    Raises:
        InputError: It is not; the message has the dotted key.
    """
    for name, hint in _hints(type(spec)).items():
        value = getattr(spec, name)
        if not _takes(hint, value):
            key = f"{table}.{name}" if table else name
            _check_items(key, hint, value)
            raise InputError(f"{key} is {value!r}, not {_words(hint)}", hint=_nearest(hint, value))


def _check_items(key: str, hint: Any, value: object) -> None:  # noqa: ANN401
    """Refuse the first item of a list that may stand there, and is none of its kind."""
    if get_origin(hint) is not tuple or not isinstance(value, tuple | list):
        return
    kind = get_args(hint)[0]
    for item in value:
        if not _takes(kind, item):
            raise InputError(f"{key} holds {item!r}, not {_words(kind)}", hint=_nearest(kind, item))


@cache
def _hints(spec: type) -> dict[str, Any]:
    hints = get_type_hints(spec, include_extras=True)
    return {field.name: hints[field.name] for field in fields(spec)}


def _takes(hint: Any, value: object) -> bool:  # noqa: ANN401, PLR0911  one return a kind of type
    origin = get_origin(hint)
    if origin is Annotated:
        return _takes(get_args(hint)[0], value)
    if origin in (Union, types.UnionType):
        return any(_takes(kind, value) for kind in get_args(hint))
    if origin is Literal:
        return isinstance(value, str) and value in get_args(hint)
    if origin is tuple:
        kind = get_args(hint)[0]
        return isinstance(value, tuple | list) and all(_takes(kind, item) for item in value)
    if origin in (dict, Mapping):
        kind = get_args(hint)[1]
        return isinstance(value, Mapping) and all(_takes(kind, item) for item in value.values())
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if hint is float:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return is_number and -math.inf < value < math.inf  # type: ignore[operator]  # a number
    return isinstance(value, hint)


_WORDS = {str: "a text", bool: "true or false", int: "a whole number", float: "a finite number"}


def _words(hint: Any) -> str:  # noqa: ANN401
    origin = get_origin(hint)
    if origin is Annotated:
        return _words(get_args(hint)[0])
    if origin in (Union, types.UnionType):
        kinds = (kind for kind in get_args(hint) if kind is not type(None))
        return " or ".join(_words(kind) for kind in kinds)
    if origin is Literal:
        return "one of " + ", ".join(map(str, get_args(hint)))
    if origin is tuple:
        return f"a tuple, each {_words(get_args(hint)[0])}"
    if origin in (dict, Mapping):
        return f"a mapping, each to {_words(get_args(hint)[1])}"
    return str(_WORDS.get(hint, f"a {hint.__name__}"))


def _nearest(hint: Any, value: object) -> str | None:  # noqa: ANN401
    if get_origin(hint) is Literal and isinstance(value, str):
        return suggestion(value, get_args(hint))
    return f"write ({value!r},)" if get_origin(hint) is tuple and isinstance(value, str) else None


def check_confidence(key: str, value: float) -> None:
    """Refuse a confidence that shows nothing, or that no number of samples can give.

    Raises:
        InputError: It is not from 0.5 to below 1; the message has the dotted ``key``.
    """
    if not 0.5 <= value < 1:  # noqa: PLR2004  a coin knows as much
        raise InputError(f"{key} is {value:g}, not from 0.5 to below 1", hint="such as 0.95")


def check_fraction(key: str, value: float, *, example: str) -> None:
    """Refuse a value that is no fraction between 0 and 1.

    Raises:
        InputError: It is not; the message has the dotted ``key`` and the hint the ``example``.
    """
    if not 0 < value < 1:
        raise InputError(
            f"{key} is {value:g}, not a fraction between 0 and 1", hint=f"such as {example}"
        )


def check_names(key: str, value: object) -> None:
    """Refuse one name where several may stand: its letters would be taken for them.

    Raises:
        InputError: It is a text; the message has the dotted ``key``.
    """
    if isinstance(value, str):
        raise InputError(f"{key} is {value!r}, not a tuple of names", hint=f"write ({value!r},)")


def check_named(key: str, value: str) -> None:
    """Refuse an empty text where something is named: it would be taken for the folder itself.

    Raises:
        InputError: It is; the message has the dotted ``key``.
    """
    if not value.strip():
        raise InputError(f"{key} is empty: it names nothing")


def check_count(key: str, value: int, *, least: int) -> None:
    """Refuse what is no whole number, or one below ``least``.

    Raises:
        InputError: It is; the message has the dotted ``key``.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(f"{key} is {value!r}, not a whole number")
    if value < least:
        raise InputError(f"{key} is {value}, not {least} or more")


def check_seed(value: int) -> None:
    """Refuse what cannot seed NumPy and TensorFlow alike.

    Raises:
        InputError: It is.
    """
    check_count("seed", value, least=0)
    if value > _LARGEST_SEED:
        raise InputError(f"seed is {value}, beyond {_LARGEST_SEED}")


def check_drop(key: str, value: float) -> None:
    """Refuse a loss that is negative, infinite or NaN.

    Raises:
        InputError: It is; the message has the dotted ``key``.
    """
    if not 0 <= value < math.inf:
        raise InputError(f"{key} is {value:g}, not 0 or more")


def check_sparsity(key: str, value: float | None) -> None:
    """Refuse a fraction of zeros that is none, or that leaves nothing.

    Raises:
        InputError: It is; the message has the dotted ``key``.
    """
    if value is not None and not 0 <= value < 1:
        raise InputError(f"{key} is {value:g}, not from 0 to below 1")
