"""What a limit on accuracy says, to the last digit: each finding is written out whole."""

import pytest

from edgekit.errors import InputError
from edgekit.finding import Finding
from edgekit.quantity import Quantity
from edgekit.record.verification import DropBound
from edgekit.verification.limits import gates
from edgekit.verification.metrics import Score
from edgekit.verification.verify import RuntimeScore

FLOAT = Score(metric="accuracy", value=0.98)


def drop_finding(value: float, *, limit: float, bound: DropBound | None = None) -> Finding:
    score = RuntimeScore(
        runtime="litert", score=Score(metric="accuracy", value=value), samples=250, bound=bound
    )
    (_, finding) = gates(FLOAT, (score,), accuracy_drop=limit)
    return finding


@pytest.mark.parametrize("beyond", [1e-8, 1e-6, 1e-4, 1e-3])
def test_a_limit_is_not_stretched(beyond: float) -> None:
    assert drop_finding(0.97, limit=0.01).passed
    assert not drop_finding(0.97 - beyond, limit=0.01).passed


def test_a_limit_of_nothing_lets_nothing_through() -> None:
    assert drop_finding(0.98, limit=0.0).passed
    assert drop_finding(0.99, limit=0.0).passed  # better than the float model
    assert not drop_finding(0.98 - 1 / 10_000, limit=0.0).passed  # one sample of 10,000


def test_a_missed_limit_is_told_with_both_numbers() -> None:
    assert drop_finding(0.73, limit=0.05) == Finding(
        gate="accuracy_drop",
        passed=False,
        message="accuracy on litert is 0.7300, the float model's 0.9800: a loss of 0.2500, "
        "limit 0.05",
        value=Quantity(
            value=0.25, unit="accuracy", kind="host", source="litert on the validation set"
        ),
        limit=0.05,
    )


def test_a_bound_is_told_with_its_confidence() -> None:
    few = DropBound(at_most=0.015, confidence=0.8)
    assert drop_finding(0.98, limit=0.01, bound=few) == Finding(
        gate="accuracy_drop",
        passed=False,
        message="accuracy on litert is 0.9800, the float model's 0.9800: a loss of 0.0000, at "
        "most 0.0150 with 80 % confidence, 250 samples, limit 0.01",
        value=Quantity(
            value=0.015,
            unit="accuracy",
            kind="host",
            source="litert on the validation set, bound at 80 %",
        ),
        limit=0.01,
        hint="the samples are too few to tell: validate on more of them",
    )


def test_more_samples_are_advised_only_where_they_could_help() -> None:
    wide = DropBound(at_most=0.5, confidence=0.95)
    at_the_limit = drop_finding(0.5, limit=0.48, bound=wide)  # 0.98 - 0.5 is 0.48 in binary too
    assert at_the_limit.hint is not None
    assert drop_finding(0.5, limit=0.479, bound=wide).hint is None
    assert drop_finding(0.98, limit=0.5, bound=wide).hint is None  # nothing is missed


def test_an_error_that_grows_is_a_loss_in_its_own_unit() -> None:
    reference = Score(metric="mean_absolute_error", value=0.5)
    score = RuntimeScore(
        runtime="r", score=Score(metric="mean_absolute_error", value=0.75), samples=9
    )
    (_, finding) = gates(reference, (score,), accuracy_drop=0.25)
    assert finding.passed
    assert finding.value is not None
    assert (finding.value.value, finding.value.unit) == (0.25, "mean_absolute_error")


def test_each_runtime_is_asked_whether_it_ran() -> None:
    ran = RuntimeScore(runtime="litert", samples=12)
    refused = RuntimeScore(runtime="tflite-micro", refusal="no TILE")
    assert gates(None, (ran, refused), accuracy_drop=None) == (
        Finding(gate="runs on litert", passed=True, message="12 samples ran on litert"),
        Finding(gate="runs on tflite-micro", passed=False, message="no TILE"),
    )


def test_a_runtime_without_a_score_has_no_drop() -> None:
    refused = RuntimeScore(runtime="r", refusal="no TILE")
    assert [item.gate for item in gates(FLOAT, (refused,), accuracy_drop=0.0)] == ["runs on r"]


def test_a_limit_without_labels_says_what_to_give() -> None:
    with pytest.raises(InputError) as caught:
        gates(None, (RuntimeScore(runtime="r", samples=9),), accuracy_drop=0.01)
    assert caught.value.message == (
        "accuracy_drop has nothing to be held against: no labels or no float model"
    )
    assert caught.value.hint == (
        "give data with labels and the float model's outputs, or take the limit away"
    )
