"""The verdict of a build: what its stages found, held against what the project asks."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgekit.finding import Finding
from edgekit.model.inspection import inspect, with_names
from edgekit.model.pruned_weights import Located, PrunedKernel, fraction_of, load_masks, locate
from edgekit.quantity import Quantity, format_bytes
from edgekit.quantization.coarse_weights import packed_bytes
from edgekit.record.quantization import Simulated
from edgekit.verification.limits import gates

if TYPE_CHECKING:
    from edgekit.model.inspection import Inspection
    from edgekit.pipeline.file_stages import FileResults
    from edgekit.pipeline.hand_over import HandOver
    from edgekit.project.project import Project
    from edgekit.record.arena import ArenaPlan
    from edgekit.record.shrinking import Shrink

_UNREMOVED = (
    "the pruned channels are zero but still in the file: they are taken out of int8 activations "
    "alone, and only with shrink = true"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """All that a build found out.

    Args:
        handed: What the stages up to the `.tflite` left.
        results: What those of the file left.
        located: Where each pruned kernel is in the converted file, in their order.
        sparsity: Fraction of zeros in the pruned kernels; None without pruning.
        inspection: What is in the finished file.
        channels_removed: Whether channels that pruning drove to zero are no more in the file.
        simulated: What the file would take if its weights were packed; None: nothing to pack.
        findings: Every limit, held against what was found.
        warnings: What else a user should know.
    """

    handed: "HandOver"
    results: "FileResults"
    located: tuple[Located, ...]
    sparsity: float | None
    inspection: "Inspection"
    channels_removed: bool
    simulated: Simulated | None
    findings: tuple[Finding, ...]
    warnings: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether every limit holds."""
        return all(finding.passed for finding in self.findings)

    @property
    def arena(self) -> "ArenaPlan | None":
        """How the model lies in the arena of the first target that has one."""
        return next((fit.plan for fit in self.results.fits if fit.plan is not None), None)


def verdict(project: "Project", handed: "HandOver", results: "FileResults") -> Outcome:
    """Return what a build found out, from what its stages left."""
    located = _located(handed)
    simulated = _simulated(project, results)
    names = inspect(handed.file.model)
    return Outcome(
        handed=handed,
        results=results,
        located=located,
        sparsity=fraction_of(located),
        inspection=with_names(inspect(results.file.model), names),
        channels_removed=_prunes_channels(project) and not _keeps_channels(results.shrink),
        simulated=simulated,
        findings=(*_unheld(project, handed), *_findings(project, results)),
        warnings=(
            *_warnings(project, handed, results),
            *_unlocated(handed, located),
            *_simulation(simulated),
        ),
    )


def _located(handed: "HandOver") -> tuple[Located, ...]:
    if handed.masks is None:
        return ()
    pairs = zip(handed.kernels, load_masks(handed.masks), strict=True)
    return locate(
        handed.file.model,
        [
            PrunedKernel(layer=kernel.name, attribute=kernel.attribute, keep=keep)
            for kernel, keep in pairs
        ],
    )


def _unlocated(handed: "HandOver", located: tuple[Located, ...]) -> tuple[str, ...]:
    """Return the warning that some pruned weights cannot be told in the file."""
    pairs = zip(handed.kernels, located, strict=True)
    names = dict.fromkeys(f"'{kernel.name}'" for kernel, item in pairs if not item.tensors)
    if not names:
        return ()
    return (f"the sparsity leaves out {', '.join(names)}: not found again in the file",)


def _simulated(project: "Project", results: "FileResults") -> Simulated | None:
    precision = project.quantize.simulate
    if precision is None:
        return None
    packed = packed_bytes(results.file.model, precision)
    return Simulated(precision=precision, packed_bytes=packed)


def _simulation(simulated: Simulated | None) -> tuple[str, ...]:
    """Return the warning that a simulation is one."""
    if simulated is None:
        return ()
    packed = format_bytes(simulated.packed_bytes.value)
    text = (
        f"{simulated.precision} weights are simulated: accuracy is real; size, arena and latency "
        f"are those of the file that simulates them. Packed, it would take {packed} (predicted), "
        "but no kernel runs it"
    )
    return (text,)


def _unheld(project: "Project", handed: "HandOver") -> tuple[Finding, ...]:
    """Return the limit on accuracy as missed where the user's data cannot tell accuracy."""
    data = handed.data
    if project.limits.accuracy_drop is None or data.has_labels or data.is_random:
        return ()
    message = "limits.accuracy_drop has nothing to be held against: the data have no labels"
    hint = "give data with labels, or take the limit away"
    return (Finding(gate="accuracy_drop", passed=False, message=message, hint=hint),)


def _findings(project: "Project", results: "FileResults") -> tuple[Finding, ...]:
    limits, verified, fits = project.limits, results.verified, results.fits
    drop = limits.largest_drop if verified.reference is not None else None
    findings = [
        *gates(
            verified.reference,
            verified.runtimes,
            accuracy_drop=drop,
            agreement=verified.agreement,
        ),
        *(finding for fit in fits for finding in fit.findings),
    ]
    if limits.flash is not None and not fits:
        findings.append(_file_size(len(results.file.content), limits.flash))
    if limits.latency is not None and all(fit.latency_ms is None for fit in fits):
        message = "limits.latency was held on no target: none has a sourced figure for this model"
        findings.append(Finding(gate="latency", passed=False, message=message))
    runs = any(fit.plan is not None for fit in fits) and project.quantize.simulate is None
    refusal = results.emitted.refusal
    if refusal is not None and runs:
        findings.append(Finding(gate="firmware", passed=False, message=refusal))
    return tuple(findings)


def _file_size(size: int, limit: int) -> Finding:
    return Finding(
        gate="flash",
        passed=size <= limit,
        message=f"flash: {format_bytes(size)} of {format_bytes(limit)}, the model's file alone: no "
        "target is named",
        value=Quantity(value=size, unit="B", kind="host", source="length of the file"),
        limit=limit,
    )


def _warnings(project: "Project", handed: "HandOver", results: "FileResults") -> tuple[str, ...]:
    warnings = [*handed.data.overlaps, *handed.doubts]
    warnings += [f"{item} is left to post-training quantization" for item in handed.left]
    if results.shrink is not None and results.shrink.refusal is not None:
        warnings.append(f"not shrunk: {results.shrink.refusal}")
    if _prunes_channels(project):
        warnings += [_UNREMOVED] if _keeps_channels(results.shrink) else []
    if results.emitted.refusal is not None:
        warnings.append(f"no C files: {results.emitted.refusal}")
    if handed.data.is_random:
        warnings.append("the data are random: nothing here says how often the model is right")
        if project.limits.accuracy_drop is not None:
            warnings.append("limits.accuracy_drop was not held")
    return tuple(warnings)


def _prunes_channels(project: "Project") -> bool:
    return project.prune is not None and project.prune.granularity == "channel"


def _keeps_channels(shrunk: "Shrink | None") -> bool:
    """Return whether the channels that pruning drove to zero are all still in the file."""
    if shrunk is None or shrunk.macs_before is None or shrunk.macs_after is None:
        return True
    return shrunk.macs_after >= shrunk.macs_before
