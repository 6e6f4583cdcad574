"""Which weights become zero, and when: schedules and masks on NumPy arrays."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from edgekit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.floating]
    Indices = npt.NDArray[np.intp]
    Mask = npt.NDArray[np.bool_]

ScheduleName = Literal["polynomial", "constant"]
_POWER = 3  # of the polynomial, as in tfmot's PolynomialDecay (Zhu and Gupta, 2017)
_UPDATES = 100  # masks are renewed at most this often while the sparsity rises
_RISE = (3, 4)  # the share of the training in which it rises; the weights left settle in the rest
_LEAST_STEPS = 2  # one to prune at, one to train after it


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """How far pruning has come at each step of a training.

    Args:
        name: ``"polynomial"`` rises from 0 to 1, fast first; ``"constant"`` is 1 from the start.
        begin_step: The first step that prunes, counted from 0.
        end_step: The step at which all that was asked is pruned.
        frequency: Masks are renewed every so many steps in between.
    """

    name: ScheduleName
    begin_step: int
    end_step: int
    frequency: int

    def share_at(self, step: int) -> float:
        """Return the share in [0, 1] of the asked sparsity that is due at ``step``."""
        if step < self.begin_step:
            return 0.0
        if self.name == "constant" or step >= self.end_step:
            return 1.0
        progress = (step - self.begin_step) / (self.end_step - self.begin_step)
        return float(1 - (1 - progress) ** _POWER)


def schedule_for(name: ScheduleName, *, steps: int, begin_step: int = 0) -> Schedule:
    """Return the schedule that is done in time in a training of ``steps`` steps.

    The sparsity rises over the first three quarters of what follows ``begin_step``; in the last
    the weights that are left settle.

    Raises:
        InputError: No steps are left to prune in.
    """
    left = steps - begin_step
    if left < _LEAST_STEPS:
        raise InputError(
            f"pruning begins at step {begin_step} and the training has {steps} steps: the "
            "sparsity cannot be reached",
            hint="train for more epochs, or shorten the warm-up",
        )
    numerator, denominator = _RISE
    end = begin_step + max(1, left * numerator // denominator) - 1
    frequency = max(1, (end - begin_step) // _UPDATES)
    return Schedule(name=name, begin_step=begin_step, end_step=end, frequency=frequency)


def keep_largest(weights: "Floats", sparsity: float) -> "Mask":
    """Return True for the weights to keep; exactly ``round(sparsity * size)`` are False.

    Args:
        weights: Any shape.
        sparsity: Fraction of the weights to drop, the smallest magnitudes first; among equals
            the first of the array.
    """
    dropped = round(sparsity * weights.size)
    order = np.argsort(np.abs(weights), axis=None, kind="stable")
    mask = np.ones(weights.size, np.bool_)
    mask[order[:dropped]] = False
    return mask.reshape(weights.shape)


def keep_largest_blocks(weights: "Floats", sparsity: float, block: tuple[int, int]) -> "Mask":
    """Return True for the blocks to keep, by their mean magnitude.

    Args:
        weights: Shape ``(inputs, outputs)``.
        sparsity: Fraction of the blocks to drop.
        block: Rows and columns of one; those at the far edges may be smaller.
    """
    rows, columns = (
        np.arange(size) // step for size, step in zip(weights.shape, block, strict=True)
    )
    names = rows[:, np.newaxis] * (columns[-1] + 1) + columns
    sums = np.bincount(names.reshape(-1), weights=np.abs(weights).reshape(-1))
    means = sums / np.bincount(names.reshape(-1))
    kept: Mask = keep_largest(means, sparsity)[names]
    return kept


def keep_n_of_m(weights: "Floats", zeros: int, group: int) -> "Mask":
    """Return True for the weights to keep: the smallest ``zeros`` of each ``group`` are dropped.

    Groups run along the inputs (the last axis but one), which integer kernels read one after
    the other. Inputs that fill no group are kept.

    Args:
        weights: At least two axes, such as ``(height, width, inputs, outputs)``.
        zeros: Dropped in each group.
        group: Weights in a group.
    """
    inputs = weights.shape[-2]
    whole = inputs - inputs % group
    mask = np.ones(weights.shape, np.bool_)
    if whole:
        lines = np.moveaxis(np.abs(weights[..., :whole, :]), -2, -1)
        groups = lines.reshape(*lines.shape[:-1], -1, group)
        ranks = groups.argsort(axis=-1, kind="stable").argsort(axis=-1, kind="stable")
        kept = (ranks >= zeros).reshape(lines.shape)
        mask[..., :whole, :] = np.moveaxis(kept, -1, -2)
    return mask


def channel_norms(
    filters: "Sequence[Floats]", channels: "Sequence[Indices]", *, count: int
) -> "npt.NDArray[np.float64]":
    """Return the norm of each channel over all filters that make it, shape ``(count,)``.

    Squared L2 norms, each divided by the mean of those in its kernel that are not zero, so that
    layers can be told against each other; of several filters of a channel the root of the mean.

    Args:
        filters: Kernels as shape ``(weights of a filter, filters)``.
        channels: For each kernel the channel that each filter makes; -1: one that always stays.
        count: The number of channels.
    """
    total, places = np.zeros(count), np.zeros(count)
    for weights, numbers in zip(filters, channels, strict=True):
        squares = np.square(weights, dtype=np.float64).sum(axis=0)
        mean = squares[squares > 0].mean() if squares.any() else 1.0
        free = numbers >= 0
        total += np.bincount(numbers[free], squares[free] / mean, minlength=count)
        places += np.bincount(numbers[free], minlength=count)
    return np.sqrt(total / np.maximum(places, 1))


def keep_channels(
    norms: "Floats", channels: "Sequence[Indices]", *, dropped: int, least: int
) -> "Mask":
    """Return True for the channels to keep, shape ``(count,)``.

    Args:
        norms: Of each channel; the smallest go first, among equals the first.
        channels: For each kernel the channel that each filter makes; -1: one that always stays.
        dropped: How many channels are to go; fewer do where kernels would be left with too few.
        least: Filters that every kernel keeps.
    """
    mask = np.ones(len(norms), np.bool_)
    filters = [np.bincount(numbers[numbers >= 0], minlength=len(norms)) for numbers in channels]
    left = [numbers.size for numbers in channels]
    for channel in np.argsort(norms, kind="stable"):
        if dropped <= 0:
            break
        after = [number - int(own[channel]) for number, own in zip(left, filters, strict=True)]
        if all(
            number >= least or number == before for number, before in zip(after, left, strict=True)
        ):
            mask[channel] = False
            left, dropped = after, dropped - 1
    return mask


def shares_of_smallest(kernels: "Sequence[Floats]", sparsity: float) -> tuple[float, ...]:
    """Return each kernel's share of the smallest ``sparsity`` of all their weights together."""
    mask = keep_largest(np.concatenate([item.reshape(-1) for item in kernels]), sparsity)
    ends = np.cumsum([item.size for item in kernels])
    return tuple(float(1 - part.mean()) for part in np.split(mask, ends[:-1]))


def share_below(weights: "Floats", threshold: float) -> float:
    """Return the fraction of ``weights`` with a magnitude below ``threshold``."""
    return float(np.mean(np.abs(weights) < threshold))


def zero_fraction(weights: "Floats") -> float:
    """Return the fraction of exact zeros in ``weights``."""
    return 1 - int(np.count_nonzero(weights)) / weights.size
