"""Do the samples come in the unit that the model was calibrated in?"""

from typing import TYPE_CHECKING

from edgekit.explanation.evidence import Evidence, Facts, times
from edgekit.model.float_twin import INPUT

if TYPE_CHECKING:
    from collections.abc import Iterator

_BEYOND = 0.05  # of the input values outside the grid; good calibration leaves next to none
_MOST_BEYOND = 0.25  # however near: samples from -1 to 1 for an input from 0 to 1 lose half
_FAR = 2.0  # grids beyond: further than another sample of the same kind would go
_UNUSED = 0.25  # of the grid: two bits of eight are lost
_RAW_ENDS = (255.0, 256.0, 1023.0, 4095.0, 32767.0, 32768.0, 65535.0)
"""Ends of 8-bit images, 10- and 12-bit converters, and 16-bit sound, as they come."""
_NEAR = 0.02


def unscaled_input(facts: Facts) -> "Iterator[Evidence]":
    """The input is not in the unit that the model was calibrated in.

    Try: rescale the samples as in training, with [data] scale and offset, for calibration too.
    """
    observed = facts.input
    if observed is None:
        return
    low, high = observed.grid
    width, taken = high - low, observed.high - observed.low
    is_far = max(abs(observed.low), abs(observed.high)) > _FAR * max(abs(low), abs(high))
    if observed.beyond_fraction >= (_BEYOND if is_far else _MOST_BEYOND):
        yield Evidence(
            operator=INPUT,
            text=f"the samples run from {observed.low:.4g} to {observed.high:.4g}, the input takes "
            f"{low:.4g} to {high:.4g}: {observed.beyond_fraction:.0%} of the values saturate",
        )
    elif observed.range_used < _UNUSED and any(abs(width / end - 1) < _NEAR for end in _RAW_ENDS):
        yield Evidence(
            operator=INPUT,
            text=f"the input takes {low:.4g} to {high:.4g}, as raw samples come; these run from "
            f"{observed.low:.4g} to {observed.high:.4g}, {times(width / max(taken, 1e-30))} less",
        )
