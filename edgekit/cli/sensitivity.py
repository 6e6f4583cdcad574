"""``edgekit sensitivity``: what each layer loses when something is done to it."""

from pathlib import Path

import click

from edgekit.cli.output import print_json, progress_bar


@click.group()
def sensitivity() -> None:
    """Measure what each layer loses when it alone is changed.

    \b
    edgekit sensitivity prune examples/digits --plot sensitivity.svg
    """


@sensitivity.command()
@click.argument("source", default=".")
@click.option(
    "--data", help="An .npz, module:function or a folder; of a MODEL, or for the project's."
)
@click.option("--seed", type=int, help="Of the split and of the training.")
@click.option("--plot", type=click.Path(path_type=Path), help="An .svg file to write.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def prune(
    *, source: str, data: str | None, seed: int | None, plot: Path | None, as_json: bool
) -> None:
    """Show the accuracy against the sparsity of each layer, on the validation set.

    SOURCE is a project or a trained MODEL together with --data. Each layer is pruned alone, and
    nothing is trained after it: the curves say which layers have weights to spare. They are
    what sparsity = "auto" shares the zeros out by.

    \b
    edgekit sensitivity prune examples/digits
    edgekit sensitivity prune model.keras --data data.npz --plot sensitivity.svg
    """
    from edgekit.comparison.pruning_study import sensitivity as measure
    from edgekit.comparison.pruning_study import to_json, to_text

    found = measure(source, data=data, seed=seed, plot=plot, watch=progress_bar)
    if as_json:
        print_json("sensitivity", to_json(found))
    else:
        click.echo(to_text(found), nl=False)
