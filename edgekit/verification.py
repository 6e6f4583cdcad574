"""Is the integer model still the model? Accuracy and agreement, on each real runtime."""

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from edgekit.data import load_held_out
from edgekit.errors import InputError, UnsupportedModelError, suggestion
from edgekit.finding import Finding
from edgekit.flatbuffer.model import Tensor, read, read_bytes
from edgekit.numerics import dequantize, quantize
from edgekit.process import Progress, Worker, silent
from edgekit.quantity import Quantity
from edgekit.runtimes import RUNTIMES
from edgekit.vectors import Vectors, holds_vectors, load_vectors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import numpy.typing as npt

    from edgekit.runtimes.tflm import Array
    from edgekit.specs import DataSpec

MetricName = Literal["accuracy", "mean_absolute_error", "mean_squared_error"]


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
        refusal: Why the runtime did not run the model, or None.
    """

    runtime: str
    score: Score | None = None
    samples: int = 0
    disagreements: int | None = None
    max_abs_diff: float | None = None
    refusal: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Verification:
    """What the runtimes made of the samples.

    Args:
        reference: The float model's score; None without labels or without a float model.
        runtimes: Each runtime's.
        outputs: Of each runtime that ran, by its name: real values, float32, shape
            ``(samples, …)``.
    """

    reference: Score | None
    runtimes: tuple[RuntimeScore, ...]
    outputs: "Mapping[str, npt.NDArray[np.float32]]"


def verify(
    model: bytes,
    vectors: Vectors,
    *,
    runtimes: tuple[str, ...] = tuple(RUNTIMES),
    metric: str = "auto",
    progress: Progress = silent,
) -> Verification:
    """Run ``model`` on each runtime and compare it with the labels and the float model.

    Args:
        model: A whole `.tflite` file with one input.
        vectors: What to run it on.
        runtimes: Names in `edgekit.runtimes.RUNTIMES`. One that refuses the model says so in
            its score and does not stop the others.
        metric: ``"auto"`` takes accuracy for classes and mean absolute error for numbers.
        progress: Told the samples done.

    Raises:
        InputError: The inputs do not fit the model, or an unknown runtime.
        UnsupportedModelError: The model has several inputs.
    """
    judge = _judge(vectors, metric)
    outputs: dict[str, npt.NDArray[np.float32]] = {}
    scores = []
    for name in _known(runtimes):
        named = _naming(progress, name)
        try:
            outputs[name] = real_outputs(name, model, vectors.inputs, progress=named)
        except UnsupportedModelError as error:
            scores.append(RuntimeScore(runtime=name, refusal=error.message))
        else:
            scores.append(_score(name, outputs[name], vectors, judge))
    return Verification(
        reference=None if vectors.float_outputs is None else judge(vectors.float_outputs),
        runtimes=tuple(scores),
        outputs=outputs,
    )


def real_outputs(
    runtime: str, model: bytes, inputs: "npt.NDArray[np.float32]", *, progress: Progress = silent
) -> "npt.NDArray[np.float32]":
    """Return the first output of ``model`` as real numbers, shape ``(samples, …)``.

    Args:
        runtime: A name in `edgekit.runtimes.RUNTIMES`.
        model: A whole `.tflite` file with one input, float or integer.
        inputs: Real numbers, shape ``(samples, *input shape without the batch)``.
        progress: Told the samples done.

    Raises:
        InputError: The inputs do not fit the model.
        UnsupportedModelError: The runtime refuses the model, or it has several inputs.
    """
    outputs = RUNTIMES[runtime](model, (stored_inputs(model, inputs),), progress=progress)[0]
    graph = read(model).main
    return _real(outputs, graph.tensors[graph.outputs[0]])


def stored_inputs(model: bytes, inputs: "npt.NDArray[np.float32]") -> "Array":
    """Return real ``inputs``, shape ``(samples, …)``, as the input of ``model`` stores them.

    Raises:
        InputError: The inputs do not fit the model.
        UnsupportedModelError: The model has several inputs.
    """
    graph = read(model).main
    if len(graph.inputs) != 1:
        raise UnsupportedModelError(f"the model has {len(graph.inputs)} inputs; verify takes one")
    return _stored(inputs, graph.tensors[graph.inputs[0]])


def gates(
    reference: Score | None, scores: tuple[RuntimeScore, ...], *, accuracy_drop: float | None
) -> tuple[Finding, ...]:
    """Return whether each runtime ran the model and kept its accuracy.

    Args:
        reference: The float model's score.
        scores: Each runtime's.
        accuracy_drop: Largest loss of the metric against the float model; None asks nothing.

    Raises:
        InputError: A limit that has nothing to be held against.
    """
    return (*(_ran(score) for score in scores), *_drops(reference, scores, accuracy_drop))


def to_json(reference: Score | None, scores: tuple[RuntimeScore, ...]) -> dict[str, object]:
    """Return the keys of ``edgekit verify --json`` but ``passed``."""
    return {
        "reference": None if reference is None else asdict(reference),
        "runtimes": [
            {
                "runtime": score.runtime,
                "metric": score.score and score.score.metric,
                "value": score.score and score.score.value,
                "samples": score.samples,
                "disagreements": score.disagreements,
                "max_abs_diff": score.max_abs_diff,
                "refusal": score.refusal,
            }
            for score in scores
        ],
    }


def score_outputs(
    outputs: "npt.NDArray[np.float32]", labels: "npt.NDArray[np.generic]", *, metric: str = "auto"
) -> Score:
    """Return the score of real ``outputs``, shape ``(samples, …)``, against ``labels``."""
    score = _judge(Vectors(inputs=outputs, labels=labels), metric)(outputs)
    assert score is not None  # there are labels
    return score


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


def hold_classes(labels: "npt.NDArray[np.generic]", outputs: int) -> bool:
    """Return whether ``labels`` are classes of a model with so many ``outputs`` a sample.

    They are if they are one-hot rows, or whole numbers that the outputs can tell apart: 0 or 1
    for a single output. Other numbers are values to come near to.
    """
    if labels.ndim == 1 or labels.shape[-1] == 1:
        whole = bool(np.all(labels == np.floor(labels)))
        return whole and bool(labels.min() >= 0) and bool(labels.max() < max(outputs, 2))
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


def _judge(vectors: Vectors, metric: str) -> "Callable[[npt.NDArray[np.float32]], Score | None]":
    """Return the function from a model's outputs to its score on these samples."""
    labels = vectors.labels
    if labels is None:
        return lambda _: None

    def judge(outputs: "npt.NDArray[np.float32]") -> Score:
        width = outputs.reshape(len(outputs), -1).shape[1]
        if metric == "accuracy" or (metric == "auto" and hold_classes(labels, width)):
            right = _classes(outputs) == classes_of_labels(labels)
            return Score(metric="accuracy", value=float(np.mean(right)))
        return _error(outputs, labels.astype(np.float32), metric)

    return judge


def _error(
    outputs: "npt.NDArray[np.float32]", wanted: "npt.NDArray[np.float32]", metric: str
) -> Score:
    if outputs.size != wanted.size:
        raise InputError(
            f"{metric} needs a target for each output: the labels have the shape "
            f"{wanted.shape[1:]}, the outputs {outputs.shape[1:]}",
            hint='set metric = "accuracy", or give targets of the shape of the outputs',
        )
    difference = outputs.reshape(wanted.shape) - wanted
    if metric == "mean_squared_error":
        return Score(metric="mean_squared_error", value=float(np.mean(difference**2)))
    return Score(metric="mean_absolute_error", value=float(np.mean(np.abs(difference))))


def _classes(outputs: "npt.NDArray[np.float32]") -> "npt.NDArray[np.int64]":
    """Return the class of each sample: the largest output, or the side of a single one.

    A single output is a probability if none lies outside 0 to 1, or else a logit. Over a
    validation set the two are told apart; a model of logits that gives only such is not.
    """
    flat = outputs.reshape(len(outputs), -1)
    if flat.shape[1] > 1:
        return np.asarray(flat.argmax(axis=1), np.int64)
    middle = 0.5 if flat.min() >= 0 and flat.max() <= 1 else 0.0
    return (flat[:, 0] > middle).astype(np.int64)


def _naming(progress: Progress, name: str) -> Progress:
    """Return ``progress`` with the runtime's name as its detail."""

    def named(done: int, total: int, detail: str = "") -> None:
        progress(done, total, detail or name)

    return named


def _score(
    name: str,
    outputs: "npt.NDArray[np.float32]",
    vectors: Vectors,
    judge: "Callable[[npt.NDArray[np.float32]], Score | None]",
) -> RuntimeScore:
    reference = vectors.float_outputs
    largest = None
    if reference is not None:
        largest = float(np.max(np.abs(outputs.reshape(reference.shape) - reference)))
    return RuntimeScore(
        runtime=name,
        score=judge(outputs),
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
    return int(np.sum(_classes(outputs) != _classes(reference)))


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


def validation_vectors(
    model: bytes, spec: "DataSpec", *, directory: "Path", seed: int, float_model: "Path | None"
) -> Vectors:
    """Return the samples that a finished ``model`` is verified on.

    Args:
        model: A whole `.tflite` file with one input.
        spec: Where the data are. The ``vectors.npz`` of a build holds inputs, labels and the
            float model's outputs, and is taken as it is.
        directory: Relative paths and the user's modules are found from here.
        seed: Of the split of data without a test set.
        float_model: A float `.tflite`, run in LiteRT for the reference; None: no reference but
            the one the vectors bring.

    Raises:
        InputError: Data that are missing, damaged or do not fit the model.
    """
    path = directory / spec.source
    if path.suffix == ".npz" and holds_vectors(path):
        vectors = load_vectors(path)
    else:
        vectors = _held_out(model, spec, directory=directory, seed=seed)
    if float_model is None:
        return vectors
    outputs = real_outputs("litert", read_bytes(float_model), vectors.inputs)
    return replace(vectors, float_outputs=outputs)


def _held_out(model: bytes, spec: "DataSpec", *, directory: "Path", seed: int) -> Vectors:
    graph = read(model).main
    source, sink = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
    with Worker("the data hook", search=(directory,)) as worker:  # a hook may import anything
        data = worker.call(
            load_held_out,
            silent,
            spec,
            directory=directory,
            input_shape=source.shape[1:],
            output_shape=sink.shape[1:],
            seed=seed,
        )
    return Vectors(inputs=data.x_validation, labels=data.y_validation)
