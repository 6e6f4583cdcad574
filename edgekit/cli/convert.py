"""``edgekit convert``: post-training quantization alone."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgekit.cli.output import print_json, progress_bar
from edgekit.files.source import RANDOM

if TYPE_CHECKING:
    from edgekit.specs import Calibration, IoType, Scheme


@click.command()
@click.argument("model")
@click.option("--data", required=True, help="An .npz, module:function, a folder, or 'random'.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The .tflite file.")
@click.option(
    "--scheme",
    type=click.Choice(["int8", "int16x8", "int4", "float16", "dynamic"]),
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
@click.option(
    "--calibration",
    type=click.Choice(["minmax", "percentile", "mse", "entropy"]),
    default="minmax",
    show_default=True,
    help="How samples set the ranges of int8 activations; all but minmax leave outliers out.",
)
@click.option(
    "--bias-correction",
    is_flag=True,
    help="Take the shift of each channel's mean off its bias; the effect is measured and told.",
)
@click.option(
    "--module",
    "modules",
    multiple=True,
    help="A module of yours, found from here, that registers custom layers; repeatable.",
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
    calibration: "Calibration",
    bias_correction: bool,
    modules: tuple[str, ...],
    seed: int,
    as_json: bool,
) -> None:
    """Quantize a trained MODEL after its training, to a .tflite.

    MODEL is a .keras or .h5 file, a SavedModel, module:function, or a float .tflite, such as
    litert-torch writes from PyTorch and onnx2tf from ONNX.

    \b
    edgekit convert model.h5 --data calibration.npz --out model.tflite
    edgekit convert float.tflite --data calibration.npz --out model.tflite
    """
    from edgekit.model.inspection import to_json
    from edgekit.pipeline.convert import convert as run
    from edgekit.quantity import format_bytes

    made = run(
        model,
        data=data,
        out=out,
        scheme=scheme,
        io=io,
        calibration=calibration,
        bias_correction=bias_correction,
        modules=modules,
        seed=seed,
        watch=progress_bar,
    )
    found, correction = made.inspection, made.correction
    if as_json:
        extras = {
            "bias_correction": correction and asdict(correction),
            "warnings": made.warnings,
        }
        print_json("convert", {"out": str(out), **to_json(found), **extras})
        return
    kind = "fully integer" if found.fully_integer else "not fully integer"
    click.echo(f"wrote {out}: {format_bytes(found.bytes)}, {kind}, {found.macs:,} MACs")
    if correction is not None:
        click.echo(correction.effect)
    if data == RANDOM:
        click.echo("calibrated with random data: size and fit are real, accuracy is not claimed")
    for warning in made.warnings:
        click.echo(f"warning: {warning}")
