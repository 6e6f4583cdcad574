"""The limits on what the runtimes gave: each must run the model and keep its accuracy."""

from typing import TYPE_CHECKING

from edgekit.errors import InputError
from edgekit.finding import Finding
from edgekit.quantity import Quantity
from edgekit.verification.metrics import Score, drop

if TYPE_CHECKING:
    from edgekit.verification.agreement import Agreement
    from edgekit.verification.verify import RuntimeScore


def gates(
    reference: Score | None,
    scores: "tuple[RuntimeScore, ...]",
    *,
    accuracy_drop: float | None,
    agreement: "Agreement | None" = None,
) -> tuple[Finding, ...]:
    """Return whether each runtime ran the model, as the others do, and kept its accuracy.

    Args:
        reference: The float model's score.
        scores: Each runtime's.
        accuracy_drop: Largest loss of the metric against the float model; None asks nothing.
            Where a score has a bound, it is the bound that must hold.
        agreement: Of TFLite-Micro with LiteRT; None asks nothing.

    Raises:
        InputError: A limit that has nothing to be held against.
    """
    return (
        *(_ran(score) for score in scores),
        *(() if agreement is None else (_agree(agreement),)),
        *_drops(reference, scores, accuracy_drop),
    )


def _ran(score: "RuntimeScore") -> Finding:
    return Finding(
        gate=f"runs on {score.runtime}",
        passed=score.refusal is None,
        message=score.refusal or f"{score.samples} samples ran on {score.runtime}",
    )


def _agree(found: "Agreement") -> Finding:
    """Return whether TFLite-Micro computes what LiteRT's reference kernels do.

    What LiteRT's fast kernels round otherwise is told, and misses nothing; so is one step between
    two reference kernels that grows in the operators behind it.
    """
    first = found.first
    if first is None:
        return Finding(gate="runtimes agree", passed=True, message=_agreeing(found))
    return Finding(
        gate="runtimes agree",
        passed=False,
        message=f"TFLite-Micro and LiteRT's reference kernels differ on {found.differing:,} of "
        f"{found.asked:,} samples, by up to {found.steps:,.4g} steps, and in the class on "
        f"{found.classes:,}: the first operator that differs is {first.op} at {first.operator}, "
        f"with {first.tflite_micro:g} where LiteRT has {first.litert:g}",
        hint="see all operators: edgekit explain MODEL --data DATA --runtimes",
    )


def _agreeing(found: "Agreement") -> str:
    if not found.asked:
        return f"TFLite-Micro and LiteRT agree within one step on {found.samples:,} samples"
    text = (
        f"TFLite-Micro and LiteRT's reference kernels agree within one step on {found.asked:,} of "
        f"{found.samples:,} samples"
    )
    if found.differing:
        text = (
            "TFLite-Micro and LiteRT's reference kernels agree within one step in each operator; "
            f"on {found.differing:,} of {found.asked:,} samples that grows to {found.steps:,.4g} "
            "steps at the output"
        )
        if found.classes:
            text += f", and to another class on {found.classes:,}"
    if found.rounded:
        text += f"; LiteRT's fast kernels round {found.rounded:,} of {found.samples:,} otherwise"
    return text


def _drops(
    reference: Score | None, scores: "tuple[RuntimeScore, ...]", limit: float | None
) -> "tuple[Finding, ...]":
    if limit is None:
        return ()
    if reference is None:
        raise InputError(
            "accuracy_drop has nothing to be held against: no labels or no float model",
            hint="give data with labels and the float model's outputs, or take the limit away",
        )
    return tuple(_drop(reference, item, item.score, limit) for item in scores if item.score)


def _drop(reference: Score, item: "RuntimeScore", score: Score, limit: float) -> Finding:
    loss = drop(reference, score)
    text = (
        f"{score.metric} on {item.runtime} is {score.value:.4f}, the float model's "
        f"{reference.value:.4f}: a loss of {loss:.4f}"
    )
    value, source = loss, f"{item.runtime} on the validation set"
    if item.bound is not None:
        value = item.bound.at_most
        certain = f"{100 * item.bound.confidence:g} % confidence"
        text += f", at most {value:.4f} with {certain}, {item.samples} samples"
        source += f", bound at {100 * item.bound.confidence:g} %"
    passed = value <= limit + 1e-9  # 0.98 - 0.97 is a little over 0.01 in binary
    return Finding(
        gate="accuracy_drop",
        passed=passed,
        message=f"{text}, limit {limit:g}",
        value=Quantity(value=value, unit=score.metric, kind="host", source=source),
        limit=limit,
        hint="the samples are too few to tell: validate on more of them"
        if not passed and loss <= limit
        else None,
    )
