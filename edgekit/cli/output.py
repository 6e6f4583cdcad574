"""What goes to the terminal: results to stdout, errors and progress to stderr."""

import os
import shutil
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import Console

    from edgekit.pipeline.stages import Watch
    from edgekit.quantity import Quantity
    from edgekit.runtimes.process import Progress

_READABLE_COLUMNS = 96


_quiet = False
_verbose = False


def set_quiet(*, value: bool) -> None:
    """Show progress, or none."""
    global _quiet  # noqa: PLW0603  one terminal, one wish
    _quiet = value


def set_verbose(*, value: bool) -> None:
    """Tell sources, and send the library's debug messages to stderr; or neither."""
    global _verbose  # noqa: PLW0603  one terminal, one wish
    _verbose = value
    if value:
        import logging

        logging.basicConfig(level=logging.DEBUG, stream=sys.stderr, force=True)


def is_verbose() -> bool:
    """Return whether the source of each figure is to be told."""
    return _verbose


def origin_of(figure: "Quantity") -> str:
    """Return the kind of ``figure``, and with ``-v`` its source."""
    return f"{figure.kind}: {figure.source}" if _verbose else figure.kind


def report_error(message: str, *, hint: str | None) -> None:
    """Print an error, and what to do about it, on stderr; names in it may be a stranger's."""
    from edgekit.reports.wording import clean

    click.echo(f"{click.style('error:', fg='red', bold=True)} {clean(message)}", err=True)
    if hint:
        click.echo(f"{click.style('hint:', fg='cyan')} {clean(hint)}", err=True)


def shown(text: str) -> str:
    """Return ``text``, with names out of a file, as a console prints it by its letters alone.

    Neither rich's markup nor a terminal's control characters in it are obeyed.
    """
    from rich.markup import escape

    from edgekit.reports.wording import clean

    return escape(clean(text))


def print_json(command: str, values: "Mapping[str, object]") -> None:
    """Print one JSON object on stdout, marked with its schema."""
    from edgekit.files.results import document

    click.echo(document(command, values), nl=False)


def near(path: Path) -> Path:
    """Return ``path`` from the working directory on, where it lies in there."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def console() -> "Console":
    """Return rich's console on stdout; it heeds ``NO_COLOR`` and pipes."""
    from rich.console import Console

    return Console(highlight=False, emoji=False, soft_wrap=not sys.stdout.isatty())


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
    """Tell on stderr of one thing at work; else as `progress_bars`."""
    with progress_bars() as watch, watch(title) as progress:
        yield progress


@contextmanager
def progress_bars() -> "Iterator[Watch]":
    """Yield what tells on stderr of each thing at work, several at once.

    A bar on a terminal; elsewhere, such as in a log, a line as it begins and one with its time
    as it ends; nothing with ``-q``.
    """
    if _quiet:
        from edgekit.pipeline.stages import unwatched

        yield unwatched
    elif sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        with _bars() as watch:
            yield watch
    else:
        yield _lines


@contextmanager
def _lines(title: str) -> "Iterator[Progress]":
    """Print a line as a thing begins, and one with its time as it ends."""
    from edgekit.reports.wording import duration
    from edgekit.runtimes.process import silent

    click.echo(f"{title} ...", err=True)
    start = time.perf_counter()
    ended = "stopped after"
    try:
        yield silent
        ended = "took"
    finally:
        click.echo(f"{title} {ended} {duration(time.perf_counter() - start)}", err=True)


@contextmanager
def _bars() -> "Iterator[Watch]":
    from rich import progress
    from rich.console import Console

    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(bar_width=20),
        progress.TimeElapsedColumn(),
        progress.TextColumn("{task.fields[detail]}"),
    )
    screen = Console(stderr=True)
    with progress.Progress(*columns, console=screen, transient=True) as bars:

        @contextmanager
        def watch(title: str) -> "Iterator[Progress]":
            task = bars.add_task(title, total=None, detail="")

            def update(done: int, total: int, detail: str = "") -> None:
                bars.update(task, completed=done, total=total, detail=detail)

            try:
                yield update
            finally:
                bars.remove_task(task)

        yield watch
