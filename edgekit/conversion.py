"""Post-training quantization alone: from a trained model to a `.tflite`."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.artifacts import write_bytes
from edgekit.data import load_held_out
from edgekit.flatbuffer.model import read, read_bytes
from edgekit.inspection import Inspection, inspect
from edgekit.posttraining import check_float, check_installed, quantize_float_file
from edgekit.process import Worker
from edgekit.project import resolve
from edgekit.specs import DataSpec, QuantizeSpec
from edgekit.stages import Stages, Watch, unwatched
from edgekit.training import train_half

if TYPE_CHECKING:
    from edgekit.specs import IoType, Scheme


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
        model: A ``.keras`` or ``.h5`` file, a SavedModel folder, ``module:function``, or a float
            ``.tflite``, as litert-torch and onnx2tf write them.
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
    spec = QuantizeSpec(scheme=scheme, io=io)
    if Path(model).suffix == ".tflite":
        content = _from_float_file(Path(model), data, spec, seed=seed, watch=watch)
    else:
        content = _from_training(model, data, spec, seed=seed, watch=watch)
    write_bytes(out, content)
    return inspect(read(content))


def _from_training(model: str, data: str, spec: QuantizeSpec, *, seed: int, watch: Watch) -> bytes:
    project = replace(resolve(model, data=data, seed=seed), quantize=spec)
    with tempfile.TemporaryDirectory() as folder:
        border = train_half(project, Stages(Path(folder), watch=watch, fresh=True))
        return border.model.read_bytes()


def _from_float_file(
    path: Path, data: str, spec: QuantizeSpec, *, seed: int, watch: Watch
) -> bytes:
    content = read_bytes(path)
    model = read(content, name=str(path))
    check_float(model)
    check_installed()
    source, sink = (
        model.main.tensors[ports[0]] for ports in (model.main.inputs, model.main.outputs)
    )
    with Worker("litert-quantizer", search=(Path.cwd(),)) as worker:
        with watch("data") as progress:
            samples = worker.call(
                load_held_out,
                progress,
                DataSpec(source=data),
                directory=Path.cwd(),
                input_shape=source.shape[1:],
                output_shape=sink.shape[1:],
                seed=seed,
            )
        with watch("convert") as progress:
            return worker.call(
                quantize_float_file,
                progress,
                content,
                samples.x_calibration,
                scheme=spec.scheme,
                io=spec.io,
            )
