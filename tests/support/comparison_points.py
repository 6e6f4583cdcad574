"""Points of studies made by hand, for the tests of what is chosen and how it is told."""

from pathlib import Path

from edgekit.comparison.result import OnTarget, Result
from edgekit.comparison.study import Study, weigh
from edgekit.finding import Finding
from edgekit.project.project import Project
from edgekit.quantity import Quantity
from edgekit.specs import DataSpec, Limits, ModelSpec

BOARD = "nano-33-ble"


def size(value: float, kind: str = "predicted") -> Quantity:
    band = {"low": value, "high": value} if kind == "predicted" else {}
    return Quantity(value=value, unit="B", kind=kind, source="made by hand", **band)  # type: ignore[arg-type]


def missed(gate: str, value: float, limit: float, unit: str = "B") -> Finding:
    return Finding(
        gate=gate,
        passed=False,
        message=f"{gate} is {value} of {limit}",
        value=Quantity(value=value, unit=unit, kind="host", source="made by hand"),
        limit=limit,
        target=None if gate.endswith("_drop") else BOARD,
    )


def point(
    name: str,
    flash: float | None = 100_000,
    accuracy: float | None = 0.97,
    *,
    arena: float = 5_000,
    missing: tuple[Finding, ...] = (),
    simulated: bool = False,
    error: str | None = None,
    metric: str = "accuracy",
    known: bool = True,
) -> Result:
    """A point of ``flash`` bytes on one board; None: it does not run there."""
    if error is not None:
        return Result(
            name=name,
            precision=name.partition("-ptq")[0],
            method="ptq",
            calibration="minmax",
            sparsity=0.0,
            simulated=simulated,
            error=error,
        )
    there = OnTarget(
        target=BOARD,
        runs=flash is not None,
        fits=flash is not None,
        flash_bytes=None if flash is None or not known else size(flash),
        model_bytes=size(20_000, "host"),
        arena_bytes=None if flash is None else size(arena),
        latency_ms=None,
    )
    return Result(
        name=name,
        precision=name.partition("-ptq")[0],
        method="ptq",
        calibration="minmax",
        sparsity=0.0,
        simulated=simulated,
        run_directory=f"points/{name}",
        metric=None if accuracy is None else metric,
        accuracy=accuracy,
        float_accuracy=None if accuracy is None else 0.98,
        drop=None if accuracy is None else 0.98 - accuracy,
        samples=None if accuracy is None else 360,
        model_bytes=20_000,
        targets=(there,),
        passed=not missing,
        findings=missing,
    )


def project(limits: Limits = Limits(accuracy_drop=0.02, flash=131072)) -> Project:  # noqa: B008
    return Project(
        directory=Path("/project"),
        model=ModelSpec(source="model:make", name="digits"),
        data=DataSpec(source="data:load"),
        limits=limits,
        targets=(BOARD,),
    )


def study(*points: Result, limits: Limits | None = None) -> Study:
    made = project() if limits is None else project(limits)
    return weigh(made, points, directory=Path("/project/build/digits-study"))


def varied() -> Study:
    """Points of every kind: chosen, on the front, missing a limit, simulated, not built."""
    return study(
        point("int8-ptq-s0", 100_000, 0.975),
        point("int4-ptq-s0", 90_000, 0.965),
        point("int16x8-ptq-s0", 110_000, 0.98, missing=(missed("ram", 40_000, 32_768),)),
        point("int8-ptq-percentile-s0.75", 100_000, 0.96),
        point("simulated-binary-ptq-s0", 80_000, 0.3, simulated=True,
              missing=(missed("accuracy_drop", 0.68, 0.02, "accuracy"),)),
        point("float16-ptq-s0", None, 0.98,
              missing=(Finding(gate="operators", passed=False, message="DEQUANTIZE: no kernel"),)),
        point("int4-qat-s0", error="the converter crashed <here> & there"),
    )  # fmt: skip


def hopeless() -> Study:
    """No point meets the limits."""
    return study(
        point("int8-ptq-s0", missing=(missed("flash", 140_000, 131_072),)),
        point("int16x8-ptq-s0", missing=(missed("flash", 200_000, 131_072),)),
    )
