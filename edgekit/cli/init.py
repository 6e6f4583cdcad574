"""``edgekit init``: a project file to start from."""

from pathlib import Path

import click

from edgekit.cli.output import print_json


@click.command()
@click.argument("directory", type=click.Path(path_type=Path), default=".")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def init(directory: Path, *, as_json: bool) -> None:
    """Write a commented edgekit.toml and a data hook into DIRECTORY.

    \b
    edgekit init my-project
    """
    from edgekit.project.scaffold import init as write

    paths = write(directory)
    if as_json:
        print_json("init", {"files": [str(path) for path in paths]})
        return
    for path in paths:
        click.echo(f"wrote {path}")
    click.echo(f"next: set [model] and [data] there, then run: edgekit build {directory}")
