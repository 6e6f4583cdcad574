"""What came of one point of a study: the figures that points are compared by."""

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from edgekit.comparison.point import Built, Failed
from edgekit.files.results import told
from edgekit.quantity import Quantity
from edgekit.reports import manifest as facts

if TYPE_CHECKING:
    from edgekit.comparison.grid import Point
    from edgekit.finding import Finding
    from edgekit.record.fit import Fit


@dataclass(frozen=True, kw_only=True, slots=True)
class OnTarget:
    """A point on one device; see `edgekit.fit.check.Fit`."""

    target: str
    runs: bool
    fits: bool
    flash_bytes: Quantity | None
    model_bytes: Quantity | None
    arena_bytes: Quantity | None
    latency_ms: Quantity | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """One point of a study.

    Args:
        name: Of the point.
        precision: As asked.
        method: As asked.
        calibration: As asked, or None where nothing is calibrated.
        sparsity: Fraction of zeros asked; None: in another way than by one number.
        simulated: Whether no kernel exists for the precision.
        run_directory: Relative to the study's folder; None where the point was not tried.
        metric: Of ``accuracy``, or None where none is claimed.
        accuracy: Of the finished model, on the runtime that comes nearest to the device.
        float_accuracy: Of the float model.
        drop: How much worse than the float model; negative where it is better.
        samples: Of the validation set.
        zeros: Fraction of exact zeros in the pruned kernels; None without pruning.
        model_bytes: Of the file; None where nothing was built.
        packed_bytes: Of a simulated point: its file with as few bits a weight as are simulated.
        targets: The devices.
        passed: Whether every limit holds.
        findings: The limits that are missed.
        warnings: Of the run.
        error: Why nothing was built, or None.
        hint: What to do about it.
        stages_run: Stages that were not there already; nothing of the study depends on it.
    """

    name: str
    precision: str
    method: str
    calibration: str | None
    sparsity: float | None
    simulated: bool
    run_directory: str | None = None
    metric: str | None = None
    accuracy: float | None = None
    float_accuracy: float | None = None
    drop: float | None = None
    samples: int | None = None
    zeros: float | None = None
    model_bytes: int | None = None
    packed_bytes: Quantity | None = None
    targets: tuple[OnTarget, ...] = ()
    passed: bool = False
    findings: "tuple[Finding, ...]" = ()
    warnings: tuple[str, ...] = ()
    error: str | None = None
    hint: str | None = None
    stages_run: int = 0

    @property
    def is_built(self) -> bool:
        """Whether there is a model."""
        return self.error is None

    def __repr__(self) -> str:
        state = "failed" if self.error else "passed" if self.passed else "misses a limit"
        score = "" if self.accuracy is None else f", {self.metric} {self.accuracy:.4f}"
        return told(f"<Result {self.name}: {state}{score}, {self.model_bytes or 0:,} B>")

    @property
    def missed(self) -> "tuple[Finding, ...]":
        """The limits that are missed, each once a device: as far as the worst runtime does."""
        worst: dict[tuple[str, str | None], Finding] = {}
        for finding in self.findings:
            known = worst.setdefault((finding.gate, finding.target), finding)
            if overshoot(finding) > overshoot(known):
                worst[finding.gate, finding.target] = finding
        return tuple(worst.values())

    @property
    def loss(self) -> float | None:
        """A number that is smaller where the model is better, or None where nothing is claimed."""
        if self.accuracy is None or self.metric is None:
            return None
        return self.accuracy if self.metric.endswith("_error") else -self.accuracy

    def on(self, target: str) -> OnTarget | None:
        """Return the point on the device ``target``, or None where it was not held against it."""
        return next((item for item in self.targets if item.target == target), None)


def overshoot(finding: "Finding") -> float:
    """Return how far a limit is missed, as a share of it; infinity where there are no numbers."""
    if finding.value is None or not finding.limit:
        return math.inf
    return abs(finding.value.value - finding.limit) / abs(finding.limit)


def result_of(point: "Point", outcome: Built | Failed | None) -> Result:
    """Return what came of ``point``.

    Args:
        point: What was asked.
        outcome: Of its build; None: the point was refused before that.
    """
    match outcome:
        case Built():
            return _built(point, outcome)
        case Failed():
            return _plain(point, error=outcome.message, hint=outcome.hint)
        case None:
            return _plain(point, error=point.refusal or "not built")


def to_json(result: Result) -> dict[str, object]:
    """Return ``result`` as JSON values: the same however often it was built, and where."""
    values = asdict(result)
    del values["stages_run"]
    return values


def _plain(point: "Point", *, error: str, hint: str | None = None) -> Result:
    return Result(
        name=point.name,
        precision=point.precision,
        method=point.method,
        calibration=point.calibration,
        sparsity=point.sparsity,
        simulated=point.is_simulated,
        error=error,
        hint=hint,
    )


def _built(point: "Point", built: Built) -> Result:
    run = facts.read(built.manifest)
    accuracy = run.accuracy or facts.Accuracy(metric="")
    missed = [item for item in run.findings if not item.passed]
    return Result(
        name=point.name,
        precision=point.precision,
        method=point.method,
        calibration=point.calibration,
        sparsity=point.sparsity,
        simulated=point.is_simulated,
        run_directory=f"points/{point.name}",
        metric=accuracy.metric or None,
        accuracy=accuracy.int8,
        float_accuracy=accuracy.float_,
        drop=accuracy.drop,
        samples=accuracy.samples,
        zeros=run.sparsity,
        model_bytes=None if run.model is None else run.model.bytes,
        packed_bytes=built.packed_bytes,
        targets=tuple(_on_target(fit, built.packed_bytes) for fit in run.targets),
        passed=run.passed,
        findings=tuple(missed),
        warnings=run.warnings,
        stages_run=built.stages_run,
    )


def _on_target(fit: "Fit", packed: Quantity | None) -> OnTarget:
    flash = fit.flash_bytes
    if flash is not None and packed is not None and fit.model_bytes is not None:
        flash = _with_packed(flash, fit.model_bytes, packed)
    return OnTarget(
        target=fit.target,
        runs=fit.runs,
        fits=fit.fits,
        flash_bytes=flash,
        model_bytes=fit.model_bytes,
        arena_bytes=fit.arena_bytes,
        latency_ms=fit.latency_ms,
    )


def _with_packed(flash: Quantity, model: Quantity, packed: Quantity) -> Quantity:
    """Return the flash of a simulated point, had its kernels the size of those that ran it."""

    def shifted(end: float | None, packed_end: float | None) -> float:
        whole = flash.value if end is None else end
        return whole - model.value + (packed.value if packed_end is None else packed_end)

    return Quantity(
        value=shifted(flash.value, packed.value),
        unit="B",
        kind="predicted",
        source=f"{packed.source}, and code as of the kernels that ran the simulation",
        low=shifted(flash.low, packed.low),
        high=shifted(flash.high, packed.high),
    )
