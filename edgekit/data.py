"""The samples of a project: read, checked against the model, and scaled, in sets kept apart."""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from edgekit.errors import InputError
from edgekit.fingerprint import samples_digest
from edgekit.sources import RANDOM, Samples, read_source
from edgekit.splitting import split

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from edgekit.process import Progress
    from edgekit.specs import DataSpec

    Array = npt.NDArray[np.generic]


@dataclass(frozen=True, kw_only=True, slots=True)
class Dataset:
    """Samples as the model takes them, float32 after scale and offset.

    Args:
        x_train: Shape ``(samples, *input_shape)``.
        y_train: Class numbers (int64, shape ``(samples,)``) or wanted outputs (float32), or None.
        train_samples: How many there are, known where the samples themselves stay away.
        x_calibration: Held out of the training; sets the ranges of activations.
        x_validation: Held out of both.
        y_validation: As ``y_train``.
        calibration_indices: Where the calibration samples stand among the source's samples; of
            a source with a test set of its own, among those to train with.
        is_random: Whether the samples are chance: no accuracy can be claimed on them.
        sha256: Digest of all samples and labels.
        notes: How many samples each set has.
        overlaps: A sentence for each pair of sets that share samples.
    """

    x_train: "npt.NDArray[np.float32]"
    y_train: "Array | None"
    train_samples: int
    x_calibration: "npt.NDArray[np.float32]"
    x_validation: "npt.NDArray[np.float32]"
    y_validation: "Array | None"
    is_random: bool
    notes: tuple[str, ...]
    calibration_indices: tuple[int, ...] = ()
    sha256: str = ""
    overlaps: tuple[str, ...] = ()


def load_data(
    spec: "DataSpec",
    *,
    directory: "Path",
    input_shape: tuple[int, ...],
    output_shape: tuple[int, ...] | None = None,
    seed: int,
) -> Dataset:
    """Return the samples of ``spec``, checked and split; loaded once a process.

    Args:
        spec: What the project says of its data.
        directory: Relative paths and the user's modules are found from here.
        input_shape: Of the model, without the batch.
        output_shape: Of the model, without the batch; None: targets are not checked against it.
        seed: Of the split, and of random data.

    Raises:
        InputError: The source is missing or damaged, or does not fit the model.
        MissingDependencyError: Images without Pillow.
    """
    return _load(spec, directory, input_shape, output_shape, seed)


def load_held_out(
    progress: "Progress",
    spec: "DataSpec",
    *,
    directory: "Path",
    input_shape: tuple[int, ...],
    output_shape: tuple[int, ...] | None = None,
    seed: int,
    ids: int | None = None,
) -> Dataset:
    """Return `load_data` without its training samples; for the border of a process.

    Arguments are those of `load_data`, and ``ids`` that of `edgekit.sources.read_source`.
    """
    del progress
    dataset = _load(spec, directory, input_shape, output_shape, seed, ids)
    targets = None if dataset.y_train is None else dataset.y_train[:0]
    return replace(dataset, x_train=dataset.x_train[:0], y_train=targets)


@lru_cache(maxsize=2)
def _load(
    spec: "DataSpec",
    directory: "Path",
    input_shape: tuple[int, ...],
    output_shape: tuple[int, ...] | None,
    seed: int,
    ids: int | None = None,
) -> Dataset:
    source = read_source(spec, directory=directory, input_shape=input_shape, seed=seed, ids=ids)
    where = spec.source
    pool = _checked(source.samples, where, input_shape, output_shape)
    test = None if source.test is None else _checked(source.test, where, input_shape, output_shape)
    if (test is not None) and (pool.y is None) != (test.y is None):
        raise InputError(f"{where}: one of the training and test sets has labels, the other not")
    _check_labels(spec, output_shape)
    sets = split(pool, test, spec, seed=seed)
    train, calibration, validation = sets.train, sets.calibration, sets.validation
    scale = (1.0, 0.0) if source.is_scaled else (spec.scale, spec.offset)
    dataset = Dataset(
        x_train=_scaled(train.x, *scale),
        y_train=train.y,
        train_samples=len(train.x),
        x_calibration=_scaled(calibration.x, *scale),
        x_validation=_scaled(validation.x, *scale),
        y_validation=validation.y,
        is_random=spec.source == RANDOM,
        notes=(sets.note,),
        calibration_indices=sets.calibration_indices,
    )
    return replace(dataset, sha256=_digest(dataset), overlaps=_overlaps(dataset))


def _checked(
    samples: Samples,
    where: str,
    input_shape: tuple[int, ...],
    output_shape: tuple[int, ...] | None,
) -> Samples:
    """Return ``samples`` in the shapes of the model, or refuse them."""
    x, y = samples.x, samples.y
    if x.ndim == 0 or x.size == 0:
        raise InputError(f"{where}: has no samples")
    _check_numbers(x, where, what="inputs")
    if y is not None:
        _check_numbers(y, where, what="labels")
        if y.ndim == 0 or len(y) != len(x):
            raise InputError(
                f"{where}: has {len(x)} inputs and {len(y) if y.ndim else 1} labels",
                hint="give one label for each input",
            )
        y = _targets(y, where, output_shape)
    return Samples(x=_fitted(x, where, input_shape), y=y)


def _check_numbers(values: "Array", where: str, *, what: str) -> None:
    if values.dtype.kind not in "biuf":
        raise InputError(
            f"{where}: {what} are of the type {values.dtype}, not numbers",
            hint="save them as numbers, labels as class numbers from 0",
        )
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        bad = int(np.count_nonzero(~np.isfinite(values).reshape(len(values), -1).all(axis=1)))
        raise InputError(
            f"{where}: {bad} of {len(values)} {what} hold NaN or infinity",
            hint="take these samples out or fill in numbers",
        )


def _fitted(x: "Array", where: str, input_shape: tuple[int, ...]) -> "Array":
    """Return ``x`` in the model's input shape, where one way to do so is meant."""
    found = x.shape[1:]
    if found == input_shape:
        return x
    same_but_ones = _without_ones(found) == _without_ones(input_shape)
    flat = len(found) == 1 or len(input_shape) == 1
    if np.prod(found) == np.prod(input_shape) and (same_but_ones or flat):
        return x.reshape(len(x), *input_shape)
    raise InputError(
        f"{where}: samples have the shape {found}, the model's input is {input_shape}",
        hint="reshape or transpose the samples, or give a model that takes this shape",
    )


def _without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(size for size in shape if size != 1)


def _targets(y: "Array", where: str, output_shape: tuple[int, ...] | None) -> "Array":
    """Return class numbers as int64 of shape ``(samples,)``, any other targets as float32."""
    flat = y.reshape(len(y)) if y.size == len(y) else None
    whole = flat is not None and (y.dtype.kind in "biu" or bool((flat == np.floor(flat)).all()))
    outputs = None if output_shape is None else int(np.prod(output_shape))
    if flat is not None and outputs == 1:
        return flat.astype(np.int64 if whole else np.float32)
    if flat is not None and whole:
        numbers = flat.astype(np.int64)
        _check_range(numbers, where, output_shape)
        return numbers
    if outputs is not None and y.size != len(y) * outputs:
        raise InputError(
            f"{where}: labels have the shape {y.shape[1:]}, the model's output is {output_shape}",
            hint="give class numbers, or targets of the shape of the model's output",
        )
    return y.astype(np.float32).reshape(len(y), *(output_shape or y.shape[1:]))


def _check_range(
    numbers: "npt.NDArray[np.int64]", where: str, output_shape: tuple[int, ...] | None
) -> None:
    low, high = int(numbers.min()), int(numbers.max())
    classes = high + 1 if output_shape is None else output_shape[-1]
    if low < 0 or high >= classes:
        raise InputError(
            f"{where}: labels run from {low} to {high}, the model has {classes} classes (0 to "
            f"{classes - 1})",
            hint="number the classes from 0, or give the model as many outputs as there are",
        )


def _check_labels(spec: "DataSpec", output_shape: tuple[int, ...] | None) -> None:
    if spec.labels and output_shape and len(spec.labels) != max(output_shape[-1], 2):
        raise InputError(
            f"data.labels names {len(spec.labels)} classes, "
            f"the model has {output_shape[-1]} outputs"
        )


def _scaled(x: "Array", scale: float, offset: float) -> "npt.NDArray[np.float32]":
    values = x.astype(np.float32)
    if (scale, offset) != (1.0, 0.0):
        values *= np.float32(scale)
        values += np.float32(offset)
    return values


def _digest(dataset: Dataset) -> str:
    return samples_digest(
        (
            dataset.x_train,
            dataset.y_train,
            dataset.x_calibration,
            dataset.x_validation,
            dataset.y_validation,
        )
    )


def _overlaps(dataset: Dataset) -> tuple[str, ...]:
    """Return a sentence for each pair of sets that share samples."""
    sets = {
        "training": _hashes(dataset.x_train),
        "calibration": _hashes(dataset.x_calibration),
        "validation": _hashes(dataset.x_validation),
    }
    names = tuple(sets)
    return tuple(
        f"{shared} samples are both in the {first} and the {second} set"
        for index, first in enumerate(names)
        for second in names[index + 1 :]
        if (shared := len(sets[first] & sets[second]))
    )


def _hashes(rows: "npt.NDArray[np.float32]") -> frozenset[int]:
    return frozenset(hash(row.tobytes()) for row in rows)
