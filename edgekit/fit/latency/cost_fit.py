"""From measured times to a cost model: one measurement sets a scale, several fit the shape."""

import math
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgekit.devices.profile import KINDS, Cycles
from edgekit.fit.latency.least_squares import nonnegative_least_squares
from edgekit.fit.latency.predict import cycles

if TYPE_CHECKING:
    import numpy.typing as npt

_PULL = 0.2  # weight of the usual shape against a measurement of 1; see docs/latency.md
_FIRST_GUESS = Cycles(
    # Four models cannot tell six kinds of work apart, so the shape starts from what kernels do: a
    # multiply-accumulate is one whatever its kind, but a depthwise one loads both of its factors;
    # an output is rescaled, rounded and clamped; a call sets up its kernel.
    convolution=1,
    pointwise=1,
    depthwise=2,
    fully_connected=1,
    output_element=5,
    call=500,
)
_GUESS_PULL = 0.05  # the weight of that guess against as many measurements as there are
LEAST_BANDS = {1: 1.5, 2: 1.5, 3: 1.4}
"""By number of measured models: the least band. benchmarks/latency_table.py counts what they hold.

From four models on, as for three, unless a model left out was missed by more.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Measurement:
    """One model's time on a device.

    Args:
        model: Its name; measurements of one model are left out together.
        work: Amounts by kind, of `edgekit.fit.latency.cost.work`.
        operators: Those it has, of `edgekit.fit.latency.cost.covered_by`.
        cycles: Measured, of one invocation.
    """

    model: str
    work: dict[str, float]
    operators: frozenset[str]
    cycles: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """Coefficients with the factor within which they predict.

    Args:
        cycles: The coefficients.
        band: A factor; see `edgekit.devices.profile.CostModel`.
        errors: For each model left out in turn: its prediction over its measurement.
    """

    cycles: Cycles
    band: float
    errors: dict[str, float]


def calibrate(measurements: tuple[Measurement, ...], *, shape: Cycles) -> Calibration:
    """Return the cost model that fits ``measurements``.

    Least squares of relative errors with non-negative coefficients, held to ``shape`` where the
    measurements say little: a kind of work that none of them has much of keeps its usual ratio
    to the others. One measurement sets the scale alone.

    Args:
        measurements: One at least.
        shape: Coefficients up to a common factor: `edgekit.devices.profile.usual_shape`, or those
            of a cost model that is to be rescaled.
    """
    names = sorted({item.model for item in measurements})
    errors = {}
    for name in names if len(names) > 1 else ():
        fitted = _fit(tuple(item for item in measurements if item.model != name), shape)
        left_out = [item for item in measurements if item.model == name]
        ratios = [cycles(item.work, fitted) / item.cycles for item in left_out]
        errors[name] = math.exp(sum(math.log(ratio) for ratio in ratios) / len(ratios))
    worst = max((abs(math.log(ratio)) for ratio in errors.values()), default=0.0)
    return Calibration(
        cycles=_fit(measurements, shape),
        band=max(math.exp(worst), LEAST_BANDS[min(len(names), max(LEAST_BANDS))]),
        errors=errors,
    )


def usual_shape_of(groups: tuple[tuple[Measurement, ...], ...]) -> Cycles:
    """Return the one shape that fits all ``groups`` best, each with a scale of its own.

    Args:
        groups: The measurements of one stack each; every kind of work is in some of them.
    """
    guess = np.array(astuple(_FIRST_GUESS))
    tables = [_per_cycle(group) for group in groups]
    shape = guess
    for _ in range(30):  # scales and shape in turn; the shape stands still long before
        rows = np.vstack([table * _scale(table, shape) for table in tables])
        solved = _pulled(rows, guess, weight=_GUESS_PULL * len(rows) ** 0.5)
        shape = solved / solved[0]
    return _coefficients(shape)


def _fit(measurements: tuple[Measurement, ...], shape: Cycles) -> Cycles:
    usual = np.array(astuple(shape))
    rows = _per_cycle(measurements)
    scaled = usual * _scale(rows, usual)
    if len({item.model for item in measurements}) == 1:
        return _coefficients(scaled)
    return _coefficients(_pulled(rows, scaled, weight=_PULL))


def _pulled(
    rows: "npt.NDArray[np.float64]", towards: "npt.NDArray[np.float64]", *, weight: float
) -> "npt.NDArray[np.float64]":
    """Return the coefficients that make each row 1, pulled towards those given where not zero."""
    given = towards > 0
    pull = np.diag(weight / np.where(given, towards, 1.0))[given]
    matrix = np.vstack([rows, pull])
    wanted = np.concatenate([np.ones(len(rows)), np.full(len(pull), weight)])
    return nonnegative_least_squares(matrix, wanted)


def _per_cycle(measurements: tuple[Measurement, ...]) -> "npt.NDArray[np.float64]":
    """Return work over measured cycles; times the right coefficients, each row is 1."""
    return np.array([[item.work[kind] / item.cycles for kind in KINDS] for item in measurements])


def _scale(rows: "npt.NDArray[np.float64]", shape: "npt.NDArray[np.float64]") -> float:
    predicted = rows @ shape
    return float(predicted.sum() / (predicted @ predicted))


def _coefficients(values: "npt.NDArray[np.float64]") -> Cycles:
    return Cycles(**dict(zip(KINDS, (float(value) for value in values), strict=True)))
