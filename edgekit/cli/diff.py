"""``edgekit diff``: what changed between two runs, with limits that fail."""

from pathlib import Path

import click

from edgekit.cli.output import has_colour, print_json, text_columns


@click.command()
@click.argument("before", metavar="RUN_A", type=click.Path(path_type=Path))
@click.argument("after", metavar="RUN_B", type=click.Path(path_type=Path))
@click.option(
    "--fail-on",
    metavar="LIMITS",
    help="How far figures may change, such as accuracy:-0.5pt,flash:+2%,arena:+1KiB.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def diff(before: Path, after: Path, *, fail_on: str | None, as_json: bool) -> int:
    """Show what changed from one run to another, and which part of the model did it.

    Exits with 1 when a figure changed further than --fail-on allows. A rise is bounded by +,
    a fall by -; in points (pt), percent of the first run, bytes, times, or plain numbers.

    \b
    edgekit diff build/main build/branch
    edgekit diff build/main build/branch --fail-on accuracy:-0.5pt,flash:+2%,arena:+1KiB
    """
    from edgekit.api import diff as compare
    from edgekit.reports.diff import to_json
    from edgekit.reports.diff_text import render_diff

    found = compare(before, after, fail_on=fail_on)
    if as_json:
        print_json("diff", to_json(found))
    else:
        click.echo(render_diff(found, width=text_columns(), colour=has_colour()), nl=False)
    return 0 if found.passed else 1
