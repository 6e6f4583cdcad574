"""The same bytes again: a run is built anew elsewhere, and every artifact is compared."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from edgekit.errors import InputError
from edgekit.files.outputs import check_output_folder
from edgekit.files.results import few, save_json, told
from edgekit.files.toml import as_written, decode
from edgekit.files.whole_files import sha256
from edgekit.finding import Finding
from edgekit.pipeline.build import build
from edgekit.pipeline.run import REPORT_NAME, Run
from edgekit.pipeline.stages import Watch, same_results, unwatched
from edgekit.project.project import FILE_NAME as PROJECT_NAME
from edgekit.project.project import Project
from edgekit.reports.diff import Setting, settings
from edgekit.reports.manifest import FILE_NAME as MANIFEST_NAME
from edgekit.reports.manifest import load, read

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, kw_only=True, slots=True)
class ComparedFile:
    """One file of a run, before and after.

    Args:
        path: In the run directory.
        before: SHA-256 in the run; None where it is not there.
        after: SHA-256 in the rebuilt run.
    """

    path: str
    before: str | None
    after: str | None

    @property
    def same(self) -> bool:
        """Whether both are there with the same bytes."""
        return self.before is not None and self.before == self.after


@dataclass(frozen=True, kw_only=True, slots=True)
class Reproduction:
    """A run and what building it again gave.

    Args:
        run: The directory of the first.
        rebuilt: The directory of the second.
        inputs: What went into the builds and was not the same: versions, data, code.
        files: Every artifact.
        stage: The first stage whose result differs; None where none does, or none is kept.
    """

    run: Path
    rebuilt: Path
    inputs: tuple[Setting, ...]
    files: tuple[ComparedFile, ...]
    stage: str | None

    @property
    def identical(self) -> bool:
        """Whether every artifact is the same to the byte."""
        return all(file.same for file in self.files)

    def save(self, path: str | Path) -> None:
        """Write what ``edgekit reproduce --json`` prints to ``path``."""
        save_json(path, "reproduce", to_json(self))

    def __repr__(self) -> str:
        return told(
            f"Reproduction: {'identical' if self.identical else 'DIFFERS'}",
            run=self.run,
            rebuilt=self.rebuilt,
            inputs=few(item.key for item in self.inputs),
            files=len(self.files),
            differing=few(item.path for item in self.files if not item.same),
            stage=self.stage,
        )


def checked(project: Project, run: Run, *, watch: Watch = unwatched) -> Run:
    """Build ``project`` again in a temporary folder, reusing nothing, and compare it with ``run``.

    Args:
        project: What ``run`` was built from.
        run: A finished build.
        watch: Given each stage's name, what is told of its progress.

    Returns:
        ``run`` with what was found as its ``reproducible``.

    Raises:
        EdgekitError: The second build fails.
    """
    with TemporaryDirectory(prefix="edgekit-") as folder:
        again = build(project, out=Path(folder) / project.name, watch=watch, fresh=True)
        finding = _finding(compared(run.directory, again.directory))
    return replace(run, reproducible=finding, passed=run.passed and finding.passed)


def reproduce(
    run: str | Path,
    *,
    project: str | Path | None = None,
    out: str | Path | None = None,
    watch: Watch = unwatched,
) -> Reproduction:
    """Build again what the manifest of ``run`` says, and compare.

    Args:
        run: A run directory, or its ``manifest.json``.
        project: The folder that the model, the data and the user's modules are found from;
            None: the nearest one above the run with a project file.
        out: The run directory of the rebuild; None: a temporary one, removed afterwards.
        watch: Given each stage's name, what is told of its progress.

    Raises:
        InputError: No such run, a manifest that does not say enough, or no project.
        EdgekitError: The rebuild fails.
    """
    manifest = load(Path(run))
    read(manifest)
    directory = Path(run) if Path(run).is_dir() else Path(run).parent
    folder = _project_folder(directory) if project is None else Path(project)
    told = recorded_project(manifest, folder)
    if out is not None:
        check_output_folder(Path(out), (directory,))
        return compared(directory, build(told, out=Path(out), watch=watch, fresh=True).directory)
    with TemporaryDirectory(prefix="edgekit-") as elsewhere:
        again = build(told, out=Path(elsewhere) / told.name, watch=watch, fresh=True)
        return compared(directory, again.directory)


def recorded_project(manifest: "Mapping[str, object]", directory: Path) -> Project:
    """Return the project that a run was built from, as its manifest holds it.

    Args:
        manifest: As JSON values.
        directory: The project's folder, which no manifest names.

    Raises:
        InputError: The options are absent, or not those of this version.
    """
    options = manifest.get("options")
    if not isinstance(options, dict):
        raise InputError(
            "the manifest has no 'options': it does not say what was built",
            hint="build the run again with this version of edgekit",
        )
    if not directory.is_dir():
        raise InputError(
            f"{directory}: no such folder", hint="name the folder that holds the project file"
        )
    given = {"directory": directory.resolve()}
    return decode(
        as_written(options, Project), Project, where="the manifest's options", given=given
    )


def compared(before: Path, after: Path) -> Reproduction:
    """Return how two finished run directories differ.

    Raises:
        InputError: One of them has no manifest.
    """
    manifests = load(before), load(after)
    first, second = (dict(_hashes(*pair)) for pair in zip((before, after), manifests, strict=True))
    files = tuple(
        ComparedFile(path=path, before=first.get(path), after=second.get(path))
        for path in sorted({*first, *second})
    )
    named = (stage.name for stage in read(manifests[0]).stages)
    names = [name for name in named if Path(name).name == name]  # of a folder, and no path
    differing = None
    if not all(file.same for file in files):
        differing = next((name for name in names if not same_results(before, after, name)), None)
    return Reproduction(
        run=before,
        rebuilt=after,
        inputs=settings(*manifests),
        files=files,
        stage=differing,
    )


def to_json(found: Reproduction) -> dict[str, object]:
    """Return the keys of ``edgekit reproduce --json``."""
    return {
        "run": str(found.run),
        "rebuilt": str(found.rebuilt) if found.rebuilt.is_dir() else None,
        "identical": found.identical,
        "inputs": [asdict(item) for item in found.inputs],
        "stage": found.stage,
        "files": [{**asdict(file), "same": file.same} for file in found.files],
    }


def sentence(found: Reproduction) -> str:
    """Return the verdict in words: how many files are the same, or which is not and since when."""
    changed = [file for file in found.files if not file.same]
    if not changed:
        return f"all {len(found.files)} files of a second build are the same to the byte"
    others = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
    text = f"{changed[0].path}{others} of {len(found.files)} files differ in a second build"
    if found.stage is None:
        return text
    return f"{text}; the first stage with another result is '{found.stage}'"


def _finding(found: Reproduction) -> Finding:
    return Finding(
        gate="reproducible",
        passed=found.identical,
        message=sentence(found),
        hint=None if found.identical else "seed what is drawn in your own functions",
    )


def _hashes(run: Path, manifest: "Mapping[str, object]") -> "Iterator[tuple[str, str]]":
    """Yield path and SHA-256 of each artifact; where a file is gone, as the manifest has it."""
    recorded = {file.path: file.sha256 for file in read(manifest).files}
    for path in (*recorded, REPORT_NAME, MANIFEST_NAME):
        file = run / path
        if file.is_file():
            yield path, sha256(file.read_bytes())
        elif path in recorded:
            yield path, recorded[path]


def _project_folder(run: Path) -> Path:
    """Return the nearest folder above ``run`` with a project file."""
    for folder in run.resolve().parents:
        if (folder / PROJECT_NAME).is_file() or (folder / "pyproject.toml").is_file():
            return folder
    raise InputError(
        f"{run}: no project file lies above it", hint="name the project's folder: --project DIR"
    )
