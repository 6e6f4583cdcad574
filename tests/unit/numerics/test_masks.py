"""Masks and schedules against arithmetic that is done here by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.errors import InputError
from edgekit.numerics.masks import (
    channel_norms,
    keep_channels,
    keep_largest,
    keep_largest_blocks,
    keep_n_of_m,
    schedule_for,
    share_below,
    shares_of_smallest,
)
from edgekit.specs import PruneSpec


def test_the_smallest_magnitudes_are_dropped() -> None:
    weights = np.array([[0.1, -5.0, 2.0], [-0.2, 3.0, -1.0]])
    assert keep_largest(weights, 0.5).tolist() == [[False, True, True], [False, True, False]]


@given(st.integers(1, 200), st.floats(0, 1))
def test_as_many_as_asked_are_dropped_even_among_equals(size: int, sparsity: float) -> None:
    assert (~keep_largest(np.ones(size), sparsity)).sum() == round(sparsity * size)


def test_blocks_are_dropped_whole() -> None:
    weights = np.array([[9, 9, 1, 1], [9, 9, 1, 2], [2, 2, 8, 8], [2, 3, 8, 8.0]])
    # means of the four blocks: 9, 1.25, 2.25, 8
    half = [[True, True, False, False]] * 2 + [[False, False, True, True]] * 2
    assert keep_largest_blocks(weights, 0.5, (2, 2)).tolist() == half
    # three rows to a block: the second row of blocks has one row; means 6.7, 3.5, 2.5, 8
    ragged = keep_largest_blocks(weights, 0.25, (3, 2))
    assert (~ragged).sum() == 2
    assert ragged[3].tolist() == [False, False, True, True]


def test_n_of_m_are_dropped_along_the_inputs() -> None:
    weights = np.zeros((1, 1, 8, 1))
    weights[0, 0, :, 0] = [1, -4, 3, 2, 0.1, 0.2, 0.4, -0.3]
    kept = [False, True, True, False, False, False, True, True]
    assert keep_n_of_m(weights, 2, 4)[0, 0, :, 0].tolist() == kept


def test_inputs_that_fill_no_group_are_kept() -> None:
    assert keep_n_of_m(np.ones((3, 3, 1, 8)), 2, 4).all()
    mask = keep_n_of_m(np.arange(1.0, 7).reshape(6, 1), 2, 4)
    assert mask[:, 0].tolist() == [False, False, True, True, True, True]


def test_a_global_share_is_split_by_magnitude() -> None:
    # of 1, 2, 3, 4 and 3, 5 the smallest half is 1, 2 and the first 3
    assert shares_of_smallest([np.array([1, 2, 3, 4.0]), np.array([3, 5.0])], 0.5) == (0.75, 0)


def test_a_threshold_counts_magnitudes_below_it() -> None:
    assert share_below(np.array([0.5, -1.0, 2.0, -0.1]), 1.0) == 0.5


def test_the_norm_of_a_channel_is_relative_to_its_kernel() -> None:
    # squares 25, 1 and 0: their mean without the dead filter is 13
    one = np.array([[3, 1, 0], [4, 0, 0.0]])
    norms = channel_norms([one], [np.array([0, 1, 2])], count=3)
    assert norms == pytest.approx([(25 / 13) ** 0.5, (1 / 13) ** 0.5, 0])
    # a second kernel makes channels 2 and 0, squares 1 and 9 of a mean of 5, and one that stays
    other = np.array([[1, 3, 5**0.5]])  # whose square is 5: the mean stays
    norms = channel_norms([one, other], [np.array([0, 1, 2]), np.array([2, 0, -1])], count=3)
    expected = [(25 / 13 + 9 / 5) / 2, 1 / 13, (0 + 1 / 5) / 2]
    assert norms == pytest.approx(np.sqrt(expected))


def test_an_empty_kernel_has_norms_of_zero() -> None:
    assert channel_norms([np.zeros((4, 2))], [np.array([0, 1])], count=2).tolist() == [0, 0]


def test_the_channels_of_smallest_norm_go() -> None:
    norms, kernel = np.array([0.3, 0.1, 0.2, 0.4]), np.arange(4)
    keep = keep_channels(norms, [kernel], dropped=2, least=1)
    assert keep.tolist() == [True, False, False, True]


def test_a_kernel_keeps_its_least_and_others_give_in_its_place() -> None:
    norms = np.array([0.3, 0.1, 0.2, 0.4])
    # a second kernel makes 1 and 2 alone: 1 goes, 2 is its last, 0 goes in its place
    keep = keep_channels(norms, [np.arange(4), np.array([1, 2])], dropped=2, least=1)
    assert keep.tolist() == [False, False, True, True]
    # beside channels that stay anyway, both may go
    keep = keep_channels(norms, [np.arange(4), np.array([1, -1, 2])], dropped=2, least=1)
    assert keep.tolist() == [True, False, False, True]


@given(st.integers(1, 40), st.integers(0, 50), st.integers(1, 4))
def test_never_fewer_channels_than_the_least_are_kept(count: int, dropped: int, least: int) -> None:
    keep = keep_channels(np.ones(count), [np.arange(count)], dropped=dropped, least=least)
    assert keep.sum() == max(count - dropped, min(count, least))


def test_a_polynomial_schedule_rises_as_published() -> None:
    schedule = schedule_for("polynomial", steps=101)
    assert (schedule.begin_step, schedule.end_step) == (0, 74)  # three quarters of 101, from 0
    assert schedule.share_at(0) == 0
    # Zhu and Gupta 2017: s = s_f (1 - (1 - t / n)^3)
    assert schedule.share_at(37) == pytest.approx(1 - (1 - 37 / 74) ** 3)
    assert schedule.share_at(74) == schedule.share_at(100) == 1


@pytest.mark.parametrize(("steps", "frequency"), [(2, 1), (101, 1), (404, 3), (10_000, 74)])
def test_masks_are_renewed_a_hundred_times_at_most(steps: int, frequency: int) -> None:
    # Over three quarters of 404 steps, 0 to 302, every third; of 10,000, 0 to 7,499, every 74th.
    assert schedule_for("polynomial", steps=steps).frequency == frequency


def test_a_constant_schedule_is_there_from_the_start() -> None:
    schedule = schedule_for("constant", steps=10, begin_step=4)
    assert [schedule.share_at(step) for step in (3, 4, 9)] == [0, 1, 1]


@given(st.integers(2, 5000), st.integers(0, 4000))
def test_a_schedule_always_ends_before_the_training_does(steps: int, begin: int) -> None:
    if steps - begin < 2:
        with pytest.raises(InputError, match="the sparsity cannot be reached"):
            schedule_for("polynomial", steps=steps, begin_step=begin)
        return
    schedule = schedule_for("polynomial", steps=steps, begin_step=begin)
    assert begin <= schedule.end_step < steps
    assert schedule.share_at(steps - 1) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "'prune.sparsity' is missing"),
        ({"sparsity": 1.5}, "prune.sparsity is 1.5, not a fraction"),
        ({"sparsity": 0.5, "warmup_epochs": 4}, "the sparsity cannot be reached"),
        ({"criterion": "threshold"}, "prune.threshold is missing for the criterion 'threshold'"),
        ({"sparsity": 0.5, "threshold": 1.0}, "prune.threshold has no meaning"),
        ({"sparsity": 0.5, "criterion": "absolute", "threshold": 0.1}, "cannot both be given"),
        ({"sparsity": 0.8, "granularity": "n_by_m"}, "are a sparsity of 0.5"),
        ({"granularity": "n_by_m", "n_by_m": (4, 4)}, r"prune.n_by_m is \[4, 4\], not such as"),
        ({"sparsity": 0.5, "granularity": "block", "block": (4,)}, r"prune.block is \[4\]"),
        (
            {"threshold": 1.0, "criterion": "threshold", "granularity": "channel"},
            "the criterion 'threshold' counts single weights, not channels",
        ),
        (
            {"sparsity": 0.5, "granularity": "channel", "depthwise": True},
            "prune.depthwise has no meaning for channels",
        ),
        (
            {"sparsity": "auto", "size": 100, "granularity": "channel"},
            "is for single weights by ratio alone",
        ),
        ({"sparsity": "auto"}, "prune.size is missing"),
        ({"sparsity": 0.5, "size": 100}, "prune.size has a meaning for"),
        ({"sparsity": 0.5, "layers": {"a*": 1.0}}, r"prune.layers.a\* is 1, not from 0"),
    ],
)
def test_a_pruning_spec_that_makes_no_sense_is_refused(
    options: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        PruneSpec(**options)  # type: ignore[arg-type]
