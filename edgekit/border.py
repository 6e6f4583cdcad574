"""What crosses from training and quantization to the rest, and the last steps on the way there."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from edgekit.artifacts import write_bytes
from edgekit.correction import LayerShift, correct_biases
from edgekit.errors import UnsupportedModelError
from edgekit.flatbuffer.integer import require_integer
from edgekit.flatbuffer.model import read
from edgekit.flatbuffer.writer import write
from edgekit.lowbit import coarsened
from edgekit.scoring import MetricName, Score, drop, score_outputs
from edgekit.vectors import FILE_NAME as VECTORS_NAME
from edgekit.vectors import Vectors, load_vectors, save_vectors
from edgekit.verification import real_outputs

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from edgekit.data import Dataset
    from edgekit.process import Progress
    from edgekit.project import Project
    from edgekit.specs import QuantizeSpec
    from edgekit.stages import Stages
    from edgekit.train.prune import LayerSparsity

MODEL_NAME = "model.tflite"
FLOAT_NAME = "float.tflite"
_CALIBRATION_NAME = "calibration.npy"
_VALIDATION_NAME = "validation.npz"


@dataclass(frozen=True, kw_only=True, slots=True)
class DataSummary:
    """How many samples each purpose got.

    Args:
        train_samples: Left for the training.
        calibration_samples: Held out of the training.
        calibration_indices: Where they stand among the source's samples.
        validation_samples: Held out of both.
        is_random: Whether the samples are chance, and no accuracy can be claimed.
        has_labels: Whether accuracy can be told.
        sha256: Digest of all samples and labels.
        notes: The numbers, in words.
        overlaps: A sentence for each pair of sets that share samples.
    """

    train_samples: int
    calibration_samples: int
    calibration_indices: tuple[int, ...]
    validation_samples: int
    is_random: bool
    has_labels: bool
    sha256: str
    notes: tuple[str, ...]
    overlaps: tuple[str, ...]


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
class Correction:
    """What bias correction did, measured in LiteRT on the validation samples.

    Args:
        metric: The task's; without labels ``"mean_absolute_error"`` of the outputs against the
            float model's.
        before: Its value without correction.
        after: Its value with it.
        samples: On which both were measured.
        layers: What was corrected.
        left: Layers that were not, each with the reason.
    """

    metric: MetricName
    before: float
    after: float
    samples: int
    layers: tuple[LayerShift, ...]
    left: tuple[str, ...]

    @property
    def effect(self) -> str:
        """The metric before and after, in words."""
        return (
            f"{self.metric.replace('_', ' ')} {self.before:.4g} before and {self.after:.4g} after "
            f"bias correction, on {self.samples} validation samples in LiteRT"
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What was done, and what it did."""
        return (f"{len(self.layers)} layers corrected", self.effect)

    @property
    def doubts(self) -> tuple[str, ...]:
        """What it could not do, and whether it did harm."""
        found = [f"no bias correction of {item}" for item in self.left]
        before, after = (Score(metric=self.metric, value=v) for v in (self.before, self.after))
        if drop(before, after) > 0:
            found.append(f"bias correction did not help: {self.effect}")
        return tuple(found)


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """The model that goes on.

    Args:
        model: The `.tflite` file.
        correction: What bias correction did; None where it was not asked for.
        doubts: Reasons not to trust the calibration or the correction.
    """

    model: "Path"
    correction: Correction | None = None
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Border:
    """What crosses from the training half to the rest.

    Args:
        model: The converted `.tflite` file.
        vectors: The ``vectors.npz`` with validation samples and the float model's outputs.
        data: How many samples each purpose got.
        kernels: Zeros asked and reached, by layer; empty without pruning.
        left: Layers that quantization-aware training could not take.
        correction: What bias correction did; None where it was not asked for.
        doubts: Reasons not to trust the calibration or the correction.
    """

    model: "Path"
    vectors: "Path"
    data: DataSummary
    kernels: "tuple[LayerSparsity, ...]" = ()
    left: tuple[str, ...] = ()
    correction: Correction | None = None
    doubts: tuple[str, ...] = ()


def keep_samples(draft: "Path", held_out: "Dataset") -> DataSummary:
    """Write the samples for calibration and validation to ``draft`` and return their numbers."""
    np.save(draft / _CALIBRATION_NAME, held_out.x_calibration)
    vectors = Vectors(inputs=held_out.x_validation, labels=held_out.y_validation)
    save_vectors(draft / _VALIDATION_NAME, vectors)
    return DataSummary(
        train_samples=held_out.train_samples,
        calibration_samples=len(held_out.x_calibration),
        calibration_indices=held_out.calibration_indices,
        validation_samples=len(held_out.x_validation),
        is_random=held_out.is_random,
        has_labels=held_out.y_validation is not None,
        sha256=held_out.sha256,
        notes=held_out.notes,
        overlaps=held_out.overlaps,
    )


def calibration_samples(folder: "Path") -> "npt.NDArray[np.float32]":
    """Return the samples for calibration that `keep_samples` wrote."""
    samples: npt.NDArray[np.float32] = np.load(folder / _CALIBRATION_NAME, allow_pickle=False)
    return samples


def validation_samples(folder: "Path") -> Vectors:
    """Return the samples for validation that `keep_samples` wrote."""
    return load_vectors(folder / _VALIDATION_NAME)


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
        UnsupportedModelError: Floats are left in an integer model, or weights cannot be coarser.
    """
    if spec.is_integer:
        require_integer(read(content), io=spec.io)
    coarse = coarsened(read(content), spec)
    if coarse.weights:
        content = write(coarse.model)
    write_bytes(draft / MODEL_NAME, content)
    if floating is not None:
        write_bytes(draft / FLOAT_NAME, floating)
    return Converted(bytes=len(content), notes=coarse.notes, doubts=(*coarse.doubts, *doubts))


def finish(
    converted: Converted,
    folder: "Path",
    *,
    samples: "Path",
    vectors: "Path",
    project: "Project",
    stages: "Stages",
) -> Finished:
    """Return the model that `keep_model` left in ``folder``, its biases corrected if asked.

    Args:
        converted: What `keep_model` returned.
        folder: Of its stage.
        samples: The folder of the stage of `keep_samples`.
        vectors: The ``vectors.npz`` with validation samples and the float model's outputs.
        project: What was asked for.
        stages: Of the run.

    Raises:
        UnsupportedModelError: No bias can be corrected.
    """
    if not project.quantize.bias_correction:
        return Finished(model=folder / MODEL_NAME, doubts=converted.doubts)

    def work(draft: "Path", progress: "Progress") -> Correction:
        before, floating = ((folder / name).read_bytes() for name in (MODEL_NAME, FLOAT_NAME))
        corrected = correct_biases(progress, before, floating, calibration_samples(samples))
        write_bytes(draft / MODEL_NAME, corrected.content)
        given = load_vectors(vectors)
        first, second = (
            _score(content, given, project.metric) for content in (before, corrected.content)
        )
        return Correction(
            metric=first.metric,
            before=first.value,
            after=second.value,
            samples=len(given.inputs),
            layers=corrected.layers,
            left=corrected.left,
        )

    correction, made = stages.run("correct", {"metric": project.metric}, Correction, work)
    return Finished(
        model=made / MODEL_NAME,
        correction=correction,
        doubts=(*converted.doubts, *correction.doubts),
    )


def _score(content: bytes, vectors: Vectors, metric: str) -> Score:
    """Return the score of the model in ``content``; without labels, against the float outputs."""
    outputs = real_outputs("litert", content, vectors.inputs)
    if vectors.labels is not None:
        return score_outputs(outputs, vectors.labels, metric=metric)
    assert vectors.float_outputs is not None  # the stage before wrote them
    return score_outputs(outputs, vectors.float_outputs, metric="mean_absolute_error")
