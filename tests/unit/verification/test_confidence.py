from math import comb, sqrt

import numpy as np
import pytest

from edgekit.verification.confidence import mean_interval, upper_bound, wilson_interval


@pytest.mark.parametrize(
    ("successes", "samples", "low", "high"),
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_wilson_interval_is_the_published_one(
    successes: int, samples: int, low: float, high: float
) -> None:
    found = wilson_interval(successes / samples, samples)

    assert found == pytest.approx((low, high), abs=5e-5)


def binomial_bound(lost: int, samples: int, confidence: float) -> float:
    """Return the exact upper bound of Clopper and Pearson, found by halving."""
    low, high = lost / samples, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        tail = sum(
            comb(samples, count) * middle**count * (1 - middle) ** (samples - count)
            for count in range(lost + 1)
        )
        low, high = (middle, high) if tail > 1 - confidence else (low, middle)
    return high


def lost_of(lost: int, samples: int) -> np.ndarray:
    losses = np.zeros(samples)
    losses[:lost] = 1.0
    return losses


@pytest.mark.parametrize("samples", [200, 359, 1000])
@pytest.mark.parametrize("lost", [0, 1, 3, 10])
def test_where_nothing_is_won_the_bound_is_near_the_exact_one(lost: int, samples: int) -> None:
    found = upper_bound(lost_of(lost, samples), worst=1.0, confidence=0.95)
    exact = binomial_bound(lost, samples, 0.95)
    assert abs(found - exact) < 0.75 / samples  # it goes in steps of one sample


@pytest.mark.parametrize(("samples", "bound"), [(20, 0.15), (200, 0.015), (300, 0.01)])
def test_samples_without_a_loss_show_what_the_rule_of_three_says(
    samples: int, bound: float
) -> None:
    found = upper_bound(lost_of(0, samples), worst=1.0, confidence=0.95)
    assert found == pytest.approx(bound)


def test_200_samples_do_not_pass_by_luck() -> None:
    """A model that loses 1.5 points, held to 1: two in five validation sets of 200 hide it."""
    random = np.random.default_rng(7)
    losses = (random.random((400, 200)) < 0.015).astype(np.float64)
    hidden = np.mean(losses.mean(axis=1) <= 0.01)
    passed = [upper_bound(row, worst=1.0, confidence=0.95) <= 0.01 for row in losses]
    assert hidden > 0.35  # Poisson of 3 is at most 2: 0.42
    assert not any(passed)


def test_the_bound_covers_the_truth_as_often_as_it_says() -> None:
    """3 % of the samples are lost, 2 % won: the drop is 1 point, seen on 300 samples."""
    random = np.random.default_rng(3)
    chance = random.random((150, 300))
    losses = np.where(chance < 0.03, 1.0, np.where(chance < 0.05, -1.0, 0.0))
    covered = [upper_bound(row, worst=1.0, confidence=0.9) >= 0.01 for row in losses]
    assert np.mean(covered) > 0.85  # 0.9 less two standard errors of 150 tries


def test_many_values_are_bounded_as_the_normal_curve_says() -> None:
    losses = np.random.default_rng(0).normal(0.5, 2.0, 1000)
    found = upper_bound(losses, worst=9.0, confidence=0.95)
    with_worst = np.append(losses, 9.0)
    normal = with_worst.mean() + 1.645 * with_worst.std() / sqrt(1000)
    assert found == pytest.approx(normal, abs=0.005)  # the quantile of 10,000 is off by 0.0013
    assert found == upper_bound(losses, worst=9.0, confidence=0.95)


@pytest.mark.parametrize("different", [15, 16])
def test_values_that_are_counted_and_values_that_are_drawn_bound_alike(different: int) -> None:
    """Up to 16 values, the worst among them, are counted; the mean of more is drawn."""
    losses = np.arange(different).repeat(20) / different
    found = upper_bound(losses, worst=1.0, confidence=0.95)
    with_worst = np.append(losses, 1.0)
    normal = with_worst.mean() + 1.645 * with_worst.std() / sqrt(len(losses))
    assert found == pytest.approx(normal, abs=0.003)


def test_every_sample_is_drawn_the_first_and_the_last_too() -> None:
    for place in (0, -1):
        losses = np.random.default_rng(0).normal(0.5, 2.0, 100)
        losses[place] = -6.0  # without it the bound would lie 0.05 higher
        found = upper_bound(losses, worst=6.0, confidence=0.95)
        with_worst = np.append(losses, 6.0)
        normal = with_worst.mean() + 1.645 * with_worst.std() / sqrt(100)
        assert found == pytest.approx(normal, abs=0.02)


def test_the_interval_of_errors_does_not_go_below_0() -> None:
    assert mean_interval(np.array([0.0, 0.0, 3.0]))[0] == 0.0
