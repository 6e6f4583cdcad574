"""Paper for reports on a terminal: rich's tables written to a text, so that reports stay pure."""

import io
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

Justify = Literal["left", "right"]


def paper(*, width: int, colour: bool) -> "Console":
    """Return an empty sheet. Names are printed as they are: nothing in them is markup."""
    from rich.console import Console

    return Console(
        file=io.StringIO(),
        width=width,
        force_terminal=colour,
        color_system="standard" if colour else None,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )


def text_of(sheet: "Console") -> str:
    """Return what was printed on ``sheet``, without blanks at the ends of lines."""
    assert isinstance(sheet.file, io.StringIO)
    return "\n".join(line.rstrip() for line in sheet.file.getvalue().splitlines()) + "\n"


def heading(sheet: "Console", title: str) -> None:
    """Print an empty line and a title."""
    sheet.print()
    sheet.print(title, style="bold")


def table(*columns: tuple[str, Justify]) -> "Table":
    """Return a table without rules; long cells are folded, none is cut."""
    from rich.table import Table

    found = Table(box=None, pad_edge=True, header_style="dim", padding=(0, 1))
    for title, justify in columns:
        found.add_column(title, justify=justify, overflow="fold")
    return found
