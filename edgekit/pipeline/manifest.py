"""What a build found out, as the JSON that reports and machines read."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from edgekit.files.fingerprint import code_of, content_of, versions
from edgekit.files.source import is_function
from edgekit.files.whole_files import sha256
from edgekit.record.arena import ArenaPlan
from edgekit.record.build import Inputs, Stage
from edgekit.reports.manifest import (
    Accuracy,
    Allocation,
    Arena,
    Artifact,
    Data,
    Layer,
    Manifest,
    ModelSummary,
    Reference,
    Runtime,
    VerificationSummary,
)
from edgekit.training._tensorflow import threads
from edgekit.verification.metrics import drop
from edgekit.version import __version__

if TYPE_CHECKING:
    from edgekit.data.calibration_split import DataSummary
    from edgekit.devices.profile import Target
    from edgekit.model.inspection import Inspection
    from edgekit.model.pruned_weights import Located
    from edgekit.pipeline.file_stages import Verified
    from edgekit.pipeline.verdict import Outcome
    from edgekit.project.project import Project
    from edgekit.training.pruning.prune import LayerSparsity
    from edgekit.verification.verify import RuntimeScore

TIMINGS_NAME = "timings.json"
TIMINGS_SCHEMA = "edgekit.timings/1"


def inputs_of(project: "Project", targets: "tuple[Target, ...]") -> Inputs:
    """Return what goes into a build of ``project`` besides its samples and options."""
    named = (project.model.source, project.data.source, project.train.loss)
    return Inputs(
        model=content_of(project.model.source, project.directory),
        code=code_of(project.directory) if any(is_function(name) for name in named) else None,
        targets={target.name: sha256(target.spelled.encode()) for target in targets},
        threads=threads(),
    )


def manifest_of(
    project: "Project",
    inputs: Inputs,
    stages: tuple[Stage, ...],
    outcome: "Outcome",
    files: tuple[Artifact, ...],
) -> Manifest:
    """Return the manifest, without dates and paths of this machine.

    Args:
        project: What was asked for.
        inputs: See `inputs_of`.
        stages: What was done.
        outcome: What was found.
        files: What was written.
    """
    handed, results, arena = outcome.handed, outcome.results, outcome.arena
    verified, shrunk = results.verified, results.shrink
    return Manifest(
        name=project.name,
        edgekit=__version__,
        passed=outcome.passed,
        seed=project.seed,
        inputs=inputs,
        stages=stages,
        data=_data(project.data.source, handed.data),
        accuracy=_accuracy(verified),
        bias_correction=handed.correction,
        sparsity=outcome.sparsity,
        channels_removed=outcome.channels_removed,
        layers=tuple(map(_layer, handed.kernels, outcome.located)),
        model=_model(outcome.inspection),
        tensors=outcome.inspection.constants,
        verification=_verification(outcome),
        confusion=verified.confusion,
        labels=project.data.labels,
        shrink=None if shrunk is None or shrunk.refusal is not None else shrunk,
        noise=verified.noise,
        arena=None if arena is None else _arena(arena),
        targets=results.fits,
        findings=outcome.findings,
        simulated=outcome.simulated,
        warnings=outcome.warnings,
        files=files,
        versions=versions(),
        options=options(project),
    )


def timings(stages: tuple[Stage, ...]) -> dict[str, object]:
    """Return what is not the same in two builds alike, as JSON values."""
    return {"schema": TIMINGS_SCHEMA, "stages": [asdict(stage) for stage in stages]}


def options(project: "Project") -> dict[str, object]:
    """Return all that ``project`` asks of a build as JSON values, without where it lies."""
    values = asdict(project)
    del values["directory"], values["compare"]
    return values


def _data(source: str, found: "DataSummary") -> Data:
    return Data(
        source=source,
        sha256=found.sha256,
        is_random=found.is_random,
        has_labels=found.has_labels,
        train_samples=found.train_samples,
        calibration_samples=found.calibration_samples,
        calibration_indices=found.calibration_indices,
        validation_samples=found.validation_samples,
        notes=found.notes,
        overlaps=found.overlaps,
        task=found.task,
    )


def _accuracy(verified: "Verified") -> Accuracy | None:
    """Return the metric through the stages, on the device's runtime; None if nothing is claimed."""
    reference, pruned = verified.reference, verified.pruned
    integer = next((item for item in reversed(verified.runtimes) if item.score is not None), None)
    if reference is None or integer is None or integer.score is None:
        return None
    scores = {"float": reference, "pruned": pruned, "int8": integer.score}
    return Accuracy(
        metric=reference.metric,
        float_=reference.value,
        pruned=None if pruned is None else pruned.value,
        int8=integer.score.value,
        drop=drop(reference, integer.score),
        samples=integer.samples,
        intervals={
            name: (score.low, score.high)
            for name, score in scores.items()
            if score is not None and score.low is not None and score.high is not None
        },
        runtime=integer.runtime,
    )


def _layer(kernel: "LayerSparsity", located: "Located") -> Layer:
    return Layer(
        name=kernel.name,
        reached=kernel.reached,
        asked=kernel.asked,
        weights=kernel.weights,
        attribute=kernel.attribute,
        in_file=located.fraction,
    )


def _model(found: "Inspection") -> ModelSummary:
    return ModelSummary(
        bytes=found.bytes,
        sha256=found.sha256,
        macs=found.macs,
        parameters=found.parameters,
        zero_weight_fraction=found.zero_weight_fraction,
        fully_integer=found.fully_integer,
        float_tensors=found.float_tensors,
        operators=found.operators,
        inputs=found.inputs,
        outputs=found.outputs,
    )


def _verification(outcome: "Outcome") -> VerificationSummary:
    reference = outcome.results.verified.reference
    return VerificationSummary(
        reference=None
        if reference is None
        else Reference(
            metric=reference.metric,
            value=reference.value,
            low=reference.low,
            high=reference.high,
        ),
        runtimes=tuple(map(_runtime, outcome.results.verified.runtimes)),
        passed=all(item.passed for item in outcome.findings if item.target is None),
    )


def _runtime(found: "RuntimeScore") -> Runtime:
    score = found.score
    return Runtime(
        runtime=found.runtime,
        metric=None if score is None else score.metric,
        value=None if score is None else score.value,
        low=None if score is None else score.low,
        high=None if score is None else score.high,
        drop_bound=found.bound,
        samples=found.samples,
        disagreements=found.disagreements,
        max_abs_diff=found.max_abs_diff,
        refusal=found.refusal,
    )


def _arena(plan: ArenaPlan) -> Arena:
    return Arena(
        peak_bytes=plan.arena_bytes,
        peak_operator=plan.peak.index,
        operators=plan.steps,
        tensors=tuple(
            Allocation(
                name=buffer.name,
                first=buffer.first,
                last=buffer.last,
                offset=buffer.offset_bytes,
                bytes=buffer.planned_bytes,
            )
            for buffer in plan.buffers
        ),
    )
