"""Post-training quantization alone: from a trained model to a `.tflite`."""

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.errors import UsageError
from edgekit.files.outputs import check_output_file
from edgekit.files.results import few, told
from edgekit.files.whole_files import write_bytes
from edgekit.model.inspection import Inspection, inspect
from edgekit.model.reader import read
from edgekit.pipeline.keras_stages import stages_to_file
from edgekit.pipeline.stages import Stages, Watch, unwatched
from edgekit.project.project import of_model
from edgekit.specs import QuantizeSpec, check_names

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from edgekit.record.quantization import BiasCorrection
    from edgekit.specs import Calibration, IoType, Scheme
    from edgekit.training._tensorflow import Model

    Array = npt.NDArray[np.generic]
    Samples = Array | tuple[Array, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Conversion:
    """A converted file.

    Args:
        content: The file.
        inspection: What is in it.
        correction: What bias correction did; None where it was not asked for.
        warnings: Reasons not to trust its calibration, and what else a user should know.
    """

    content: bytes
    inspection: Inspection
    correction: "BiasCorrection | None"
    warnings: tuple[str, ...]

    def save(self, path: str | Path) -> None:
        """Write the file to ``path``; it appears whole or not at all."""
        write_bytes(Path(path), self.content)

    def __repr__(self) -> str:
        found = self.inspection
        return told(
            f"Conversion: {found.bytes:,} B, {'' if found.fully_integer else 'not '}fully integer",
            macs=f"{found.macs:,}",
            inputs=few(f"{item.name} {item.dtype}" for item in found.inputs),
            outputs=few(f"{item.name} {item.dtype}" for item in found.outputs),
            correction=self.correction and self.correction.effect,
            warnings=few(self.warnings),
        )


def convert(
    model: "str | Path | Model",
    *,
    data: "str | Samples | None" = None,
    out: str | Path | None = None,
    scheme: "Scheme" = "int8",
    io: "IoType" = "int8",
    calibration: "Calibration" = "minmax",
    bias_correction: bool = False,
    modules: tuple[str, ...] = (),
    seed: int = 0,
    watch: Watch = unwatched,
) -> Conversion:
    """Quantize the trained ``model`` and return the file, and what is in it.

    Args:
        model: A ``.keras`` or ``.h5`` file, a SavedModel folder, ``module:function``, or a float
            ``.tflite``, as litert-torch and onnx2tf write them; or a Keras 3 model in memory,
            such as one of `edgekit.quantize_aware`, which brings its scheme and its ranges.
        data: An ``.npz``, ``module:function``, a folder of images, or ``"random"``: its
            calibration samples set the ranges of activations. Of a model in memory: an array for
            its input, or a tuple of one for each; None where it has its ranges.
        out: A `.tflite` file to write; it appears whole or not at all. None: nothing is written.
        scheme: ``"int8"`` all integer; ``"int16x8"`` 16-bit activations, 8-bit weights;
            ``"int4"`` as int8, with 4-bit weights where TFLite-Micro has kernels;
            ``"float16"`` and ``"dynamic"`` are for phones, not for microcontrollers.
        io: Type of the inputs and outputs of an integer model.
        calibration: How the samples set the ranges: ``"minmax"``, ``"percentile"``, ``"mse"`` or
            ``"entropy"``; see `edgekit.numerics.activation_range`.
        bias_correction: Whether what quantization shifts the mean of a channel by is taken off
            its bias; the effect is measured on the validation samples.
        modules: Of yours, found from here, that register the custom layers of a model in a file.
        seed: Of the choice of calibration samples.
        watch: Given each stage's name, what is told of its progress.

    Raises:
        EdgekitError: What the user must put right; nothing is written then.
    """
    spec = QuantizeSpec(
        scheme=scheme, io=io, calibration=calibration, bias_correction=bias_correction
    )
    if not isinstance(model, str | Path):
        return _in_memory(model, data, spec, out=out)
    check_names("modules", modules)
    if not isinstance(data, str):
        raise UsageError(
            f"the data of the model '{model}' are missing, or no text that says where they are",
            hint=f'edgekit.convert("{model}", data="data.npz", out="model.tflite")',
        )
    project = replace(of_model(str(model), data=data, modules=modules), quantize=spec, seed=seed)
    if out is not None:
        check_output_file(Path(out), project.inputs)
    with tempfile.TemporaryDirectory() as folder:
        handed = stages_to_file(project, Stages(Path(folder), watch=watch, fresh=True))
    if out is not None:
        write_bytes(Path(out), handed.file.content)
    return Conversion(
        content=handed.file.content,
        inspection=inspect(handed.file.model),
        correction=handed.correction,
        warnings=(*handed.data.overlaps, *handed.doubts),
    )


def _in_memory(
    model: "Model", data: "str | Samples | None", spec: QuantizeSpec, *, out: str | Path | None
) -> Conversion:
    """Convert a Keras 3 model where it lives."""
    from edgekit.training.keras.convert import convert as after_training
    from edgekit.training.keras.convert import convert_aware, is_aware

    if isinstance(data, str):
        raise UsageError(
            f"the data of a model in memory are arrays, not '{data}'",
            hint="edgekit.convert(model, data=x_train[:500])",
        )
    if spec != QuantizeSpec(scheme=spec.scheme):
        raise UsageError(
            "io, calibration and bias_correction are of a model in a file",
            hint='model.save("model.keras"), and edgekit.convert("model.keras", …)',
        )
    samples = data if data is None or isinstance(data, tuple) else (data,)
    if is_aware(model):
        content = convert_aware(model, data=samples)
    elif samples is None:
        raise UsageError(
            f"model '{model.name}' has no ranges of its activations",
            hint="edgekit.convert(model, data=x_train[:500])",
        )
    else:
        content = after_training(model, data=samples, scheme=spec.scheme)
    made = Conversion(
        content=content, inspection=inspect(read(content)), correction=None, warnings=()
    )
    if out is not None:
        made.save(out)
    return made
