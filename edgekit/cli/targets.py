"""``edgekit targets``: the device profiles."""

from typing import TYPE_CHECKING

import click

from edgekit.cli.output import console, print_json

if TYPE_CHECKING:
    from edgekit.target import Target


@click.group()
def targets() -> None:
    """Device profiles: list them, show one.

    \b
    edgekit targets list
    edgekit targets show nucleo-l4r5zi
    """


@targets.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def list_(*, as_json: bool) -> int:
    """List the devices that edgekit knows."""
    from rich.table import Table

    from edgekit.quantity import format_bytes
    from edgekit.target import load_target, profile_paths

    profiles = [load_target(name) for name in profile_paths()]
    if as_json:
        print_json("targets", {"targets": [_described(profile) for profile in profiles]})
        return 0
    table = Table("target", "core", "clock", "RAM", "flash", "runtime", box=None)
    for profile in profiles:
        table.add_row(
            profile.name,
            profile.core.name,
            f"{profile.core.clock / 1e6:g} MHz",
            format_bytes(profile.ram.total),
            format_bytes(profile.flash.total) if profile.flash else "-",
            f"{profile.runtime.name} + {profile.runtime.kernels}",
        )
    console().print(table)
    return 0


@targets.command()
@click.argument("target")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show(target: str, *, as_json: bool) -> int:
    """Show TARGET, a device's name or a `.toml` file, with the source of each figure."""
    from edgekit.target import load_target

    profile = load_target(target)
    if as_json:
        print_json("targets", {"target": _described(profile)})
        return 0
    out = console()
    out.print(f"[bold]{profile.name}[/]  {profile.title}")
    for line in _lines(profile):
        out.print(line)
    return 0


def _lines(profile: "Target") -> list[str]:
    from edgekit.quantity import format_bytes

    runtime = profile.runtime
    lines = [
        f"core     {profile.core.name}, {profile.core.clock / 1e6:g} MHz",
        f"         [dim]{profile.core.source}[/]",
        f"runtime  {runtime.name} with {runtime.kernels} ({runtime.abi})"
        + (", DECODE" if runtime.decode else ""),
    ]
    for name, memory in (("RAM", profile.ram), ("flash", profile.flash)):
        if memory is None:
            continue
        lines.append(f"{name:<9}{format_bytes(memory.total)}")
        lines.append(f"         [dim]{memory.source}[/]")
        if memory.reserved:
            lines.append(f"         reserved: {format_bytes(memory.reserved)}")
            lines.append(f"         [dim]{memory.reserved_for}[/]")
    return lines


def _described(profile: "Target") -> dict[str, object]:
    from dataclasses import asdict

    return asdict(profile)
