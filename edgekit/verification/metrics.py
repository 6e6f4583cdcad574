"""How right a model is on samples whose answers are known: its metric, sample by sample."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from edgekit.data.labels import classes_of_labels, has_positions, hold_classes
from edgekit.errors import InputError
from edgekit.verification.confidence import mean_interval, upper_bound, wilson_interval

if TYPE_CHECKING:
    import numpy.typing as npt

    Reals = npt.NDArray[np.float32]
    Labels = npt.NDArray[np.generic]

MetricName = Literal["accuracy", "mean_absolute_error", "mean_squared_error"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """A metric, its value, such as accuracy in [0, 1], and the value's 95 % interval."""

    metric: MetricName
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcomes:
    """What a model made of each sample.

    Args:
        metric: Whose mean the score is.
        each: 1 for a right class and 0 for a wrong one, or the sample's error; float64, shape
            ``(samples,)``.
    """

    metric: MetricName
    each: "npt.NDArray[np.float64]"

    @property
    def score(self) -> Score:
        """The mean, with its 95 % interval."""
        value = float(np.mean(self.each))
        if self.metric == "accuracy":
            low, high = wilson_interval(value, len(self.each))
        else:
            low, high = mean_interval(self.each)
        return Score(metric=self.metric, value=value, low=low, high=high)


def outcomes(outputs: "Reals", labels: "Labels", *, metric: str = "auto") -> Outcomes:
    """Return what real ``outputs``, shape ``(samples, …)``, are worth against ``labels``.

    Args:
        outputs: Of a model.
        labels: Class numbers, one-hot rows, or the wanted outputs.
        metric: ``"auto"`` takes accuracy for classes and mean absolute error for numbers.

    Raises:
        InputError: An error is asked for, and there is no target for each output; or classes at
            several positions a sample.
    """
    width = outputs.reshape(len(outputs), -1).shape[1]
    if metric == "accuracy" or (metric == "auto" and hold_classes(labels, width)):
        _check_one_class(outputs.shape[1:], labels)
        right = classes_of_outputs(outputs) == classes_of_labels(labels)
        return Outcomes(metric="accuracy", each=right.astype(np.float64))
    return _errors(outputs, labels.astype(np.float32), metric)


def score_outputs(outputs: "Reals", labels: "Labels", *, metric: str = "auto") -> Score:
    """Return the score of real ``outputs`` against ``labels``; else as `outcomes`."""
    return outcomes(outputs, labels, metric=metric).score


def drop(reference: Score, score: Score) -> float:
    """Return how much worse ``score`` is than ``reference``, in the metric's unit."""
    return loss(score.metric, reference.value, score.value)


def loss(metric: str, before: float, after: float) -> float:
    """Return how much worse ``after`` is than ``before``: less accuracy, or more error."""
    return before - after if metric == "accuracy" else after - before


def drop_at_most(reference: Outcomes, found: Outcomes, *, confidence: float) -> float:
    """Return what the drop does not exceed with this confidence: a paired bootstrap.

    Args:
        reference: The float model's, on the same samples in the same order.
        found: A runtime's.
        confidence: Below 1; see `edgekit.verification.confidence.upper_bound`.
    """
    losses = reference.each - found.each
    if found.metric == "accuracy":
        return upper_bound(losses, worst=1.0, confidence=confidence)
    losses = -losses  # an error has no worst: the worst that was seen may come once more
    return upper_bound(losses, worst=max(0.0, float(losses.max())), confidence=confidence)


def confusion(
    labels: "npt.NDArray[np.generic]", outputs: "npt.NDArray[np.float32]"
) -> "npt.NDArray[np.int64]":
    """Return counts of samples, shape ``(classes, classes)``: rows true, columns predicted."""
    true, predicted = classes_of_labels(labels), classes_of_outputs(outputs)
    size = max(int(true.max()), int(predicted.max()), outputs.shape[-1] - 1) + 1
    counts = np.zeros((size, size), np.int64)
    np.add.at(counts, (true, predicted), 1)
    return counts


def classes_of_outputs(outputs: "Reals") -> "npt.NDArray[np.int64]":
    """Return the class of each sample: the largest output, or the side of a single one.

    A single output is a probability if none lies outside 0 to 1, or else a logit. Over a
    validation set the two are told apart; a model of logits that gives only such is not.
    """
    flat = outputs.reshape(len(outputs), -1)
    if flat.shape[1] > 1:
        return np.asarray(flat.argmax(axis=1), np.int64)
    middle = 0.5 if flat.min() >= 0 and flat.max() <= 1 else 0.0
    return (flat[:, 0] > middle).astype(np.int64)


def _check_one_class(shape: tuple[int, ...], labels: "Labels") -> None:
    labels_of_positions = labels.size > len(labels) and labels.shape[-1] == 1
    if has_positions(shape) or labels_of_positions:
        raise InputError(
            f"the output has the shape {shape} and the labels {labels.shape[1:]}: classes at "
            "several positions of a sample, such as those of a sequence or a mask, are not scored",
            hint='set metric = "mean_absolute_error" in the project and give a target for each '
            "output, or give the inputs without labels",
        )


def _errors(outputs: "Reals", wanted: "Reals", metric: str) -> Outcomes:
    if outputs.size != wanted.size:
        name = "mean_absolute_error" if metric == "auto" else metric
        raise InputError(
            f"{name} needs a target for each output: the labels have the shape "
            f"{wanted.shape[1:]}, the outputs {outputs.shape[1:]}",
            hint='set metric = "accuracy", or give targets of the shape of the outputs',
        )
    difference = (outputs.reshape(wanted.shape) - wanted).astype(np.float64)
    rows = difference.reshape(len(difference), -1)
    if metric == "mean_squared_error":
        return Outcomes(metric="mean_squared_error", each=np.mean(rows**2, axis=1))
    return Outcomes(metric="mean_absolute_error", each=np.mean(np.abs(rows), axis=1))
