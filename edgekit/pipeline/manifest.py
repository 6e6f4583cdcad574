"""What a build found out, as the JSON that reports and machines read."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from edgekit.explanation.noise import Noise
from edgekit.files.fingerprint import code_of, content_of, versions
from edgekit.files.source import is_function
from edgekit.files.whole_files import sha256
from edgekit.fit.check import to_json as fit_json
from edgekit.model.inspection import to_json as inspection_json
from edgekit.shrinking import Saving
from edgekit.training._tensorflow import threads
from edgekit.verification.agreement import Agreement
from edgekit.verification.metrics import Score, drop
from edgekit.verification.verify import RuntimeScore
from edgekit.verification.verify import to_json as verification_json
from edgekit.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from edgekit.data.calibration_split import DataSummary
    from edgekit.devices.profile import Target
    from edgekit.finding import Finding
    from edgekit.fit.arena.plan import ArenaPlan
    from edgekit.fit.check import Fit
    from edgekit.model.inspection import Constant, Inspection
    from edgekit.model.pruned_weights import Located
    from edgekit.pipeline.hand_over import Correction
    from edgekit.pipeline.stages import Stage
    from edgekit.project.project import Project
    from edgekit.quantity import Quantity
    from edgekit.training.pruning.prune import LayerSparsity

FILE_NAME = "manifest.json"
SCHEMA = "edgekit.build/1"
TIMINGS_NAME = "timings.json"
TIMINGS_SCHEMA = "edgekit.timings/1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Verified:
    """What is kept of a verification.

    Args:
        reference: The float model's score.
        pruned: The pruned float model's.
        runtimes: Each runtime's.
        confusion: Counts on the runtime of the first target; rows are true classes.
        noise: The rounding in each operator's output.
        agreement: Of TFLite-Micro with LiteRT; None where one of them did not run.
    """

    reference: Score | None
    pruned: Score | None
    runtimes: tuple[RuntimeScore, ...]
    confusion: tuple[tuple[int, ...], ...] = ()
    noise: tuple[Noise, ...] = ()
    agreement: Agreement | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Shrinking:
    """What shrinking saved; see `edgekit.shrinking.Shrunk`.

    Args:
        before_bytes: Of the converted file.
        after_bytes: Of the shrunken file.
        passes: What each pass took off.
        vectors: Inputs on which the outputs were the same byte for byte, of the whole model or of
            the changed operators by themselves.
        whole_vectors: Inputs on which those of the whole model were.
        runtimes: In which they were.
        arena_before_bytes: Least arena in TFLite-Micro on this 64-bit machine.
        arena_after_bytes: The same of the shrunken file.
        macs_before: Multiply-accumulates of one invocation.
        macs_after: The same of the shrunken file.
        refusal: Why nothing was shrunk, or None.
    """

    before_bytes: int
    after_bytes: int
    passes: tuple[Saving, ...] = ()
    vectors: int = 0
    whole_vectors: int = 0
    runtimes: tuple[str, ...] = ()
    arena_before_bytes: int | None = None
    arena_after_bytes: int | None = None
    macs_before: int | None = None
    macs_after: int | None = None
    refusal: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Sources:
    """What went into a build, so that a rebuild can tell whether the same does.

    Args:
        model: SHA-256 of the model's file, or digest of its folder; None of a function's.
        code: Digest of the project's ``.py`` files; None where it names no function of its own.
        targets: Digest of each target's profile, by name.
        threads: Of TensorFlow: another number adds up in another order.
    """

    model: str | None
    code: str | None
    targets: "Mapping[str, str]"
    threads: int


def sources_of(project: "Project", targets: "tuple[Target, ...]") -> Sources:
    """Return what goes into a build of ``project`` besides its samples and options."""
    named = (project.model.source, project.data.source, project.train.loss)
    return Sources(
        model=content_of(project.model.source, project.directory),
        code=code_of(project.directory) if any(is_function(name) for name in named) else None,
        targets={target.name: sha256(repr(target).encode()) for target in targets},
        threads=threads(),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Simulated:
    """Weights of a type that the file cannot store.

    Args:
        precision: As `edgekit.specs.QuantizeSpec.simulate`.
        packed_bytes: What the file would have if they were packed.
    """

    precision: str
    packed_bytes: "Quantity"


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """All that a build found out."""

    project: "Project"
    sources: Sources
    model: bytes
    firmware: "tuple[Path, ...]"
    stages: "tuple[Stage, ...]"
    data: "DataSummary"
    correction: "Correction | None"
    kernels: "tuple[LayerSparsity, ...]"
    located: "tuple[Located, ...]"
    sparsity: float | None
    inspection: "Inspection"
    verified: Verified
    shrinking: Shrinking | None
    arena: "ArenaPlan | None"
    fits: "tuple[Fit, ...]"
    findings: "tuple[Finding, ...]"
    warnings: tuple[str, ...]
    channels_removed: bool = False
    simulated: "Simulated | None" = None

    @property
    def passed(self) -> bool:
        """Whether every limit holds."""
        return all(finding.passed for finding in self.findings)


def manifest_of(outcome: Outcome, files: tuple[dict[str, object], ...]) -> dict[str, object]:
    """Return the manifest as JSON values, without dates and paths of this machine."""
    project, verified = outcome.project, outcome.verified
    return {
        "schema": SCHEMA,
        "name": project.name,
        "edgekit": __version__,
        "passed": outcome.passed,
        "seed": project.seed,
        "inputs": asdict(outcome.sources),
        "stages": [{"name": stage.name, "notes": stage.notes} for stage in outcome.stages],
        "data": {"source": project.data.source, **asdict(outcome.data)},
        "accuracy": _accuracy(verified),
        "bias_correction": None if outcome.correction is None else asdict(outcome.correction),
        "sparsity": outcome.sparsity,
        "channels_removed": outcome.channels_removed,
        "layers": [
            {**asdict(kernel), "in_file": item.fraction}
            for kernel, item in zip(outcome.kernels, outcome.located, strict=True)
        ],
        "model": _model(outcome.inspection),
        "tensors": [_constant(item) for item in outcome.inspection.constants],
        "verification": {
            **verification_json(verified.reference, verified.runtimes),
            "passed": all(item.passed for item in outcome.findings if item.target is None),
        },
        "confusion": verified.confusion or None,
        "noise": [asdict(item) for item in verified.noise],
        "labels": project.data.labels,
        "shrink": _shrink(outcome.shrinking),
        "arena": outcome.arena and _arena(outcome.arena),
        "targets": [fit_json(fit) for fit in outcome.fits],
        "findings": [asdict(finding) for finding in outcome.findings],
        "simulated": None if outcome.simulated is None else asdict(outcome.simulated),
        "warnings": outcome.warnings,
        "files": files,
        "versions": versions(),
        "options": options(project),
    }


def timings(stages: "tuple[Stage, ...]") -> dict[str, object]:
    """Return what is not the same in two builds alike, as JSON values."""
    return {"schema": TIMINGS_SCHEMA, "stages": [asdict(stage) for stage in stages]}


def options(project: "Project") -> dict[str, object]:
    """Return all that ``project`` asks of a build as JSON values, without where it lies."""
    values = asdict(project)
    del values["directory"], values["compare"]
    return values


def _accuracy(verified: Verified) -> dict[str, object] | None:
    """Return the metric through the stages, on the device's runtime; None if nothing is claimed."""
    reference = verified.reference
    integer = next((item for item in reversed(verified.runtimes) if item.score is not None), None)
    if reference is None or integer is None or integer.score is None:
        return None
    return {
        "metric": reference.metric,
        "float": reference.value,
        "pruned": verified.pruned and verified.pruned.value,
        "intervals": {
            name: [score.low, score.high]
            for name, score in (
                ("float", reference),
                ("pruned", verified.pruned),
                ("int8", integer.score),
            )
            if score is not None
        },
        "int8": integer.score.value,
        "drop": drop(reference, integer.score),
        "samples": integer.samples,
        "runtime": integer.runtime,
    }


def _shrink(shrinking: Shrinking | None) -> dict[str, object] | None:
    if shrinking is None or shrinking.refusal is not None:
        return None
    values = asdict(shrinking)
    del values["refusal"]
    return {**values, "bit_exact": True}  # or the stage would have failed


def _model(inspection: "Inspection") -> dict[str, object]:
    document = inspection_json(inspection)
    identity = document.pop("model")
    assert isinstance(identity, dict)
    del document["constants"]
    return {**identity, **document}


def _constant(constant: "Constant") -> dict[str, object]:
    values = asdict(constant)
    del values["operator"]
    return values


def _arena(plan: "ArenaPlan") -> dict[str, object]:
    return {
        "peak_bytes": plan.arena_bytes,
        "peak_operator": plan.peak.index,
        "operators": [
            {"index": step.index, "op": step.op, "live_bytes": step.live_bytes}
            for step in plan.steps
        ],
        "tensors": [
            {
                "name": buffer.name,
                "first": buffer.first,
                "last": buffer.last,
                "offset": buffer.offset_bytes,
                "bytes": buffer.planned_bytes,
            }
            for buffer in plan.buffers
        ],
    }
