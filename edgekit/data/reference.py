"""What a model is held against: validation samples, their labels, and the float model's outputs."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgekit.data.npz import read_arrays
from edgekit.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

FILE_NAME = "vectors.npz"


@dataclass(frozen=True, kw_only=True, slots=True)
class Vectors:
    """What a model is verified on.

    Args:
        inputs: float32, shape ``(samples, *input shape without the batch)``, as the float
            model takes them.
        labels: Class numbers, int64, shape ``(samples,)``, or the wanted outputs, or None.
        float_outputs: The float model's outputs, float32, shape ``(samples, …)``, or None.
        pruned_outputs: The pruned float model's, or None.
    """

    inputs: "npt.NDArray[np.float32]"
    labels: "npt.NDArray[np.generic] | None" = None
    float_outputs: "npt.NDArray[np.float32] | None" = None
    pruned_outputs: "npt.NDArray[np.float32] | None" = None


def save_vectors(path: "Path", vectors: Vectors) -> None:
    """Write ``vectors`` to ``path``, an ``.npz``; the same vectors give the same bytes."""
    arrays = {
        name: value
        for name in Vectors.__dataclass_fields__
        if (value := getattr(vectors, name)) is not None
    }
    with path.open("wb") as stream:
        np.savez(stream, **arrays)


def holds_vectors(path: "Path") -> bool:
    """Return whether the ``.npz`` in ``path`` is one of ours.

    Raises:
        InputError: The file is missing or damaged.
    """
    return "inputs" in read_arrays(path, ())[1]


def load_vectors(path: "Path") -> Vectors:
    """Return the vectors in ``path``.

    Raises:
        InputError: The file is missing or damaged, or is none that `save_vectors` writes.
    """
    arrays, _ = read_arrays(path, tuple(Vectors.__dataclass_fields__))
    if "inputs" not in arrays:
        raise InputError(f"{path}: holds no inputs", hint="give the vectors.npz of a build")
    for name, array in arrays.items():
        _check_array(path, name, array, arrays["inputs"].shape)
    return Vectors(**arrays)  # type: ignore[arg-type]  # checked above


def _check_array(
    path: "Path", name: str, array: "npt.NDArray[np.generic]", inputs: tuple[int, ...]
) -> None:
    """Refuse what `save_vectors` does not write."""
    wanted = "biuf" if name == "labels" else "f"
    if array.dtype.kind not in wanted:
        raise InputError(f"{path}: '{name}' is of the type {array.dtype}")
    if array.size == 0 or array.shape[:1] != inputs[:1] or not inputs:
        raise InputError(f"{path}: '{name}' has the shape {array.shape}, 'inputs' {inputs}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise InputError(f"{path}: '{name}' holds NaN or infinity")
