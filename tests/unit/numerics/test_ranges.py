"""Ranges of activations: by hand where a hand can follow, else by the laws that they obey."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edgekit.errors import InputError, UsageError
from edgekit.numerics.ranges import METHODS, Range, activation_range, joined, range_of, spread

SAMPLES = arrays(
    np.float32,
    st.tuples(st.integers(1, 12), st.integers(1, 6)),
    elements=st.floats(-1e6, 1e6, width=32).map(lambda x: np.float32(0 if abs(x) < 1e-6 else x)),
)
RNG = np.random.default_rng(0)
NORMAL = RNG.normal(size=(100, 1000)).astype(np.float32)


def error_in_int8(values: np.ndarray, found: Range) -> float:
    """Return the mean squared error of 256 codes over ``found``, by the textbook."""
    step = (found.high - found.low) / 255
    zero = np.round(-found.low / step)
    codes = np.clip(np.round(values / step) + zero, 0, 255)
    return float(np.mean((step * (codes - zero) - values) ** 2))


def test_minmax_holds_all_values_and_zero() -> None:
    assert activation_range(np.array([[1.0, 3.0], [2.0, 2.5]])) == Range(low=0.0, high=3.0)
    assert activation_range(np.array([[-5.0], [-1.0]])) == Range(low=-5.0, high=0.0)


def test_the_percentile_leaves_out_the_sample_that_goes_farthest() -> None:
    # 100 samples of 1, 2, … 100 and their negatives: a hundredth of them is one, at either end.
    samples = np.arange(1.0, 101.0)[:, np.newaxis] * np.array([1.0, -1.0])
    assert activation_range(samples, "percentile") == Range(low=-99.0, high=99.0)
    assert activation_range(samples[:10], "percentile") == Range(low=-9.0, high=9.0)  # one at least
    assert activation_range(samples[:1], "percentile") == Range(low=-1.0, high=1.0)  # but not all


def test_the_percentile_leaves_out_a_ten_thousandth_of_the_values_of_each_sample() -> None:
    # Of 20,000 values 0.01 % are 2: so many are cut off at either end.
    sample = np.arange(20_000.0) - 10_000
    found = activation_range(np.stack([sample, sample, sample]), "percentile")
    assert found == Range(low=-9_998.0, high=9_997.0)


@pytest.mark.parametrize("method", ["percentile", "mse", "entropy"])
def test_one_value_a_hundred_times_as_large_is_ignored(method: str) -> None:
    largest = float(np.abs(NORMAL).max())
    faulty = NORMAL.copy()
    faulty[7, 3] = 100 * largest
    assert activation_range(faulty).high == pytest.approx(100 * largest)
    for samples in (faulty, -faulty):
        found = activation_range(samples, method)
        assert 3 < found.high <= largest
        assert -largest <= found.low < -3
    whole = NORMAL.copy()
    whole[7] *= 100
    assert activation_range(whole, method).high <= largest  # nor a whole sample


def test_no_range_that_is_tried_has_a_smaller_error() -> None:
    for values in (NORMAL, np.maximum(NORMAL, 0), RNG.laplace(size=(100, 1000))):
        found = activation_range(values, "mse")
        lows, highs = values.min(axis=1), values.max(axis=1)
        kept = values[(lows >= np.sort(lows)[1]) & (highs <= np.sort(highs)[-2])]
        best = error_in_int8(kept, found)
        for low, high in ((0.9, 0.9), (1.1, 1.1), (0.8, 1.0), (1.0, 0.8), (1.3, 1.3)):
            other = Range(low=low * found.low, high=high * found.high)
            assert best <= error_in_int8(kept, other) * 1.02  # of values held to 0.4 %


def test_the_range_of_a_normal_distribution_is_where_its_error_is_least_on_paper() -> None:
    def error(end: float) -> float:
        """Return what rounding to 255 steps and clipping both tails cost, in closed form."""
        density = math.exp(-(end**2) / 2) / math.sqrt(2 * math.pi)
        tail = math.erfc(end / math.sqrt(2)) / 2
        return (2 * end / 255) ** 2 / 12 + 2 * ((1 + end**2) * tail - end * density)

    best = min(np.arange(2, 6, 0.01), key=error)  # 3.92
    found = activation_range(RNG.normal(size=(100, 20_000)), "mse")
    assert found.high == pytest.approx(best, rel=0.05)  # candidates are 4.4 % apart
    assert -found.low == pytest.approx(best, rel=0.05)


def test_entropy_keeps_what_fills_its_levels_and_cuts_a_thin_tail() -> None:
    even = np.tile(np.linspace(0, 1, 2048, dtype=np.float32), (20, 1))
    assert activation_range(even, "entropy").high == pytest.approx(1.0, rel=0.01)
    tailed = even.copy()
    tailed[:, -1] = 20.0  # one value in 2,048 of every sample: no sample is the odd one
    assert activation_range(tailed).high == 20.0
    assert activation_range(tailed, "entropy").high < 2.0


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=15)
@given(SAMPLES)
def test_a_range_holds_zero_and_reaches_no_farther_than_the_values(
    method: str, samples: np.ndarray
) -> None:
    found = activation_range(samples, method)
    assert min(0.0, samples.min()) <= found.low <= 0.0 <= found.high <= max(0.0, samples.max())


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=15)
@given(SAMPLES, st.integers(-8, 8))
def test_a_range_has_the_unit_of_the_values(
    method: str, samples: np.ndarray, exponent: int
) -> None:
    once, scaled = activation_range(samples, method), activation_range(
        samples * np.float32(2.0**exponent), method
    )  # fmt: skip
    assert scaled.low == pytest.approx(once.low * 2.0**exponent, rel=1e-6)
    assert scaled.high == pytest.approx(once.high * 2.0**exponent, rel=1e-6)


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=15)
@given(SAMPLES, SAMPLES)
def test_spreads_add_up(method: str, first: np.ndarray, second: np.ndarray) -> None:
    width = min(first.shape[1], second.shape[1])
    first, second = first[:, :width], second[:, :width]
    parts = joined(spread(first), spread(second))
    assert range_of(parts, method) == activation_range(np.concatenate([first, second]), method)


def test_zeros_alone_have_no_range() -> None:
    for method in METHODS:
        assert activation_range(np.zeros((3, 4)), method) == Range(low=0.0, high=0.0)


def test_nothing_infinity_and_unknown_methods_are_refused() -> None:
    with pytest.raises(InputError, match="no activations"):
        activation_range(np.zeros((0, 3)))
    with pytest.raises(InputError, match="NaN or infinity"):
        activation_range(np.array([[1.0, np.inf]]))
    with pytest.raises(UsageError, match="no calibration 'maximum'"):
        activation_range(np.ones((1, 1)), "maximum")  # type: ignore[arg-type]
