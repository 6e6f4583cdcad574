"""The half of a build without TensorFlow: shrink, verify, fit and emit the converted model."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.data.labels import hold_classes
from edgekit.data.reference import Vectors, load_vectors
from edgekit.devices.profile import Target
from edgekit.emission import formats
from edgekit.emission.golden_vectors import golden_vectors
from edgekit.errors import UnsupportedModelError
from edgekit.explanation.noise import noise
from edgekit.files.whole_files import write_bytes, write_text
from edgekit.finding import Finding
from edgekit.fit.check import check
from edgekit.model.file import ModelFile
from edgekit.model.inspection import inspect, with_names
from edgekit.model.pruned_weights import Located, PrunedKernel, fraction_of, load_masks, locate
from edgekit.pipeline.hand_over import MODEL_NAME, Border
from edgekit.pipeline.manifest import Outcome, Verified
from edgekit.pipeline.stages import Stages
from edgekit.quantity import Quantity, format_bytes
from edgekit.quantization.coarse_weights import packed_bytes
from edgekit.record.build import Inputs
from edgekit.record.fit import Fit
from edgekit.record.quantization import Simulated
from edgekit.record.shrinking import Shrink
from edgekit.runtimes.known import RUNTIMES
from edgekit.runtimes.process import Progress
from edgekit.runtimes.real import stored_inputs
from edgekit.shrinking import shrink
from edgekit.verification.agreement import agreement
from edgekit.verification.limits import gates
from edgekit.verification.metrics import confusion, score_outputs
from edgekit.verification.verify import verify

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import numpy.typing as npt

    from edgekit.model.values import Model
    from edgekit.project.project import Project

_GOLDEN_SAMPLES = 4  # of the validation set, that the firmware tests itself with
_PROOF_SAMPLES = 256  # of the validation set, besides the random vectors of the proof
_UNREMOVED = (
    "the pruned channels are zero but still in the file: they are taken out of int8 activations "
    "alone, and only with shrink = true"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Emitted:
    """The names of the C files, or why there are none."""

    files: tuple[str, ...] = ()
    refusal: str | None = None


def light_half(
    project: "Project",
    targets: tuple[Target, ...],
    inputs: Inputs,
    stages: Stages,
    border: Border,
) -> Outcome:
    """Return what the stages without TensorFlow find out about the converted model."""
    runtimes = _runtimes(targets)
    shrinking, file = _shrink(project, runtimes, stages, border)
    verified = _verify(project, runtimes, stages, border, file)
    fits = stages.light(
        "fit",
        lambda: tuple(check(file, target, limits=project.limits) for target in targets),
    )
    emitted, firmware = _emit(project, runtimes, stages, border, file, fits)
    converted = inspect(border.file.model)
    located = _located(border)
    simulated = _simulated(project, file.model)
    return Outcome(
        model=file.content,
        firmware=firmware,
        project=project,
        inputs=inputs,
        stages=tuple(stages.done),
        data=border.data,
        correction=border.correction,
        kernels=border.kernels,
        located=located,
        sparsity=fraction_of(located),
        inspection=with_names(inspect(file.model), converted),
        verified=verified,
        shrinking=shrinking,
        arena=next((fit.plan for fit in fits if fit.plan is not None), None),
        fits=fits,
        findings=(
            *_unheld(project, border),
            *_findings(project, verified, fits, emitted, len(file.content)),
        ),
        warnings=(
            *_warnings(project, border, shrinking, emitted),
            *_unlocated(border, located),
            *_simulation(simulated),
        ),
        channels_removed=_prunes_channels(project) and not _keeps_channels(shrinking),
        simulated=simulated,
    )


def _located(border: Border) -> tuple[Located, ...]:
    """Return where each pruned kernel is in the converted file, in their order."""
    if border.masks is None:
        return ()
    pairs = zip(border.kernels, load_masks(border.masks), strict=True)
    return locate(
        border.file.model,
        [
            PrunedKernel(layer=kernel.name, attribute=kernel.attribute, keep=keep)
            for kernel, keep in pairs
        ],
    )


def _unlocated(border: Border, located: tuple[Located, ...]) -> tuple[str, ...]:
    """Return the warning that some pruned weights cannot be told in the file."""
    pairs = zip(border.kernels, located, strict=True)
    names = dict.fromkeys(f"'{kernel.name}'" for kernel, item in pairs if not item.tensors)
    if not names:
        return ()
    return (f"the sparsity leaves out {', '.join(names)}: not found again in the file",)


def _simulated(project: "Project", model: "Model") -> Simulated | None:
    precision = project.quantize.simulate
    if precision is None:
        return None
    return Simulated(precision=precision, packed_bytes=packed_bytes(model, precision))


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


def _runtimes(targets: tuple[Target, ...]) -> tuple[str, ...]:
    """Return the runtimes of the targets that are asked for: phones alone need no TFLite-Micro."""
    phones_alone = targets and all(item.runtime.name == "litert" for item in targets)
    return ("litert",) if phones_alone else tuple(RUNTIMES)


def _shrink(
    project: "Project", runtimes: tuple[str, ...], stages: Stages, border: Border
) -> tuple[Shrink | None, ModelFile]:
    """Return what shrinking saved, and the file to go on with."""
    if not project.shrink or not project.quantize.is_integer:
        return None, border.file

    made = None

    def work(draft: Path, progress: Progress) -> Shrink:
        nonlocal made
        file = border.file
        inputs = stored_inputs(file.model, load_vectors(border.vectors).inputs[:_PROOF_SAMPLES])
        try:
            shrunk = shrink(file, runtimes=runtimes, data=(inputs,), progress=progress)
        except UnsupportedModelError as error:
            made = file
            write_bytes(draft / MODEL_NAME, file.content)
            size = len(file.content)
            return Shrink(before_bytes=size, after_bytes=size, refusal=error.message)
        made = shrunk.file
        write_bytes(draft / MODEL_NAME, made.content)
        return Shrink(
            before_bytes=shrunk.before_bytes,
            after_bytes=shrunk.after_bytes,
            passes=shrunk.passes,
            vectors=shrunk.vectors,
            whole_vectors=shrunk.whole_vectors,
            runtimes=shrunk.runtimes,
            arena_before_bytes=shrunk.arena_before_bytes,
            arena_after_bytes=shrunk.arena_after_bytes,
            macs_before=shrunk.macs_before,
            macs_after=shrunk.macs_after,
            bit_exact=True,  # or it had failed
        )

    shrinking, folder = stages.run("shrink", {"runtimes": runtimes}, Shrink, work)
    return shrinking, made or ModelFile.of((folder / MODEL_NAME).read_bytes())


def _emit(
    project: "Project",
    runtimes: tuple[str, ...],
    stages: Stages,
    border: Border,
    file: ModelFile,
    fits: tuple[Fit, ...],
) -> tuple[Emitted, tuple[Path, ...]]:
    """Return what was emitted, and the C files; the arena is the largest that a target needs.

    Phones take the `.tflite` as it is: for them alone there are none.
    """
    if "tflite-micro" not in runtimes:
        return Emitted(), ()
    arenas = [fit.arena_bytes for fit in fits if fit.arena_bytes is not None]
    arena = max(arenas, key=lambda item: item.value, default=None)

    def work(draft: Path, progress: Progress) -> Emitted:
        del progress
        inputs = stored_inputs(file.model, load_vectors(border.vectors).inputs[:_GOLDEN_SAMPLES])
        try:
            files = formats.emit(
                file,
                name=project.name,
                arena_bytes=arena,
                vectors=golden_vectors(file, (inputs,), origin="the validation set"),
                labels=project.data.labels,
                scale=project.data.scale,
                offset=project.data.offset,
            )
        except UnsupportedModelError as error:
            return Emitted(refusal=error.message)
        for each in files:
            write_text(draft / each.path, each.text)
        return Emitted(files=tuple(str(each.path) for each in files))

    inputs = {
        "name": project.name,
        "arena": None if arena is None else asdict(arena),
        "preprocessing": [project.data.scale, project.data.offset, list(project.data.labels)],
    }
    emitted, folder = stages.run("emit", inputs, Emitted, work)
    return emitted, tuple(folder / name for name in emitted.files)


def _verify(
    project: "Project",
    runtimes: tuple[str, ...],
    stages: Stages,
    border: Border,
    file: ModelFile,
) -> Verified:
    metric = border.data.metric(project.metric)

    def work(draft: Path, progress: Progress) -> Verified:
        del draft
        vectors = load_vectors(border.vectors)
        result = verify(
            file,
            vectors,
            runtimes=runtimes,
            metric=metric,
            confidence=project.limits.confidence,
            progress=progress,
        )
        return Verified(
            reference=result.reference,
            pruned=None
            if vectors.pruned_outputs is None or vectors.labels is None
            else score_outputs(vectors.pruned_outputs, vectors.labels, metric=metric),
            runtimes=result.runtimes,
            confusion=_confusion(vectors, result.outputs) if metric == "accuracy" else (),
            noise=noise(file, vectors.inputs, progress=progress),
            agreement=agreement(file, vectors, result.outputs, progress=progress),
        )

    inputs = {
        "metric": metric,
        "runtimes": list(runtimes),
        "confidence": project.limits.confidence,
    }
    return stages.run("verify", inputs, Verified, work)[0]


def _confusion(
    vectors: Vectors, outputs: "Mapping[str, npt.NDArray[np.float32]]"
) -> tuple[tuple[int, ...], ...]:
    """Return the confusion matrix of the last runtime that ran: the microcontroller's."""
    if vectors.labels is None or not outputs:
        return ()
    last = list(outputs.values())[-1]
    if not hold_classes(vectors.labels, last.reshape(len(last), -1).shape[1]):
        return ()
    counts = confusion(vectors.labels, last)
    return tuple(tuple(row) for row in counts.tolist())


def _unheld(project: "Project", border: Border) -> tuple[Finding, ...]:
    """Return the limit on accuracy as missed where the user's data cannot tell accuracy."""
    if project.limits.accuracy_drop is None or border.data.has_labels or border.data.is_random:
        return ()
    message = "limits.accuracy_drop has nothing to be held against: the data have no labels"
    hint = "give data with labels, or take the limit away"
    return (Finding(gate="accuracy_drop", passed=False, message=message, hint=hint),)


def _findings(
    project: "Project", verified: Verified, fits: tuple[Fit, ...], emitted: Emitted, size: int
) -> tuple[Finding, ...]:
    limits = project.limits
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
        findings.append(_file_size(size, limits.flash))
    if limits.latency is not None and all(fit.latency_ms is None for fit in fits):
        message = "limits.latency was held on no target: none has a sourced figure for this model"
        findings.append(Finding(gate="latency", passed=False, message=message))
    runs = any(fit.plan is not None for fit in fits) and project.quantize.simulate is None
    if emitted.refusal is not None and runs:
        findings.append(Finding(gate="firmware", passed=False, message=emitted.refusal))
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


def _warnings(
    project: "Project", border: Border, shrinking: Shrink | None, emitted: Emitted
) -> tuple[str, ...]:
    warnings = [*border.data.overlaps, *border.doubts]
    warnings += [f"{item} is left to post-training quantization" for item in border.left]
    if shrinking is not None and shrinking.refusal is not None:
        warnings.append(f"not shrunk: {shrinking.refusal}")
    if _prunes_channels(project):
        warnings += [_UNREMOVED] if _keeps_channels(shrinking) else []
    if emitted.refusal is not None:
        warnings.append(f"no C files: {emitted.refusal}")
    if border.data.is_random:
        warnings.append("the data are random: nothing here says how often the model is right")
        if project.limits.accuracy_drop is not None:
            warnings.append("limits.accuracy_drop was not held")
    return tuple(warnings)


def _prunes_channels(project: "Project") -> bool:
    return project.prune is not None and project.prune.granularity == "channel"


def _keeps_channels(shrinking: Shrink | None) -> bool:
    """Return whether the channels that pruning drove to zero are all still in the file."""
    if shrinking is None or shrinking.macs_before is None or shrinking.macs_after is None:
        return True
    return shrinking.macs_after >= shrinking.macs_before
