"""``edgekit convert``: post-training quantization alone."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgekit.cli.output import print_json, progress_bar

if TYPE_CHECKING:
    from edgekit.specs import IoType, Scheme


@click.command()
@click.argument("model")
@click.option("--data", required=True, help="An .npz, module:function, a folder, or 'random'.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The .tflite file.")
@click.option(
    "--scheme",
    type=click.Choice(["int8", "int16x8", "float16", "dynamic"]),
    default="int8",
    show_default=True,
    help="Of the numbers; float16 and dynamic are for phones.",
)
@click.option(
    "--io",
    type=click.Choice(["int8", "uint8", "float32"]),
    default="int8",
    show_default=True,
    help="Type of inputs and outputs.",
)
@click.option("--seed", type=int, default=0, help="Of the choice of calibration samples.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def convert(
    *,
    model: str,
    data: str,
    out: Path,
    scheme: "Scheme",
    io: "IoType",
    seed: int,
    as_json: bool,
) -> None:
    r"""Quantize a trained MODEL after its training, to a .tflite.

    MODEL is a .keras or .h5 file, a SavedModel, module:function, or a float .tflite, such as
    litert-torch writes from PyTorch and onnx2tf from ONNX.

    \b
    edgekit convert model.h5 --data calibration.npz --out model.tflite
    edgekit convert float.tflite --data calibration.npz --out model.tflite
    """
    from edgekit.conversion import convert as run
    from edgekit.inspection import to_json
    from edgekit.quantity import format_bytes

    inspection = run(model, data=data, out=out, scheme=scheme, io=io, seed=seed, watch=progress_bar)
    if as_json:
        print_json("convert", {"out": str(out), **to_json(inspection)})
        return
    kind = "fully integer" if inspection.fully_integer else "not fully integer"
    click.echo(f"wrote {out}: {format_bytes(inspection.bytes)}, {kind}, {inspection.macs:,} MACs")
    if data == "random":
        click.echo("calibrated with random data: size and fit are real, accuracy is not claimed")
