"""``edgekit check``: does a model run on a device, and does it fit."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgekit.cli.output import console, is_verbose, origin_of, print_json, shown

if TYPE_CHECKING:
    from edgekit.quantity import Quantity
    from edgekit.record.fit import Fit


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--target", "targets", multiple=True, help="A device; may be repeated. Else: all.")
@click.option("--map", "map_file", type=click.Path(path_type=Path), help="Of the linked firmware.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def check(*, model: Path, targets: tuple[str, ...], map_file: Path | None, as_json: bool) -> int:
    """Say whether a .tflite runs on a device, whether it fits, how fast, and how sure that is.

    \b
    edgekit check model.tflite --target nano-33-ble
    """
    from edgekit.api import check as examine
    from edgekit.record.fit import to_json

    fits = examine(model, targets=targets, map_file=map_file)
    if as_json:
        print_json("check", {"targets": [to_json(fit) for fit in fits]})
    elif len(fits) == 1:
        _show(fits[0])
    else:
        _show_all(fits)
    return 0 if all(fit.fits for fit in fits) else 1


def _show(fit: "Fit") -> None:
    from edgekit.fit.check import peak_in_words

    out = console()
    verdict = "[green]fits[/]" if fit.fits else "[red]does not fit[/]"
    out.print(f"[bold]{fit.target}[/]  {verdict}")
    rows = (
        ("flash", fit.flash_bytes),
        ("  model", fit.model_bytes),
        ("  code", fit.code_bytes),
        ("arena", fit.arena_bytes),
    )
    for title, figure in rows:
        if figure is not None:
            out.print(f"{title:<9} {_words(figure)}", markup=False)
    if fit.plan is not None:
        out.print(f"          {shown(peak_in_words(fit.plan))}")
    if fit.latency_ms is not None:
        out.print(f"latency   {_words(fit.latency_ms)}", markup=False)
    if fit.latency_unknown:
        out.print(f"latency   not known: {shown(fit.latency_unknown)}")
    for item in fit.unsupported_operators:
        layer = f", layer {item.layer}" if item.layer else ""
        out.print(shown(f"operator {item.index} {item.op}{layer}: {item.reason}"))
        out.print(f"  {item.instead}", markup=False)
    for finding in fit.findings:
        mark = "[green]holds[/] " if finding.passed else "[red]missed[/]"
        out.print(f"{mark}  {shown(finding.message)}")
    if not is_verbose():
        out.print("[dim]where each figure comes from: -v[/]")


def _show_all(fits: "tuple[Fit, ...]") -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in ("target", "verdict", "flash", "arena", "latency"):
        table.add_column(heading, justify="left" if heading in ("target", "verdict") else "right")
    for fit in sorted(fits, key=lambda item: (not item.fits, item.target)):
        missed = next((finding for finding in fit.findings if not finding.passed), None)
        table.add_row(
            fit.target,
            "[green]fits[/]" if missed is None else f"[red]{missed.gate}[/]",
            _short(fit.flash_bytes or fit.model_bytes),
            _short(fit.arena_bytes),
            _short(fit.latency_ms),
        )
    out = console()
    out.print(table)
    out.print("h host, p predicted within a band (--target T shows it), m measured, d declared")


def _words(figure: "Quantity") -> str:
    band = ""
    if figure.low is not None and figure.high is not None and figure.low != figure.high:
        band = f" ({_number(figure.low, figure.unit)} to {_number(figure.high, figure.unit)})"
    return f"{_number(figure.value, figure.unit)}{band}, {origin_of(figure)}"


def _short(figure: "Quantity | None") -> str:
    return "" if figure is None else f"{_number(figure.value, figure.unit)} {figure.kind[0]}"


def _number(value: float, unit: str) -> str:
    return f"{value:,.0f} B" if unit == "B" else f"{value:.3g} {unit}"
