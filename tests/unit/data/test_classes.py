"""Which class an output says, and which a label: by tables that a hand can check."""

import numpy as np
import pytest

from edgekit.data.labels import classes_of_labels, hold_classes
from edgekit.errors import InputError
from edgekit.verification.metrics import classes_of_outputs, confusion, outcomes, score_outputs


@pytest.mark.parametrize(
    ("outputs", "classes"),
    [
        ([0.49, 0.51], [0, 1]),  # probabilities: Keras' BinaryAccuracy has its threshold at 0.5
        ([0.41, 0.5, 0.55, 0.59], [0, 0, 1, 1]),  # of which one half itself is the class 0
        ([0.0, 0.4, 1.0], [0, 0, 1]),  # both ends are probabilities
        ([0.1, 0.4, 1.001], [1, 1, 1]),  # one above 1: logits, whose middle is 0
        ([-0.001, 0.3, 0.9], [0, 1, 1]),  # one below 0: likewise
        ([-2.0, 0.0, 0.3, 7.0], [0, 0, 1, 1]),
    ],
)
def test_a_single_output_has_its_threshold_in_the_middle(
    outputs: list[float], classes: list[int]
) -> None:
    found = classes_of_outputs(np.array(outputs, np.float32)[:, np.newaxis])
    assert found.tolist() == classes
    assert found.dtype == np.int64


def test_the_largest_of_several_outputs_is_the_class_whatever_their_shape() -> None:
    outputs = np.array([[[0.1, 0.2, 0.7]], [[5.0, -1.0, 2.0]]], np.float32)
    found = classes_of_outputs(outputs)
    assert found.tolist() == [2, 0]
    assert found.dtype == np.int64


@pytest.mark.parametrize(
    "labels",
    [
        np.array([1, 0, 1]),
        np.array([[1.0], [0.0], [1.0]]),
        np.array([[0, 1], [1, 0], [0, 1]], np.uint8),  # one-hot rows
        np.array([[[0.0, 1.0]], [[1.0, 0.0]], [[0.0, 1.0]]]),
    ],
)
def test_labels_are_numbers_or_rows(labels: np.ndarray) -> None:
    found = classes_of_labels(labels)
    assert found.tolist() == [1, 0, 1]
    assert found.dtype == np.int64


def test_one_hot_rows_of_many_classes() -> None:
    assert classes_of_labels(np.eye(5)[[4, 0, 2]]).tolist() == [4, 0, 2]


def test_a_single_output_tells_two_classes_apart_and_no_more() -> None:
    assert hold_classes(np.array([0, 1]), 1)
    assert not hold_classes(np.array([0, 2]), 1)
    assert not hold_classes(np.array([[0.0], [2.0]]), 1)
    assert hold_classes(np.array([0, 2]), 3)


def test_classes_are_scored_by_accuracy_and_numbers_by_absolute_error() -> None:
    outputs = np.array([[0.2, 0.8], [0.9, 0.1]], np.float32)
    classes = outcomes(outputs, np.array([1, 1]))
    assert (classes.metric, classes.each.tolist()) == ("accuracy", [1.0, 0.0])
    numbers = outcomes(outputs, np.array([[0.5, 1.0], [0.5, 0.0]]))
    assert numbers.metric == "mean_absolute_error"
    assert numbers.each == pytest.approx([(0.3 + 0.2) / 2, (0.4 + 0.1) / 2])


def test_accuracy_that_is_asked_for_is_given_whatever_the_labels() -> None:
    outputs = np.array([[0.2, 0.8], [0.9, 0.1]], np.float32)
    score = score_outputs(outputs, np.array([1, 2]), metric="accuracy")  # no output has class 2
    assert (score.metric, score.value) == ("accuracy", 0.5)


def test_an_error_of_several_outputs_is_the_mean_over_each_sample() -> None:
    outputs = np.array([[1.0, 2.0], [3.0, 5.0]], np.float32)
    wanted = np.array([[1.5, 2.5], [3.0, 2.0]])
    absolute = outcomes(outputs, wanted, metric="mean_absolute_error")
    assert (absolute.metric, absolute.each.tolist()) == ("mean_absolute_error", [0.5, 1.5])
    squared = outcomes(outputs, wanted, metric="mean_squared_error")
    assert (squared.metric, squared.each.tolist()) == ("mean_squared_error", [0.25, 4.5])
    assert squared.each.dtype == np.float64


def test_targets_in_a_row_are_those_of_outputs_in_a_column() -> None:
    found = outcomes(np.array([[1.0], [3.0]], np.float32), np.array([1.5, 4.5]))
    assert found.each.tolist() == [0.5, 1.5]


def test_a_target_is_met_that_float32_cannot_hold() -> None:
    found = outcomes(np.array([[0.1], [0.7]], np.float32), np.array([0.1, 0.7]))
    assert found.each.tolist() == [0.0, 0.0]


def test_a_confusion_has_room_for_every_class_that_there_is() -> None:
    single = np.array([[0.2], [0.9], [0.3]], np.float32)
    assert confusion(np.array([0, 1, 1]), single).tolist() == [[1, 0], [1, 1]]
    two = np.array([[1.0, 0.0], [0.0, 1.0]], np.float32)
    beyond = confusion(np.array([2, 1]), two)  # a label that no output has
    assert beyond.tolist() == [[0, 0, 0], [0, 1, 0], [1, 0, 0]]
    assert beyond.dtype == np.int64
    three = np.array([[1.0, 0.0, 0.0]], np.float32)  # classes that nothing has
    assert confusion(np.array([0]), three).tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 0]]
    in_a_row = np.array([[[1.0, 0.0, 0.0]]], np.float32)  # with a dimension of 1
    assert confusion(np.array([0]), in_a_row).shape == (3, 3)
    below = np.array([[0.9], [0.8]], np.float32)
    assert confusion(np.array([0, 0]), below).tolist() == [[0, 2], [0, 0]]


def test_targets_of_another_shape_are_refused_with_both_shapes() -> None:
    with pytest.raises(InputError) as caught:
        score_outputs(
            np.zeros((4, 3), np.float32), np.zeros((4, 2)) + 0.5, metric="mean_squared_error"
        )
    assert caught.value.message == (
        "mean_squared_error needs a target for each output: the labels have the shape (2,), the "
        "outputs (3,)"
    )
    assert caught.value.hint == (
        'set metric = "accuracy", or give targets of the shape of the outputs'
    )
