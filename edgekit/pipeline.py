"""The stages in their order: from a project to a run directory with everything in it."""

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit import emitters
from edgekit import manifest as manifests
from edgekit.artifacts import sha256, write_bytes, write_text
from edgekit.errors import InputError, UnsupportedModelError, UsageError
from edgekit.finding import Finding
from edgekit.fit.check import Fit, check
from edgekit.flatbuffer.model import read
from edgekit.golden import golden_vectors
from edgekit.inspection import inspect, with_names, zero_fraction
from edgekit.manifest import Outcome, Shrinking, Verified
from edgekit.process import Progress
from edgekit.quantity import Quantity, format_bytes
from edgekit.reports import html
from edgekit.runtimes import RUNTIMES
from edgekit.shrinking import shrink
from edgekit.stages import Stages, Watch, claimed, unwatched
from edgekit.target import Target, load_target
from edgekit.training import Border, stages_of, train_half
from edgekit.vectors import FILE_NAME as VECTORS_NAME
from edgekit.vectors import Vectors, load_vectors
from edgekit.verification import (
    confusion,
    gates,
    hold_classes,
    score_outputs,
    stored_inputs,
    verify,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import numpy.typing as npt

    from edgekit.project import Project

MODEL_NAME = "model.tflite"
REPORT_NAME = "report.html"
C_FOLDER = "c"
_GOLDEN_SAMPLES = 4  # of the validation set, that the firmware tests itself with
_PROOF_SAMPLES = 256  # of the validation set, besides the random vectors of the proof
_PRUNABLE = frozenset({"CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"})  # what tfmot prunes


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """A finished build.

    Args:
        directory: Where its files are.
        manifest: The content of its ``manifest.json``.
        passed: Whether every limit holds.
    """

    directory: Path
    manifest: dict[str, object]
    passed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Emitted:
    """The names of the C files, or why there are none."""

    files: tuple[str, ...] = ()
    refusal: str | None = None


def run_directory(project: "Project") -> Path:
    """Return where a build goes that is not told: ``build/NAME`` in the project's folder."""
    return project.directory / "build" / project.name


def build(
    project: "Project", *, out: Path | None = None, watch: Watch = unwatched, fresh: bool = False
) -> Run:
    """Build ``project`` and return the run.

    Args:
        project: What to build.
        out: The run directory; None: see `run_directory`. Stages that are finished there and
            whose inputs are the same are reused.
        watch: Given each stage's name, what is told of its progress.
        fresh: Reuse nothing.

    Raises:
        EdgekitError: What the user must put right; nothing half-written is left.
    """
    targets = _checked(project)
    with claimed(out or run_directory(project)) as folder:
        stages = Stages(folder / "stages", watch=watch, fresh=fresh)
        border = train_half(project, stages)
        outcome = _judge(project, targets, stages, border)
        return _publish(folder, outcome, border)


def _checked(project: "Project") -> tuple[Target, ...]:
    """Return the targets of a project that can be built and held to its limits."""
    targets = tuple(load_target(name) for name in project.targets)
    try:
        emitters.check_name(project.name)
    except UsageError as error:
        raise InputError(error.message, hint="set [model] name in the project file") from error
    for key in ("ram", "latency"):
        if getattr(project.limits, key) is not None and not targets:
            raise InputError(
                f"limits.{key} can be held on a target alone, and none is named",
                hint='name one, such as: targets = ["nucleo-l4r5zi"]',
            )
    return targets


def _judge(
    project: "Project", targets: tuple[Target, ...], stages: Stages, border: Border
) -> Outcome:
    """Return what the stages without TensorFlow find out about the converted model."""
    shrinking, file = _shrink(project, stages, border)
    model = file.read_bytes()
    verified = _verify(project, targets, stages, border, model)
    fits = stages.light(
        "fit",
        lambda: tuple(check(model, target, limits=project.limits) for target in targets),
    )
    emitted, firmware = _emit(project, stages, border, model, fits)
    converted = inspect(read(border.model.read_bytes()))
    return Outcome(
        model=model,
        firmware=firmware,
        project=project,
        stages=tuple(stages.done),
        data=border.data,
        kernels=border.kernels,
        sparsity=zero_fraction(converted.constants, _PRUNABLE) if border.kernels else None,
        inspection=with_names(inspect(read(model)), converted),
        verified=verified,
        shrinking=shrinking,
        arena=next((fit.plan for fit in fits if fit.plan is not None), None),
        fits=fits,
        findings=_findings(project, verified, fits, emitted, len(model)),
        warnings=_warnings(project, border, shrinking, emitted),
    )


def _shrink(project: "Project", stages: Stages, border: Border) -> tuple[Shrinking | None, Path]:
    """Return what shrinking saved, and the file to go on with."""
    if not project.shrink or project.quantize.scheme in ("float16", "dynamic"):
        return None, border.model

    def work(draft: Path, progress: Progress) -> Shrinking:
        model = border.model.read_bytes()
        inputs = stored_inputs(model, load_vectors(border.vectors).inputs[:_PROOF_SAMPLES])
        try:
            shrunk = shrink(model, data=(inputs,), progress=progress)
        except UnsupportedModelError as error:
            write_bytes(draft / MODEL_NAME, model)
            size = len(model)
            return Shrinking(before_bytes=size, after_bytes=size, refusal=error.message)
        write_bytes(draft / MODEL_NAME, shrunk.content)
        return Shrinking(
            before_bytes=shrunk.before_bytes,
            after_bytes=shrunk.after_bytes,
            passes=shrunk.passes,
            vectors=shrunk.vectors,
            arena_before_bytes=shrunk.arena_before_bytes,
            arena_after_bytes=shrunk.arena_after_bytes,
            macs_before=shrunk.macs_before,
            macs_after=shrunk.macs_after,
        )

    shrinking, folder = stages.run("shrink", {}, Shrinking, work)
    return shrinking, folder / MODEL_NAME


def _emit(
    project: "Project",
    stages: Stages,
    border: Border,
    model: bytes,
    fits: tuple[Fit, ...],
) -> tuple[Emitted, tuple[Path, ...]]:
    """Return what was emitted, and the C files; the arena is the largest that a target needs."""
    arenas = [fit.arena_bytes for fit in fits if fit.arena_bytes is not None]
    arena = max(arenas, key=lambda item: item.value, default=None)

    def work(draft: Path, progress: Progress) -> Emitted:
        del progress
        inputs = stored_inputs(model, load_vectors(border.vectors).inputs[:_GOLDEN_SAMPLES])
        try:
            files = emitters.emit(
                model,
                name=project.name,
                arena_bytes=arena,
                vectors=golden_vectors(model, (inputs,), origin="the validation set"),
                labels=project.data.labels,
                scale=project.data.scale,
                offset=project.data.offset,
            )
        except UnsupportedModelError as error:
            return Emitted(refusal=error.message)
        for file in files:
            write_text(draft / file.path, file.text)
        return Emitted(files=tuple(str(file.path) for file in files))

    inputs = {
        "name": project.name,
        "arena": None if arena is None else asdict(arena),
        "preprocessing": [project.data.scale, project.data.offset, list(project.data.labels)],
    }
    emitted, folder = stages.run("emit", inputs, Emitted, work)
    return emitted, tuple(folder / name for name in emitted.files)


def _verify(
    project: "Project",
    targets: tuple[Target, ...],
    stages: Stages,
    border: Border,
    model: bytes,
) -> Verified:
    phones_alone = targets and all(item.runtime.name == "litert" for item in targets)
    runtimes = ("litert",) if phones_alone else tuple(RUNTIMES)

    def work(draft: Path, progress: Progress) -> Verified:
        del draft
        vectors = load_vectors(border.vectors)
        result = verify(model, vectors, runtimes=runtimes, metric=project.metric, progress=progress)
        return Verified(
            reference=result.reference,
            pruned=None
            if vectors.pruned_outputs is None or vectors.labels is None
            else score_outputs(vectors.pruned_outputs, vectors.labels, metric=project.metric),
            runtimes=result.runtimes,
            confusion=_confusion(vectors, result.outputs),
        )

    inputs = {"metric": project.metric, "runtimes": list(runtimes)}
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


def _findings(
    project: "Project", verified: Verified, fits: tuple[Fit, ...], emitted: Emitted, size: int
) -> tuple[Finding, ...]:
    limits = project.limits
    drop = limits.accuracy_drop if verified.reference is not None else None
    findings = [
        *gates(verified.reference, verified.runtimes, accuracy_drop=drop),
        *(finding for fit in fits for finding in fit.findings),
    ]
    if limits.flash is not None and not fits:
        findings.append(_file_size(size, limits.flash))
    if limits.latency is not None and all(fit.latency_ms is None for fit in fits):
        message = "limits.latency was held on no target: none has a sourced figure for this model"
        findings.append(Finding(gate="latency", passed=False, message=message))
    if emitted.refusal is not None and any(fit.plan is not None for fit in fits):
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
    project: "Project", border: Border, shrinking: Shrinking | None, emitted: Emitted
) -> tuple[str, ...]:
    warnings = [*border.data.overlaps]
    warnings += [f"{item} is left to post-training quantization" for item in border.left]
    if shrinking is not None and shrinking.refusal is not None:
        warnings.append(f"not shrunk: {shrinking.refusal}")
    if emitted.refusal is not None:
        warnings.append(f"no C files: {emitted.refusal}")
    if border.data.is_random:
        warnings.append("the data are random: sizes and fit are real, no accuracy is claimed")
    elif project.limits.accuracy_drop is not None and not border.data.has_labels:
        warnings.append("limits.accuracy_drop was not held: the data have no labels")
    return tuple(warnings)


def _publish(folder: Path, outcome: Outcome, border: Border) -> Run:
    """Write the run's files; the manifest last, so that one that is there tells the truth."""
    (folder / manifests.FILE_NAME).unlink(missing_ok=True)
    model = outcome.model
    contents = {MODEL_NAME: model, VECTORS_NAME: border.vectors.read_bytes()}
    for source in outcome.firmware:
        contents[f"{C_FOLDER}/{source.name}"] = source.read_bytes()
    shutil.rmtree(folder / C_FOLDER, ignore_errors=True)
    for path, content in contents.items():
        write_bytes(folder / path, content)
    files = tuple(
        {"path": path, "bytes": len(content), "sha256": sha256(content)}
        for path, content in sorted(contents.items())
    )
    # Through JSON and back: reports read the same values from the file.
    manifest = json.loads(json.dumps(manifests.manifest_of(outcome, files), allow_nan=False))
    write_text(folder / REPORT_NAME, html.render(manifest))
    write_text(folder / manifests.FILE_NAME, json.dumps(manifest, indent=2, sort_keys=True) + "\n")
    return Run(directory=folder, manifest=manifest, passed=outcome.passed)


def plan(project: "Project", *, out: Path | None = None) -> dict[str, object]:
    """Return what `build` would do, as JSON values; nothing is run and no data are read.

    Raises:
        InputError: An unknown target, or a name that C does not take.
    """
    _checked(project)
    options = manifests.options(project)
    del options["seed"], options["metric"], options["targets"]
    light = ("shrink", "verify", "fit", "emit", "report")
    return {
        "stages": [*stages_of(project), *light[not project.shrink :]],
        "targets": list(project.targets),
        "run directory": str(out or run_directory(project)),
        "seed": project.seed,
        "metric": project.metric,
        **{name: value for name, value in options.items() if value is not None},
    }
