"""How long one invocation takes, where a calibration covers the stack and the operators."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from edgekit.devices.profile import cost_model
from edgekit.fit.latency.cost import foreign_types, total_macs, uncovered, work, work_of
from edgekit.quantity import Quantity

if TYPE_CHECKING:
    from edgekit.devices.profile import CostModel, Cycles, Target
    from edgekit.model.reader import Model


def latency(model: "Model", target: "Target") -> Quantity | str:
    """Return the milliseconds of one invocation, or the sentence that says why there are none."""
    calibration = _calibration(model, target)
    if calibration is None:
        return _no_calibration(model, target)
    missing = uncovered(model.main, calibration.operators)
    if missing:
        return f"no calibration covers {', '.join(missing)} on {target.core.name}"
    amount = work(model.main)
    count = total_macs(amount)
    if count < calibration.least_macs:
        return (
            f"no calibration covers {count / 1e6:.3g} M multiply-accumulates on "
            f"{target.core.name}: its band holds from {calibration.least_macs / 1e6:.3g} M on"
        )
    types = foreign_types(model.main)
    if types and not _is_float(model, target):
        return f"the calibration is of int8 models, and this one computes in {', '.join(types)}"
    milliseconds = 1e3 * cycles(amount, calibration.cycles) / target.core.clock
    return Quantity(
        value=milliseconds,
        unit="ms",
        kind="predicted",
        source=f"{calibration.version}: {calibration.source}",
        low=milliseconds / calibration.band,
        high=milliseconds * calibration.band,
    )


def operator_milliseconds(model: "Model", target: "Target") -> tuple[float, ...]:
    """Return what each operator takes of `latency`, in the order of execution.

    Their sum is the figure of `latency`, whose kind, source and band are theirs; empty where that
    has none. A single operator may be further off than the band of the whole.
    """
    calibration = _calibration(model, target)
    if calibration is None or isinstance(latency(model, target), str):
        return ()
    return tuple(
        1e3 * cycles(work_of(model.main, operator), calibration.cycles) / target.core.clock
        for operator in model.main.operators
    )


def _calibration(model: "Model", target: "Target") -> "CostModel | None":
    return cost_model(target, dtype="float32") if _is_float(model, target) else target.latency


def _is_float(model: "Model", target: "Target") -> bool:
    """Return whether phones' float kernels compute ``model``: there are cost models of them."""
    return target.runtime.name == "litert" and foreign_types(model.main) == ("float32",)


def _no_calibration(model: "Model", target: "Target") -> str:
    runtime = target.runtime
    what = f"{target.core.name} with {runtime.name} and {runtime.kernels}"
    if _is_float(model, target):
        return f"no calibration covers float32 models on {what}"
    return (
        f"no calibration covers {what}; measure once and run: "
        f"edgekit targets calibrate {target.name} --measurements FILE"
    )


def cycles(amount: dict[str, float], coefficients: "Cycles") -> float:
    """Return the cycles of the work ``amount``, by kind, with ``coefficients``."""
    each: dict[str, float] = asdict(coefficients)
    return sum(amount[kind] * each[kind] for kind in amount)
