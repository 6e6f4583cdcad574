"""From measured times to a cost model: one measurement sets a scale, several fit the shape."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgekit.fit.least_squares import nonnegative_least_squares
from edgekit.target import KINDS, Cycles

if TYPE_CHECKING:
    import numpy.typing as npt

_PULL = 0.2  # weight of the usual shape against a measurement of 1; see benchmarks/latency_table.py
_FEW = 4  # from so many models on, the leave-one-out error is the band

USUAL_SHAPE = Cycles(
    convolution=1.0, pointwise=1.0, depthwise=1.0, fully_connected=1.0, output_element=1.0, call=1.0
)
SCALE_BAND = 1.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Measurement:
    """One model's time on a device.

    Args:
        model: Its name; measurements of one model are left out together.
        work: Amounts by kind, of `edgekit.fit.cost.work`.
        cycles: Measured, of one invocation.
    """

    model: str
    work: dict[str, float]
    cycles: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """Coefficients with the factor within which they predict.

    Args:
        cycles: The coefficients.
        band: A factor; see `edgekit.target.CostModel`.
        errors: For each model left out in turn: its prediction over its measurement.
    """

    cycles: Cycles
    band: float
    errors: dict[str, float]


def calibrate(measurements: tuple[Measurement, ...], *, shape: Cycles = USUAL_SHAPE) -> Calibration:
    """Return the cost model that fits ``measurements``.

    Least squares of relative errors with non-negative coefficients, held to the usual shape where
    the measurements say little: a kind of work that none of them has much of keeps its usual
    ratio to the others.

    Args:
        measurements: One at least.
        shape: Coefficients up to a common factor.
    """
    names = sorted({item.model for item in measurements})
    errors = {}
    for name in names if len(names) > 1 else ():
        rest = tuple(item for item in measurements if item.model != name)
        fitted = _fit(rest, shape)
        left_out = [item for item in measurements if item.model == name]
        ratios = [_predicted(item, fitted) / item.cycles for item in left_out]
        errors[name] = float(np.exp(np.mean(np.log(ratios))))
    worst = max((abs(math.log(ratio)) for ratio in errors.values()), default=0.0)
    band = math.exp(worst)
    if len(names) < _FEW:
        band = max(band, SCALE_BAND)
    coefficients = _fit(measurements, shape)
    cycles = Cycles(**dict(zip(KINDS, (float(item) for item in coefficients), strict=True)))
    return Calibration(cycles=cycles, band=band, errors=errors)


def _fit(measurements: tuple[Measurement, ...], shape: Cycles) -> "npt.NDArray[np.float64]":
    usual = np.array([getattr(shape, kind) for kind in KINDS])
    rows = np.array([[item.work[kind] / item.cycles for kind in KINDS] for item in measurements])
    scaled = rows @ usual  # predictions over measurements at scale 1
    scale = scaled.sum() / (scaled @ scaled)
    pull = _PULL * np.diag(1 / (scale * usual))
    matrix = np.vstack([rows, pull])
    wanted = np.concatenate([np.ones(len(rows)), np.full(len(usual), _PULL)])
    return nonnegative_least_squares(matrix, wanted)


def _predicted(item: Measurement, coefficients: "npt.NDArray[np.float64]") -> float:
    return float(
        sum(item.work[kind] * each for kind, each in zip(KINDS, coefficients, strict=True))
    )
