import numpy as np
import pytest
from graphs import GraphBuilder

from edgekit.data.reference import Vectors
from edgekit.errors import InputError
from edgekit.model.file import ModelFile
from edgekit.record.verification import DropBound
from edgekit.verification import verify as module
from edgekit.verification.limits import gates
from edgekit.verification.metrics import Score
from edgekit.verification.verify import RuntimeScore


def classifier() -> bytes:
    builder = GraphBuilder((1, 1))
    return builder.build(builder.fully_connected(builder.input, 2))


def score(value: float) -> RuntimeScore:
    return RuntimeScore(runtime="r", score=Score(metric="accuracy", value=value), samples=100)


def test_the_limit_itself_still_holds() -> None:
    reference = Score(metric="accuracy", value=0.98)
    (_, finding) = gates(reference, (score(0.97),), accuracy_drop=0.01)
    assert finding.passed  # 0.98 - 0.97 is 0.010000000000000009 in binary
    (_, finding) = gates(reference, (score(0.969),), accuracy_drop=0.01)
    assert not finding.passed
    assert "0.0110" in finding.message


def test_where_a_bound_was_asked_it_is_the_bound_that_must_hold() -> None:
    reference = Score(metric="accuracy", value=0.98)
    few = RuntimeScore(
        runtime="r",
        score=Score(metric="accuracy", value=0.98),
        samples=200,
        bound=DropBound(at_most=0.015, confidence=0.95),
    )
    (_, finding) = gates(reference, (few,), accuracy_drop=0.01)
    assert not finding.passed  # nothing was lost, and 200 samples cannot show one point
    assert "a loss of 0.0000, at most 0.0150 with 95 % confidence, 200 samples" in finding.message
    assert finding.value is not None
    assert (finding.value.value, finding.limit) == (0.015, 0.01)
    assert finding.hint == "the samples are too few to tell: validate on more of them"
    (_, finding) = gates(reference, (few,), accuracy_drop=0.015)
    assert finding.passed


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
    result = module.verify(ModelFile.of(classifier()), vectors, runtimes=("litert",))
    assert result.reference is not None
    assert result.reference.value == 1.0
    assert result.runtimes[0].disagreements == 1
    assert result.runtimes[0].max_abs_diff == pytest.approx(0.5)


def test_an_unknown_runtime_is_refused() -> None:
    with pytest.raises(InputError, match="no runtime is called 'tflm'"):
        module.verify(
            ModelFile.of(classifier()),
            Vectors(inputs=np.zeros((1, 1), np.float32)),
            runtimes=("tflm",),
        )
