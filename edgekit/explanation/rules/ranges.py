"""Do the grids of single operators fit their values?"""

from typing import TYPE_CHECKING

from edgekit.explanation.evidence import Evidence, Facts, times
from edgekit.explanation.rules.calibration import calibration_outlier
from edgekit.explanation.rules.inputs import unscaled_input
from edgekit.explanation.rules.weights import weight_outlier

if TYPE_CHECKING:
    from collections.abc import Iterator

_CLIPPED = 0.005  # of an operator's values
_STRETCHED = 8.0  # times wider than the usual values need: three bits of eight are lost
_UNLIKE = 8.0  # the same for the smaller branch of an Add
_TWO = 2


def saturation(facts: Facts) -> "Iterator[Evidence]":
    """An operator's values saturate: its range is narrower than what it computes.

    Try: calibrate with samples that drive it as far as real ones do.
    """
    if tuple(unscaled_input(facts)):
        return  # which saturates everything
    for item in facts.calibrated:
        if item.beyond_fraction >= _CLIPPED and facts.tells(item.index):
            low, high = item.grid
            yield Evidence(
                operator=item.index,
                text=f"{item.beyond_fraction:.1%} of its values lie beyond {low:.4g} to "
                f"{high:.4g}; they reach from {item.low:.4g} to {item.high:.4g}",
            )


def activation_outlier(facts: Facts) -> "Iterator[Evidence]":
    """A few large activations set the range, and most values share few steps.

    Try: clip with ReLU6 in the model, train with quantization (method = "qat"), or int16x8.
    """
    if tuple(unscaled_input(facts)) or tuple(calibration_outlier(facts)):
        return  # which stretch every range
    explained = {item.operator for item in weight_outlier(facts)}
    for addition in unlike_scales(facts):
        assert addition.operator is not None
        explained |= {item.index for item in facts.branches(addition.operator)}
        explained.add(addition.operator)
    for item in facts.calibrated:
        low, high = item.grid
        reach = max(abs(low), abs(high))
        if item.index in explained:
            continue
        if reach > _STRETCHED * item.usual and facts.tells(item.index):
            yield Evidence(
                operator=item.index,
                text=f"its range reaches to {reach:.4g}, 99.9 % of its values lie within "
                f"{item.usual:.4g}: {times(reach / max(item.usual, 1e-30))} less",
            )


def unlike_scales(facts: Facts) -> "Iterator[Evidence]":
    """Two branches of unlike scales are added: the smaller one drowns in the other's steps.

    Try: put a BatchNormalization into the branches before the Add, or train with quantization.
    """
    for item in facts.operators:
        if item.op not in ("ADD", "SUB") or not facts.tells(item.index):
            continue
        reaches = [max(abs(branch.low), abs(branch.high)) for branch in facts.branches(item.index)]
        if len(reaches) != _TWO or min(reaches) == 0:
            continue
        ratio = max(reaches) / min(reaches)
        if ratio >= _UNLIKE:
            yield Evidence(
                operator=item.index,
                text=f"one branch reaches to {max(reaches):.4g}, the other to {min(reaches):.4g}: "
                f"some {max(1, round(256 / ratio))} of 256 steps are left to it",
            )
