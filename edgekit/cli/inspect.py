"""``edgekit inspect``: what is in a `.tflite`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgekit.cli.output import console, print_json, shown

if TYPE_CHECKING:
    from rich.table import Table

    from edgekit.model.inspection import Inspection
    from edgekit.record.model import Port


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def inspect(model: Path, *, as_json: bool) -> None:
    """Show operators, MACs, tensors, zeros and sizes of a .tflite.

    \b
    edgekit inspect model.tflite
    """
    from edgekit.api import inspect as examine
    from edgekit.model.inspection import to_json

    inspection = examine(model)
    if as_json:
        print_json("inspect", to_json(inspection))
    else:
        _show(model, inspection)


def _show(path: Path, inspection: "Inspection") -> None:
    from edgekit.quantity import format_bytes

    out = console()
    kind = "fully integer" if inspection.fully_integer else "NOT fully integer"
    out.print(f"[bold]{shown(path.name)}[/]  {format_bytes(inspection.bytes)}  {kind}")
    out.print(
        f"{inspection.macs:,} MACs  {inspection.parameters:,} parameters  "
        f"{inspection.zero_weight_fraction:.1%} of the weights are zero"
    )
    for title, ports in (("input", inspection.inputs), ("output", inspection.outputs)):
        for port in ports:
            out.print(f"{title:<7} {shown(_port(port))}")
    out.print(_operators(inspection))
    for tensor in inspection.float_tensors:
        name = tensor.name.split(";")[0]  # of a fused tensor: of the last operation in it
        out.print(f"float   {shown(f'{name} ({tensor.dtype}, {tensor.operator})')}")


def _port(port: "Port") -> str:
    shape = "x".join(str(size) for size in port.shape)
    if port.scale is None:
        return f"{port.name}  {port.dtype} {shape}"
    return (
        f"{port.name}  {port.dtype} {shape}  scale {port.scale:.6g}  zero point {port.zero_point}"
    )


def _operators(inspection: "Inspection") -> "Table":
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("#", justify="right")
    table.add_column("operator")
    for heading in ("MACs", "parameters", "bytes", "zeros"):
        table.add_column(heading, justify="right")
    for operator in inspection.operators:
        mine = [item for item in inspection.constants if item.operator == operator.index]
        kernels = [item for item in mine if item.is_kernel]
        table.add_row(
            str(operator.index),
            shown(operator.op),
            f"{operator.macs:,}",
            f"{operator.parameters:,}",
            f"{sum(item.bytes for item in mine):,}",
            f"{kernels[0].zero_fraction:.1%}" if kernels else "",
        )
    return table
