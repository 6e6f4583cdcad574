"""How long one invocation takes, where a calibration covers the stack and the operators."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from edgekit.fit.cost import foreign_types, uncovered, work
from edgekit.quantity import Quantity

if TYPE_CHECKING:
    from edgekit.flatbuffer.model import Model
    from edgekit.target import Cycles, Target


def latency(model: "Model", target: "Target") -> Quantity | str:
    """Return the milliseconds of one invocation, or the sentence that says why there are none."""
    calibration = target.latency
    if calibration is None:
        runtime = target.runtime
        return (
            f"no calibration covers {target.core.name} with {runtime.name} and {runtime.kernels}; "
            f"measure once and run: edgekit targets calibrate {target.name} --measurements FILE"
        )
    missing = uncovered(model.main, calibration.operators)
    if missing:
        return f"no calibration covers {', '.join(missing)} on {target.core.name}"
    types = foreign_types(model.main)
    if types:
        return f"the calibration is of int8 models, and this one computes in {', '.join(types)}"
    count = cycles(work(model.main), calibration.cycles)
    milliseconds = 1e3 * count / target.core.clock
    return Quantity(
        value=milliseconds,
        unit="ms",
        kind="predicted",
        source=f"{calibration.version}: {calibration.source}",
        low=milliseconds / calibration.band,
        high=milliseconds * calibration.band,
    )


def cycles(amount: dict[str, float], coefficients: "Cycles") -> float:
    """Return the cycles of the work ``amount``, by kind, with ``coefficients``."""
    each: dict[str, float] = asdict(coefficients)
    return sum(amount[kind] * each[kind] for kind in amount)
