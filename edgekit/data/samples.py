"""The samples of a project: read, checked against the model, and scaled, in sets kept apart."""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from edgekit.data.labels import has_positions, hold_classes
from edgekit.data.sources import Samples, SourceData, read_source
from edgekit.data.splitting import split
from edgekit.errors import InputError
from edgekit.files.fingerprint import samples_digest

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from edgekit.runtimes.process import Progress
    from edgekit.specs import DataSpec

    Array = npt.NDArray[np.generic]

_RANDOM_GIVEN = 64  # samples without labels, to see a finished model run


@dataclass(frozen=True, kw_only=True, slots=True)
class Dataset:
    """Samples as the model takes them, float32 after scale and offset.

    Args:
        x_train: Shape ``(samples, *input_shape)``.
        are_classes: Whether the labels are classes, and not numbers to come near to; decided
            here once, on all of them, for training and verification.
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
    are_classes: bool = False
    calibration_indices: tuple[int, ...] = ()
    sha256: str = ""
    overlaps: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """What a finished model is run on.

    Args:
        x: float32 after scale and offset, shape ``(samples, *input_shape)``.
        y: Class numbers or wanted outputs, as `Dataset.y_train`.
        origin: Which samples of the source they are, in words.
    """

    x: "npt.NDArray[np.float32]"
    y: "Array | None"
    origin: str


def load_data(
    spec: "DataSpec",
    *,
    directory: "Path",
    input_shape: tuple[int, ...],
    output_shape: tuple[int, ...] | None = None,
    metric: str = "auto",
    seed: int,
) -> Dataset:
    """Return the samples of ``spec``, checked and split; loaded once a process.

    Args:
        spec: What the project says of its data.
        directory: Relative paths and the user's modules are found from here.
        input_shape: Of the model, without the batch.
        output_shape: Of the model, without the batch; None: targets are not checked against it.
        metric: The project's: where it names an error, the labels are numbers.
        seed: Of the split, and of random data.

    Raises:
        InputError: The source is missing or damaged, or does not fit the model.
        MissingDependencyError: Images without Pillow.
    """
    return _load(spec, directory, input_shape, output_shape, metric, seed)


def load_held_out(
    progress: "Progress",
    spec: "DataSpec",
    *,
    directory: "Path",
    input_shape: tuple[int, ...],
    output_shape: tuple[int, ...] | None = None,
    metric: str = "auto",
    seed: int,
    ids: int | None = None,
) -> Dataset:
    """Return `load_data` without its training samples; for the border of a process.

    Arguments are those of `load_data`, and ``ids`` that of `edgekit.data.sources.read_source`.
    """
    del progress
    dataset = _load(spec, directory, input_shape, output_shape, metric, seed, ids)
    targets = None if dataset.y_train is None else dataset.y_train[:0]
    return replace(dataset, x_train=dataset.x_train[:0], y_train=targets)


def load_given(
    progress: "Progress",
    spec: "DataSpec",
    *,
    directory: "Path",
    input_shape: tuple[int, ...],
    output_shape: tuple[int, ...] | None = None,
    seed: int,
    ids: int | None = None,
) -> Given:
    """Return what a finished model is run on: the test set, or all samples where there is none.

    For the border of a process. Nothing is trained on them, so none is held out; else as
    `load_data`.
    """
    del progress
    source = read_source(spec, directory=directory, input_shape=input_shape, seed=seed, ids=ids)
    first, test = _sets(source, spec.source, input_shape)
    _check_labels(spec, output_shape)
    chosen, origin = test, f"the test set of {spec.source}"
    if chosen is None:
        chosen, origin = first, f"all of {spec.source}, which has no test set"
    assert chosen is not None  # a source has one of them
    are_classes = _are_classes((first, test), output_shape, "auto")
    chosen = _wanted(chosen, spec.source, output_shape, are_classes=are_classes)
    if spec.is_random:
        return Given(x=_scaled(chosen.x[:_RANDOM_GIVEN], 1.0, 0.0), y=None, origin="random")
    scale = (1.0, 0.0) if source.is_scaled else (spec.scale, spec.offset)
    return Given(x=_scaled(chosen.x, *scale), y=chosen.y, origin=origin)


@lru_cache(maxsize=2)
def _load(
    spec: "DataSpec",
    directory: "Path",
    input_shape: tuple[int, ...],
    output_shape: tuple[int, ...] | None,
    metric: str,
    seed: int,
    ids: int | None = None,
) -> Dataset:
    source = read_source(spec, directory=directory, input_shape=input_shape, seed=seed, ids=ids)
    where = spec.source
    pool, test = _sets(source, where, input_shape)
    if pool is None:
        raise InputError(
            f"{where}: has a test set, and no samples to calibrate or train with",
            hint="add x_train and y_train, or name the arrays x, y",
        )
    _check_labels(spec, output_shape)
    are_classes = _are_classes((pool, test), output_shape, metric)
    pool = _wanted(pool, where, output_shape, are_classes=are_classes)
    test = test and _wanted(test, where, output_shape, are_classes=are_classes)
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
        is_random=spec.is_random,
        notes=(sets.note,),
        are_classes=are_classes,
        calibration_indices=sets.calibration_indices,
    )
    return replace(dataset, sha256=_digest(dataset), overlaps=_overlaps(dataset))


def _sets(
    source: SourceData, where: str, input_shape: tuple[int, ...]
) -> tuple[Samples | None, Samples | None]:
    """Return the samples of ``source`` and its test set in the shape of the model's input."""
    first, test = (
        None if item is None else _checked(item, where, input_shape)
        for item in (source.samples, source.test)
    )
    if first is not None and test is not None and (first.y is None) != (test.y is None):
        raise InputError(f"{where}: one of the training and test sets has labels, the other not")
    return first, test


def _are_classes(
    sets: "tuple[Samples | None, ...]", output_shape: tuple[int, ...] | None, metric: str
) -> bool:
    """Return whether the labels of all ``sets`` are classes: the one decision for all stages."""
    labels = [part.y for part in sets if part is not None and part.y is not None]
    if not labels or metric not in {"auto", "accuracy"}:
        return False
    if output_shape is None:  # an untold model's: whole numbers, one a sample
        return all(
            item.size == len(item) and bool((item == np.floor(item)).all()) for item in labels
        )
    return all(hold_classes(item, int(np.prod(output_shape))) for item in labels)


def _wanted(
    samples: Samples, where: str, output_shape: tuple[int, ...] | None, *, are_classes: bool
) -> Samples:
    """Return ``samples`` with their labels as training and verification take them."""
    if samples.y is None:
        return samples
    return replace(samples, y=_targets(samples.y, where, output_shape, are_classes=are_classes))


def _checked(samples: Samples, where: str, input_shape: tuple[int, ...]) -> Samples:
    """Return ``samples`` in the shape of the model's input, or refuse them."""
    x, y = samples.x, samples.y
    if x.ndim == 0 or x.size == 0:
        raise InputError(f"{where}: has no samples")
    _check_numbers(x, where, what="inputs")
    fitted = _fitted(x, where, input_shape)
    if y is not None:
        _check_numbers(y, where, what="labels")
        if y.ndim == 0 or len(y) != len(x):
            raise InputError(
                f"{where}: has {len(x)} inputs and {len(y) if y.ndim else 1} labels",
                hint="give one label for each input",
            )
    return Samples(x=fitted, y=y)


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


def _targets(
    y: "Array", where: str, output_shape: tuple[int, ...] | None, *, are_classes: bool
) -> "Array":
    """Return class numbers as int64 of shape ``(samples,)``, any other targets as float32."""
    flat = y.reshape(len(y)) if y.size == len(y) else None
    outputs = None if output_shape is None else int(np.prod(output_shape))
    if flat is not None and are_classes:
        _check_positions(where, output_shape)
        return flat.astype(np.int64)
    if flat is not None and outputs == 1:
        return flat.astype(np.float32)
    if outputs is not None and y.size != len(y) * outputs:
        if flat is not None and bool((flat == np.floor(flat)).all()):
            _check_range(flat.astype(np.int64), where, output_shape)
        raise InputError(
            f"{where}: labels have the shape {y.shape[1:]}, the model's output is {output_shape}",
            hint=_target_hint(y, output_shape or ()),
        )
    return y.astype(np.float32).reshape(len(y), *(output_shape or y.shape[1:]))


def _check_positions(where: str, output_shape: tuple[int, ...] | None) -> None:
    """Refuse one class a sample where the model gives several rows of classes."""
    if output_shape is not None and has_positions(output_shape):
        raise InputError(
            f"{where}: labels are one class number a sample, the model's output is {output_shape}",
            hint="give targets of the shape of the model's output, or the inputs without labels",
        )


def _target_hint(y: "Array", output_shape: tuple[int, ...]) -> str:
    """Return what to do with targets of another shape; classes of pixels become one-hot rows."""
    places = output_shape[:-1]
    if len(places) > 1 and y.size == len(y) * np.prod(places):
        return f"y = numpy.eye({output_shape[-1]})[y.astype(int).reshape(-1, *{places})]"
    return "give class numbers, or targets of the shape of the model's output"


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
