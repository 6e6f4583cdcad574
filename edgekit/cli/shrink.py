"""``edgekit shrink``: make a model smaller without changing an output."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgekit.cli.output import console, is_verbose, print_json, progress_bar

if TYPE_CHECKING:
    from rich.table import Table

    from edgekit.shrinking import Shrunk


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The new file.")
@click.option("--target", help="A device profile: which runtimes prove, and whether they decode.")
@click.option("--ram-budget", help="Code weights while the arena stays within, such as 64KiB.")
@click.option("--data", help="Also prove on these: an .npz, module:function or folder.")
@click.option("--drop-names", is_flag=True, help="Of inputs and outputs too, and signatures.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def shrink(
    *,
    model: Path,
    out: Path,
    target: str | None,
    ram_budget: str | None,
    data: str | None,
    drop_names: bool,
    as_json: bool,
) -> int:
    """Make an integer .tflite smaller without changing one byte of any output.

    What people and tools read is left out, constants are folded, channels that are constant
    or unread are removed. With --ram-budget, weights are stored coded for runtimes that have
    TFLite-Micro's DECODE operator. The new file is proved equal on up to 1,000 inputs: as many
    as a budget of work allows; for a phone (--target) in LiteRT alone.

    \b
    edgekit shrink model.tflite --out small.tflite
    edgekit shrink model.tflite --out small.tflite --target nucleo-l4r5zi --ram-budget 64KiB
    """
    from edgekit.api import shrink as run
    from edgekit.quantity import parse_bytes

    result = run(
        model,
        out=out,
        target=target,
        ram_budget_bytes=None if ram_budget is None else parse_bytes(ram_budget),
        data=data,
        drop_names=drop_names,
        watch=progress_bar,
    )
    if as_json:
        print_json("shrink", {"out": str(out), **_to_json(result)})
    else:
        _show(result, out)
    return 0


def _to_json(result: "Shrunk") -> dict[str, object]:
    return {
        "before_bytes": result.before_bytes,
        "after_bytes": result.after_bytes,
        "passes": [{"name": item.name, "saved_bytes": item.saved_bytes} for item in result.passes],
        "bit_exact": True,  # or there is an error, and no result
        "vectors": result.vectors,
        "whole_vectors": result.whole_vectors,
        "runtimes": list(result.runtimes),
        "notes": list(result.notes),
        "coded": [
            {"tensor": item.tensor, "coding": item.coding, "saved_bytes": item.saved_bytes}
            for item in result.coded
        ],
        "arena_before_bytes": result.arena_before_bytes,
        "arena_after_bytes": result.arena_after_bytes,
        "arena_source": _ARENA_SOURCE,
        "macs_before": result.macs_before,
        "macs_after": result.macs_after,
        "map_before": dict(result.map_before),
        "map_after": dict(result.map_after),
    }


_ARENA_SOURCE = "host: least arena of TFLite-Micro's wheel on this 64-bit machine, by bisection"


def _show(result: "Shrunk", out: Path) -> None:
    from edgekit.runtimes.known import TITLES

    terminal = console()
    terminal.print(_savings(result))
    terminal.print(_map(result))
    runtimes = " and ".join(TITLES[name] for name in result.runtimes)
    terminal.print(f"same outputs, byte for byte, on {result.vectors:,} inputs in {runtimes}")
    if result.whole_vectors < result.vectors:
        terminal.print(
            f"of the changed operators by themselves; the whole model on {result.whole_vectors:,}"
        )
    for note in result.notes:
        terminal.print(note, markup=False)
    if is_verbose() and result.arena_before_bytes is not None:
        terminal.print(f"arena: {_ARENA_SOURCE}")
    terminal.print(f"[bold]{out}[/]: {result.after_bytes:,} B", soft_wrap=True)


def _savings(result: "Shrunk") -> "Table":
    from rich.table import Table

    table = Table("", "before", "after", "saved", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    _row(table, "flash, B", result.before_bytes, result.after_bytes)
    for item in result.passes:
        table.add_row(f"  {item.name}", "", "", f"{item.saved_bytes:,}", style="dim")
    if result.arena_before_bytes is not None and result.arena_after_bytes is not None:
        _row(table, "arena on this host, B", result.arena_before_bytes, result.arena_after_bytes)
    _row(table, "MACs", result.macs_before, result.macs_after)
    return table


def _map(result: "Shrunk") -> "Table":
    """Return the table of where the bytes are, in the order of the original."""
    from rich.table import Table

    table = Table("where the bytes are", "before", "after", "saved", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for part in dict.fromkeys([*result.map_before, *result.map_after]):
        _row(table, part, result.map_before.get(part, 0), result.map_after.get(part, 0))
    return table


def _row(table: "Table", title: str, before: int, after: int) -> None:
    saved = f"{before - after:,}"
    if before:
        saved += f" ({(before - after) / before:.0%})"
    table.add_row(title, f"{before:,}", f"{after:,}", saved)
