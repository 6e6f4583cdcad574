"""Samples dealt out once each: to train, to calibrate, to validate."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgekit.data.sources import Samples
from edgekit.errors import InputError

if TYPE_CHECKING:
    import numpy.typing as npt

    from edgekit.specs import DataSpec

    Array = npt.NDArray[np.generic]
    Indices = npt.NDArray[np.intp]

_CALIBRATION_SHARE = 10  # at most a tenth of labelled samples is held out of the training
_LEAST_SAMPLES = 3  # one each to train, calibrate and validate


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """Samples by purpose, where those for calibration stood, and a note on their numbers."""

    train: Samples
    calibration: Samples
    calibration_indices: tuple[int, ...]
    validation: Samples
    note: str


def split(pool: Samples, test: Samples | None, spec: "DataSpec", *, seed: int) -> Split:
    """Return the samples for training, calibration and validation.

    Args:
        pool: All samples, or those that are not for validation.
        test: Those for validation; None: a part of ``pool``.
        spec: How many go where.
        seed: Of the order in which they are drawn.

    Raises:
        InputError: There are too few.
    """
    count = len(pool.x)
    if count < _LEAST_SAMPLES:
        raise InputError(f"{spec.source}: has {count} samples, {_LEAST_SAMPLES} is the least")
    order = _order(pool.y, count, seed)
    held = 0
    if test is None:
        held = min(max(1, round(count * spec.validation_fraction)), count - 2)
    left = count - held
    # Samples without labels are for calibration first: there is nothing to fit them to.
    most = left // _CALIBRATION_SHARE if pool.y is not None else left - 1
    used = min(spec.calibration_samples, max(1, most))
    validation = test or _taken(pool, order[:held])
    chosen = order[held : held + used]
    calibration = _taken(pool, chosen)
    train = _taken(pool, order[held + used :])
    note = (
        f"{len(train.x)} samples to train, {len(calibration.x)} to calibrate, "
        f"{len(validation.x)} to validate"
    )
    if used < spec.calibration_samples:
        note += f" ({spec.calibration_samples} were asked to calibrate)"
    return Split(
        train=train,
        calibration=calibration,
        calibration_indices=tuple(int(index) for index in chosen),
        validation=validation,
        note=note,
    )


def _order(y: "Array | None", count: int, seed: int) -> "Indices":
    """Return all indices shuffled, each prefix with the classes in their shares."""
    generator = np.random.default_rng(seed)
    if y is None or y.dtype != np.int64:
        return generator.permutation(count)
    position = np.empty(count)
    for number in np.unique(y):
        members = np.flatnonzero(y == number)
        ranks = generator.permutation(len(members)) + generator.random()
        position[members] = ranks / len(members)
    return np.argsort(position, kind="stable")


def _taken(samples: Samples, indices: "Indices") -> Samples:
    return Samples(x=samples.x[indices], y=None if samples.y is None else samples.y[indices])
