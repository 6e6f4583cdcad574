"""``edgekit doctor``: what is installed and what is missing."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from edgekit.cli.output import console, print_json

if TYPE_CHECKING:
    from edgekit.dependencies import Dependency


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def doctor(*, as_json: bool) -> None:
    """Show what is installed, what is missing, and the line that installs it.

    \b
    edgekit doctor
    """
    from edgekit.dependencies import doctor as examine

    dependencies = examine()
    if as_json:
        print_json("doctor", {"dependencies": [asdict(item) for item in dependencies]})
        return
    out = console()
    for item in dependencies:
        out.print(_line(item))


def _line(item: "Dependency") -> str:
    if item.version:
        return f"[green]ok[/]       {item.name:<30} {item.version}"
    install = item.install.replace("[", r"\[")
    return f"[yellow]missing[/]  {item.name:<30} for {item.needed_for}: {install}"
