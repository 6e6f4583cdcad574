"""``edgekit explain``: which operator costs accuracy, why, and what to try."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgekit.cli.output import console, print_json, progress_bar, shown

if TYPE_CHECKING:
    from rich.table import Table

    from edgekit.explanation.explain import Explanation
    from edgekit.verification.first_difference import FirstDifference


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--data", required=True, help="An .npz, module:function, a folder, or 'random'.")
@click.option("--reference", type=click.Path(path_type=Path), help="The float .tflite.")
@click.option("--runtimes", is_flag=True, help="Find where LiteRT and TFLite-Micro first differ.")
@click.option(
    "--samples",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    help="At most so many, evenly spaced.",
)
@click.option("--scale", type=float, default=1.0, help="Multiplied with every input value.")
@click.option("--offset", type=float, default=0.0, help="Added to every scaled input value.")
@click.option("--seed", type=int, default=0, help="Of random data.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def explain(
    *,
    model: Path,
    data: str,
    reference: Path | None,
    runtimes: bool,
    samples: int,
    scale: float,
    offset: float,
    seed: int,
    as_json: bool,
) -> None:
    """Say why an integer .tflite lost accuracy: by operator, with causes and remedies.

    SQNR is the signal-to-quantization-noise ratio of each operator's output against the float
    model, in decibels; "alone" is that of the model's output when only this operator rounds.
    Without the float .tflite, the rounding of the weights is not seen.

    \b
    edgekit explain model.tflite --data vectors.npz --reference float.tflite
    """
    from edgekit.api import explain as run
    from edgekit.explanation.explain import to_json

    result = run(
        model,
        data=data,
        reference=reference,
        runtimes=runtimes,
        samples=samples,
        scale=scale,
        offset=offset,
        seed=seed,
        watch=progress_bar,
    )
    if as_json:
        print_json("explain", to_json(result))
    else:
        _show(result)


def _show(result: "Explanation") -> None:
    out = console()
    out.print(f"data: {shown(result.origin)}")
    if result.reference is not None and result.integer is not None:
        out.print(
            f"{result.integer.metric}: {result.reference.value:.4f} float, "
            f"{result.integer.value:.4f} integer, on {result.samples} samples"
        )
    out.print(_table(result))
    if not result.causes:
        out.print("no cause found: rounding costs what rounding costs")
    for rank, cause in enumerate(result.causes, 1):
        where = f" ({shown(cause.op)} at {cause.operator})" if cause.op else ""
        out.print(f"\n{rank}. [bold]{shown(cause.message)}[/]{where}", soft_wrap=True)
        out.print(f"   {shown(cause.evidence)}", soft_wrap=True)
        out.print(f"   try: {shown(cause.remedy)}", soft_wrap=True)
    if result.compared_runtimes:
        out.print("\n" + shown(_difference(result.difference)), soft_wrap=True)


def _table(result: "Explanation") -> "Table":
    from rich.table import Table

    from edgekit.explanation.explain import effect_of

    table = Table(box=None, pad_edge=False)
    table.add_column("operator")
    for heading in ("SQNR", "alone", "loss alone", "beyond range", "range used"):
        table.add_column(heading, justify="right")
    for item in result.operators:
        effect = effect_of(result, item)
        table.add_row(
            "input" if item.index < 0 else shown(f"{item.index} {item.op}"),
            _decibels(item.sqnr_db),
            _decibels(effect.sqnr_db) if item.rounds else "",
            "" if effect.loss is None else f"{effect.loss:.4f}",
            f"{item.beyond_fraction:.2%}" if item.is_calibrated else "",
            f"{item.range_used:.0%}" if item.is_calibrated else "",
        )
    return table


def _decibels(value: float) -> str:
    return f"{value:.1f} dB" if math.isfinite(value) else "exact"


def _difference(found: "FirstDifference | None") -> str:
    if found is None:
        return "LiteRT and TFLite-Micro agree on every operator, to the last bit"
    name = f" '{found.tensor}'," if found.tensor else ""
    others = found.differing_operators
    return (
        f"LiteRT and TFLite-Micro first differ at {found.op} at {found.operator},"
        f"{name} sample {found.sample}, element {found.element}: "
        f"{found.litert:g} ({found.litert_real:.6g}) and {found.tflite_micro:g} "
        f"({found.tflite_micro_real:.6g}); {found.differing_fraction:.3%} of its values differ, "
        f"and {others} operator{'' if others == 1 else 's'} with it"
    )
