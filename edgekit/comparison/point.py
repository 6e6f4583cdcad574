"""One point of a study: built in its own run directory, in whatever process and on any machine."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.errors import EdgekitError, InputError
from edgekit.model.reader import read
from edgekit.pipeline.build import build
from edgekit.pipeline.hand_over import MODEL_NAME
from edgekit.quantity import Quantity
from edgekit.quantization.coarse_weights import packed_bytes
from edgekit.runtimes.process import Progress, Worker, silent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgekit.pipeline.reuse import Siblings
    from edgekit.pipeline.run import Run
    from edgekit.project.project import Project

PROCESS = "the process of this point"
_OF_ALL = ("load", "data", "train")  # the same in every point


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """What a process is told to build.

    Args:
        name: Of the point.
        project: Its variant of the project.
        out: Its run directory.
        siblings: The runs of the other points.
    """

    name: str
    project: "Project"
    out: Path
    siblings: "Siblings"


@dataclass(frozen=True, kw_only=True, slots=True)
class Built:
    """A point that was built.

    Args:
        manifest: Of its run.
        stages_run: How many of its kept stages were not there already.
        packed_bytes: Of a simulated point: its file with as few bits a weight as are simulated.
    """

    manifest: "Mapping[str, object]"
    stages_run: int
    packed_bytes: Quantity | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Failed:
    """A point that could not be built: an error in its parts, which other processes can read.

    Args:
        kind: Of the error.
        message: Why.
        hint: What to do about it.
        stage: Where, or None before the first.
    """

    kind: type[EdgekitError]
    message: str
    hint: str | None = None
    stage: str | None = None

    @property
    def error(self) -> EdgekitError:
        """What may be raised."""
        return self.kind(self.message, hint=self.hint)

    @property
    def is_of_all(self) -> bool:
        """Whether every other point would fail in the same way."""
        return self.stage in _OF_ALL


def build_point(progress: Progress, job: Job) -> Built | Failed:
    """Build one point, reusing what it or another point has finished.

    Args:
        progress: Told how far the stage at work is, and its name.
        job: The point.
    """
    if not job.project.directory.is_dir():
        return Failed(
            kind=InputError,
            message=f"{job.project.directory}: no such folder on this machine",
            hint="a cluster needs the project on a file system that all its workers share",
        )
    reached: list[str] = []

    @contextlib.contextmanager
    def watch(stage: str) -> Iterator[Progress]:
        reached.append(stage)
        progress(0, 1, stage)

        def tell(done: int, total: int, detail: str = "") -> None:
            progress(done, total, f"{stage} {detail}".rstrip())

        yield tell

    try:
        # What a cluster goes on with after its study was interrupted is waited for here.
        with job.siblings.turn(job.name):
            run = build(job.project, out=job.out, watch=watch, siblings=job.siblings)
    except EdgekitError as error:
        return failed(error, stage=reached[-1] if reached else None)
    return Built(
        manifest=run.manifest, stages_run=len(reached), packed_bytes=_packed(job.project, run)
    )


def _packed(project: "Project", run: "Run") -> Quantity | None:
    """Return what a simulated model's file would take with kernels for it; None of a real one."""
    simulation = project.quantize.simulate
    if simulation is None:
        return None
    return packed_bytes(read((run.directory / MODEL_NAME).read_bytes()), simulation)


def build_apart(job: Job) -> Built | Failed:
    """Build one point in a process of its own, which may crash: what a cluster's worker runs."""
    try:
        with Worker(PROCESS) as worker:
            return worker.call(build_point, silent, job)
    except EdgekitError as error:
        return failed(error)


def failed(error: EdgekitError, *, stage: str | None = None) -> Failed:
    """Return the point that ``error`` ended in ``stage``."""
    return Failed(kind=type(error), message=error.message, hint=error.hint, stage=stage)
