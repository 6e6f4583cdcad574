"""Did calibration see what the model meets?"""

from typing import TYPE_CHECKING

import numpy as np

from edgekit.explanation.evidence import Evidence, Facts, times
from edgekit.explanation.rules.inputs import unscaled_input
from edgekit.model.float_twin import INPUT

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNUSED = 0.25  # of the grid: two bits of eight are lost
_CLIPPED = 2e-4  # of an operator's values; a hundred samples leave about a tenth of that
_MOST_OPERATORS = 0.5


def calibration_outlier(facts: Facts) -> "Iterator[Evidence]":
    """One calibration sample, far from all others, stretched the ranges.

    Try: take the outlier out of the calibration samples, or clip them as the sensor does.
    """
    if tuple(unscaled_input(facts)):
        return
    observed = facts.input
    if observed is not None and observed.range_used < _UNUSED:
        low, high = observed.grid
        yield Evidence(
            operator=INPUT,
            text=f"the input takes {low:.4g} to {high:.4g}, "
            f"{times(1 / max(observed.range_used, 1e-30))} the range of the samples",
        )
    elif len(facts.calibrated) > 1:
        used = float(np.median([item.range_used for item in facts.calibrated]))
        if used < _UNUSED:
            yield Evidence(
                operator=None,
                text=f"half of the operators use no more than {used:.1%} of their range",
            )


def too_few_samples(facts: Facts) -> "Iterator[Evidence]":
    """Calibration saw too few samples: at most operators there are values beyond the range.

    Try: calibrate with 100 samples or more, some of each class.
    """
    if len(facts.calibrated) < 2 or tuple(unscaled_input(facts)):  # noqa: PLR2004  one shows nothing
        return
    clipped = [item for item in facts.calibrated if item.beyond_fraction >= _CLIPPED]
    if len(clipped) > _MOST_OPERATORS * len(facts.calibrated):
        most = max(item.beyond_fraction for item in clipped)
        yield Evidence(
            operator=None,
            text=f"{len(clipped)} of {len(facts.calibrated)} calibrated operators have values "
            f"beyond their range, up to {most:.2%} of them",
        )
