"""Which range of real numbers the integers of an activation span: four ways to take it from data.

Arrays go in, a `Range` comes out; how it is done, with numbers, stands in docs/arithmetic.md.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

import numpy as np

from edgekit.errors import InputError, UsageError, suggestion
from edgekit.numerics.range_methods import RangeMethod

if TYPE_CHECKING:
    import numpy.typing as npt

    Reals = npt.NDArray[np.floating]
    Floats = npt.NDArray[np.float64]

METHODS: tuple[RangeMethod, ...] = get_args(RangeMethod)
PERCENTILE_OF_VALUES = 99.99
PERCENTILE_OF_SAMPLES = 99.0
_STEPS = 255  # between the ends of an int8 grid
_CODES = 1 << 16  # of bfloat16
_OCTAVE = 16  # candidates for an end of the range, from one to its half
_OCTAVES = 8  # below the largest value, where ends are looked for
_ROUNDS = 3  # of one end after the other
_BINS, _LEVELS = 2048, 128  # of TensorRT's calibration
_STRIDE = 8  # bins from one candidate to the next
_REACH = 1 + 2**-8  # of a range: its ends are values, not the middles of a bfloat16
_MOST_BEYOND = 0.01  # of the values, where a histogram is drawn again without them
_UNSEEN = 1e-4  # probability of a bin that the candidate has nothing in, as in Apache MXNet


@dataclass(frozen=True, kw_only=True, slots=True)
class Range:
    """The least and the greatest real number of a grid; 0 is between them or one of them."""

    low: float
    high: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Spread:
    """Where the values of samples lie; spreads of the same tensor add up with `joined`.

    Args:
        lows: Least value of each sample, float64, shape ``(samples,)``.
        highs: Greatest value of each sample.
        usual_lows: Of each sample, the value that `PERCENTILE_OF_VALUES` of its values are not
            below.
        usual_highs: The same from above.
        counts: How many values have each bfloat16, the upper half of a float32, as their own
            upper half; int64, shape ``(65536,)``. Held so, values are off by 0.4 % at most.
    """

    lows: "Floats"
    highs: "Floats"
    usual_lows: "Floats"
    usual_highs: "Floats"
    counts: "npt.NDArray[np.int64]"


def activation_range(samples: "Reals", method: RangeMethod = "minmax") -> Range:
    """Return the range of real numbers that the integers of a tensor should span.

    Args:
        samples: What the tensor holds for each sample, float, shape ``(samples, …)``; finite.
        method: ``"minmax"``: all values. The others leave out, at either end, the hundredth of
            the samples that goes farthest, one at least. ``"percentile"``: of each sample all
            but the 0.01 % of values at either end. ``"mse"``: the least squared error.
            ``"entropy"``: the least Kullback-Leibler divergence, as in TensorRT.

    Raises:
        UsageError: No such method.
        InputError: No values, or NaN or infinity.
    """
    return range_of(spread(samples), method)


def extremes(samples: "Reals") -> Spread:
    """Return the least and greatest values of ``samples`` alone, all that ``"minmax"`` asks for.

    Arguments and errors are those of `spread`; the result counts no values.
    """
    return _spread(samples, counted=False)


def spread(samples: "Reals") -> Spread:
    """Return where the values of ``samples``, shape ``(samples, …)``, lie.

    Raises:
        InputError: No values, or NaN or infinity.
    """
    return _spread(samples, counted=True)


def _spread(samples: "Reals", *, counted: bool) -> Spread:
    if samples.size == 0 or not np.isfinite(samples).all():
        raise InputError(
            "there are no activations to calibrate with"
            if samples.size == 0
            else "activations of the calibration samples hold NaN or infinity",
            hint="look at the samples and at the weights of the float model",
        )
    rows = np.ascontiguousarray(samples, np.float32).reshape(len(samples), -1)
    lows, highs = rows.min(axis=1), rows.max(axis=1)
    cuts = counted and _cut(rows.shape[1])
    usual_lows, usual_highs = _usual(rows) if cuts else (lows, highs)
    codes = (rows.view(np.uint32) >> 16).astype(np.intp) if counted else np.zeros(0, np.intp)
    return Spread(
        lows=lows.astype(np.float64),
        highs=highs.astype(np.float64),
        usual_lows=usual_lows.astype(np.float64),
        usual_highs=usual_highs.astype(np.float64),
        counts=np.bincount(codes.ravel(), minlength=_CODES),
    )


def joined(first: Spread, second: Spread) -> Spread:
    """Return the spread of the samples of both, in this order."""
    return Spread(
        lows=np.concatenate([first.lows, second.lows]),
        highs=np.concatenate([first.highs, second.highs]),
        usual_lows=np.concatenate([first.usual_lows, second.usual_lows]),
        usual_highs=np.concatenate([first.usual_highs, second.usual_highs]),
        counts=first.counts + second.counts,
    )


def range_of(values: Spread, method: RangeMethod = "minmax") -> Range:
    """Return the range for ``values``; see `activation_range`.

    Raises:
        UsageError: No such method.
    """
    match method:
        case "minmax":
            low, high = float(values.lows.min()), float(values.highs.max())
            return Range(low=min(0.0, low), high=max(0.0, high))
        case "percentile":
            return _of_most_samples(values.usual_lows, values.usual_highs)
        case "mse":
            return _least_error(values)
        case "entropy":
            return _least_divergence(values)
        case _:
            raise UsageError(
                f"there is no calibration '{method}'", hint=suggestion(method, METHODS)
            )


def _cut(values: int) -> int:
    """Return how many of so many values lie beyond the percentile, at either end."""
    return int(values * (100 - PERCENTILE_OF_VALUES) / 100 + 1e-9)


def _usual(rows: "npt.NDArray[np.float32]") -> "tuple[Reals, Reals]":
    """Return each row's least and greatest value but for those beyond the percentile."""
    cut, last = _cut(rows.shape[1]), rows.shape[1] - 1
    ordered = np.partition(rows, (cut, last - cut), axis=1)
    return ordered[:, cut], ordered[:, last - cut]


def _of_most_samples(lows: "Floats", highs: "Floats") -> Range:
    """Return the range of all samples but those that go farthest, one at least at either end.

    A sample that is unlike all others is more often a fault in the data than a thing to be met,
    and no count of its values tells the two apart: it is a hundredth of all values, or more.
    """
    place = int((len(lows) - 1) * PERCENTILE_OF_SAMPLES / 100)  # rounded down
    low, high = np.sort(lows)[::-1][place], np.sort(highs)[place]
    return Range(low=min(0.0, float(low)), high=max(0.0, float(high)))


def _points(values: Spread, whole: Range) -> "tuple[Floats, Floats]":
    """Return the values inside of ``whole``, ascending and without 0, and how often each is met.

    A value is the middle of all that share its bfloat16; 0 has a code of its own in every grid.
    """
    codes = np.flatnonzero(values.counts).astype(np.uint32)
    middles = ((codes << 16) | 0x8000).view(np.float32).astype(np.float64)
    taken = np.abs(middles) > np.finfo(np.float32).tiny
    taken &= (middles >= whole.low * _REACH) & (middles <= whole.high * _REACH)
    order = np.argsort(middles[taken])
    counts = values.counts[codes][taken][order]
    return middles[taken][order], counts.astype(np.float64)


def _least_error(values: Spread) -> Range:
    """Return the range with the least squared error, one end moved after the other.

    Rounding errors grow with the range, clipping errors as it shrinks (Banner and others,
    Post-training 4-bit quantization of convolutional networks, 2019).
    """
    whole = _of_most_samples(values.lows, values.highs)
    points, counts = _points(values, whole)
    ends = [whole.low, whole.high]
    shrunken = 2.0 ** (-np.arange(_OCTAVE * _OCTAVES + 1) / _OCTAVE)
    for _ in range(_ROUNDS):
        before = list(ends)
        for side, end in enumerate((whole.low, whole.high)):
            candidates = end * shrunken
            lows, highs = (candidates, ends[1]) if side == 0 else (ends[0], candidates)
            ends[side] = float(candidates[np.argmin(_errors(points, counts, lows, highs))])
        if ends == before:
            break
    return Range(low=ends[0], high=ends[1])


def _errors(
    points: "Floats", counts: "Floats", lows: "Floats | float", highs: "Floats | float"
) -> "Floats":
    """Return the squared error of the int8 grid from each low to each high."""
    lows, highs = np.broadcast_arrays(lows, highs)
    errors = np.empty(len(lows))
    for place, (low, high) in enumerate(zip(lows, highs, strict=True)):
        step = (high - low) / _STEPS
        if step <= 0:
            errors[place] = np.sum(counts * points**2)
            continue
        least = np.round(low / step)  # in steps: 0 is on the grid, as the runtimes want it
        codes = np.clip(np.round(points / step), least, least + _STEPS)
        errors[place] = np.sum(counts * (points - step * codes) ** 2)
    return errors


def _least_divergence(values: Spread) -> Range:
    """Return the range whose 128 levels of magnitude tell most of how magnitudes are spread.

    Migacz, 8-bit Inference with TensorRT, 2017: of a histogram of 2,048 bins the threshold is
    taken where the histogram, what lies beyond counted to its last bin, diverges least from
    itself in 128 levels. Where that is among the lowest eighth of the bins, and few values lie
    beyond, the histogram was drawn for these few and is drawn again for twice the threshold.
    """
    whole = _of_most_samples(values.lows, values.highs)
    points, counts = _points(values, whole)
    limit = max(-whole.low, whole.high)
    magnitudes = np.minimum(np.abs(points), limit)  # the middle may be beyond the end
    if not limit:
        return whole
    while True:
        inside = magnitudes <= limit
        bins, _ = np.histogram(magnitudes[inside], _BINS, range=(0, limit), weights=counts[inside])
        best = _best_length(bins, float(counts[~inside].sum()))
        threshold = limit * best / _BINS
        beyond = counts[magnitudes > 2 * threshold].sum()
        if best > 2 * _LEVELS or beyond > _MOST_BEYOND * counts.sum():
            break
        limit = 2 * threshold
    return Range(low=max(whole.low, -threshold), high=min(whole.high, threshold))


def _best_length(bins: "Floats", beyond: float) -> int:
    """Return how many of ``bins`` to keep; ``beyond`` them all lie so many values more."""
    lengths = np.arange(_LEVELS, _BINS + 1, _STRIDE)
    total = bins.sum() + beyond
    divergences = []
    for length in lengths:
        wanted = bins[:length].copy()
        levels = np.arange(length) * _LEVELS // length
        filled = wanted > 0
        sums = np.bincount(levels, wanted, minlength=_LEVELS)
        sharing = np.bincount(levels, filled, minlength=_LEVELS)
        found = np.where(filled, sums[levels] / np.maximum(sharing[levels], 1), 0)
        wanted[-1] += total - wanted.sum()
        divergences.append(_divergence(wanted / total, found / max(found.sum(), 1)))
    return int(lengths[np.argmin(divergences)])


def _divergence(wanted: "Floats", found: "Floats") -> float:
    """Return the Kullback-Leibler divergence of ``found`` from ``wanted``."""
    met = wanted > 0
    return float(np.sum(wanted[met] * np.log(wanted[met] / np.maximum(found[met], _UNSEEN))))
