"""The laws of the arithmetic. That it is the runtime's own stands in test_numerics_litert.py."""

import doctest
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from edgekit.errors import InputError, MissingDependencyError
from edgekit.numerics.integers import (
    correct_bias,
    dequantize,
    dequantize_weights,
    prune_by_ratio,
    prune_by_threshold,
    quantize,
    quantize_weights,
    round_to_float8,
    sparsity,
    weight_steps,
)

ROOT = Path(__file__).parents[3]

WEIGHTS = arrays(
    np.float32,
    array_shapes(max_dims=4, max_side=6),
    # Zero, or far enough from the end of float32 that the step is a normal number.
    elements=st.floats(-1e6, 1e6, width=32).map(lambda x: np.float32(0 if abs(x) < 1e-20 else x)),
)
BITS = st.integers(2, 16)
few = settings(max_examples=40)  # arrays hold hundreds of values: a case is many


def test_halves_round_away_from_zero_and_ends_saturate() -> None:
    real = np.array([0.5, -0.5, 1.5, -2.5, 0.49999997, 1e9, -1e9, 3e38], np.float32)
    # With a scale of 1 and a zero point of 3, by hand: 0.5 -> 1, -0.5 -> -1, 1.5 -> 2, -2.5 -> -3.
    stored = quantize(real, scale=1.0, zero_point=3, dtype="int8")
    assert stored.tolist() == [4, 2, 5, 0, 3, 127, -128, 127]


@given(st.integers(-128, 127), st.floats(2.0**-20, 1024.0, width=32), st.integers(-128, 127))
def test_every_stored_value_survives_the_way_to_real_and_back(
    stored: int, scale: float, zero_point: int
) -> None:
    real = dequantize(np.array([stored], np.int8), scale=scale, zero_point=zero_point)
    assert quantize(real, scale=scale, zero_point=zero_point, dtype="int8").tolist() == [stored]


def test_each_channel_has_its_scale_and_zero_point() -> None:
    real = np.array([[1.0, 1.0], [-3.0, -3.0]], np.float32)
    scale, zero_point = np.array([0.5, 2.0], np.float32), np.array([0, 10])
    by_column = quantize(real, scale=scale, zero_point=zero_point, dtype="int8", axis=1)
    by_row = quantize(real, scale=scale, zero_point=zero_point, dtype="int8", axis=0)
    assert by_column.tolist() == [[2, 11], [-6, 8]]  # 0.5 and -1.5 steps of 2 round to 1 and -2
    assert by_row.tolist() == [[2, 2], [8, 8]]
    real = dequantize(by_column, scale=scale, zero_point=zero_point, axis=-1)
    assert real.tolist() == [[1.0, 2.0], [-3.0, -4.0]]


def test_several_scales_need_an_axis() -> None:
    with pytest.raises(ValueError, match="2 values, and no axis"):
        quantize(np.ones((2, 2), np.float32), scale=np.ones(2), zero_point=0, dtype="int8")


@pytest.mark.parametrize(
    ("bits", "stored", "step"),
    [
        (8, [127, -76, 32, -6, 0], 1 / 127),  # 76.2, 31.75 and 6.35 steps
        (4, [7, -4, 2, 0, 0], 1 / 7),  # 4.2, 1.75 and 0.35 steps
        (2, [1, -1, 0, 0, 0], 1.0),
        (1, [1, -1, 1, -1, 1], 0.38),  # (1 + .6 + .25 + .05 + 0) / 5
    ],
)
def test_weights_by_hand(bits: int, stored: list[int], step: float) -> None:
    weights = np.array([1.0, -0.6, 0.25, -0.05, 0.0], np.float32)
    found = quantize_weights(weights, bits=bits)
    assert found.stored.tolist() == stored
    assert found.steps.tolist() == pytest.approx([step])


@few
@given(WEIGHTS, BITS, st.data())
def test_the_step_range_and_error_of_weights(
    weights: np.ndarray, bits: int, data: st.DataObject
) -> None:
    axis = data.draw(st.none() | st.integers(-weights.ndim, weights.ndim - 1))
    found = quantize_weights(weights, bits=bits, axis=axis)
    last = 2 ** (bits - 1) - 1
    assert found.stored.shape == weights.shape
    assert found.stored.min() >= -last
    assert found.stored.max() <= last
    rows = [weights] if axis is None else list(np.moveaxis(weights, axis, 0))
    codes = [found.stored] if axis is None else list(np.moveaxis(found.stored, axis, 0))
    for row, code, step in zip(rows, codes, found.steps, strict=True):
        largest = float(np.abs(row).max())
        assert float(step) == pytest.approx(largest / last if largest else 1.0, rel=1e-6)
        assert np.abs(code).max() == (last if largest else 0)  # the whole range is used
        error = np.abs(step.astype(float) * code.astype(float) - row.astype(float))
        # Half a step; the step and the division are float32's, off by 2^-24 of up to `last` each.
        assert error.max() <= float(step) * (0.5 + last * 2.0**-23)


@few
@given(WEIGHTS, BITS)
def test_quantizing_again_changes_no_code(weights: np.ndarray, bits: int) -> None:
    once = quantize_weights(weights, bits=bits)
    twice = quantize_weights(dequantize_weights(once), bits=bits)
    assert np.array_equal(once.stored, twice.stored)


@few
@given(WEIGHTS, BITS)
def test_the_negative_has_the_negative_codes_and_zero_stays_zero(
    weights: np.ndarray, bits: int
) -> None:
    found = quantize_weights(weights, bits=bits).stored
    assert np.array_equal(quantize_weights(-weights, bits=bits).stored, -found)
    assert not found[weights == 0].any()


@few
@given(WEIGHTS, st.floats(0.5, 2.0))
def test_no_step_for_signs_comes_nearer_than_the_mean(weights: np.ndarray, factor: float) -> None:
    found = quantize_weights(weights, bits=1)
    assert set(np.unique(found.stored)) <= {-1, 1}
    weights = weights.astype(np.float64)
    step = float(found.steps[0]) if weights.any() else 0.0
    best, other = (np.sum((weights - s * found.stored) ** 2) for s in (step, factor * step))
    assert best <= other * (1 + 1e-5)


def test_sixteen_bits_are_stored_in_two_bytes_and_more_are_refused() -> None:
    weights = np.array([1.0, -1.0])
    assert quantize_weights(weights, bits=16).stored.tolist() == [32767, -32767]
    assert quantize_weights(weights, bits=8).stored.dtype == np.int8
    assert quantize_weights(weights, bits=9).stored.dtype == np.int16
    for bits in (0, 17):
        with pytest.raises(InputError, match=f"weights of {bits} bits"):
            quantize_weights(weights, bits=bits)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_refused(bad: float) -> None:
    with pytest.raises(InputError, match="NaN or infinity"):
        quantize_weights(np.array([1.0, bad]))


def test_no_weights_and_no_axis_are_refused() -> None:
    with pytest.raises(InputError, match="no weights"):
        weight_steps(np.empty((0, 3)))
    with pytest.raises(InputError, match=r"axis 2 of weights with the shape \(2, 3\)"):
        quantize_weights(np.ones((2, 3)), axis=2)


@few
@given(WEIGHTS, st.floats(0, 1))
def test_pruning_by_ratio_takes_that_many_of_the_smallest(
    weights: np.ndarray, ratio: float
) -> None:
    pruned = prune_by_ratio(weights, ratio)
    gone = (pruned == 0) & (weights != 0)
    assert sparsity(pruned) == pytest.approx(max(round(ratio * weights.size) / weights.size,
                                                 sparsity(weights)))  # fmt: skip
    assert np.array_equal(pruned[pruned != 0], weights[pruned != 0])
    if gone.any() and (pruned != 0).any():
        assert np.abs(weights[gone]).max() <= np.abs(pruned[pruned != 0]).min()
    assert pruned.dtype == weights.dtype


def test_pruning_counts_weights_and_not_rows() -> None:
    weights = np.array([[1.0, 0.1, 5.0], [0.2, 4.0, 0.3]])
    assert prune_by_ratio(weights, 0.5).tolist() == [[1.0, 0.0, 5.0], [0.0, 4.0, 0.0]]
    # The mean magnitude is 10.6 / 6 = 1.77.
    assert prune_by_threshold(weights, 0.5).tolist() == [[1.0, 0.0, 5.0], [0.0, 4.0, 0.0]]
    assert prune_by_threshold(weights, 1.0).tolist() == [[0.0, 0.0, 5.0], [0.0, 4.0, 0.0]]
    assert weights[0, 1] == 0.1  # the argument is left as it was


def test_thresholds_on_a_normal_distribution_are_those_of_its_tables() -> None:
    weights = np.random.default_rng(0).standard_normal(100_000)
    for multiple in (0.5, 1.0, 1.5):
        threshold = multiple * math.sqrt(2 / math.pi)  # its mean magnitude
        below = math.erf(threshold / math.sqrt(2))
        assert sparsity(prune_by_threshold(weights, multiple)) == pytest.approx(below, abs=0.005)


@pytest.mark.parametrize("ratio", [-0.1, 1.5, math.nan])
def test_ratios_and_thresholds_out_of_range_are_refused(ratio: float) -> None:
    with pytest.raises(InputError, match="between 0 and 1"):
        prune_by_ratio(np.ones(3), ratio)
    if not ratio > 0:
        with pytest.raises(InputError, match="0 or more"):
            prune_by_threshold(np.ones(3), ratio)


def test_a_corrected_bias_gives_back_the_mean_of_each_channel() -> None:
    rng = np.random.default_rng(1)
    x, bias = rng.uniform(0, 1, (500, 12)), rng.normal(size=5)
    weights = rng.normal(size=(12, 5))
    rounded = dequantize_weights(quantize_weights(weights, bits=2, axis=1))
    wanted, found = x @ weights + bias, x @ rounded + bias
    corrected = correct_bias(bias, wanted=wanted, found=found)
    after = x @ rounded + corrected
    assert np.abs(found.mean(0) - wanted.mean(0)).max() > 0.1
    assert after.mean(0) == pytest.approx(wanted.mean(0), abs=1e-6)
    # For a linear layer it is what Nagel and others derive: (W - W~) times the mean input.
    assert corrected - bias == pytest.approx(x.mean(0) @ (weights - rounded), abs=1e-6)
    with pytest.raises(InputError, match="do not fit 5 biases"):
        correct_bias(bias, wanted=wanted.T, found=found.T)


def test_channels_first_biases_are_corrected_along_their_axis() -> None:
    wanted = np.arange(24.0).reshape(2, 3, 4)
    shift = np.array([1.0, -2.0, 0.5])
    found = wanted - shift[:, np.newaxis]
    assert correct_bias(np.zeros(3), wanted=wanted, found=found, axis=1) == pytest.approx(shift)


def test_the_worked_numbers_of_the_documentation_are_right() -> None:
    path = ROOT / "docs" / "arithmetic.md"
    result = doctest.testfile(str(path), module_relative=False)
    assert result.attempted > 10
    assert result.failed == 0


def test_float8_has_the_numbers_of_its_format() -> None:
    # OCP's OFP8: the largest number is 448 = 1.75 * 2^8, the least above 0 is 2^-9; between 16
    # and 32 they are 2 apart. 17 and 19 lie half way and take the even mantissa: 16 and 20.
    real = np.array([448, 17, 19, 18.9, -0.3, 2.0**-9, 2.0**-11], np.float32)
    assert round_to_float8(real).tolist() == [448, 16, 20, 18, -0.3125, 2.0**-9, 0]


def test_float8_takes_a_scale_a_channel() -> None:
    real = np.array([[448.0, 19.0], [44.8, 1.9], [0.0, 0.0]], np.float32)
    found = round_to_float8(real, axis=0)
    assert found[0].tolist() == [448, 20]
    assert found[1] == pytest.approx(found[0] / 10, rel=1e-6)
    assert found[2].tolist() == [0, 0]
    assert round_to_float8(real)[1, 1] == np.float32(1.875)  # 1.9 in steps of 1/8


@few
@given(WEIGHTS)
def test_float8_errs_by_a_sixteenth_at_most(weights: "np.ndarray") -> None:
    error = np.abs(round_to_float8(weights) - weights)
    least = np.abs(weights).max() / 448 * 2.0**-10  # half of the least number above 0
    assert np.all(error <= np.maximum(np.abs(weights) / 16, least) * 1.00001)


def test_a_threshold_of_nothing_and_weights_all_alike_prune_nothing() -> None:
    weights = np.array([0.5, -0.25, 0.0], np.float32)
    assert prune_by_threshold(weights, 0.0).tolist() == [0.5, -0.25, 0.0]
    alike = np.array([0.5, -0.5, 0.5, -0.5])  # none is below the mean, which each of them is
    assert prune_by_threshold(alike, 1.0).tolist() == alike.tolist()
    assert prune_by_threshold(np.empty((0, 3)), 1.0).shape == (0, 3)
    assert sparsity(np.empty(0)) == 0.0


def test_a_corrected_bias_is_what_a_file_holds() -> None:
    wanted, found = np.array([[1.0, 2.0]]), np.array([[0.5, 2.5]])
    corrected = correct_bias(np.zeros(2), wanted=wanted, found=found)
    assert corrected.dtype == np.float32
    assert corrected.tolist() == [0.5, -0.5]


def test_stored_numbers_are_subtracted_without_an_overflow() -> None:
    wanted, found = np.array([[127], [127]], np.int8), np.array([[-128], [-128]], np.int8)
    assert correct_bias(np.zeros(1), wanted=wanted, found=found).tolist() == [255.0]


def test_float8_needs_the_package_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgekit.numerics.integers.find_spec", lambda _: None)
    with pytest.raises(MissingDependencyError) as caught:
        round_to_float8(np.ones(2))
    assert caught.value.message == "ml_dtypes is not installed"
    assert caught.value.hint == "pip install ml_dtypes"


def test_all_weights_or_none_may_be_pruned() -> None:
    weights = np.array([3.0, -1.0])
    assert prune_by_ratio(weights, 1.0).tolist() == [0.0, 0.0]
    assert prune_by_ratio(weights, 0.0).tolist() == [3.0, -1.0]


def test_float8_of_64_bits_is_float8_of_32() -> None:
    real = np.random.default_rng(4).normal(size=(5, 7))
    found = round_to_float8(real, axis=1)
    assert found.dtype == np.float32
    assert np.array_equal(found, round_to_float8(real.astype(np.float32), axis=1))
