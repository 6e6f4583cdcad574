"""What crosses from training and quantization to the rest, and the last steps on the way there."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from edgekit.data.calibration_split import DataSummary, calibration_samples
from edgekit.data.reference import FILE_NAME as VECTORS_NAME
from edgekit.data.reference import Vectors, load_vectors, save_vectors
from edgekit.errors import UnsupportedModelError
from edgekit.files.whole_files import write_bytes
from edgekit.model.file import ModelFile
from edgekit.model.integer import require_integer
from edgekit.model.shapes import check_shapes
from edgekit.model.single_output import scored_output
from edgekit.model.writer import write
from edgekit.quantization.bias_correction import correct_biases
from edgekit.quantization.coarse_weights import coarsened
from edgekit.record.quantization import BiasCorrection
from edgekit.runtimes.real import real_outputs
from edgekit.verification.metrics import Score, loss, score_outputs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy.typing as npt

    from edgekit.pipeline.stages import Stages
    from edgekit.project.project import Project
    from edgekit.runtimes.process import Progress
    from edgekit.specs import QuantizeSpec
    from edgekit.training.pruning.prune import LayerSparsity

MODEL_NAME = "model.tflite"
FLOAT_NAME = "float.tflite"


@dataclass(frozen=True, kw_only=True, slots=True)
class Predicted:
    """How many samples the float models were run on."""

    samples: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Converted:
    """The size of the converted file, and what a user should know of it.

    Args:
        bytes: Of the file.
        notes: What was done to it.
        doubts: Reasons not to trust its calibration, and weights that are not as asked.
    """

    bytes: int
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """The model that goes on.

    Args:
        file: The `.tflite` file.
        correction: What bias correction did; None where it was not asked for.
        doubts: Reasons not to trust the calibration or the correction.
    """

    file: ModelFile
    correction: BiasCorrection | None = None
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Border:
    """What crosses from the training half to the rest.

    Args:
        file: The converted `.tflite` file.
        vectors: The ``vectors.npz`` with validation samples and the float model's outputs.
        data: How many samples each purpose got.
        kernels: Zeros asked and reached, by layer; empty without pruning.
        masks: Which of their weights are left, in the same order; see
            `edgekit.model.pruned_weights`.
        left: Layers that quantization-aware training could not take.
        correction: What bias correction did; None where it was not asked for.
        doubts: Reasons not to trust the calibration or the correction.
    """

    file: ModelFile
    vectors: "Path"
    data: DataSummary
    kernels: "tuple[LayerSparsity, ...]" = ()
    masks: "Path | None" = None
    left: tuple[str, ...] = ()
    correction: BiasCorrection | None = None
    doubts: tuple[str, ...] = ()


def keep_predictions(
    draft: "Path", vectors: Vectors, outputs: "npt.NDArray[np.float32]"
) -> Predicted:
    """Write ``vectors`` with the float model's ``outputs`` to ``draft``.

    Raises:
        UnsupportedModelError: They hold NaN or infinity.
    """
    if not np.isfinite(outputs).all():
        raise UnsupportedModelError(
            "the float model's outputs hold NaN or infinity: its weights are broken",
            hint="train it again, or with a lower learning rate",
        )
    save_vectors(draft / VECTORS_NAME, replace(vectors, float_outputs=outputs))
    return Predicted(samples=len(vectors.inputs))


def keep_model(
    draft: "Path",
    content: bytes,
    spec: "QuantizeSpec",
    *,
    floating: bytes | None = None,
    doubts: tuple[str, ...] = (),
) -> Converted:
    """Write what a converter made, with the weights that ``spec`` asks for, to ``draft``.

    Args:
        draft: The folder of the stage.
        content: The converter's `.tflite` file.
        spec: What was asked for.
        floating: The float `.tflite` that it was made from, where there is one.
        doubts: Reasons not to trust the calibration.

    Raises:
        UnsupportedModelError: Floats are left in an integer model, operators give other shapes
            than the file declares, or weights cannot be coarser.
    """
    model = ModelFile.of(content).model
    if spec.is_integer:
        require_integer(model, io=spec.io, method=spec.method)
    check_shapes(model)
    coarse = coarsened(model, spec)
    if coarse.weights:
        content = write(coarse.model)
    write_bytes(draft / MODEL_NAME, content)
    if floating is not None:
        write_bytes(draft / FLOAT_NAME, floating)
    return Converted(bytes=len(content), notes=coarse.notes, doubts=(*coarse.doubts, *doubts))


def finish(
    work: "Callable[[Path, Progress], Converted]",
    *,
    samples: "Path",
    vectors: "Path",
    project: "Project",
    stages: "Stages",
) -> Finished:
    """Return the model that the stage ``convert`` makes, its biases corrected if asked.

    Args:
        work: Of the stage ``convert``: it calls `keep_model`.
        samples: The folder of the stage of `edgekit.pipeline.data_stage.hold_out`.
        vectors: The ``vectors.npz`` with validation samples and the float model's outputs.
        project: What was asked for.
        stages: Of the run.

    Raises:
        EdgekitError: ``work`` fails, or no bias can be corrected.
    """
    spec = project.quantize
    inputs = {
        "io": spec.io,
        "scheme": spec.scheme,
        "simulate": spec.simulate,
        "calibration": spec.calibration,
    }
    converted, folder = stages.run("convert", inputs, Converted, work)
    file = ModelFile.of((folder / MODEL_NAME).read_bytes())
    if not spec.bias_correction:
        return Finished(file=file, doubts=converted.doubts)

    def correct(draft: "Path", progress: "Progress") -> BiasCorrection:
        floating = ModelFile.of((folder / FLOAT_NAME).read_bytes())
        scored_output(file.model.main)
        corrected = correct_biases(progress, file, floating, calibration_samples(samples))
        write_bytes(draft / MODEL_NAME, corrected.content)
        given = load_vectors(vectors)
        first, second = (
            _score(each, given, project.metric) for each in (file, ModelFile.of(corrected.content))
        )
        return BiasCorrection(
            metric=first.metric,
            before=first.value,
            after=second.value,
            samples=len(given.inputs),
            layers=corrected.layers,
            left=corrected.left,
        )

    correction, made = stages.run("correct", {"metric": project.metric}, BiasCorrection, correct)
    return Finished(
        file=ModelFile.of((made / MODEL_NAME).read_bytes()),
        correction=correction,
        doubts=(*converted.doubts, *_doubts(correction)),
    )


def _doubts(correction: BiasCorrection) -> tuple[str, ...]:
    """Return what bias correction could not do, and whether it did harm."""
    found = [f"no bias correction of {item}" for item in correction.left]
    if loss(correction.metric, correction.before, correction.after) > 0:
        found.append(f"bias correction did not help: {correction.effect}")
    return tuple(found)


def _score(file: ModelFile, vectors: Vectors, metric: str) -> Score:
    """Return the score of a model; without labels, against the float outputs."""
    outputs = real_outputs("litert", file, vectors.inputs)
    if vectors.labels is not None:
        return score_outputs(outputs, vectors.labels, metric=metric)
    assert vectors.float_outputs is not None  # the stage before wrote them
    return score_outputs(outputs, vectors.float_outputs, metric="mean_absolute_error")
