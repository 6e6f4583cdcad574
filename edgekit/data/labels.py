"""What labels are: classes, one a sample, or numbers to come near to."""

from typing import TYPE_CHECKING

import numpy as np

from edgekit.errors import InputError

if TYPE_CHECKING:
    import numpy.typing as npt


def classes_of_labels(labels: "npt.NDArray[np.generic]") -> "npt.NDArray[np.int64]":
    """Return class numbers, shape ``(samples,)``, of class numbers or one-hot rows."""
    if labels.ndim > 1 and labels.shape[-1] > 1:
        return np.asarray(labels.reshape(len(labels), -1).argmax(axis=-1), np.int64)
    if labels.size != len(labels):
        raise InputError(
            f"accuracy needs one class for each sample: the labels have the shape "
            f"{labels.shape[1:]}",
            hint='set metric = "mean_absolute_error", or give class numbers',
        )
    return labels.reshape(len(labels)).astype(np.int64)


def hold_classes(labels: "npt.NDArray[np.generic]", outputs: int) -> bool:
    """Return whether ``labels`` are classes of a model with so many ``outputs`` a sample.

    They are if they are one-hot rows, or whole numbers, one a sample, that the outputs can tell
    apart: 0 or 1 for a single output. Other numbers are values to come near to. Training asks
    this of all labels (`edgekit.data.samples`), verification of those it has.
    """
    if not labels.size:
        return False
    if labels.size == len(labels):
        whole = bool(np.all(labels == np.floor(labels)))
        return whole and bool(labels.min() >= 0) and bool(labels.max() < max(outputs, 2))
    rows = labels.reshape(len(labels), -1)
    if rows.shape[1] != outputs:
        return False
    return bool(np.all((rows == 0) | (rows == 1)) and np.all(rows.sum(axis=1) == 1))


def has_positions(shape: tuple[int, ...]) -> bool:
    """Return whether an output of this ``shape``, without the batch, is more than one row.

    Its largest value over all of them would be the class of no sample: a step of a sequence, a
    pixel of a mask has one of its own.
    """
    return sum(size != 1 for size in shape) > 1
