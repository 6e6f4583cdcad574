"""Is the integer model still the model? Accuracy and agreement, on each real runtime."""

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from edgekit.data.labels import hold_classes
from edgekit.data.reference import Vectors
from edgekit.errors import InputError, UnsupportedModelError, suggestion
from edgekit.files.results import few, save_json, told
from edgekit.model.shapes import check_shapes
from edgekit.model.single_output import scored_output
from edgekit.record.verification import DropBound
from edgekit.runtimes.known import RUNTIMES
from edgekit.runtimes.process import Progress, silent
from edgekit.runtimes.real import real_outputs
from edgekit.verification.metrics import Outcomes, Score, classes_of_outputs, drop_at_most, outcomes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy.typing as npt

    from edgekit.finding import Finding
    from edgekit.model.file import ModelFile
    from edgekit.verification.agreement import Agreement


@dataclass(frozen=True, kw_only=True, slots=True)
class RuntimeScore:
    """What one runtime gave.

    Args:
        runtime: Its name.
        score: Against the labels; None without labels.
        samples: How many were run.
        disagreements: Samples whose class is not the float model's; None without a float
            model or without classes.
        max_abs_diff: Largest difference of an output from the float model's, in its real
            unit; None without a float model.
        bound: On the drop against the float model, where that was asked.
        refusal: Why the runtime did not run the model, or None.
    """

    runtime: str
    score: Score | None = None
    samples: int = 0
    disagreements: int | None = None
    max_abs_diff: float | None = None
    bound: DropBound | None = None
    refusal: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Verification:
    """What the runtimes made of the samples.

    Args:
        reference: The float model's score; None without labels or without a float model.
        runtimes: Each runtime's.
        outputs: Of each runtime that ran, by its name: real values, float32, shape
            ``(samples, …)``.
        origin: Which samples they were, in words, where that is known.
        agreement: Of TFLite-Micro with LiteRT; None where it was not asked for, or one of them
            did not run.
        findings: The limits held against them, where they were.
    """

    reference: Score | None
    runtimes: tuple[RuntimeScore, ...]
    outputs: "Mapping[str, npt.NDArray[np.float32]]"
    origin: str = ""
    agreement: "Agreement | None" = None
    findings: "tuple[Finding, ...]" = ()

    @property
    def passed(self) -> bool:
        """Whether every limit holds."""
        return all(finding.passed for finding in self.findings)

    def __repr__(self) -> str:
        missed = [item.gate for item in self.findings if not item.passed]
        return told(
            f"Verification: {'passed' if self.passed else 'FAILED'}",
            data=self.origin,
            reference=self.reference and f"{self.reference.metric} {self.reference.value:.4f}",
            runtimes=few(map(_in_words, self.runtimes)),
            findings=f"{len(self.findings)} limits, {len(missed)} missed",
            missed=few(missed),
        )

    def save(self, path: "str | Path") -> None:
        """Write what ``edgekit verify --json`` prints to ``path``."""
        save_json(path, "verify", result_json(self))


def verify(
    file: "ModelFile",
    vectors: Vectors,
    *,
    runtimes: tuple[str, ...] = tuple(RUNTIMES),
    metric: str = "auto",
    confidence: float | None = None,
    progress: Progress = silent,
) -> Verification:
    """Run a model on each runtime and compare it with the labels and the float model.

    Args:
        file: A model with one input and one output.
        vectors: What to run it on.
        runtimes: Names in `edgekit.runtimes.known.RUNTIMES`. One that refuses the model says so in
            its score and does not stop the others.
        metric: ``"auto"`` takes accuracy for classes and mean absolute error for numbers.
        confidence: Of the bound on each runtime's drop; None asks for no bound.
        progress: Told the samples done.

    Raises:
        InputError: The inputs do not fit the model, or an unknown runtime.
        UnsupportedModelError: The model has several inputs or outputs, or its operators give other
            shapes than it declares.
    """
    names = _known(runtimes)
    scored_output(file.model.main)
    check_shapes(file.model)
    reference = _outcomes(vectors.float_outputs, vectors, metric)
    outputs: dict[str, npt.NDArray[np.float32]] = {}
    scores = []
    for name in names:
        named = _naming(progress, name)
        try:
            outputs[name] = real_outputs(name, file, vectors.inputs, progress=named)
        except UnsupportedModelError as error:
            scores.append(RuntimeScore(runtime=name, refusal=error.message))
        else:
            _check_reference(outputs[name], vectors)
            found = _outcomes(outputs[name], vectors, metric)
            score = _score(name, outputs[name], vectors, found)
            scores.append(replace(score, bound=_bound(reference, found, confidence)))
    return Verification(
        reference=None if reference is None else reference.score,
        runtimes=tuple(scores),
        outputs=outputs,
    )


def to_json(reference: Score | None, scores: tuple[RuntimeScore, ...]) -> dict[str, object]:
    """Return the keys of ``edgekit verify --json`` but ``passed``."""
    return {
        "reference": None if reference is None else asdict(reference),
        "runtimes": [
            {
                "runtime": score.runtime,
                "metric": score.score and score.score.metric,
                "value": score.score and score.score.value,
                "low": score.score and score.score.low,
                "high": score.score and score.score.high,
                "drop_bound": score.bound and asdict(score.bound),
                "samples": score.samples,
                "disagreements": score.disagreements,
                "max_abs_diff": score.max_abs_diff,
                "refusal": score.refusal,
            }
            for score in scores
        ],
    }


def result_json(result: Verification) -> dict[str, object]:
    """Return the keys of ``edgekit verify --json``."""
    return {
        **to_json(result.reference, result.runtimes),
        "agreement": result.agreement and asdict(result.agreement),
        "data": result.origin,
        "passed": result.passed,
    }


def _in_words(score: RuntimeScore) -> str:
    if score.score is None:
        return f"{score.runtime} {'refused' if score.refusal else 'no metric'}"
    return f"{score.runtime} {score.score.value:.4f}"


def _check_reference(outputs: "npt.NDArray[np.float32]", vectors: Vectors) -> None:
    """Refuse outputs of a float model that is not the one that the model was made from."""
    reference = vectors.float_outputs
    if reference is not None and reference.size != outputs.size:
        raise InputError(
            f"the vectors hold a float model's outputs of the shape {reference.shape}, the "
            f"model's are {outputs.shape}",
            hint="give the vectors.npz of the run that made this model",
        )


def _known(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if name not in RUNTIMES:
            raise InputError(f"no runtime is called '{name}'", hint=suggestion(name, RUNTIMES))
        if names.count(name) > 1:
            raise InputError(f"the runtime '{name}' is named twice", hint="name it once")
    return names


def _naming(progress: Progress, name: str) -> Progress:
    """Return ``progress`` with the runtime's name as its detail."""

    def named(done: int, total: int, detail: str = "") -> None:
        progress(done, total, detail or name)

    return named


def _outcomes(
    outputs: "npt.NDArray[np.float32] | None", vectors: Vectors, metric: str
) -> Outcomes | None:
    if outputs is None or vectors.labels is None:
        return None
    return outcomes(outputs, vectors.labels, metric=metric)


def _bound(
    reference: Outcomes | None, found: Outcomes | None, confidence: float | None
) -> DropBound | None:
    if reference is None or found is None or confidence is None:
        return None
    at_most = drop_at_most(reference, found, confidence=confidence)
    return DropBound(at_most=at_most, confidence=confidence)


def _score(
    name: str, outputs: "npt.NDArray[np.float32]", vectors: Vectors, found: Outcomes | None
) -> RuntimeScore:
    reference = vectors.float_outputs
    largest = None
    if reference is not None:
        largest = float(np.max(np.abs(outputs.reshape(reference.shape) - reference)))
    return RuntimeScore(
        runtime=name,
        score=None if found is None else found.score,
        samples=len(outputs),
        disagreements=_disagreements(outputs, vectors),
        max_abs_diff=largest,
    )


def _disagreements(outputs: "npt.NDArray[np.float32]", vectors: Vectors) -> int | None:
    reference, labels = vectors.float_outputs, vectors.labels
    if reference is None or labels is None:
        return None
    if not hold_classes(labels, outputs.reshape(len(outputs), -1).shape[1]):
        return None
    return int(np.sum(classes_of_outputs(outputs) != classes_of_outputs(reference)))
