"""A study on a terminal of eighty columns: the verdict, the table, what could not be built."""

from typing import TYPE_CHECKING

from edgekit.comparison import verdict
from edgekit.reports import wording
from edgekit.reports.console import heading, paper, text_of

if TYPE_CHECKING:
    from rich.console import Console

    from edgekit.comparison.result import Result
    from edgekit.comparison.study import Study
    from edgekit.quantity import Quantity

WIDTH = 80
_REASON = 160  # letters of a converter's words; the page has them all


def render(
    study: "Study", *, width: int = WIDTH, colour: bool = False, with_sources: bool = True
) -> str:
    """Return the study as text.

    Args:
        study: What was found out.
        width: Columns of the terminal.
        colour: Whether to write ANSI colours. The text says the same without them.
        with_sources: Whether to say of each figure where it comes from, or its kind alone.
    """
    from rich.text import Text

    out = paper(width=width, colour=colour)
    word, style = ("✓ FOUND", "bold green") if study.passed else ("✗ NONE FITS", "bold red")
    out.print(Text.assemble((word, style), "  ", (study.name, "bold"), " · comparison"))
    for sentence in verdict.headline(study):
        out.print(sentence)
    out.print(f"Limits: {verdict.limits_in_words(study)}.")
    for note in study.notes:
        out.print(Text.assemble(("! ", "bold yellow"), note))
    _table(out, study)
    _legend(out, study, with_sources=with_sources)
    _reasons(
        out,
        "Limits that are missed",
        [
            (item, "; ".join(verdict.missed(item)))
            for item in sort_by_cost(study)
            if item.findings and not item.simulated
        ],
    )
    _reasons(
        out, "Not built", [(item, item.error or "") for item in study.results if not item.is_built]
    )
    if study.cheapest is not None:
        heading(out, f"To take {study.cheapest.name}, in edgekit.toml")
        out.print(verdict.settings(study.cheapest))
    return text_of(out)


def _table(out: "Console", study: "Study") -> None:
    from rich.table import Table

    built = sort_by_cost(study)
    if not built:
        return
    heading(out, "Points")
    columns = [
        (title, [_amount(figure(item)) for item in built])
        for title, figure in (
            ("flash", study.basis.flash),
            ("arena", study.basis.arena),
            ("latency", study.basis.latency),
        )
    ]
    columns = [(title, cells) for title, cells in columns if set(cells) != {wording.ABSENT}]
    rows = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 1))
    rows.add_column("")
    rows.add_column("")
    rows.add_column("point", overflow="fold")
    if study.metric is not None:
        rows.add_column(wording.title(study.metric), justify="right")
        rows.add_column("drop", justify="right", no_wrap=True)
    for title, _ in columns:
        rows.add_column(title, justify="right", no_wrap=True)
    for place, item in enumerate(built):
        scores = () if study.metric is None else _scores(item)
        figures = (cells[place] for _, cells in columns)
        front = "●" if item in study.front else ""
        rows.add_row(_mark(study, item), front, item.name, *scores, *figures)
    out.print(rows)


def sort_by_cost(study: "Study") -> "list[Result]":
    """Return the points that were built, by flash and then by what the model loses."""

    def cost(item: "Result") -> tuple[bool, float, float]:
        flash = study.basis.flash(item)
        return flash is None, flash.value if flash else 0.0, item.loss or 0.0

    return sorted((item for item in study.results if item.is_built), key=cost)


def _mark(study: "Study", result: "Result") -> str:
    if result is study.cheapest:
        return "★"
    if result.simulated:
        return "~"
    return "✓" if result.passed else "✗"


def _scores(result: "Result") -> tuple[str, str]:
    if result.metric is None:
        return wording.ABSENT, wording.ABSENT
    drop = wording.ABSENT if result.drop is None else wording.step(result.drop, result.metric)
    return wording.metric_value(result.accuracy, result.metric), drop


def _amount(quantity: "Quantity | None") -> str:
    return wording.ABSENT if quantity is None else wording.amount(quantity.value, quantity.unit)


def _legend(out: "Console", study: "Study", *, with_sources: bool) -> None:
    out.print()
    marks = "★ cheapest, ✓ meets every limit, ✗ misses one, ● on the Pareto front"
    if any(item.simulated for item in study.results):
        marks += ", ~ simulated"
    out.print(marks, style="dim")
    for title, found in sources(study, in_full=with_sources):
        out.print(f"{title}: {found}", style="dim")


def sources(study: "Study", *, in_full: bool = True) -> list[tuple[str, str]]:
    """Return each figure of the real points with its kinds and, ``in_full``, its sources."""
    built = [item for item in study.results if item.is_built and not item.simulated]
    found = []
    samples = sorted({item.samples for item in built if item.samples is not None})
    if samples:
        numbers = " and ".join(str(number) for number in samples)
        found.append(("accuracy", f"host, {numbers} validation samples"))
    where = f" on {study.basis.target}" if study.basis.target else ""
    for title, figure in (
        (study.basis.title, study.basis.flash),
        (f"arena{where}", study.basis.arena),
        (f"latency{where}", study.basis.latency),
    ):
        quantities = [item for item in map(figure, built) if item is not None]
        kinds = dict.fromkeys(
            f"{item.kind}, {item.source}" if in_full else item.kind for item in quantities
        )
        if kinds:
            found.append((title, "; ".join(kinds)))
    return found


def _reasons(out: "Console", title: str, reasons: "list[tuple[Result, str]]") -> None:
    """Print each reason once, above the points that it is about."""
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    if not reasons:
        return
    heading(out, title)
    names: dict[str, list[str]] = {}
    for item, reason in reasons:
        words = wording.clean(reason)
        told = words if len(words) <= _REASON else words[: _REASON - 1] + "…"
        names.setdefault(told, []).append(item.name)
    for told, concerned in names.items():
        grid = Table.grid(padding=(0, 1))
        grid.add_row(Text("✗", style="red"), Text(told))
        out.print(grid)
        out.print(Padding(Text(", ".join(concerned), style="dim"), (0, 0, 0, 4)))
