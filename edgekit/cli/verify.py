"""``edgekit verify``: run a model on each runtime and compare."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgekit.cli.output import console, print_json, progress_bar, shown

if TYPE_CHECKING:
    from rich.table import Table

    from edgekit.verification.verify import Verification


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--data", required=True, help="An .npz, module:function, a folder, or 'random'.")
@click.option("--runtime", "runtimes", multiple=True, help="Only this runtime; may be repeated.")
@click.option("--reference", type=click.Path(path_type=Path), help="The float .tflite.")
@click.option("--accuracy-drop", type=float, help="Fail beyond this loss against the reference.")
@click.option(
    "--confidence",
    type=float,
    help="With which the loss must be shown not to exceed --accuracy-drop, such as 0.95.",
)
@click.option("--scale", type=float, default=1.0, help="Multiplied with every input value.")
@click.option("--offset", type=float, default=0.0, help="Added to every scaled input value.")
@click.option("--seed", type=int, default=0, help="Of random data.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def verify(
    *,
    model: Path,
    data: str,
    runtimes: tuple[str, ...],
    reference: Path | None,
    accuracy_drop: float | None,
    confidence: float | None,
    scale: float,
    offset: float,
    seed: int,
    as_json: bool,
) -> int:
    """Run a .tflite on LiteRT and TFLite-Micro, and compare.

    Accuracy is told on the data's own test set, or on all samples where there is none: of data
    that a model was trained on, give the vectors.npz of its build, which holds the samples that
    were kept from the training, and the float model's outputs.

    \b
    edgekit verify model.tflite --data vectors.npz
    edgekit verify model.tflite --data vectors.npz --accuracy-drop 0.01 --confidence 0.95
    """
    from edgekit.api import verify as run
    from edgekit.errors import UsageError
    from edgekit.specs import check_confidence, check_drop
    from edgekit.verification.verify import result_json

    if accuracy_drop is not None:
        check_drop("--accuracy-drop", accuracy_drop)
    if confidence is not None:
        check_confidence("--confidence", confidence)
        if accuracy_drop is None:
            raise UsageError(
                "--confidence is of a limit that is not given", hint="add --accuracy-drop 0.01"
            )
    result = run(
        model,
        data=data,
        runtimes=runtimes,
        reference=reference,
        accuracy_drop=accuracy_drop,
        confidence=confidence,
        scale=scale,
        offset=offset,
        seed=seed,
        watch=progress_bar,
    )
    if as_json:
        print_json("verify", result_json(result))
    else:
        _show(result)
    return 0 if result.passed else 1


def _show(result: "Verification") -> None:
    out = console()
    out.print(f"data: {shown(result.origin)}")
    if result.reference is not None:
        out.print(f"float reference: {result.reference.metric} {result.reference.value:.4f}")
    out.print(_table(result))
    for finding in result.findings:
        mark = "[green]holds[/] " if finding.passed else "[red]missed[/]"
        out.print(f"{mark} {finding.gate}: {shown(finding.message)}")
        if not finding.passed and finding.hint is not None:
            out.print(f"hint: {shown(finding.hint)}")


def _table(result: "Verification") -> "Table":
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("runtime")
    for heading in ("samples", "metric", "value", "disagreements", "largest difference"):
        table.add_column(heading, justify="right")
    for score in result.runtimes:
        table.add_row(
            score.runtime,
            str(score.samples),
            score.score.metric if score.score else "none",
            f"{score.score.value:.4f}" if score.score else "",
            "" if score.disagreements is None else str(score.disagreements),
            "" if score.max_abs_diff is None else f"{score.max_abs_diff:.4g}",
        )
    return table
