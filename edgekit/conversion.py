"""Post-training quantization alone: from a trained model to a `.tflite`."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.artifacts import write_bytes
from edgekit.flatbuffer.model import read
from edgekit.inspection import Inspection, inspect
from edgekit.project import QuantizeSpec, resolve
from edgekit.stages import Stages, Watch, unwatched
from edgekit.training import train_half

if TYPE_CHECKING:
    from edgekit.project import IoType, Scheme


def convert(
    model: str,
    *,
    data: str,
    out: Path,
    scheme: "Scheme" = "int8",
    io: "IoType" = "int8",
    seed: int = 0,
    watch: Watch = unwatched,
) -> Inspection:
    """Quantize the trained ``model``, write it to ``out`` and return what is in it.

    Args:
        model: A ``.keras`` or ``.h5`` file, a SavedModel folder, or ``module:function``.
        data: An ``.npz``, ``module:function``, a folder of images, or ``"random"``: its
            calibration samples set the ranges of activations.
        out: A `.tflite` file; it appears whole or not at all.
        scheme: ``"int8"`` all integer; ``"int16x8"`` 16-bit activations, 8-bit weights;
            ``"float16"`` and ``"dynamic"`` are for phones, not for microcontrollers.
        io: Type of the inputs and outputs of an integer model.
        seed: Of the choice of calibration samples.
        watch: Given each stage's name, what is told of its progress.

    Raises:
        EdgekitError: What the user must put right; nothing is written then.
    """
    project = replace(
        resolve(model, data=data, seed=seed), quantize=QuantizeSpec(scheme=scheme, io=io)
    )
    with tempfile.TemporaryDirectory() as folder:
        border = train_half(project, Stages(Path(folder), watch=watch, fresh=True))
        content = border.model.read_bytes()
    write_bytes(out, content)
    return inspect(read(content))
