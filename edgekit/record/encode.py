"""From frozen values to the JSON values that stand for them."""

from collections.abc import Mapping
from dataclasses import Field, fields, is_dataclass

UNWRITTEN: Mapping[str, object] = {"written": False}
"""Metadata of a field that is known where the value is made, and not written."""


def written_fields(cls: type) -> "tuple[Field[object], ...]":
    """Return the fields of a dataclass that stand in its JSON."""
    return tuple(item for item in fields(cls) if item.metadata.get("written", True))


def key_of(field: "Field[object]") -> str:
    """Return the key of a field: its name, without the underscore that keeps off a keyword."""
    return field.name.removesuffix("_")


def encode(value: object) -> object:
    """Return ``value`` as JSON values: a dataclass as the object of its written fields."""
    if is_dataclass(value) and not isinstance(value, type):
        return {
            key_of(item): encode(getattr(value, item.name)) for item in written_fields(type(value))
        }
    if isinstance(value, Mapping):
        return {name: encode(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [encode(item) for item in value]
    return value
