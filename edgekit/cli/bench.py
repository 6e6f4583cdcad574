"""``edgekit bench``: measured numbers from a board or a phone."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgekit.cli.output import console, origin_of, print_json, progress_bar, shown

if TYPE_CHECKING:
    from rich.table import Table

    from edgekit.measurement.measure import Bench, OperatorCost
    from edgekit.quantity import Quantity
    from edgekit.runtimes.device_report import Selftest


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--target", required=True, help="The device that is measured.")
@click.option("--serial", metavar="PORT", help="The board's serial port.")
@click.option("--baud", type=int, help="Of the serial port; else 115200.")
@click.option("--adb", is_flag=True, help="Run benchmark_model on a phone.")
@click.option("--log", type=click.Path(path_type=Path), help="A recorded log of either.")
@click.option("--timeout", help="To give the device up after; else 60s.")
@click.option("--out", type=click.Path(path_type=Path), help="A CSV to add the measurement to.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def bench(
    *,
    model: Path,
    target: str,
    serial: str | None,
    baud: int | None,
    adb: bool,
    log: Path | None,
    timeout: str | None,
    out: Path | None,
    as_json: bool,
) -> int:
    """Measure a .tflite on a board or a phone: latency, operators, self-test.

    The board runs firmware that `edgekit emit` wrote for this model.

    \b
    edgekit bench model.tflite --target nucleo-l4r5zi --serial /dev/ttyACM0
    edgekit bench model.tflite --target pixel-4 --adb --json
    """
    from edgekit.errors import InputError, UsageError
    from edgekit.measurement.measure import bench as measure
    from edgekit.measurement.measure import to_json
    from edgekit.quantity import parse_microseconds

    try:
        seconds = None if timeout is None else parse_microseconds(timeout) / 1e6
    except InputError as error:
        raise UsageError(f"--timeout: {error.message}", hint=error.hint) from error
    with progress_bar("waiting for the device"):
        result = measure(
            model,
            target=target,
            serial=serial,
            adb=adb,
            baud=baud,
            timeout_seconds=seconds,
            log=log,
            out=out,
        )
    if as_json:
        print_json("bench", to_json(result))
    else:
        _show(result)
    return 0 if result.passed else 1


def _show(result: "Bench") -> None:
    out = console()
    for title, figure in (
        ("latency", result.latency_ms),
        ("one invocation", result.instructions),
        ("arena used", result.arena_used_bytes),
    ):
        if figure is not None:
            out.print(f"{title}: {_figure(figure)}, {origin_of(figure)}", markup=False)
    if result.selftest is not None:
        for line in _selftest_lines(result.selftest):
            out.print(line, markup=False)
    elif result.arena_used_bytes is not None:
        out.print("self-test: none, the firmware has no golden vectors")
    if result.operators:
        out.print(_table(result.operators))
    if not result.passed:
        out.print("[red]failed[/]")


def _figure(figure: "Quantity") -> str:
    if figure.unit != "ms":
        return f"{figure.value:,.0f} {figure.unit}"
    if figure.low is None or figure.high is None:
        return f"{figure.value:.4g} ms"
    return f"{figure.value:.4g} ms ({figure.low:.4g} to {figure.high:.4g})"


def _selftest_lines(selftest: "Selftest") -> list[str]:
    if selftest.passed:
        return [f"self-test: outputs of {selftest.vectors} vectors are the golden ones"]
    lines = [f"self-test: FAILED, {selftest.differences} elements differ"]
    if selftest.first is not None:
        first = selftest.first
        lines.append(
            f"first difference: vector {first.vector}, output {first.output}, element "
            f"{first.element}: {first.actual}, not {first.expected}"
        )
    return lines


def _table(operators: "tuple[OperatorCost, ...]") -> "Table":
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("#", justify="right")
    table.add_column("operator")
    table.add_column(operators[0].cost.unit, justify="right")
    table.add_column("share", justify="right")
    total = sum(item.cost.value for item in operators)
    for item in operators:
        share = f"{item.cost.value / total:.1%}" if total else ""
        table.add_row(str(item.index), shown(item.op), _number(item.cost), share)
    return table


def _number(figure: "Quantity") -> str:
    return f"{figure.value:.4f}" if figure.unit == "ms" else f"{figure.value:,.0f}"
