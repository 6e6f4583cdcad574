"""Zeros go where they cost least; the sums are done here by hand."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.errors import InputError
from edgekit.numerics.sparsity_allocation import LayerCurve, SensitivityPoint, allocate


def curve(name: str, weights: int, *losses: float) -> LayerCurve:
    """Points at 0, 1/n, … below 1, one a loss."""
    points = tuple(
        SensitivityPoint(sparsity=index / len(losses), loss=loss, score=0.0)
        for index, loss in enumerate(losses)
    )
    return LayerCurve(name=name, weights=weights, points=points)


def test_the_cheaper_layer_gives_first() -> None:
    cheap = curve("cheap", 100, 0.0, 0.1, 0.2, 0.3)
    dear = curve("dear", 100, 0.0, 1.0, 2.0, 3.0)
    assert allocate((cheap, dear), zeros=50) == {"cheap": 0.5, "dear": 0}
    # cheap ends at 75 zeros; the 25 that are left are a quarter of dear
    assert allocate((cheap, dear), zeros=100) == {"cheap": 0.75, "dear": pytest.approx(0.25)}


def test_a_price_is_one_of_weights_not_of_layers() -> None:
    # half of either costs 1, but half of the large one is ten times as many zeros
    found = allocate((curve("small", 10, 0.0, 1.0), curve("large", 100, 0.0, 1.0)), zeros=50)
    assert found == {"small": 0, "large": 0.5}


def test_a_bump_does_not_hide_what_lies_behind_it() -> None:
    bumpy = curve("bumpy", 100, 0.0, 5.0, 0.2, 9.0)  # half of it costs less than a quarter
    plain = curve("plain", 100, 0.0, 1.0, 2.0, 3.0)
    assert allocate((bumpy, plain), zeros=50) == {"bumpy": 0.5, "plain": 0}


def test_pieces_of_one_price_add_up_in_any_order() -> None:
    # In binary the second third of 120 weights is the cheaper one, by a last digit.
    straight, falling = curve("a", 120, 2.0, 1.0, 0.0), curve("b", 120, 2.0, 2.0, 0.5, 0.0, 0.0)
    found = allocate((straight, falling), zeros=134)
    # A zero saves 1.5/48 in b at first, then 1/40 in a (80 of them), then 0.5/24 in b again.
    assert 120 * found["a"] == pytest.approx(80)
    assert 120 * found["b"] == pytest.approx(134 - 80)


@given(
    st.lists(st.lists(st.floats(0, 10), min_size=2, max_size=6), min_size=1, max_size=5),
    st.integers(0, 400),
)
def test_the_zeros_asked_are_given(losses: list[list[float]], zeros: int) -> None:
    names = (f"layer {number}" for number in itertools.count())
    curves = tuple(curve(name, 120, *item) for name, item in zip(names, losses, strict=False))
    most = sum(round(item.weights * item.points[-1].sparsity) for item in curves)
    if zeros > most:
        with pytest.raises(InputError, match="the size cannot be reached"):
            allocate(curves, zeros=zeros)
        return
    found = allocate(curves, zeros=zeros)
    assert sum(120 * sparsity for sparsity in found.values()) == pytest.approx(zeros, abs=1e-6)
