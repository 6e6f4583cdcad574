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
    from edgekit.files.outputs import check_output_file
    from edgekit.files.whole_files import write_text
    from edgekit.reports import text
    from edgekit.reports.manifest import FILE_NAME, load, read

    manifest = load(run)
    if out is not None:
        folder = run if run.is_dir() else run.parent
        kept = (folder / FILE_NAME, *(folder / file.path for file in read(manifest).files))
        check_output_file(out, (run, *kept))
    form = "json" if as_json else form
    if form == "text" and out is None:
        page = text.render(manifest, width=text_columns(), colour=has_colour())
    else:
        page = FORMATS[form](manifest)
    if out is None:
        click.echo(page, nl=False)
    else:
        write_text(out, page)
