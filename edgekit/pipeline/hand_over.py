"""What crosses from training and quantization to the rest, and the last steps on the way there."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from edgekit.data.calibration_split import DataSummary, HeldOut
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
from edgekit.quantization.calibration import Calibrated, calibrate
from edgekit.quantization.coarse_weights import coarsened
from edgekit.record.quantization import BiasCorrection
from edgekit.runtimes.real import real_outputs
from edgekit.verification.metrics import Score, loss, score_outputs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

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
class HandOver:
    """What the stages up to the `.tflite` hand over to the rest.

    Args:
        file: The converted model.
        vectors: Validation samples and the float models' outputs.
        vectors_path: The ``vectors.npz`` that they were read from.
        data: How many samples each purpose got.
        kernels: Zeros asked and reached, by layer; empty without pruning.
        masks: Which of their weights are left, in the same order; see
            `edgekit.model.pruned_weights`.
        left: Layers that quantization-aware training could not take.
        correction: What bias correction did; None where it was not asked for.
        doubts: Reasons not to trust the calibration or the correction.
    """

    file: ModelFile
    vectors: Vectors
    vectors_path: "Path"
    data: DataSummary
    kernels: "tuple[LayerSparsity, ...]" = ()
    masks: "Path | None" = None
    left: tuple[str, ...] = ()
    correction: BiasCorrection | None = None
    doubts: tuple[str, ...] = ()


def predict_stage(
    stages: "Stages", held: HeldOut, answered: "Callable[[Vectors, Progress], Vectors]"
) -> "Path":
    """Return the ``vectors.npz`` with the validation samples and the float models' outputs.

    Args:
        stages: Of the run.
        held: The samples.
        answered: Adds the float models' outputs to vectors.

    Raises:
        UnsupportedModelError: The outputs hold NaN or infinity.
    """

    def work(draft: "Path", progress: "Progress") -> Predicted:
        vectors = answered(held.validation(), progress)
        if vectors.float_outputs is None or not np.isfinite(vectors.float_outputs).all():
            raise UnsupportedModelError(
                "the float model's outputs hold NaN or infinity: its weights are broken",
                hint="train it again, or with a lower learning rate",
            )
        save_vectors(draft / VECTORS_NAME, vectors)
        return Predicted(samples=len(vectors.inputs))

    return stages.run("predict", {}, Predicted, work)[1] / VECTORS_NAME


def calibrated_ranges(
    file: ModelFile, held: HeldOut, spec: "QuantizeSpec", progress: "Progress"
) -> Calibrated:
    """Return the ranges that the calibration samples set in a float model, and the doubts.

    By least and greatest there are none: the converters have these, of the same samples.

    Raises:
        InputError: Activations are NaN or infinite.
    """
    found = calibrate(
        file,
        held.calibration(),
        method=spec.calibration,
        places=held.summary.calibration_indices,
        progress=progress,
    )
    return replace(found, ranges={}) if spec.calibration == "minmax" else found


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


def hand_over(
    work: "Callable[[Path, Progress], Converted]",
    *,
    held: HeldOut,
    vectors_path: "Path",
    project: "Project",
    stages: "Stages",
) -> HandOver:
    """Hand over the model that the stage ``convert`` makes, its biases corrected if asked.

    Args:
        work: Of the stage ``convert``: it calls `keep_model`.
        held: The samples.
        vectors_path: The ``vectors.npz`` of `predict_stage`.
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
    handed = HandOver(
        file=ModelFile.of((folder / MODEL_NAME).read_bytes()),
        vectors=load_vectors(vectors_path),
        vectors_path=vectors_path,
        data=held.summary,
        doubts=converted.doubts,
    )
    if not spec.bias_correction:
        return handed
    floating = folder / FLOAT_NAME

    def correct(draft: "Path", progress: "Progress") -> BiasCorrection:
        return _correct(draft, progress, handed, floating, held, metric=project.metric)

    correction, made = stages.run("correct", {"metric": project.metric}, BiasCorrection, correct)
    return replace(
        handed,
        file=ModelFile.of((made / MODEL_NAME).read_bytes()),
        correction=correction,
        doubts=(*handed.doubts, *_doubts(correction)),
    )


def _correct(
    draft: "Path",
    progress: "Progress",
    handed: HandOver,
    floating: "Path",
    held: HeldOut,
    *,
    metric: str,
) -> BiasCorrection:
    """Write the model with corrected biases to ``draft`` and return what that did."""
    scored_output(handed.file.model.main)
    float_file = ModelFile.of(floating.read_bytes())
    corrected = correct_biases(progress, handed.file, float_file, held.calibration())
    write_bytes(draft / MODEL_NAME, corrected.content)
    before, after = (
        _score(each, handed.vectors, metric)
        for each in (handed.file, ModelFile.of(corrected.content))
    )
    return BiasCorrection(
        metric=before.metric,
        before=before.value,
        after=after.value,
        samples=len(handed.vectors.inputs),
        layers=corrected.layers,
        left=corrected.left,
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
