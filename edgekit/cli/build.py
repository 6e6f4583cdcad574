"""``edgekit build``: from a Keras model to verified firmware files."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgekit.cli.output import has_colour, is_verbose, near, print_json, progress_bar, text_columns

if TYPE_CHECKING:
    from edgekit.pipeline.plan import Plan
    from edgekit.pipeline.run import Run


@click.command()
@click.argument("source", default=".")
@click.option(
    "--data",
    help="An .npz, module:function, a folder, or 'random': of a MODEL, or for the project's.",
)
@click.option("--target", "targets", multiple=True, help="A device; may be repeated.")
@click.option("--out", type=click.Path(path_type=Path), help="The run directory.")
@click.option("--seed", type=int, help="Of every random choice.")
@click.option("--fresh", is_flag=True, help="Reuse no stage of an earlier run.")
@click.option("--check-reproducible", is_flag=True, help="Build twice and compare every artifact.")
@click.option("--plan", is_flag=True, help="Print what would be done; run nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def build(
    *,
    source: str,
    data: str | None,
    targets: tuple[str, ...],
    out: Path | None,
    seed: int | None,
    fresh: bool,
    check_reproducible: bool,
    plan: bool,
    as_json: bool,
) -> int:
    """Prune, quantize, convert, verify and emit a model, with a report.

    SOURCE is a project (an edgekit.toml, a pyproject.toml with [tool.edgekit], or a folder with
    one of them), or a MODEL together with --data: that one is quantized after its training.

    \b
    edgekit build examples/digits
    edgekit build model.keras --data data.npz --target nucleo-l4r5zi
    """
    from edgekit.api import build as run

    if plan:
        steps = run(source, data=data, targets=targets, out=out, seed=seed, plan=True)
        _print_plan(steps, as_json=as_json)
        return 0
    result = run(
        source,
        data=data,
        targets=targets,
        out=out,
        seed=seed,
        watch=progress_bar,
        fresh=fresh,
        check_reproducible=check_reproducible,
    )
    if as_json:
        values = {name: value for name, value in _told(result).items() if name != "schema"}
        print_json("build", {"run_directory": str(result.directory), **values})
    else:
        _show(result)
    return 0 if result.passed else 1


def _print_plan(plan: "Plan", *, as_json: bool) -> None:
    from edgekit.pipeline.plan import to_json

    if as_json:
        print_json("plan", to_json(plan))
        return
    for name, value in to_json(plan).items():
        if isinstance(value, dict):
            click.echo(f"[{name}]")
            for key, item in value.items():
                click.echo(f"  {key} = {item!r}")
        else:
            click.echo(f"{name}: {', '.join(value) if isinstance(value, list) else value}")


def _told(result: "Run") -> dict[str, object]:
    """Return the manifest with what its file leaves out: seconds, and the second build."""
    from dataclasses import asdict

    findings = result.manifest["findings"]
    assert isinstance(findings, list)
    if result.reproducible is not None:
        findings = [*findings, asdict(result.reproducible)]
    return {
        **result.manifest,
        "passed": result.passed,
        "stages": [asdict(stage) for stage in result.stages],
        "findings": findings,
    }


def _show(result: "Run") -> None:
    from edgekit.reports.text import render

    text = render(
        _told(result), width=text_columns(), colour=has_colour(), with_sources=is_verbose()
    )
    click.echo(text, nl=False)
    click.echo(f"report: {near(result.report_path)}")
