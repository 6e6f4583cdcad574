"""From a TOML table to a frozen dataclass, strictly: an unknown key or wrong type is an error."""

import json
import tomllib
import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from decimal import Decimal
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from edgekit.errors import EdgekitError, InputError, suggestion
from edgekit.quantity import parse_bytes, parse_hertz, parse_microseconds

if TYPE_CHECKING:
    from pathlib import Path

Bytes = Annotated[int, parse_bytes]
"""A field written as ``"256KiB"`` and held in bytes."""
Microseconds = Annotated[float, parse_microseconds]
"""A field written as ``"20ms"`` and held in microseconds."""
Hertz = Annotated[int, parse_hertz]
"""A field written as ``"120MHz"`` and held in hertz."""

_EXAMPLES = {parse_bytes: "256KiB", parse_microseconds: "20ms", parse_hertz: "64MHz"}

_UNITS: Mapping[object, str] = {parse_bytes: "B", parse_microseconds: "us", parse_hertz: "Hz"}

_LARGEST_BYTES = 2**20  # a file that somebody wrote has some thousand

T = TypeVar("T")


def read(path: "Path") -> dict[str, object]:
    """Return the table in the TOML file ``path``.

    Raises:
        InputError: The file cannot be read, is not UTF-8 or is not TOML.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(_LARGEST_BYTES + 1)
        if len(content) > _LARGEST_BYTES:
            raise InputError(f"{path}: is larger than {_LARGEST_BYTES:,} B, and no settings")
        return tomllib.loads(content.decode())
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    except (ValueError, RecursionError) as error:  # whole numbers of 4,300 digits, too
        raise InputError(f"{path}: is not TOML: {error}") from error


def decode(
    table: Mapping[str, object],
    cls: type[T],
    *,
    where: str,
    key: str = "",
    given: Mapping[str, object] = types.MappingProxyType({}),
) -> T:
    """Return ``table`` as the dataclass ``cls``.

    Args:
        table: Keys are field names; fields of a dataclass type are sub-tables, of a tuple
            type arrays.
        cls: A dataclass whose fields are ``str``, ``bool``, ``int``, ``float``, ``Literal``,
            ``Bytes``, ``Hertz``, ``Microseconds``, dataclasses, tuples or mappings of these,
            or any of them ``| None``.
        where: The file, for messages.
        key: The dotted key of ``table`` in the file.
        given: Fields that the caller sets and the file cannot.

    Raises:
        InputError: An unknown or missing key, or a value of the wrong type; the message gives
            the file and the dotted key.
    """
    hints = get_type_hints(cls, include_extras=True)
    for name in given:
        del hints[name]
    for name in table:
        if name not in hints:
            raise InputError(
                f"{where}: unknown key '{_dotted(key, name)}'", hint=suggestion(name, hints)
            )
    values = dict(given)
    for field in fields(cls):  # type: ignore[arg-type]  # T is a dataclass by contract
        if field.name in given:
            continue
        dotted = _dotted(key, field.name)
        if field.name in table:
            values[field.name] = _value(table[field.name], hints[field.name], where, dotted)
        elif field.default is MISSING and field.default_factory is MISSING:
            raise InputError(f"{where}: '{dotted}' is missing")
    try:
        return cls(**values)
    except EdgekitError as error:  # a value that a field's own check refuses
        raise InputError(f"{where}: {error.message}", hint=error.hint) from error


def as_written(values: Mapping[str, object], cls: type) -> dict[str, object]:
    """Return the table from which `decode` makes the ``cls`` that ``values`` are the fields of.

    Args:
        values: JSON values, as ``dataclasses.asdict`` gives them: quantities are bare numbers.
        cls: As `decode` takes it.
    """
    hints = get_type_hints(cls, include_extras=True)
    return {
        name: _written(value, hints[name]) if name in hints else value
        for name, value in values.items()
    }


def _written(value: object, hint: Any) -> object:  # noqa: ANN401
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        kinds = [_written(value, kind) for kind in get_args(hint)]
        return next((item for item in kinds if item != value), value)
    if origin is Annotated and isinstance(value, int | float):
        return f"{Decimal(repr(value)):f}{_UNITS[hint.__metadata__[0]]}"
    if isinstance(value, list) and origin is tuple:
        return [_written(item, get_args(hint)[0]) for item in value]
    if isinstance(value, dict) and origin in (dict, Mapping):
        return {name: _written(item, get_args(hint)[1]) for name, item in value.items()}
    if isinstance(value, dict) and is_dataclass(hint):
        return as_written(value, hint)  # type: ignore[arg-type]  # a class, not an instance
    return value


def _dotted(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name


def _value(value: object, hint: Any, where: str, key: str) -> object:  # noqa: ANN401, PLR0911  one return a kind of type
    origin = get_origin(hint)
    if origin is Annotated:
        return _quantity(value, hint.__metadata__[0], where, key)
    if origin in (Union, types.UnionType):
        return _union(value, get_args(hint), where, key)
    if origin is Literal:
        return _literal(value, get_args(hint), where, key)
    if origin is tuple:
        return _array(value, get_args(hint)[0], where, key)
    if origin in (dict, Mapping):
        if not isinstance(value, dict):
            raise _wrong(value, "a table", where, key)
        kind = get_args(hint)[1]
        return {name: _value(item, kind, where, _dotted(key, name)) for name, item in value.items()}
    if is_dataclass(hint):
        if not isinstance(value, dict):
            raise _wrong(value, "a table", where, key)
        return decode(value, hint, where=where, key=key)  # type: ignore[arg-type]
    return _scalar(value, hint, where, key)


def _quantity(value: object, parse: Any, where: str, key: str) -> object:  # noqa: ANN401
    if not isinstance(value, str):
        raise _wrong(value, "a text with a unit", where, key, hint=f'such as "{_EXAMPLES[parse]}"')
    try:
        return parse(value)
    except InputError as error:
        raise InputError(f"{where}: {key}: {error.message}", hint=error.hint) from error


def _union(value: object, kinds: tuple[Any, ...], where: str, key: str) -> object:
    """Return ``value`` as the first kind that takes it; the last refusal is the message."""
    if value is None and type(None) in kinds:  # never from TOML, often from our own JSON
        return None
    tables = isinstance(value, dict)  # a table is meant for the one kind that takes tables
    fitting = [kind for kind in kinds if is_dataclass(kind) is tables and kind is not type(None)]
    *first, last = fitting or [kind for kind in kinds if kind is not type(None)]
    for kind in first:
        try:
            return _value(value, kind, where, key)
        except InputError:
            continue
    return _value(value, last, where, key)


def _literal(value: object, allowed: tuple[object, ...], where: str, key: str) -> object:
    if value in allowed:
        return value
    names = [str(item) for item in allowed]
    raise InputError(f"{where}: {key} is '{value}'", hint=suggestion(str(value), names))


def _array(value: object, kind: Any, where: str, key: str) -> object:  # noqa: ANN401
    if not isinstance(value, list):
        hint = f"in brackets: [{json.dumps(value)}]" if isinstance(value, str) else None
        raise _wrong(value, "an array", where, key, hint=hint)
    return tuple(_value(item, kind, where, f"{key}[{index}]") for index, item in enumerate(value))


_SCALARS = {str: "a text", bool: "true or false", int: "a whole number", float: "a number"}


def _scalar(value: object, kind: Any, where: str, key: str) -> object:  # noqa: ANN401
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:  # `isinstance` would take true for a number
        raise _wrong(value, _SCALARS[kind], where, key)
    return value


def _wrong(
    value: object, wanted: str, where: str, key: str, *, hint: str | None = None
) -> InputError:
    return InputError(f"{where}: {key} is {value!r}, not {wanted}", hint=hint)
