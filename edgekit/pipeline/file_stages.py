"""The stages without TensorFlow: the converted model is shrunken, verified, fitted and emitted."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.data.labels import hold_classes
from edgekit.emission import formats
from edgekit.emission.golden_vectors import golden_vectors
from edgekit.errors import UnsupportedModelError
from edgekit.explanation.noise import noise
from edgekit.files.whole_files import write_bytes, write_text
from edgekit.fit.check import check
from edgekit.model.file import ModelFile
from edgekit.pipeline.hand_over import MODEL_NAME
from edgekit.record.shrinking import Shrink
from edgekit.record.verification import Noise
from edgekit.runtimes.known import RUNTIMES
from edgekit.runtimes.real import stored_inputs
from edgekit.shrinking import shrink
from edgekit.verification.agreement import Agreement, agreement
from edgekit.verification.metrics import Score, confusion, score_outputs
from edgekit.verification.verify import RuntimeScore, verify

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import numpy.typing as npt

    from edgekit.data.reference import Vectors
    from edgekit.devices.profile import Target
    from edgekit.pipeline.hand_over import HandOver
    from edgekit.pipeline.stages import Stages
    from edgekit.project.project import Project
    from edgekit.record.fit import Fit
    from edgekit.runtimes.process import Progress

_GOLDEN_SAMPLES = 4  # of the validation set, that the firmware tests itself with
_PROOF_SAMPLES = 256  # of the validation set, besides the random vectors of the proof


@dataclass(frozen=True, kw_only=True, slots=True)
class Emitted:
    """The names of the C files, or why there are none."""

    files: tuple[str, ...] = ()
    refusal: str | None = None


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
class FileResults:
    """What the stages of the file left, each its own.

    Args:
        file: The finished model.
        shrink: What shrinking saved; None where it was not asked for.
        verified: What the runtimes made of it.
        fits: What each target makes of it.
        emitted: The names of the C files.
        firmware: The C files.
    """

    file: ModelFile
    shrink: Shrink | None
    verified: Verified
    fits: "tuple[Fit, ...]"
    emitted: Emitted
    firmware: tuple[Path, ...]


def file_stages(
    project: "Project", targets: "tuple[Target, ...]", stages: "Stages", handed: "HandOver"
) -> FileResults:
    """Return what the stages without TensorFlow find out about the converted model."""
    runtimes = _runtimes(targets)
    shrunk, file = _shrink(project, runtimes, stages, handed)
    verified = _verify(project, runtimes, stages, handed, file)
    fits = stages.light(
        "fit",
        lambda: tuple(check(file, target, limits=project.limits) for target in targets),
    )
    emitted, firmware = _emit(project, runtimes, stages, handed, file, fits)
    return FileResults(
        file=file,
        shrink=shrunk,
        verified=verified,
        fits=fits,
        emitted=emitted,
        firmware=firmware,
    )


def _runtimes(targets: "tuple[Target, ...]") -> tuple[str, ...]:
    """Return the runtimes of the targets that are asked for: phones alone need no TFLite-Micro."""
    phones_alone = targets and all(item.runtime.name == "litert" for item in targets)
    return ("litert",) if phones_alone else tuple(RUNTIMES)


def _shrink(
    project: "Project", runtimes: tuple[str, ...], stages: "Stages", handed: "HandOver"
) -> tuple[Shrink | None, ModelFile]:
    """Return what shrinking saved, and the file to go on with."""
    if not project.shrink or not project.quantize.is_integer:
        return None, handed.file

    made = None

    def work(draft: Path, progress: "Progress") -> Shrink:
        nonlocal made
        file = handed.file
        inputs = stored_inputs(file.model, handed.vectors.inputs[:_PROOF_SAMPLES])
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
    stages: "Stages",
    handed: "HandOver",
    file: ModelFile,
    fits: "tuple[Fit, ...]",
) -> tuple[Emitted, tuple[Path, ...]]:
    """Return what was emitted, and the C files; the arena is the largest that a target needs.

    Phones take the `.tflite` as it is: for them alone there are none.
    """
    if "tflite-micro" not in runtimes:
        return Emitted(), ()
    arenas = [fit.arena_bytes for fit in fits if fit.arena_bytes is not None]
    arena = max(arenas, key=lambda item: item.value, default=None)

    def work(draft: Path, progress: "Progress") -> Emitted:
        del progress
        inputs = stored_inputs(file.model, handed.vectors.inputs[:_GOLDEN_SAMPLES])
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
    stages: "Stages",
    handed: "HandOver",
    file: ModelFile,
) -> Verified:
    metric = handed.data.metric(project.metric)

    def work(draft: Path, progress: "Progress") -> Verified:
        del draft
        vectors = handed.vectors
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
    vectors: "Vectors", outputs: "Mapping[str, npt.NDArray[np.float32]]"
) -> tuple[tuple[int, ...], ...]:
    """Return the confusion matrix of the last runtime that ran: the microcontroller's."""
    if vectors.labels is None or not outputs:
        return ()
    last = list(outputs.values())[-1]
    if not hold_classes(vectors.labels, last.reshape(len(last), -1).shape[1]):
        return ()
    counts = confusion(vectors.labels, last)
    return tuple(tuple(row) for row in counts.tolist())
