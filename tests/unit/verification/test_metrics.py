import numpy as np
import pytest

from edgekit.data.labels import hold_classes
from edgekit.errors import InputError
from edgekit.verification.metrics import (
    Outcomes,
    Score,
    confusion,
    drop,
    drop_at_most,
    outcomes,
    score_outputs,
)


@pytest.mark.parametrize(
    ("labels", "outputs", "are_classes"),
    [
        (np.array([0, 2, 1]), 3, True),
        (np.array([0, 3, 1]), 3, False),  # three outputs have no class 3
        (np.array([[0.0], [1.0]]), 1, True),
        (np.array([17, 240]), 1, False),  # whole numbers to come near to
        (np.eye(3), 3, True),
        (np.array([0.5, 1.0]), 1, False),
        (np.array([[0.2, 0.8], [1.0, 0.0]]), 2, False),
        (np.array([-1, 1]), 2, False),
        (np.ones((2, 4, 4, 1)), 16, False),  # a mask: a class for each pixel
    ],
)
def test_class_numbers_and_one_hot_rows_are_told_from_numbers(
    labels: np.ndarray, outputs: int, are_classes: bool
) -> None:
    assert hold_classes(labels, outputs) is are_classes


def test_targets_that_are_no_outputs_are_refused_for_an_error_metric() -> None:
    outputs = np.zeros((4, 3), np.float32)
    with pytest.raises(InputError, match="needs a target for each output"):
        score_outputs(outputs, np.array([0, 1, 2, 0]), metric="mean_absolute_error")


@pytest.mark.parametrize(
    ("outputs", "labels", "metric"),
    [
        ((4, 6, 3), (4,), "auto"),  # a class a sample, for six steps of three classes
        ((4, 6, 3), (4, 6), "accuracy"),
        ((4, 5, 5, 1), (4, 5, 5, 1), "accuracy"),
        ((4, 6, 1), (4, 6, 1), "accuracy"),
    ],
)
def test_classes_at_several_positions_are_refused(
    outputs: tuple[int, ...], labels: tuple[int, ...], metric: str
) -> None:
    with pytest.raises(InputError, match="several positions of a sample"):
        score_outputs(np.zeros(outputs, np.float32), np.ones(labels, np.int64), metric=metric)


def test_a_row_of_classes_may_have_other_dimensions_of_1() -> None:
    outputs = np.array([[[[0.1, 0.9]]], [[[0.8, 0.2]]]], np.float32)
    assert score_outputs(outputs, np.array([1, 1])).value == 0.5


def test_a_mask_is_scored_by_its_error() -> None:
    outputs = np.full((2, 2, 2, 1), 0.25, np.float32)
    score = score_outputs(outputs, np.array([[1, 0], [1, 0]] * 2).reshape(2, 2, 2, 1))
    assert (score.metric, score.value) == ("mean_absolute_error", 0.5)  # 0.75 and 0.25 in turn


def test_accuracy_counts_the_largest_output() -> None:
    outputs = np.array([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]], np.float32)
    score = score_outputs(outputs, np.array([1, 0, 0, 0]))
    assert (score.metric, score.value) == ("accuracy", 0.75)
    # Wilson by hand: z^2 = 3.8415, centre (0.75 + z^2/8) / (1 + z^2/4), half 0.3270.
    assert (score.low, score.high) == pytest.approx((0.3006, 0.9544), abs=5e-5)


@pytest.mark.parametrize("outputs", [[[0.2], [0.9]], [[-3.0], [2.0]]])
def test_a_single_output_is_a_probability_or_a_logit(outputs: list[list[float]]) -> None:
    assert score_outputs(np.array(outputs, np.float32), np.array([0, 1])).value == 1.0


def test_numbers_are_scored_by_their_error() -> None:
    outputs = np.array([[1.0], [3.0]], np.float32)
    wanted = np.array([[1.5], [4.5]])
    assert score_outputs(outputs, wanted).value == pytest.approx((0.5 + 1.5) / 2)
    squared = score_outputs(outputs, wanted, metric="mean_squared_error")
    assert squared.value == pytest.approx((0.25 + 2.25) / 2)


def test_a_loss_is_positive_where_the_model_got_worse() -> None:
    assert drop(Score(metric="accuracy", value=0.9), Score(metric="accuracy", value=0.8)) > 0
    error = "mean_absolute_error"
    assert drop(Score(metric=error, value=0.1), Score(metric=error, value=0.2)) > 0


def test_confusion_has_true_classes_in_rows() -> None:
    outputs = np.array([[1, 0, 0], [0, 1, 0], [0, 1, 0]], np.float32)
    assert confusion(np.array([0, 0, 1]), outputs).tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]


def test_an_error_has_an_interval_of_two_standard_errors() -> None:
    outputs = np.array([[1.0], [3.0]], np.float32)
    score = score_outputs(outputs, np.array([[1.5], [4.5]]))
    # Errors 0.5 and 1.5: mean 1, deviation 0.5, so 1 -+ 1.96 * 0.5 / sqrt(2).
    assert (score.low, score.high) == pytest.approx((0.3070, 1.6930), abs=5e-5)


def test_the_drop_is_bounded_pair_by_pair() -> None:
    """Two models that err on different samples are not known to be alike; on the same, they are."""
    right = np.ones(300)
    first, second, same = right.copy(), right.copy(), right.copy()
    first[:10], second[10:20], same[:10] = 0.0, 0.0, 0.0
    reference = Outcomes(metric="accuracy", each=first)
    apart = drop_at_most(reference, Outcomes(metric="accuracy", each=second), confidence=0.95)
    alike = drop_at_most(reference, Outcomes(metric="accuracy", each=same), confidence=0.95)
    assert alike == pytest.approx(3 / 300)
    assert apart > 0.02  # 10 lost and 10 won: a spread of sqrt(20) / 300 either way


def test_an_error_that_grows_is_a_drop_above_0() -> None:
    wanted = np.zeros((400, 1), np.float32)
    metric = "mean_absolute_error"
    before = outcomes(wanted + 1.0, wanted, metric=metric)
    after = outcomes(wanted + np.float32(1.25), wanted, metric=metric)
    assert drop_at_most(before, after, confidence=0.95) == pytest.approx(0.25)
    assert drop_at_most(after, before, confidence=0.95) == pytest.approx(-0.25, abs=0.003)


def test_labels_that_fit_no_class_are_refused_in_a_sentence() -> None:
    pixels, outputs = np.zeros((5, 4, 4, 1)), np.zeros((5, 4, 4, 1), np.float32)
    assert score_outputs(outputs, pixels).metric == "mean_absolute_error"
    with pytest.raises(InputError, match="classes at several positions of a sample"):
        score_outputs(outputs, pixels, metric="accuracy")
    rows = np.eye(5)  # of a model with five outputs
    with pytest.raises(InputError, match=r"needs a target for each output: .*\(5,\).*\(3,\)"):
        score_outputs(np.zeros((5, 3), np.float32), rows)
