"""The rules in the order in which causes explain one another, and what they found."""

import inspect as source
import math
from dataclasses import dataclass

from edgekit.explanation.evidence import Evidence, Facts, Rule
from edgekit.explanation.rules import calibration, conversion, inputs, ranges, rounding, weights

RULES: tuple[tuple[Rule, ...], ...] = (
    (conversion.no_calibration, inputs.unscaled_input, conversion.floats_left),
    (calibration.calibration_outlier, calibration.too_few_samples),
    (weights.weight_outlier, ranges.unlike_scales, ranges.saturation, ranges.activation_outlier),
    (weights.dead_channels,),
    (rounding.coarse_steps,),
)
"""What explains more stands before what follows from it; within a row the larger effect wins."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cause:
    """A likely cause of lost accuracy.

    Args:
        cause: Name of the rule.
        operator: Index of the operator, -1 for the input, None for the model as a whole.
        op: The operator's kind; empty for the model as a whole.
        message: What is wrong, in one sentence.
        evidence: The numbers that say so.
        remedy: What to try.
    """

    cause: str
    operator: int | None
    op: str
    message: str
    evidence: str
    remedy: str


def causes(facts: Facts) -> tuple[Cause, ...]:
    """Return what the rules say of ``facts``, the likeliest first."""
    found = []
    for rules in RULES:
        row = [(rule, item) for rule in rules for item in rule(facts)]
        row.sort(key=lambda pair: _noise_db(facts, pair[1]))
        found += [_cause(rule, item, facts) for rule, item in row]
    return tuple(found)


def wording(rule: Rule) -> tuple[str, str]:
    """Return the message and the remedy in a rule's docstring."""
    message, _, remedy = (source.getdoc(rule) or "").partition("\n\nTry: ")
    return message, " ".join(remedy.split())


def _noise_db(facts: Facts, evidence: Evidence) -> float:
    if evidence.operator is None:
        return facts.whole.sqnr_db
    effect = facts.effects.get(evidence.operator)
    return math.inf if effect is None else effect.sqnr_db


def _cause(rule: Rule, evidence: Evidence, facts: Facts) -> Cause:
    message, remedy = wording(rule)
    kinds = {item.index: item.op for item in facts.observed}
    return Cause(
        cause=rule.__name__,
        operator=evidence.operator,
        op="" if evidence.operator is None else kinds[evidence.operator],
        message=message,
        evidence=evidence.text,
        remedy=remedy,
    )
