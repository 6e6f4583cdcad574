"""The border between training and the rest: validation samples and the float model's outputs."""

import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

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
    return "inputs" in _arrays(path)


def load_vectors(path: "Path") -> Vectors:
    """Return the vectors in ``path``.

    Raises:
        InputError: The file is missing or damaged.
    """
    arrays = _arrays(path)
    if "inputs" not in arrays:
        raise InputError(f"{path}: holds no inputs", hint="give the vectors.npz of a build")
    return Vectors(**arrays)  # type: ignore[arg-type]  # their dtypes are what we saved


def _arrays(path: "Path") -> "dict[str, npt.NDArray[np.generic]]":
    """Return the arrays of ``path`` that vectors have."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            return {name: archive[name] for name in Vectors.__dataclass_fields__ if name in archive}
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path}: is not an .npz of numbers: {error}") from error
