"""The reference pages, from the code: ``python tests/support/reference_pages.py`` writes them.

``docs/commands.md`` is made from the command line itself, ``docs/project.md`` from the dataclasses
that a project file is decoded into.
"""

import inspect
import re
import types
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import click

from edgekit.cli import edgekit
from edgekit.files.whole_files import write_text
from edgekit.project.project import Project
from edgekit.quantity import parse_bytes, parse_hertz, parse_microseconds

DOCS = Path(__file__).parents[2] / "docs"
COMMANDS_PAGE = DOCS / "commands.md"
PROJECT_PAGE = DOCS / "project.md"

_EVERYWHERE = {"--quiet", "--verbose", "--help"}
_SCALARS = {str: "text", bool: "true or false", int: "whole number", float: "number"}
_UNITS = {parse_bytes: '`"64KiB"`', parse_microseconds: '`"20ms"`', parse_hertz: '`"64MHz"`'}


def leaves() -> Iterator[tuple[str, click.Command]]:
    """Yield every command that does something, with its full name."""
    context = click.Context(edgekit)
    for name in edgekit.list_commands(context):
        command = edgekit.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from ((f"{name} {below}", item) for below, item in command.commands.items())
        else:
            yield name, command


def example(command: click.Command) -> str:
    """Return the lines of a command's help that can be typed."""
    _, _, shown = (command.help or "").rpartition("\b\n")
    return inspect.cleandoc(shown).strip()


def commands_page() -> str:
    """Return the reference of the command line."""
    lines = [
        "# Commands",
        "",
        "Written by `python tests/support/reference_pages.py` from the commands themselves.",
        "",
        "Each takes `-q` (no progress), `-v` (tell on stderr what goes on) and `-h`.",
        '`--json` prints one JSON object, `"schema": "edgekit.<command>/1"`, and nothing else.',
        "Sizes are written `256KiB`, times `20ms`. Exit codes: see the [README](../README.md).",
    ]
    for name, command in leaves():
        lines += ["", *_command(name, command)]
    return "\n".join(lines) + "\n"


def _command(name: str, command: click.Command) -> list[str]:
    told, _, _ = (command.help or "").rpartition("\b\n")
    usage = " ".join(command.collect_usage_pieces(click.Context(command)))
    rows = [
        f"| `{_spelling(item)}` | {(item.help or '').replace('|', chr(92) + '|')} |"
        for item in command.params
        if isinstance(item, click.Option) and not _EVERYWHERE & set(item.opts)
    ]
    return [
        f"## edgekit {name}",
        "",
        f"`edgekit {name} {usage}`",
        "",
        inspect.cleandoc(told.replace("\b\n", "")).strip(),
        "",
        "```",
        example(command),
        "```",
        *(["", "| option | |", "| --- | --- |", *rows] if rows else []),
    ]


def _spelling(option: click.Option) -> str:
    name = ", ".join(sorted(option.opts, key=len))
    if option.is_flag:
        return name
    if isinstance(option.type, click.Choice):
        return f"{name} {'/'.join(option.type.choices)}"
    return f"{name} {option.make_metavar(click.Context(click.Command('x')))}"


def project_page() -> str:
    """Return the reference of the project file."""
    lines = [
        "# The project file",
        "",
        "Written by `python tests/support/reference_pages.py` from the code that reads the file.",
        "",
        "`edgekit.toml`, or the table `[tool.edgekit]` of a `pyproject.toml`. `edgekit init` gives",
        "one to start from. An unknown key, a wrong type or a number without its unit is an error",
        "that names the file and the key; nothing is run then.",
    ]
    hints = get_type_hints(Project, include_extras=True)
    tables = [item for item in fields(Project) if _table_of(hints[item.name])]
    plain = [item for item in fields(Project) if item not in tables and item.name != "directory"]
    lines += ["", "## Top level", "", *_keys(Project, plain)]
    for item in tables:
        kind = _table_of(hints[item.name])
        assert kind is not None
        lines += ["", f"## [{item.name}]", "", *_preface(kind), *_keys(kind, list(fields(kind)))]
    return "\n".join(lines) + "\n"


def _table_of(hint: Any) -> Any:
    """Return the dataclass that a field is, or None for a plain value."""
    kinds = [hint, *get_args(hint)]
    return next((kind for kind in kinds if is_dataclass(kind)), None)


def _preface(kind: Any) -> list[str]:
    told, _, _ = inspect.cleandoc(kind.__doc__).partition("Args:\n")
    return [" ".join(told.replace("``", "`").split()), ""]


def _keys(kind: Any, wanted: list[Field[Any]]) -> list[str]:
    hints = get_type_hints(kind, include_extras=True)
    meanings = arguments(kind.__doc__)
    rows = [
        f"| `{item.name}` | {_type(hints[item.name])} | {_default(item)} | {meanings[item.name]} |"
        for item in wanted
    ]
    return ["| key | value | default | |", "| --- | --- | --- | --- |", *rows]


def arguments(docstring: str) -> dict[str, str]:
    """Return what a docstring's ``Args`` say of each."""
    _, _, block = inspect.cleandoc(docstring).partition("Args:\n")
    found = re.findall(r"^    (\w+): (.*(?:\n {8}.*)*)", block, flags=re.MULTILINE)
    return {name: " ".join(text.replace("``", "`").split()) for name, text in found}


def _type(hint: Any) -> str:  # noqa: PLR0911  one return a kind of type
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return next((text for parse, text in _UNITS.items() if parse in hint.__metadata__), "text")
    if origin in (Union, types.UnionType):
        return " or ".join(_type(part) for part in parts if part is not type(None))
    if origin is Literal:
        return ", ".join(f'`"{part}"`' if isinstance(part, str) else f"`{part}`" for part in parts)
    if origin is tuple:
        return f"array of {_type(parts[0])}"
    if origin in (dict, Mapping):
        return f"table of {_type(parts[1])}"
    if is_dataclass(hint):
        keys = ", ".join(item.name for item in fields(hint))
        return f"table of {keys}"
    return _SCALARS[hint]


def _default(item: Field[Any]) -> str:
    if item.default is MISSING:
        return "needed" if item.default_factory is MISSING else ""
    if item.default is None or item.default == ():
        return ""
    if isinstance(item.default, bool):
        return f"`{str(item.default).lower()}`"
    if isinstance(item.default, tuple):
        return f"`{list(item.default)}`"
    return f'`"{item.default}"`' if isinstance(item.default, str) else f"`{item.default}`"


if __name__ == "__main__":
    write_text(COMMANDS_PAGE, commands_page())
    write_text(PROJECT_PAGE, project_page())
