"""Ticks on the axes of pictures."""

from dataclasses import dataclass

from edgekit.reports import wording

MOST_TICKS = 6
STEPS = tuple(digit * 10.0**power for power in range(-6, 7) for digit in (1, 2, 5))
"""Round distances between ticks."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tick:
    """A place on an axis, in percent, and its label."""

    at: float
    label: str


def metric_tick(at: float, value: float, metric: str) -> Tick:
    """Return the tick at ``at`` for a ``value`` of ``metric``."""
    is_fraction = wording.is_fraction(metric)
    return Tick(at=at, label=f"{100 * value:.4g} %" if is_fraction else wording.number(value))
