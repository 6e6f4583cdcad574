"""What is chosen, against examples worked by hand and against the definition."""

import pytest
from comparison_points import BOARD, missed, point, study
from hypothesis import given
from hypothesis import strategies as st

from edgekit.comparison.choice import basis, pareto
from edgekit.comparison.result import Result


def test_the_front_of_a_worked_example() -> None:
    # (flash, loss): the second is beaten by the first in both; the fourth ties in flash with the
    # third and is worse; the last two are equal, and neither beats the other.
    costs = [(1.0, 9.0), (2.0, 9.5), (3.0, 5.0), (3.0, 6.0), (8.0, 1.0), (8.0, 1.0)]
    assert pareto(costs) == (0, 2, 4, 5)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30))
def test_no_point_of_the_front_is_dominated_and_all_others_are(
    costs: list[tuple[float, float]],
) -> None:
    kept = set(pareto(costs))
    for place, (flash, loss) in enumerate(costs):
        beaten = any(
            (one <= flash and other < loss) or (one < flash and other <= loss)
            for one, other in costs
        )
        assert (place in kept) is not beaten


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=30))
def test_the_front_falls_from_its_smallest_point_on(costs: list[tuple[float, float]]) -> None:
    kept = sorted({costs[place] for place in pareto(costs)})
    assert kept[0] == min(costs)
    assert [loss for _, loss in kept] == sorted({loss for _, loss in kept}, reverse=True)


def test_the_cheapest_is_the_smallest_that_meets_every_limit() -> None:
    found = study(
        point("a", 100, 0.97),
        point("b", 90, 0.96),
        point("too-wrong", 50, 0.5, missing=(missed("accuracy_drop", 0.48, 0.02, "accuracy"),)),
        point("simulated", 40, 0.97, simulated=True),
        point("broken", error="no"),
    )
    assert found.cheapest is not None
    assert found.cheapest.name == "b"
    assert found.passed
    assert [item.name for item in found.front] == ["too-wrong", "b", "a"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (point("a", 90, 0.9, arena=5), point("b", 90, 0.99, arena=4)),
        (point("a", 90, 0.9, arena=5), point("b", 90, 0.99, arena=5)),
        (point("a", 91, 0.99, arena=4), point("b", 90, 0.9, arena=5)),
    ],
)
def test_of_equal_flash_the_smaller_arena_counts_and_then_the_better_model(
    first: Result, second: Result
) -> None:
    found = study(first, second)
    assert found.cheapest is not None
    assert found.cheapest.name == "b"


def test_an_error_is_better_where_it_is_smaller() -> None:
    found = study(
        point("a", 100, 0.5, metric="mean_absolute_error"),
        point("b", 100, 0.4, metric="mean_absolute_error"),
    )
    assert [item.name for item in found.front] == ["b"]


def test_where_none_meets_the_limits_the_nearest_is_named() -> None:
    found = study(
        point("two", missing=(missed("flash", 101, 100), missed("ram", 101, 100))),
        point("far", missing=(missed("flash", 300, 100),)),
        point("near", missing=(missed("flash", 120, 100),)),
        point("simulated", missing=(missed("flash", 101, 100),), simulated=True),
    )
    assert found.cheapest is None
    assert found.nearest is not None
    assert found.nearest.name == "near"
    assert not found.passed


def test_points_are_weighed_by_the_first_board_whose_flash_is_known_for_all() -> None:
    runs, absent = point("a", 100), point("phone", None)
    assert basis([runs, absent]).target == BOARD
    assert basis([runs, point("b", 100, known=False)]).target is None
    assert basis([absent]).target is None
    by_file = basis([point("b", known=False)]).flash(point("b", known=False))
    assert by_file is not None
    assert by_file.value == 20_000


def test_a_point_that_does_not_run_on_the_board_is_in_no_front() -> None:
    found = study(point("a", 100, 0.9), point("phone", None, 0.99))
    assert [item.name for item in found.front] == ["a"]
    assert any("phone" in note for note in found.notes)


def test_without_accuracy_there_is_no_front_but_a_cheapest() -> None:
    found = study(point("a", 100, None), point("b", 90, None))
    assert found.front == ()
    assert found.cheapest is not None
    assert found.cheapest.name == "b"
    assert any("no accuracy is claimed" in note for note in found.notes)
