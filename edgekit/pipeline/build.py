"""The stages in their order: from a project to a run directory with everything in it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.data.reference import FILE_NAME as VECTORS_NAME
from edgekit.devices.profile import Target, load_targets
from edgekit.emission import formats
from edgekit.errors import InputError, UsageError
from edgekit.files.outputs import check_output_folder
from edgekit.files.whole_files import json_text, room_asked, sha256, write_files, write_text
from edgekit.pipeline import manifest as manifests
from edgekit.pipeline.file_stages import file_stages
from edgekit.pipeline.float_file_stages import check_scored
from edgekit.pipeline.hand_over import MODEL_NAME
from edgekit.pipeline.keras_stages import stages_of, stages_to_file
from edgekit.pipeline.plan import Plan
from edgekit.pipeline.run import REPORT_NAME, Run
from edgekit.pipeline.stages import Stages, Watch, claimed, unwatched
from edgekit.pipeline.verdict import Outcome, verdict
from edgekit.record.build import Inputs, Stage
from edgekit.reports import html
from edgekit.reports.manifest import FILE_NAME, Artifact, written

if TYPE_CHECKING:
    from edgekit.pipeline.reuse import Siblings
    from edgekit.project.project import Project

C_FOLDER = "c"


def run_directory(project: "Project") -> Path:
    """Return where a build goes that is not told: ``build/NAME`` in the project's folder."""
    return project.directory / "build" / project.name


def build(
    project: "Project",
    *,
    out: Path | None = None,
    watch: Watch = unwatched,
    fresh: bool = False,
    siblings: "Siblings | None" = None,
) -> Run:
    """Build ``project`` and return the run.

    Args:
        project: What to build.
        out: The run directory; None: see `run_directory`. Stages that are finished there and
            whose inputs are the same are reused.
        watch: Given each stage's name, what is told of its progress.
        fresh: Reuse nothing.
        siblings: Runs whose finished stages are taken over where their inputs are the same.

    Raises:
        EdgekitError: What the user must put right; nothing half-written is left.
    """
    out = out or run_directory(project)
    check_output_folder(out, project.inputs)
    targets = _checked(project)
    with claimed(out) as folder:
        stages = Stages(folder / "stages", watch=watch, fresh=fresh, siblings=siblings)
        inputs = manifests.inputs_of(project, targets)
        handed = stages_to_file(project, stages)
        results = file_stages(project, targets, stages, handed)
        outcome = verdict(project, handed, results)
        with room_asked(folder):
            return _publish(folder, project, inputs, tuple(stages.done), outcome)


def _checked(project: "Project") -> tuple[Target, ...]:
    """Return the targets of a project that can be built and held to its limits."""
    targets = load_targets(tuple(_profile(name, project.directory) for name in project.targets))
    try:
        formats.check_name(project.name)
    except UsageError as error:
        raise InputError(error.message, hint="set [model] name in the project file") from error
    check_scored(project)
    for key in ("ram", "latency"):
        if getattr(project.limits, key) is not None and not targets:
            raise InputError(
                f"limits.{key} can be held on a target alone, and none is named",
                hint='name one, such as: targets = ["nucleo-l4r5zi"]',
            )
    return targets


def _profile(name: str, directory: Path) -> str:
    """Return a target's name, or the path of its file as found from the project's folder."""
    own = directory / name
    return str(own) if name.endswith(".toml") and own.is_file() else name


def _publish(
    folder: Path, project: "Project", inputs: Inputs, stages: tuple[Stage, ...], outcome: Outcome
) -> Run:
    """Write the run's files; the manifest last, so that one that is there tells the truth."""
    (folder / FILE_NAME).unlink(missing_ok=True)
    contents = {
        MODEL_NAME: outcome.results.file.content,
        VECTORS_NAME: outcome.handed.vectors_path.read_bytes(),
    }
    for source in outcome.results.firmware:
        contents[f"{C_FOLDER}/{source.name}"] = source.read_bytes()
    write_files(folder, contents, anew=C_FOLDER)
    files = tuple(
        Artifact(path=path, bytes=len(content), sha256=sha256(content))
        for path, content in sorted(contents.items())
    )
    # Through JSON and back: reports read the same values from the file.
    document = written(manifests.manifest_of(project, inputs, stages, outcome, files))
    manifest = json.loads(json.dumps(document, allow_nan=False))
    write_text(folder / REPORT_NAME, html.render(manifest))
    write_text(folder / manifests.TIMINGS_NAME, json_text(manifests.timings(stages)))
    write_text(folder / FILE_NAME, json_text(manifest))
    return Run(directory=folder, manifest=manifest, stages=stages, passed=outcome.passed)


def plan(project: "Project", *, out: Path | None = None) -> Plan:
    """Return what `build` would do; nothing is run and no data are read.

    Raises:
        InputError: An unknown target, or a name that C does not take.
    """
    _checked(project)
    options = manifests.options(project)
    del options["seed"], options["metric"], options["targets"]
    light = ("shrink", "verify", "fit", "emit", "report")
    return Plan(
        stages=(*stages_of(project), *light[not project.shrink :]),
        targets=project.targets,
        run_directory=out or run_directory(project),
        seed=project.seed,
        metric=project.metric,
        options={name: value for name, value in options.items() if value is not None},
    )
