"""The manifest's JSON Schema, made from the dataclasses that read it, so that both agree."""

import types
from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from edgekit.quantity import Quantity
from edgekit.record.encode import key_of, written_fields
from edgekit.reports.decode import is_required
from edgekit.reports.manifest import SCHEMA, Manifest

_SCALARS = {str: "string", bool: "boolean", int: "integer", float: "number"}


def manifest_schema() -> dict[str, object]:
    """Return the JSON Schema (draft 2020-12) of ``manifest.json``.

    Keys that it does not name may be there: a later version adds some, and takes none away.
    """
    definitions: dict[str, object] = {}
    root = _object(Manifest, definitions)
    properties = root["properties"]
    required = root["required"]
    assert isinstance(properties, dict)
    assert isinstance(required, list)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"{SCHEMA}: the manifest of a build",
        **root,
        "properties": {"schema": {"const": SCHEMA}, **properties},
        "required": ["schema", *required],
        "$defs": dict(sorted(definitions.items())),
    }


def _object(cls: type, definitions: dict[str, object]) -> dict[str, object]:
    hints = get_type_hints(cls, localns={"Quantity": Quantity})
    properties, required = {}, []
    for field in written_fields(cls):
        name = key_of(field)
        kind = _kind(hints[field.name], definitions)
        if is_required(field, hints[field.name]):
            required.append(name)
            properties[name] = kind
        else:
            properties[name] = {"anyOf": [kind, {"type": "null"}]}
    words = " ".join((cls.__doc__ or "").split("\n\n")[0].split()).replace("``", "")
    return {
        "description": words,
        "type": "object",
        "properties": properties,
        "required": required,
    }


def _kind(hint: Any, definitions: dict[str, object]) -> dict[str, object]:  # noqa: ANN401  any type of a field
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        (kind,) = (item for item in inner if item is not type(None))
        return _kind(kind, definitions)
    if origin is Literal:
        return {"enum": list(inner)}
    if origin is tuple:
        return {"type": "array", "items": _kind(inner[0], definitions)}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": _kind(inner[1], definitions)}
    if is_dataclass(hint) and isinstance(hint, type):
        if hint.__name__ not in definitions:
            definitions[hint.__name__] = {}  # its place, should it hold itself
            definitions[hint.__name__] = _object(hint, definitions)
        return {"$ref": f"#/$defs/{hint.__name__}"}
    return {} if hint is object else {"type": _SCALARS[hint]}
