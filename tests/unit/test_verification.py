import numpy as np
import pytest

from edgekit import verification as module
from edgekit.errors import InputError
from edgekit.vectors import Vectors
from edgekit.verification import (
    RuntimeScore,
    Score,
    confusion,
    drop,
    gates,
    hold_classes,
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


def test_accuracy_counts_the_largest_output() -> None:
    outputs = np.array([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]], np.float32)
    assert score_outputs(outputs, np.array([1, 0, 0, 0])) == Score(metric="accuracy", value=0.75)


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


def score(value: float) -> RuntimeScore:
    return RuntimeScore(runtime="r", score=Score(metric="accuracy", value=value), samples=100)


def test_the_limit_itself_still_holds() -> None:
    reference = Score(metric="accuracy", value=0.98)
    (_, finding) = gates(reference, (score(0.97),), accuracy_drop=0.01)
    assert finding.passed  # 0.98 - 0.97 is 0.010000000000000009 in binary
    (_, finding) = gates(reference, (score(0.969),), accuracy_drop=0.01)
    assert not finding.passed
    assert "0.0110" in finding.message


def test_a_limit_without_a_reference_is_refused() -> None:
    with pytest.raises(InputError, match="nothing to be held against"):
        gates(None, (score(0.97),), accuracy_drop=0.01)


def test_a_runtime_that_refuses_fails_the_verification() -> None:
    (finding,) = gates(None, (RuntimeScore(runtime="r", refusal="no TILE"),), accuracy_drop=None)
    assert (finding.passed, finding.message) == (False, "no TILE")


def test_disagreements_are_counted_against_the_float_model(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = np.array([[0.9, 0.1], [0.9, 0.1]], np.float32)
    monkeypatch.setattr(module, "real_outputs", lambda *_, **__: given)
    vectors = Vectors(
        inputs=np.zeros((2, 1), np.float32),
        labels=np.array([0, 1]),
        float_outputs=np.array([[0.8, 0.2], [0.4, 0.6]], np.float32),
    )
    result = module.verify(b"", vectors, runtimes=("litert",))
    assert result.reference == Score(metric="accuracy", value=1.0)
    assert result.runtimes[0].disagreements == 1
    assert result.runtimes[0].max_abs_diff == pytest.approx(0.5)


def test_an_unknown_runtime_is_refused() -> None:
    with pytest.raises(InputError, match="no runtime is called 'tflm'"):
        module.verify(b"", Vectors(inputs=np.zeros((1, 1), np.float32)), runtimes=("tflm",))
