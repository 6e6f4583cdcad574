"""The work of a study: every point built, here or on a cluster, and the files that say so."""

from contextlib import closing
from typing import TYPE_CHECKING

from edgekit.comparison import page
from edgekit.comparison.cluster import run_there
from edgekit.comparison.grid import points
from edgekit.comparison.local import jobs_here, run_here
from edgekit.comparison.point import Built, Failed, Job
from edgekit.comparison.result import result_of
from edgekit.comparison.study import SCHEMA, Study, to_json, weigh
from edgekit.errors import UsageError
from edgekit.files.outputs import check_output_folder
from edgekit.files.whole_files import json_text, write_text
from edgekit.pipeline.build import plan, run_directory
from edgekit.pipeline.reuse import Siblings
from edgekit.pipeline.stages import Watch, claimed, unwatched
from edgekit.specs import CompareSpec, check_count

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from edgekit.comparison.grid import Point
    from edgekit.project.project import Project

    Outcomes = Generator[tuple[Job, Built | Failed], None, None]

FILE_NAME = "study.json"
PAGE_NAME = "study.html"
PICTURE_NAME = "study.svg"
POINTS_FOLDER = "points"


def study_directory(project: "Project") -> "Path":
    """Return where a study goes that is not told: ``build/NAME-study`` in the project's folder."""
    usual = run_directory(project)
    return usual.with_name(f"{usual.name}-study")


def conduct(
    project: "Project",
    spec: CompareSpec,
    *,
    out: "Path | None" = None,
    jobs: int | None = None,
    scheduler: str | None = None,
    watch: Watch = unwatched,
) -> Study:
    """Build the points that ``spec`` asks of ``project`` and return the study.

    Points that were built before are not built again, and stages that points have in common are
    run once. A point that fails is a result with its reason.

    Args:
        project: What varies.
        spec: How.
        out: The study's folder; None: see `study_directory`.
        jobs: Points built at once on this machine; None: its cores, as memory allows.
        scheduler: Address of a Dask scheduler to build on a cluster instead.
        watch: Given a point's name, or ``"points"`` for all, what is told of the progress;
            called in several threads.

    Raises:
        EdgekitError: What the user must put right before any point can be built.
    """
    if scheduler is not None and jobs is not None:
        raise UsageError(
            "how many points are built at once on a cluster is for its workers to say",
            hint="take --jobs away, and start them with: dask worker --nthreads N",
        )
    if jobs is not None:
        check_count("jobs", jobs, least=1)
    out = out or study_directory(project)
    check_output_folder(out, project.inputs)
    plan(project)  # refuses unknown targets and names before anything is built
    asked = points(project, spec)
    with claimed(out) as folder:
        siblings = Siblings(folder=folder / POINTS_FOLDER, others=(run_directory(project),))
        work = _jobs(asked, siblings)
        if scheduler is None:
            running = run_here(work, at_once=jobs or jobs_here(), watch=watch)
        else:
            running = run_there(work, scheduler=scheduler)
        outcomes = _gather(running, total=len(work), watch=watch)
        results = [result_of(item, outcomes.get(item.name)) for item in asked]
        study = weigh(project, results, directory=folder)
        _publish(study)
        return study


def _jobs(asked: "Sequence[Point]", siblings: Siblings) -> list[Job]:
    """Return the work of all points that were not refused."""
    return [
        Job(name=name, project=variant, out=siblings.folder / name, siblings=siblings)
        for name, variant in ((item.name, item.project) for item in asked)
        if variant is not None
    ]


def _gather(running: "Outcomes", *, total: int, watch: Watch) -> dict[str, Built | Failed]:
    """Return what came of every job, by its name.

    Raises:
        EdgekitError: What would fail, or has failed, every point in the same way.
    """
    found: dict[str, Built | Failed] = {}
    with closing(running), watch("points") as progress:
        progress(0, total)
        for job, outcome in running:
            if isinstance(outcome, Failed) and outcome.is_of_all:
                raise outcome.error
            found[job.name] = outcome
            progress(len(found), total, job.name)
    failures = [item for item in found.values() if isinstance(item, Failed)]
    if len(failures) == total and len({item.message for item in failures}) == 1:
        raise failures[0].error
    return found


def _publish(study: Study) -> None:
    """Write the study's files; ``study.json`` last, so that one that is there tells the truth."""
    folder = study.directory
    (folder / FILE_NAME).unlink(missing_ok=True)
    svg = page.to_svg(study)
    if svg is None:
        (folder / PICTURE_NAME).unlink(missing_ok=True)
    else:
        write_text(folder / PICTURE_NAME, svg)
    write_text(folder / PAGE_NAME, page.to_html(study))
    write_text(folder / FILE_NAME, json_text({"schema": SCHEMA, **to_json(study)}))
