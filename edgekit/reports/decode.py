"""From the JSON of a manifest to frozen dataclasses: unknown keys are let pass, wrong types not."""

import math
import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, is_dataclass
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from edgekit.errors import InputError
from edgekit.quantity import Quantity
from edgekit.record.encode import key_of, written_fields
from edgekit.reports.wording import clean

T = TypeVar("T")

_WANTED = {str: "a text", bool: "true or false", int: "a whole number", float: "a number"}


def decode(value: object, cls: type[T], *, key: str = "") -> T:
    """Return the JSON object ``value`` as the dataclass ``cls``.

    A field ``float_`` is read from the key ``float``. Null and absent are the same: the field
    keeps its default, or is None or empty where it may be. Keys that no field is named after are
    let pass, so that a report of this version reads a manifest of a later one.

    Args:
        value: What ``json.loads`` gives for an object.
        cls: A dataclass of texts, numbers, truths, tuples, mappings and dataclasses.
        key: The dotted place of ``value`` in the manifest, for messages.

    Raises:
        InputError: A value of the wrong type, or a missing one; the message gives its place.
    """
    if not isinstance(value, Mapping):
        raise _wrong(value, "an object", key)
    hints = get_type_hints(cls, localns={"Quantity": Quantity})
    values = {}
    for field in written_fields(cls):
        name = key_of(field)
        place = f"{key}.{name}" if key else name
        item = value.get(name)
        if item is not None:
            values[field.name] = _value(item, hints[field.name], place)
        elif is_required(field, hints[field.name]):
            raise InputError(f"the manifest has no '{place}'")
        elif field.default is MISSING:
            values[field.name] = () if get_origin(hints[field.name]) is tuple else None
    try:
        return cls(**values)
    except ValueError as error:  # what a Quantity says of a figure without source or band
        place = f"the manifest's '{key}'" if key else "the manifest"
        raise InputError(f"{place} is wrong: {error}") from error


def is_required(field: "Field[object]", hint: Any) -> bool:  # noqa: ANN401  any type of a field
    """Return whether a manifest must have the value of ``field``, whose type is ``hint``."""
    may_lack = get_origin(hint) is tuple or type(None) in get_args(hint)
    return field.default is MISSING and field.default_factory is MISSING and not may_lack


def _value(value: object, hint: Any, key: str) -> object:  # noqa: ANN401  any type of a field
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        (inner,) = (kind for kind in get_args(hint) if kind is not type(None))
        return _value(value, inner, key)
    if origin is Literal:
        if value not in get_args(hint):
            raise _wrong(value, "one of " + ", ".join(get_args(hint)), key)
        return value
    if origin is tuple:
        return _array(value, get_args(hint)[0], key)
    if origin is Mapping:
        return _mapping(value, get_args(hint)[1], key)
    if is_dataclass(hint):
        return decode(value, hint, key=key)  # type: ignore[arg-type]  # a class, not an instance
    return _scalar(value, hint, key)


def _array(value: object, hint: Any, key: str) -> tuple[object, ...]:  # noqa: ANN401
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise _wrong(value, "an array", key)
    return tuple(_value(item, hint, f"{key}[{index}]") for index, item in enumerate(value))


def _mapping(value: object, hint: Any, key: str) -> dict[str, object]:  # noqa: ANN401
    if not isinstance(value, Mapping):
        raise _wrong(value, "an object", key)
    return {clean(str(name)): _value(item, hint, f"{key}.{name}") for name, item in value.items()}


def _scalar(value: object, kind: Any, key: str) -> object:  # noqa: ANN401
    if kind is object:
        return value
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:  # `isinstance` would take true for a number
        raise _wrong(value, _WANTED[kind], key)
    if isinstance(value, float) and not math.isfinite(value):
        raise _wrong(value, "a finite number", key)
    return clean(value) if isinstance(value, str) else value


def _wrong(value: object, wanted: str, key: str) -> InputError:
    found = repr(value)
    shown = found if len(found) <= 60 else found[:57] + "…"  # noqa: PLR2004  one line of message
    return InputError(f"the manifest's '{key or 'root'}' is {shown}, not {wanted}")
