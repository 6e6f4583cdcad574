"""What goes to the terminal: results to stdout, errors and progress to stderr."""

import json
import os
import shutil
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import Console

    from edgekit.process import Progress

SCHEMA_VERSION = 1
_READABLE_COLUMNS = 96


_quiet = False


def set_quiet(*, value: bool) -> None:
    """Show progress, or none."""
    global _quiet  # noqa: PLW0603  one terminal, one wish
    _quiet = value


def set_verbose(*, value: bool) -> None:
    """Send the library's debug messages to stderr, or nowhere."""
    if value:
        import logging

        logging.basicConfig(level=logging.DEBUG, stream=sys.stderr, force=True)


def report_error(message: str, *, hint: str | None) -> None:
    """Print an error, and what to do about it, on stderr."""
    click.echo(f"{click.style('error:', fg='red', bold=True)} {message}", err=True)
    if hint:
        click.echo(f"{click.style('hint:', fg='cyan')} {hint}", err=True)


def print_json(command: str, values: "Mapping[str, object]") -> None:
    """Print one JSON object on stdout, marked with its schema."""
    document = {"schema": f"edgekit.{command}/{SCHEMA_VERSION}", **values}
    click.echo(json.dumps(document, indent=2, sort_keys=True, allow_nan=False))


def console() -> "Console":
    """Return rich's console on stdout; it heeds ``NO_COLOR`` and pipes."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=not sys.stdout.isatty())


def text_columns() -> int:
    """Return the columns for a text on stdout: the terminal's, but none too many to read."""
    if not sys.stdout.isatty():
        return _READABLE_COLUMNS
    return max(60, min(shutil.get_terminal_size().columns, _READABLE_COLUMNS))


def has_colour() -> bool:
    """Return whether stdout is a terminal that wants colour."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


@contextmanager
def progress_bar(title: str) -> "Iterator[Progress]":
    """Show a bar on stderr while long work goes on; nothing where stderr is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        TextColumn("{task.fields[detail]}"),
    )
    screen = Console(stderr=True)
    with Progress(
        *columns, console=screen, transient=True, disable=_quiet or not screen.is_terminal
    ) as bar:
        task = bar.add_task(title, total=None, detail="")

        def update(done: int, total: int, detail: str = "") -> None:
            bar.update(task, completed=done, total=total, detail=detail)

        yield update
