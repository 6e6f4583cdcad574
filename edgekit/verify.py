"""Is the integer model still the model? Accuracy and agreement, on each real runtime."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from edgekit.errors import InputError, UnsupportedModelError, suggestion
from edgekit.finding import Finding
from edgekit.flatbuffer.model import Tensor, read
from edgekit.numerics import dequantize, quantize
from edgekit.process import Progress, silent
from edgekit.quantity import Quantity
from edgekit.runtimes import RUNTIMES

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from edgekit.runtimes.tflm import Array

MetricName = Literal["accuracy", "mean_absolute_error", "mean_squared_error"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Samples:
    """What a model is verified on.

    Args:
        inputs: float32, shape ``(samples, *input shape without the batch)``, as the float
            model takes them.
        labels: Class numbers, shape ``(samples,)``, or the wanted outputs, or None.
        reference: The float model's outputs, float32, shape ``(samples, …)``, or None.
    """

    inputs: "npt.NDArray[np.float32]"
    labels: "npt.NDArray[np.generic] | None" = None
    reference: "npt.NDArray[np.float32] | None" = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """A metric and its value, such as accuracy in [0, 1]."""

    metric: MetricName
    value: float


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
        outputs: Real values, float32, shape ``(samples, …)``.
        refusal: Why the runtime did not run the model, or None.
    """

    runtime: str
    score: Score | None = None
    samples: int = 0
    disagreements: int | None = None
    max_abs_diff: float | None = None
    outputs: "npt.NDArray[np.float32] | None" = None
    refusal: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Verification:
    """The float model's score, each runtime's, and the limits held against them."""

    reference: Score | None
    runtimes: tuple[RuntimeScore, ...]
    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Whether every limit holds."""
        return all(finding.passed for finding in self.findings)

    def runtime(self, name: str) -> RuntimeScore:
        """Return what the runtime called ``name`` gave."""
        return next(item for item in self.runtimes if item.runtime == name)


def verify(
    model: bytes,
    samples: Samples,
    *,
    runtimes: tuple[str, ...] = tuple(RUNTIMES),
    metric: str = "auto",
    accuracy_drop: float | None = None,
    progress: Progress = silent,
) -> Verification:
    """Run ``model`` on each runtime and hold it against the labels and the float model.

    Args:
        model: A whole `.tflite` file with one input.
        samples: What to run it on.
        runtimes: Names in `edgekit.runtimes.RUNTIMES`. One that refuses the model fails the
            verification and does not stop it.
        metric: ``"auto"`` takes accuracy for classes and mean absolute error for numbers.
        accuracy_drop: Largest loss of the metric against the float model.
        progress: Told the samples done.

    Raises:
        InputError: The inputs do not fit the model, or a limit has nothing to be held against.
        UnsupportedModelError: The model has several inputs.
    """
    graph = read(model).main
    if len(graph.inputs) != 1:
        raise UnsupportedModelError(f"the model has {len(graph.inputs)} inputs; verify takes one")
    source, sink = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
    stored = _stored(samples.inputs, source)
    judge = _judge(samples, metric)
    reference = None if samples.reference is None else judge(samples.reference)
    scores = tuple(
        _score(name, model, stored, sink, samples, judge=judge, progress=progress)
        for name in _known(runtimes)
    )
    return Verification(
        reference=reference,
        runtimes=scores,
        findings=(
            *(_ran(score) for score in scores),
            *_drops(reference, scores, accuracy_drop),
        ),
    )


def confusion(
    labels: "npt.NDArray[np.generic]", outputs: "npt.NDArray[np.float32]"
) -> "npt.NDArray[np.int64]":
    """Return counts of samples, shape ``(classes, classes)``: rows true, columns predicted."""
    true, predicted = classes_of_labels(labels), _classes(outputs)
    size = max(int(true.max()), int(predicted.max()), outputs.shape[-1] - 1) + 1
    counts = np.zeros((size, size), np.int64)
    np.add.at(counts, (true, predicted), 1)
    return counts


def classes_of_labels(labels: "npt.NDArray[np.generic]") -> "npt.NDArray[np.int64]":
    """Return class numbers, shape ``(samples,)``, of class numbers or one-hot rows."""
    if labels.ndim > 1 and labels.shape[-1] > 1:
        return np.asarray(labels.reshape(len(labels), -1).argmax(axis=-1), np.int64)
    return labels.reshape(len(labels)).astype(np.int64)


def hold_classes(labels: "npt.NDArray[np.generic]") -> bool:
    """Return whether ``labels`` are class numbers or one-hot rows, not numbers to come near to."""
    if labels.ndim == 1 or labels.shape[-1] == 1:
        return bool(np.all(labels == np.floor(labels)) and labels.min() >= 0)
    rows = labels.reshape(len(labels), -1)
    return bool(np.all((rows == 0) | (rows == 1)) and np.all(rows.sum(axis=1) == 1))


def _known(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if name not in RUNTIMES:
            raise InputError(f"no runtime is called '{name}'", hint=suggestion(name, RUNTIMES))
    return names


def _stored(inputs: "npt.NDArray[np.float32]", tensor: Tensor) -> "Array":
    if inputs.shape[1:] != tensor.shape[1:]:
        raise InputError(
            f"samples have the shape {inputs.shape[1:]}, the model's input {tensor.shape[1:]}"
        )
    if tensor.quantization is None:
        return inputs.astype(tensor.dtype)
    return quantize(
        inputs,
        scale=float(tensor.quantization.scales[0]),
        zero_point=int(tensor.quantization.zero_points[0]),
        dtype=tensor.dtype,
    )


def _real(stored: "Array", tensor: Tensor) -> "npt.NDArray[np.float32]":
    if tensor.quantization is None:
        return stored.astype(np.float32)
    return dequantize(
        stored,
        scale=float(tensor.quantization.scales[0]),
        zero_point=int(tensor.quantization.zero_points[0]),
    )


def _judge(samples: Samples, metric: str) -> "Callable[[npt.NDArray[np.float32]], Score | None]":
    """Return the function from a model's outputs to its score on these samples."""
    labels = samples.labels
    if labels is None:
        return lambda _: None
    if metric == "accuracy" or (metric == "auto" and hold_classes(labels)):
        true = classes_of_labels(labels)
        return lambda outputs: Score(
            metric="accuracy", value=float(np.mean(_classes(outputs) == true))
        )
    wanted = labels.astype(np.float32)

    def error(outputs: "npt.NDArray[np.float32]") -> Score:
        difference = outputs.reshape(wanted.shape) - wanted
        if metric == "mean_squared_error":
            return Score(metric="mean_squared_error", value=float(np.mean(difference**2)))
        return Score(metric="mean_absolute_error", value=float(np.mean(np.abs(difference))))

    return error


def _classes(outputs: "npt.NDArray[np.float32]") -> "npt.NDArray[np.int64]":
    """Return the class of each sample: the largest output, or the side of a single one."""
    flat = outputs.reshape(len(outputs), -1)
    if flat.shape[1] > 1:
        return np.asarray(flat.argmax(axis=1), np.int64)
    middle = 0.5 if flat.min() >= 0 and flat.max() <= 1 else 0.0  # a probability or a logit
    return (flat[:, 0] > middle).astype(np.int64)


def _score(
    name: str,
    model: bytes,
    stored: "Array",
    sink: Tensor,
    samples: Samples,
    *,
    judge: "Callable[[npt.NDArray[np.float32]], Score | None]",
    progress: Progress,
) -> RuntimeScore:
    def named(done: int, total: int, detail: str = "") -> None:
        progress(done, total, detail or name)

    try:
        outputs = _real(RUNTIMES[name](model, (stored,), progress=named)[0], sink)
    except UnsupportedModelError as error:
        return RuntimeScore(runtime=name, refusal=error.message)
    reference = samples.reference
    return RuntimeScore(
        runtime=name,
        score=judge(outputs),
        samples=len(stored),
        disagreements=_disagreements(outputs, samples),
        max_abs_diff=None
        if reference is None
        else float(np.max(np.abs(outputs.reshape(reference.shape) - reference))),
        outputs=outputs,
    )


def _disagreements(outputs: "npt.NDArray[np.float32]", samples: Samples) -> int | None:
    if samples.reference is None or samples.labels is None or not hold_classes(samples.labels):
        return None
    return int(np.sum(_classes(outputs) != _classes(samples.reference)))


def _ran(score: RuntimeScore) -> Finding:
    return Finding(
        gate=f"runs on {score.runtime}",
        passed=score.refusal is None,
        message=score.refusal or f"{score.samples} samples ran on {score.runtime}",
    )


def _drops(
    reference: Score | None, scores: tuple[RuntimeScore, ...], limit: float | None
) -> "tuple[Finding, ...]":
    if limit is None:
        return ()
    if reference is None:
        raise InputError(
            "accuracy_drop has nothing to be held against: no labels or no float model",
            hint="give data with labels and the float model's outputs, or take the limit away",
        )
    return tuple(
        _drop(reference, score.score, score.runtime, limit) for score in scores if score.score
    )


def _drop(reference: Score, score: Score, runtime: str, limit: float) -> Finding:
    loss = drop(reference, score)
    return Finding(
        gate="accuracy_drop",
        passed=loss <= limit + 1e-9,  # 0.98 - 0.97 is a little over 0.01 in binary
        message=f"{score.metric} on {runtime} is {score.value:.4f}, the float model's "
        f"{reference.value:.4f}: a loss of {loss:.4f}, limit {limit:g}",
        value=Quantity(
            value=loss, unit=score.metric, kind="host", source=f"{runtime} on the validation set"
        ),
        limit=limit,
    )


def drop(reference: Score, score: Score) -> float:
    """Return how much worse ``score`` is than ``reference``, in the metric's unit."""
    loss = reference.value - score.value
    return loss if score.metric == "accuracy" else -loss
