"""The report on a terminal: the verdict, then limits, accuracy, targets, stages and files."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from edgekit.reports import manifest as facts
from edgekit.reports import verdict, wording
from edgekit.reports.console import heading, paper, table, text_of

if TYPE_CHECKING:
    from rich.console import Console
    from rich.padding import Padding
    from rich.table import Table

    from edgekit.quantity import Quantity
    from edgekit.record.build import Stage

WIDTH = 96


def render(
    manifest: Mapping[str, object],
    *,
    width: int = WIDTH,
    colour: bool = False,
    with_sources: bool = True,
) -> str:
    """Return the report of a run as text.

    Args:
        manifest: As JSON values; see `edgekit.reports.manifest`.
        width: Columns of the terminal.
        colour: Whether to write ANSI colours. The text says the same without them.
        with_sources: Whether to say where a latency comes from.
    """
    run = facts.read(manifest)
    out = paper(width=width, colour=colour)
    _verdict(out, run)
    for part in (_warnings, _limits, _accuracy):
        part(out, run)
    _targets(out, run, with_sources=with_sources)
    for part in (_stages, _files, _legend):
        part(out, run)
    return text_of(out)


def _verdict(out: "Console", run: facts.Manifest) -> None:
    from rich.text import Text

    word, style = ("✓ PASSED", "bold green") if run.passed else ("✗ FAILED", "bold red")
    data = " on random data" if verdict.is_random(run) else ""
    out.print(Text.assemble((word, style), "  ", (run.name, "bold"), data))
    for sentence in verdict.headline(run):
        out.print(sentence)


def _warnings(out: "Console", run: facts.Manifest) -> None:
    from rich.text import Text

    if run.warnings:
        out.print()
    for warning in run.warnings:
        out.print(Text.assemble(("! ", "bold yellow"), warning))


def _limits(out: "Console", run: facts.Manifest) -> None:
    limits = verdict.limits(run)
    heading(out, "Limits")
    if not limits:
        out.print("  none were set: this run could not miss one", style="dim")
        return
    rows = table(("", "left"), ("limit", "left"), ("where", "left"), ("found", "right"))
    rows.add_column("asked", justify="right", no_wrap=True)
    rows.add_column("margin", no_wrap=True)
    shown = verdict.short_list(limits)
    for limit in shown:
        finding = limit.finding
        rows.add_row(
            _mark(passed=finding.passed),
            limit.title,
            limit.where,
            _with_kind(limit.found, finding.value),
            limit.limit,
            limit.margin,
        )
    out.print(rows)
    if len(limits) > len(shown):
        out.print(f"  and {len(limits) - len(shown)} more that hold, with more to spare")
    for limit in limits:
        if not limit.finding.passed:
            out.print(_advice(limit))


def _advice(limit: verdict.Limit) -> "Table":
    """Return a missed limit's sentence and hint, indented where they wrap."""
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 1))
    grid.add_row(Text(" ✗", style="red"), Text(limit.finding.message))
    if limit.finding.hint:
        grid.add_row(Text(""), Text(f"try: {limit.finding.hint}", style="cyan"))
    return grid


def _accuracy(out: "Console", run: facts.Manifest) -> None:
    if verdict.is_random(run):
        return
    accuracy = run.accuracy
    if accuracy is None:
        return
    heading(out, wording.title(accuracy.metric).capitalize())
    rows = table(("model", "left"), ("value", "right"), ("95 % interval", "left"))
    for title in ("differs from float", "largest difference"):
        rows.add_column(title, justify="right")
    for name, value in (("float", accuracy.float_), ("pruned", accuracy.pruned)):
        if value is not None:
            rows.add_row(name, *_score(value, accuracy.metric, accuracy.samples), "", "")
    runtimes = run.verification.runtimes if run.verification else ()
    for item in runtimes:
        rows.add_row(
            f"int8, {item.runtime}",
            *_score(item.value, item.metric or accuracy.metric, item.samples),
            wording.ABSENT
            if item.disagreements is None
            else f"{item.disagreements} of {item.samples}",
            wording.ABSENT if item.max_abs_diff is None else wording.number(item.max_abs_diff),
        )
    if not runtimes and accuracy.int8 is not None:
        rows.add_row("int8", *_score(accuracy.int8, accuracy.metric, accuracy.samples), "", "")
    out.print(rows)


def _score(value: float | None, metric: str, samples: int | None) -> tuple[str, str]:
    if value is None:
        return wording.ABSENT, wording.ABSENT
    text = f"{wording.metric_value(value, metric)} {wording.KIND_LETTERS['host']}"
    return text, wording.interval(value, metric, samples) or wording.ABSENT


def _targets(out: "Console", run: facts.Manifest, *, with_sources: bool) -> None:
    if not run.targets:
        return
    heading(out, "Targets")
    columns: list[tuple[str, list[Quantity | None]]] = [
        ("flash", [fit.flash_bytes or fit.model_bytes for fit in run.targets]),
        ("arena", [fit.arena_bytes for fit in run.targets]),
        ("RAM in all", [fit.ram_bytes for fit in run.targets]),
        ("latency", [fit.latency_ms for fit in run.targets]),
    ]
    if all(fit.ram_bytes == fit.arena_bytes for fit in run.targets):
        del columns[2]
    rows = table(("", "left"), ("target", "left"))
    for title, _ in columns:
        rows.add_column(title, justify="right", no_wrap=True)
    for row in verdict.ranked(run):
        place = run.targets.index(row.fit)
        figures = (figures[place] for _, figures in columns)
        rows.add_row(_mark(passed=row.fit.fits), row.fit.target, *map(_figure, figures))
    out.print(rows)
    if all(fit.latency_ms is None for fit in run.targets):
        out.print("  no latency: no target has a sourced figure for this model", style="dim")
    for fit in run.targets:
        for item in fit.unsupported_operators:
            out.print(_indented(f"{fit.target} does not run {item.op}: {item.reason}"))
        if fit.latency_ms and fit.latency_ms.low is not None:
            quantity = fit.latency_ms
            width = wording.band(quantity.low, quantity.high, quantity.unit)
            words = f"{fit.target}: latency {width}, {quantity.kind}"
            words += f": {quantity.source}" if with_sources else ""
            out.print(_indented(words))


def _figure(quantity: "Quantity | None") -> str:
    if quantity is None:
        return wording.ABSENT
    return _with_kind(wording.amount(quantity.value, quantity.unit), quantity)


def _indented(words: str) -> "Padding":
    from rich.padding import Padding
    from rich.text import Text

    return Padding(Text(words), (0, 0, 0, 2))


def _stages(out: "Console", run: facts.Manifest) -> None:
    if not run.stages:
        return
    heading(out, "Stages")
    timed = any(stage.seconds is not None for stage in run.stages)
    time = (("time", "right"),) if timed else ()
    rows = table(("stage", "left"), *time, ("", "left"))
    for stage in run.stages:
        rows.add_row(stage.name, *((_time(stage),) if timed else ()), "; ".join(stage.notes))
    out.print(rows)


def _time(stage: "Stage") -> str:
    if stage.reused:
        return "reused"
    return wording.ABSENT if stage.seconds is None else wording.duration(stage.seconds)


def _files(out: "Console", run: facts.Manifest) -> None:
    if not run.files:
        return
    heading(out, "Files")
    rows = table(("file", "left"), ("size", "right"), ("sha256", "left"))
    for file in run.files:
        rows.add_row(file.path, wording.amount(file.bytes, "B"), file.sha256[:12])
    out.print(rows)


def _legend(out: "Console", run: facts.Manifest) -> None:
    kinds = {item.kind for item in _quantities(run)}
    if run.accuracy:
        kinds.add("host")
    if not kinds:
        return
    out.print()
    words = [
        f"{letter} {kind} {wording.KIND_MEANINGS[kind]}"
        for kind, letter in wording.KIND_LETTERS.items()
        if kind in kinds
    ]
    out.print("; ".join(words), style="dim")


def _quantities(run: facts.Manifest) -> "list[Quantity]":
    found = [item.value for item in run.findings]
    for fit in run.targets:
        found += [
            fit.flash_bytes or fit.model_bytes,
            fit.arena_bytes,
            fit.ram_bytes,
            fit.latency_ms,
        ]
        found += [item.value for item in fit.findings]
    return [item for item in found if item is not None]


def _mark(*, passed: bool) -> str:
    return "✓" if passed else "✗"


def _with_kind(text: str, quantity: "Quantity | None") -> str:
    return f"{text} {wording.KIND_LETTERS[quantity.kind]}" if quantity and text else text
