"""The names of the ways to take a range from data, for whoever only names one."""

from typing import Literal

RangeMethod = Literal["minmax", "percentile", "mse", "entropy"]
"""See `edgekit.numerics.ranges.activation_range`."""
