"""``edgekit compare``: the experiment that a team runs to choose."""

from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from edgekit.cli.output import has_colour, is_verbose, near, print_json, progress_bars, text_columns
from edgekit.specs import Calibration, Method

if TYPE_CHECKING:
    from edgekit.comparison.study import Study

_COLUMNS = 80


class _List(click.ParamType[tuple[str | float, ...]]):
    """Values between commas."""

    name = "list"

    def __init__(self, kind: type[str] | type[float], known: tuple[str, ...] = ()) -> None:
        self._kind = kind
        self._known = known

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str | float, ...]:
        """Return the values in ``value``."""
        found = []
        for item in filter(None, map(str.strip, value.split(","))):
            if self._known and item not in self._known:
                self.fail(f"'{item}' is none of {', '.join(self._known)}", param, ctx)
            try:
                found.append(self._kind(item))
            except ValueError:
                self.fail(f"'{item}' is not a number", param, ctx)
        return tuple(found)


@click.command()
@click.argument("source", default=".")
@click.option(
    "--data",
    help="An .npz, module:function, a folder, or 'random': of a MODEL, or for the project's.",
)
@click.option("--target", "targets", multiple=True, help="A device; may be repeated.")
@click.option("--precision", type=_List(str), default="", help="Such as int8,int4,simulated-int2.")
@click.option("--sparsity", type=_List(float), default="", help="Fractions of zeros: 0,0.5,0.75.")
@click.option("--method", type=_List(str, get_args(Method)), default="", help="ptq, qat, or both.")
@click.option(
    "--calibration",
    type=_List(str, get_args(Calibration)),
    default="",
    help="Such as minmax,percentile,mse,entropy.",
)
@click.option("--out", type=click.Path(path_type=Path), help="The study's folder.")
@click.option("--seed", type=int, help="Of every random choice.")
@click.option("--jobs", type=click.IntRange(1), help="Points built at once on this machine.")
@click.option(
    "--scheduler", help="A Dask scheduler, tcp://HOST:PORT, whose workers see the same files."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def compare(  # noqa: PLR0913  one argument an option
    *,
    source: str,
    data: str | None,
    targets: tuple[str, ...],
    precision: tuple[str, ...],
    sparsity: tuple[float, ...],
    method: tuple[Method, ...],
    calibration: tuple[Calibration, ...],
    out: Path | None,
    seed: int | None,
    jobs: int | None,
    scheduler: str | None,
    as_json: bool,
) -> int:
    """Build a project in many variants and name the cheapest that meets its limits.

    SOURCE is a project, or a MODEL together with --data. Every combination of the lists is a
    point: trained or quantized, verified, sized and held against the targets and limits. Lists
    that are not given are those of [compare] in the project file. A study that was interrupted
    goes on where it was.

    \b
    edgekit compare examples/digits
    edgekit compare examples/digits --precision int8,int4 --sparsity 0,0.5,0.75,0.9
    edgekit compare model.keras --data data.npz --target nano-33-ble --calibration minmax,mse
    """
    from edgekit.api import compare as run

    with progress_bars() as watch:
        study = run(
            source,
            data=data,
            targets=targets,
            precision=precision,
            sparsity=sparsity,
            method=method,
            calibration=calibration,
            out=out,
            seed=seed,
            jobs=jobs,
            scheduler=scheduler,
            watch=watch,
        )
    if as_json:
        from edgekit.comparison.study import to_json

        print_json("compare", {"study_directory": str(study.directory), **to_json(study)})
    else:
        _show(study)
    return 0 if study.passed else 1


def _show(study: "Study") -> None:
    from edgekit.comparison.experiment import PAGE_NAME
    from edgekit.comparison.text import render

    text = render(
        study,
        width=min(text_columns(), _COLUMNS),
        colour=has_colour(),
        with_sources=is_verbose(),
    )
    click.echo(text, nl=False)
    reused = sum(item.is_built and not item.stages_run for item in study.results)
    if reused:
        click.echo(f"{reused} of {len(study.results)} points were there already")
    click.echo(f"study: {near(study.directory / PAGE_NAME)}")
