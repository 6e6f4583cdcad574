"""``edgekit reproduce``: build a run again, and compare every file."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgekit.cli.output import console, print_json, progress_bar

if TYPE_CHECKING:
    from edgekit.pipeline.reproduce import Reproduction


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--project",
    type=click.Path(path_type=Path),
    help="The folder of the model, the data and your modules.  [default: the one above RUN]",
)
@click.option("--out", type=click.Path(path_type=Path), help="Keep the rebuilt run here.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def reproduce(*, run: Path, project: Path | None, out: Path | None, as_json: bool) -> int:
    """Build again what a run's manifest says, and compare every artifact byte by byte.

    RUN is a run directory or its manifest.json: options, seed and targets are taken from it.
    What went into the two builds and differs is told first: versions, code, data.

    \b
    edgekit reproduce build/digits
    edgekit reproduce delivered/manifest.json --project . --out build/again
    """
    from edgekit.pipeline.reproduce import reproduce as rebuild
    from edgekit.pipeline.reproduce import to_json

    found = rebuild(run, project=project, out=out, watch=progress_bar)
    if as_json:
        print_json("reproduce", to_json(found))
    else:
        _show(found)
    return 0 if found.identical else 1


def _show(found: "Reproduction") -> None:
    from edgekit.pipeline.reproduce import sentence

    out = console()
    for item in found.inputs:
        out.print(f"input {item.key} was {item.before}, now {item.after}", markup=False)
    for file in found.files:
        state = "same   " if file.same else "missing" if file.after is None else "differs"
        out.print(f"{state} {file.path}", markup=False)
    out.print(f"{'✓' if found.identical else '✗'} {sentence(found)}", markup=False)
