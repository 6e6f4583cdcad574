"""``edgekit targets``: the device profiles."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgekit.cli.output import console, print_json

if TYPE_CHECKING:
    from edgekit.devices.profile import Memory, Target
    from edgekit.quantity import Quantity
    from edgekit.record.fit import Fit


@click.group()
def targets() -> None:
    """Device profiles: list them, show one, check one, calibrate one.

    \b
    edgekit targets list --fits model.tflite
    edgekit targets show nucleo-l4r5zi
    """


@targets.command("list")
@click.option("--fits", type=click.Path(path_type=Path), help="Rank them for this model.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def list_(*, fits: Path | None, as_json: bool) -> int:
    """List the devices that edgekit knows.

    \b
    edgekit targets list --fits model.tflite
    """
    from edgekit.fit.profiles import targets as known
    from edgekit.record.fit import to_json

    if fits is not None:
        found = known(fits=fits)
        if as_json:
            print_json("targets", {"targets": [to_json(fit) for fit in found]})
        else:
            _print_fits(found)
        return 0
    profiles = known()
    if as_json:
        print_json("targets", {"targets": [_described(profile) for profile in profiles]})
    else:
        _print_all(profiles)
    return 0


@targets.command()
@click.argument("name", metavar="TARGET")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show(name: str, *, as_json: bool) -> int:
    """Show TARGET, a device's name or a `.toml` file, with the source of each figure.

    \b
    edgekit targets show nucleo-l4r5zi
    """
    from edgekit.fit.profiles import target

    profile = target(name)
    if as_json:
        print_json("targets", {"target": _described(profile)})
        return 0
    out = console()
    out.print(f"[bold]{profile.name}[/]  {profile.title}")
    for line in _lines(profile):
        out.print(line)
    return 0


@targets.command("lint")
@click.argument("names", metavar="[TARGET]...", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def lint_(names: tuple[str, ...], *, as_json: bool) -> int:
    """Check TARGETs, devices' names or `.toml` files of your own; else all that edgekit has.

    \b
    edgekit targets lint my-board.toml
    """
    from edgekit.errors import InputError
    from edgekit.fit.profiles import lint_targets

    problems = lint_targets(names)
    if as_json:
        described = [{"target": name, "problems": found} for name, found in problems.items()]
        print_json("targets", {"targets": described})
    else:
        out = console()
        for found in problems.values():
            for problem in found:
                out.print(problem, markup=False)
        wrong = sum(bool(found) for found in problems.values())
        out.print(f"{len(problems) - wrong} of {len(problems)} profiles are well formed")
    return InputError.exit_code if any(problems.values()) else 0


@targets.command()
@click.argument("target")
@click.option("--measurements", required=True, type=click.Path(path_type=Path), help="CSV or log.")
@click.option("--model", "models", multiple=True, type=click.Path(path_type=Path), help="Of a log.")
@click.option("--version", default="as measured", help="Of the runtime that was measured.")
@click.option("--out", type=click.Path(path_type=Path), help="The new profile.")
def calibrate(
    target: str, *, measurements: Path, models: tuple[Path, ...], version: str, out: Path | None
) -> int:
    """Write a profile of TARGET whose latencies come from your own MEASUREMENTS.

    A CSV has the columns model and latency_ms. Any other file is the log of an emitted
    project's report, and --model the file that was flashed.

    \b
    edgekit targets calibrate nucleo-l4r5zi --measurements times.csv
    """
    from edgekit.fit.profiles import calibrate_target

    made = calibrate_target(
        target, measurements=measurements, models=models, version=version, out=out
    )
    console().print(
        f"{made.path}: from {made.latency.points} of your measurements; latencies hold within a "
        f"factor of {made.latency.band:.2f}",
        markup=False,
    )
    return 0


def _print_all(profiles: "tuple[Target, ...]") -> None:
    from rich.table import Table

    table = Table(box=None, padding=(0, 1, 0, 0))
    for heading in ("target", "core", "clock", "RAM", "flash", "kernels", "latency"):
        table.add_column(heading, no_wrap=True)
    for profile in profiles:
        table.add_row(
            profile.name,
            profile.core.name,
            f"{profile.core.clock / 1e6:g} MHz",
            _size(profile.ram),
            _size(profile.flash),
            profile.runtime.kernels,
            "-" if profile.latency is None else f"x{profile.latency.band:.2g}",
        )
    console().print(table)


def _print_fits(fits: "tuple[Fit, ...]") -> None:
    from rich.table import Table

    table = Table(box=None, padding=(0, 1, 0, 0))
    for heading in ("target", "verdict", "flash", "arena", "latency"):
        table.add_column(heading, no_wrap=True)
    for fit in fits:
        missed = next((finding.gate for finding in fit.findings if not finding.passed), None)
        time = fit.latency_ms
        table.add_row(
            fit.target,
            "[green]fits[/]" if missed is None else f"[red]{missed}[/]",
            _bytes(fit.known_flash_bytes),
            "-" if fit.arena_bytes is None else _bytes(fit.arena_bytes),
            "not known" if time is None else f"{_band(time)} {time.kind[0]}",
        )
    out = console()
    out.print(table)
    out.print("h host, p predicted, m measured, d declared; the sources: check --target T -v")


def _bytes(figure: "Quantity") -> str:
    from edgekit.quantity import format_bytes

    return f"{format_bytes(figure.value)} {figure.kind[0]}"


def _band(time: "Quantity") -> str:
    low, high = time.low or time.value, time.high or time.value
    digits = 0 if low >= 10 else 1 if low >= 1 else 3  # noqa: PLR2004  three figures or so
    return f"{time.value:.{digits}f} ms ({low:.{digits}f} to {high:.{digits}f})"


def _size(memory: "Memory | None") -> str:
    from edgekit.quantity import format_bytes

    return "-" if memory is None else format_bytes(memory.total)


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
    model = profile.latency
    if model is not None:
        lines.append(f"latency  within a factor of {model.band:.3g}, {model.points} measurements")
        lines.append(f"         [dim]{model.version}: {model.source}[/]")
    return lines


def _described(profile: "Target") -> dict[str, object]:
    from dataclasses import asdict

    return asdict(profile)
