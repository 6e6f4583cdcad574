"""The samples that set ranges and tell accuracy, held out of a training and kept by its build."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from edgekit.data.reference import Vectors, load_vectors, save_vectors

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from edgekit.data.samples import Dataset

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
        task: Whether the labels are classes, or numbers to come near to; None without labels.
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
    task: Literal["classes", "numbers"] | None = None

    def metric(self, wish: str) -> str:
        """Return the metric that is meant where the project has the ``wish``."""
        if wish != "auto" or self.task is None:
            return wish
        return "accuracy" if self.task == "classes" else "mean_absolute_error"


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldOut:
    """The samples that a build holds out of its training.

    Args:
        summary: How many there are.
        folder: Of their stage, which keeps them.
    """

    summary: DataSummary
    folder: "Path"

    def calibration(self) -> "npt.NDArray[np.float32]":
        """Return the samples that set ranges, shape ``(samples, …)``."""
        samples: npt.NDArray[np.float32] = np.load(
            self.folder / _CALIBRATION_NAME, allow_pickle=False
        )
        return samples

    def validation(self) -> Vectors:
        """Return the samples that tell accuracy, without a float model's outputs."""
        return load_vectors(self.folder / _VALIDATION_NAME)


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
        task=_task(held_out),
    )


def _task(data: "Dataset") -> Literal["classes", "numbers"] | None:
    if data.y_validation is None:
        return None
    return "classes" if data.are_classes else "numbers"
