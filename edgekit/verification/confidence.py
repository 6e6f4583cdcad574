"""How far a figure that was seen on some samples may lie from the truth."""

from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

_Z_95 = 1.959964  # the standard normal's 97.5 % quantile
_RESAMPLES = 10_000  # the quantile's own chance moves a bound by a hundredth of its width
_MOST_DRAWN = 4_000_000  # numbers held at once
_FEW_VALUES = 16  # so many are counted, not drawn one by one


def wilson_interval(proportion: float, samples: int) -> tuple[float, float]:
    """Return the 95 % interval of a proportion by Wilson's score, inside [0, 1].

    Args:
        proportion: The fraction of successes that was seen.
        samples: On how many; at least 1.
    """
    spread = _Z_95 * _Z_95 / samples
    centre = (proportion + spread / 2) / (1 + spread)
    half = (
        _Z_95
        / (1 + spread)
        * sqrt(proportion * (1 - proportion) / samples + spread / (4 * samples))
    )
    return max(0.0, centre - half), min(1.0, centre + half)


def mean_interval(values: "Floats") -> tuple[float, float]:
    """Return the 95 % interval of the mean of errors: 1.96 standard errors, not below 0.

    Args:
        values: The error of each sample, float64, shape ``(samples,)``.
    """
    mean = float(np.mean(values))
    half = _Z_95 * float(np.std(values)) / sqrt(len(values))
    return max(0.0, mean - half), mean + half


def upper_bound(losses: "Floats", *, worst: float, confidence: float) -> float:
    """Return what the mean of ``losses`` does not exceed with this confidence: a bootstrap.

    The samples are drawn again and again, with replacement, from those there are and one more
    that lost ``worst``. Without that one, samples that all came out alike would prove that none
    ever differs: 20 right answers as well as 2,000. With it ``n`` samples without a loss bound
    the truth by about ``3 / n`` at 95 %, the rule of three, and a few losses by about their
    exact binomial bound. The draws are the same each time.

    Args:
        losses: How much worse each sample became, float64, shape ``(samples,)``; pairs of the
            two models' outcomes on one sample, subtracted.
        worst: How much worse a sample can become.
        confidence: Below 1.
    """
    count = len(losses)
    values, counts = np.unique(np.append(losses, worst), return_counts=True)
    random = np.random.default_rng(0)
    if len(values) <= _FEW_VALUES:
        drawn = random.multinomial(count, counts / (count + 1), _RESAMPLES)
        means = drawn @ values / count
    else:
        means = _means(np.append(losses, worst), count, random)
    return float(np.quantile(means, confidence, method="higher"))


def _means(values: "Floats", count: int, random: np.random.Generator) -> "Floats":
    """Return the means of resamples of ``count`` of ``values``, some at a time."""
    at_once = max(1, _MOST_DRAWN // count)
    parts = [
        values[random.integers(0, len(values), (min(at_once, _RESAMPLES - done), count))].mean(1)
        for done in range(0, _RESAMPLES, at_once)
    ]
    return np.concatenate(parts)
