"""A target's cost model from the user's own measurements."""

from typing import TYPE_CHECKING

from edgekit.devices.profile import CostModel, usual_shape
from edgekit.fit.latency.cost import total_macs
from edgekit.fit.latency.cost_fit import Measurement, calibrate

if TYPE_CHECKING:
    from edgekit.devices.profile import Target


def recalibrate(
    target: "Target", measurements: tuple[Measurement, ...], *, version: str, source: str
) -> CostModel:
    """Return the cost model of ``target`` that ``measurements`` give.

    The target's own cost model, where it has one, is the shape that is rescaled or fitted, and
    its operators stay covered; else the shape is the usual one and the measured operators alone
    are covered.

    Args:
        target: The device that was measured, at whatever clock.
        measurements: One at least.
        version: Of the runtime that was measured.
        source: Who measured.
    """
    known = target.latency
    calibration = calibrate(measurements, shape=known.cycles if known else usual_shape())
    operators = frozenset(known.operators if known else ()).union(
        *(item.operators for item in measurements)
    )
    smallest = min(int(total_macs(item.work)) for item in measurements)
    models = len({item.model for item in measurements})
    how = "one measurement sets the scale" if models == 1 else "least squares"
    return CostModel(
        version=version,
        source=f"{source}; {how} of {'the cost model before' if known else 'the usual shape'}"
        if models == 1
        else f"{source}; {how} over {models} models",
        points=len(measurements),
        band=calibration.band,
        operators=tuple(sorted(operators)),
        cycles=calibration.cycles,
        least_macs=min(known.least_macs, smallest) if known else 0,
    )
