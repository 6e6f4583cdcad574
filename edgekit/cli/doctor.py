"""``edgekit doctor``: what is installed, what is missing, and what was not tested."""

import shlex
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from edgekit.cli.output import console, near, print_json

if TYPE_CHECKING:
    from edgekit.dependencies import Dependency, UntestedVersion


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def doctor(*, as_json: bool) -> None:
    """Show what is installed, what is missing, and what differs from what was tested.

    \b
    edgekit doctor
    """
    from edgekit.dependencies import differences
    from edgekit.dependencies import doctor as examine

    dependencies, others = examine(), differences()
    if as_json:
        values = {
            "dependencies": [asdict(item) for item in dependencies],
            "differences": [asdict(item) for item in others],
        }
        print_json("doctor", values)
        return
    out = console()
    for item in dependencies:
        out.print(_line(item))
    for other in others:
        out.print(f"[yellow]differs[/]  {other.name:<30} {other.version}, tested: {other.tested}")
    if others:
        out.print(_install(others), markup=False)


def _line(item: "Dependency") -> str:
    if item.version:
        return f"[green]ok[/]       {item.name:<30} {item.version}"
    install = item.install.replace("[", r"\[")
    return f"[yellow]missing[/]  {item.name:<30} for {item.needed_for}: {install}"


def _install(others: "tuple[UntestedVersion, ...]") -> str:
    from edgekit.dependencies import constraints_path

    names = " ".join(other.name for other in others)
    path = shlex.quote(str(near(constraints_path())))
    return f"the tested versions: pip install -c {path} {names}"
