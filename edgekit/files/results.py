"""What results have in common: a `repr` that fits a screen, and their command's JSON as a file."""

from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.files.whole_files import json_text, write_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_COLUMNS = 80
_LINES = 10


def told(title: str, **facts: object) -> str:
    """Return a result as a terminal shows it: its title, and a line for each fact.

    Args:
        title: The first line.
        facts: By their attributes; None and empty texts are left out, and what a line of 80
            columns does not hold.
    """
    known = {name: str(value) for name, value in facts.items() if value not in (None, "")}
    width = max(map(len, known), default=0)
    lines = [title, *(f"  {name:<{width}}  {value}" for name, value in known.items())]
    return "\n".join(_line(line) for line in lines[:_LINES])


def few(names: "Iterable[object]", *, most: int = 4) -> str:
    """Return the first of ``names``, and how many there are besides."""
    texts = list(map(str, names))
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more


def document(command: str, values: "Mapping[str, object]") -> str:
    """Return the one JSON object that ``edgekit COMMAND --json`` prints."""
    return json_text({"schema": f"edgekit.{command}/1", **values})


def save_json(path: str | Path, command: str, values: "Mapping[str, object]") -> None:
    """Write what ``edgekit COMMAND --json`` prints to ``path``; it appears whole or not at all."""
    write_text(Path(path), document(command, values))


def _line(text: str) -> str:
    """Return ``text`` as one line; what a file calls its tensors moves no cursor."""
    shown = "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)
    return shown if len(shown) <= _COLUMNS else f"{shown[: _COLUMNS - 1]}…"
