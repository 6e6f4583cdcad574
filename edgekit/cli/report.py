"""``edgekit report``: a finished run in the form a reader wants."""

from pathlib import Path

import click

from edgekit.cli.output import has_colour, text_columns
from edgekit.reports.formats import FORMATS


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--as",
    "form",
    type=click.Choice(tuple(FORMATS)),
    default="text",
    show_default=True,
    help="For a terminal, a browser, a program, a pull request, a CI's tests, GitHub Actions.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Write to this file, not to stdout.")
@click.option("--json", "as_json", is_flag=True, help="The same as --as json.")
def report(run: Path, *, form: str, out: Path | None, as_json: bool) -> None:
    """Show a finished run: RUN is its directory or its manifest.json.

    \b
    edgekit report build/digits
    edgekit report build/digits --as markdown --out comment.md
    edgekit report build/digits --as junit --out junit.xml
    """
    from edgekit.api import report as render

    page = render(
        run,
        form="json" if as_json else form,
        out=out,
        width=text_columns() if out is None else None,
        colour=out is None and has_colour(),
    )
    if out is None:
        click.echo(page, nl=False)
