"""Post-training quantization alone: from a trained model to a `.tflite`."""

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.files.outputs import check_output_file
from edgekit.files.whole_files import write_bytes
from edgekit.model.inspection import Inspection, inspect
from edgekit.model.reader import read
from edgekit.pipeline.keras_stages import train_half
from edgekit.pipeline.stages import Stages, Watch, unwatched
from edgekit.project.project import of_model
from edgekit.specs import QuantizeSpec

if TYPE_CHECKING:
    from edgekit.pipeline.hand_over import Correction
    from edgekit.specs import Calibration, IoType, Scheme


@dataclass(frozen=True, kw_only=True, slots=True)
class Conversion:
    """A converted file.

    Args:
        inspection: What is in it.
        correction: What bias correction did; None where it was not asked for.
        warnings: Reasons not to trust its calibration, and what else a user should know.
    """

    inspection: Inspection
    correction: "Correction | None"
    warnings: tuple[str, ...]


def convert(
    model: str | Path,
    *,
    data: str,
    out: str | Path,
    scheme: "Scheme" = "int8",
    io: "IoType" = "int8",
    calibration: "Calibration" = "minmax",
    bias_correction: bool = False,
    seed: int = 0,
    watch: Watch = unwatched,
) -> Conversion:
    """Quantize the trained ``model``, write it to ``out`` and return what is in it.

    Args:
        model: A ``.keras`` or ``.h5`` file, a SavedModel folder, ``module:function``, or a float
            ``.tflite``, as litert-torch and onnx2tf write them.
        data: An ``.npz``, ``module:function``, a folder of images, or ``"random"``: its
            calibration samples set the ranges of activations.
        out: A `.tflite` file; it appears whole or not at all.
        scheme: ``"int8"`` all integer; ``"int16x8"`` 16-bit activations, 8-bit weights;
            ``"int4"`` as int8, with 4-bit weights where TFLite-Micro has kernels;
            ``"float16"`` and ``"dynamic"`` are for phones, not for microcontrollers.
        io: Type of the inputs and outputs of an integer model.
        calibration: How the samples set the ranges: ``"minmax"``, ``"percentile"``, ``"mse"`` or
            ``"entropy"``; see `edgekit.numerics.activation_range`.
        bias_correction: Whether what quantization shifts the mean of a channel by is taken off
            its bias; the effect is measured on the validation samples.
        seed: Of the choice of calibration samples.
        watch: Given each stage's name, what is told of its progress.

    Raises:
        EdgekitError: What the user must put right; nothing is written then.
    """
    spec = QuantizeSpec(
        scheme=scheme, io=io, calibration=calibration, bias_correction=bias_correction
    )
    project = replace(of_model(str(model), data=data), quantize=spec, seed=seed)
    file = Path(out)
    check_output_file(file, project.inputs)
    with tempfile.TemporaryDirectory() as folder:
        border = train_half(project, Stages(Path(folder), watch=watch, fresh=True))
        content = border.model.read_bytes()
    write_bytes(file, content)
    return Conversion(
        inspection=inspect(read(content)),
        correction=border.correction,
        warnings=(*border.data.overlaps, *border.doubts),
    )
