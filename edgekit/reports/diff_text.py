"""The difference of two runs on a terminal: settings, figures, and the parts that moved them."""

import re
from typing import TYPE_CHECKING

from edgekit.reports import wording
from edgekit.reports.console import heading, paper, table, text_of

if TYPE_CHECKING:
    from rich.console import Console

    from edgekit.quantity import Quantity
    from edgekit.reports.diff import Change, Difference

_MOST_CAUSES = 5
_MOST_ITEMS = 5
_DIGEST = re.compile("[0-9a-f]{64}")


def render_diff(difference: "Difference", *, width: int = 96, colour: bool = False) -> str:
    """Return ``difference`` as text.

    Args:
        difference: Of two runs.
        width: Columns of the terminal.
        colour: Whether to write ANSI colours. The text says the same without them.
    """
    out = paper(width=width, colour=colour)
    _verdict(out, difference)
    _settings(out, difference)
    _figures(out, difference)
    _causes(out, difference)
    return text_of(out)


def _verdict(out: "Console", difference: "Difference") -> None:
    names = f"{difference.before} -> {difference.after}"
    missed = [item for item in difference.findings if not item.passed]
    if missed:
        out.print(f"✗ {names}: {len(missed)} of {len(difference.findings)} limits missed")
    elif difference.findings:
        out.print(f"✓ {names}: all {len(difference.findings)} limits hold")
    else:
        out.print(names)
    for finding in missed:
        out.print(f"✗ {finding.message}", style="red")


def _settings(out: "Console", difference: "Difference") -> None:
    heading(out, "Settings that differ")
    if not difference.settings:
        out.print("  none that the manifests hold")
        return
    rows = table(("setting", "left"), ("before", "left"), ("after", "left"))
    for item in difference.settings:
        rows.add_row(item.key, _plain(item.before), _plain(item.after))
    out.print(rows)


def _figures(out: "Console", difference: "Difference") -> None:
    heading(out, "Figures")
    rows = table(
        ("", "left"),
        ("figure", "left"),
        ("target", "left"),
        ("before", "right"),
        ("after", "right"),
        ("change", "right"),
    )
    for item in difference.changes:
        rows.add_row(
            _sign(item, difference),
            wording.title(item.measure),
            item.target or wording.ABSENT,
            _figure(item.before),
            _figure(item.after),
            _change(item),
        )
    out.print(rows)


def _causes(out: "Console", difference: "Difference") -> None:
    for measure in dict.fromkeys(item.measure for item in difference.causes):
        mine = [item for item in difference.causes if item.measure == measure]
        heading(out, f"What moved: {measure}")
        rows = table(("part", "left"), ("before", "right"), ("after", "right"), ("change", "right"))
        for item in mine[:_MOST_CAUSES]:
            ends = (
                wording.ABSENT if value is None else wording.amount(value, item.unit)
                for value in (item.before, item.after)
            )
            rows.add_row(item.name, *ends, wording.change(item.difference, item.unit))
        out.print(rows)
        if len(mine) > _MOST_CAUSES:
            out.print(f"  and {len(mine) - _MOST_CAUSES} more", style="dim")


def _sign(change: "Change", difference: "Difference") -> str:
    mine = [
        item.passed
        for item in difference.findings
        if (item.gate, item.target) == (change.measure, change.target)
    ]
    return "" if not mine else "✓" if all(mine) else "✗"


def _figure(quantity: "Quantity | None") -> str:
    if quantity is None:
        return wording.ABSENT
    return f"{wording.amount(quantity.value, quantity.unit)} {wording.KIND_LETTERS[quantity.kind]}"


def _change(change: "Change") -> str:
    difference = change.difference
    if difference is None or change.before is None:
        return wording.ABSENT
    text = wording.change(difference, change.before.unit)
    if difference and change.before.value and not wording.is_fraction(change.before.unit):
        text += f" ({100 * difference / abs(change.before.value):+.1f} %)"
    return text


def _plain(value: object) -> str:
    """Return a setting as text: of a digest the first letters, of a long list the first items."""
    if value is None:
        return wording.ABSENT
    if isinstance(value, list) and len(value) > _MOST_ITEMS:
        first = ", ".join(map(str, value[:_MOST_ITEMS]))
        return wording.clean(f"{first}, … ({len(value)} in all)")
    if isinstance(value, str) and _DIGEST.fullmatch(value):
        return value[:12]
    return wording.clean(str(value))
