"""The work of a study with stand-ins for the builds: what is gathered, kept and refused."""

import json
import threading
from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import report_manifests as manifests

import edgekit
from edgekit.cli import run
from edgekit.comparison import cluster, experiment, local
from edgekit.comparison.experiment import conduct
from edgekit.comparison.local import jobs_here, run_here
from edgekit.comparison.point import Built, Failed, Job, build_point
from edgekit.errors import (
    EdgekitError,
    InputError,
    MissingDependencyError,
    ToolError,
    UnsupportedModelError,
    UsageError,
)
from edgekit.pipeline.reuse import Siblings
from edgekit.pipeline.stages import claimed, unwatched
from edgekit.project.project import Project
from edgekit.runtimes.process import silent
from edgekit.specs import CompareSpec, DataSpec, ModelSpec

SPEC = CompareSpec(precision=("int8", "int16x8"), sparsity=(0,))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(
        directory=tmp_path,
        model=ModelSpec(source="absent.keras", name="net"),
        data=DataSpec(source="random"),
    )


def stand_in(monkeypatch: pytest.MonkeyPatch, outcomes: dict[str, Built | Failed]) -> None:
    def answer(jobs: Sequence[Job], **_: Any) -> Generator[tuple[Job, Built | Failed], None, None]:
        for job in reversed(jobs):
            yield job, outcomes[job.name]

    monkeypatch.setattr(experiment, "run_here", answer)


def test_a_point_that_fails_is_a_row_and_the_order_is_that_asked(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = Built(manifest=manifests.passing(), stages_run=3)
    stand_in(
        monkeypatch,
        {
            "int8-ptq-s0": built,
            "int16x8-ptq-s0": Failed(
                kind=UnsupportedModelError, message="no int16 kernel", stage="convert"
            ),
        },
    )
    study = conduct(project, SPEC)
    document = json.loads((study.directory / "study.json").read_text())
    assert study.directory == project.directory / "build" / "net-study"
    assert [item["name"] for item in document["points"]] == ["int8-ptq-s0", "int16x8-ptq-s0"]
    assert [item["error"] for item in document["points"]] == [None, "no int16 kernel"]
    assert document["points"][0]["accuracy"] == manifests.passing()["accuracy"]["int8"]
    assert (study.directory / "study.html").is_file()
    assert (study.directory / "study.svg").is_file()


@pytest.mark.parametrize(
    "outcomes",
    [
        # What is wrong for all is told at once; what failed each in the same way, in the end.
        (Failed(kind=InputError, message="no such data", stage="data"), None),
        (Failed(kind=ToolError, message="no disk"), Failed(kind=ToolError, message="no disk")),
    ],
)
def test_what_fails_every_point_ends_the_study(
    project: Project, monkeypatch: pytest.MonkeyPatch, outcomes: tuple[Any, Any]
) -> None:
    stand_in(monkeypatch, dict(zip(("int16x8-ptq-s0", "int8-ptq-s0"), outcomes, strict=True)))
    with pytest.raises(EdgekitError, match="no such data|no disk"):
        conduct(project, SPEC)
    assert not (project.directory / "build" / "net-study" / "study.json").exists()


def test_a_grid_without_a_point_that_can_be_built_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "edgekit.toml").write_text(
        '[model]\nsource = "m.keras"\n[data]\nsource = "random"\n'
        '[prune]\ncriterion = "threshold"\nthreshold = 0.5\n'
    )
    assert run(["compare", str(tmp_path), "--sparsity", "0.5"]) == 3
    assert "no point of the study can be built" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--sparsity", "half"], 2, "'half' is not a number"),
        (["--sparsity", "2"], 3, "compare.sparsity is 2"),
        (["--method", "qat,pqt"], 2, "'pqt' is none of"),
        (["--precision", "int7"], 3, "did you mean 'int"),
        (["--jobs", "0"], 2, "--jobs"),
        (["--target", "nano-34"], 3, "nano-34"),
        (["--jobs", "2", "--scheduler", "tcp://127.0.0.1:1"], 2, "on a cluster"),
    ],
)
def test_a_wrong_call_is_one_sentence(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    (tmp_path / "edgekit.toml").write_text(
        '[model]\nsource = "m.keras"\n[data]\nsource = "random"\n'
    )
    assert run(["compare", str(tmp_path), *arguments]) == code
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error
    assert not (tmp_path / "build").exists()


def test_a_model_and_data_alone_are_compared_and_the_code_is_that_of_the_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["compare", "net.keras", "--data", "random", "--target", "nano-33-ble"]
    arguments += ["--precision", "int8", "--json"]
    for manifest, code in ((manifests.passing(), 0), (manifests.failing(), 1)):
        stand_in(monkeypatch, {"int8-ptq-s0": Built(manifest=manifest, stages_run=1)})
        assert run(arguments) == code
        document = json.loads(capsys.readouterr().out)
        assert document["passed"] is (code == 0)
        assert document["study_directory"] == str(tmp_path / "build" / "net-study")
        assert run(arguments[:-1]) == code
        assert "study: build/net-study/study.html" in capsys.readouterr().out


def test_another_study_at_work_there_is_told(project: Project) -> None:
    with claimed(project.directory / "build" / "net-study"), pytest.raises(UsageError):
        conduct(project, SPEC)


def test_points_are_built_in_processes_that_end_with_the_study(project: Project) -> None:
    points = project.directory / "points"
    refused = replace(project, targets=("nano-34",))  # before anything is trained
    jobs = [
        Job(name=name, project=refused, out=points / name, siblings=Siblings(folder=points))
        for name in "abc"
    ]
    running = run_here(jobs, at_once=2, watch=unwatched)
    _, first = next(running)
    assert isinstance(first, Failed)
    assert "nano-34" in first.message
    assert not first.is_of_all
    assert any(thread.name.startswith("point") for thread in threading.enumerate())
    running.close()
    assert not any(thread.name.startswith("point") for thread in threading.enumerate())


def test_to_end_a_study_ends_what_is_at_work(project: Project) -> None:
    siblings = Siblings(folder=project.directory / "points")
    refused = replace(project, targets=("nano-34",))
    jobs = [
        Job(name=name, project=refused, out=siblings.folder / name, siblings=siblings)
        for name in ("held", "free")
    ]
    with siblings.turn("held"):  # as if it trained for hours
        running = run_here(jobs, at_once=2, watch=unwatched)
        job, _ = next(running)
        assert job.name == "free"
        closing = threading.Thread(target=running.close, daemon=True)
        closing.start()
        closing.join(20)
        assert not closing.is_alive()


def test_a_machine_without_the_project_says_what_a_cluster_needs(project: Project) -> None:
    away = Path("/nowhere/at/all")
    job = Job(
        name="a",
        project=edgekit.Project(directory=away, model=project.model, data=project.data),
        out=away,
        siblings=Siblings(folder=away),
    )
    outcome = build_point(silent, job)
    assert isinstance(outcome, Failed)
    assert "file system that all its workers share" in (outcome.error.hint or "")


def test_a_point_that_is_still_at_work_elsewhere_is_waited_for(project: Project) -> None:
    siblings = Siblings(folder=project.directory / "points")
    refused = replace(project, targets=("nano-34",))
    job = Job(name="a", project=refused, out=siblings.folder / "a", siblings=siblings)
    outcomes: list[Built | Failed] = []
    thread = threading.Thread(target=lambda: outcomes.append(build_point(silent, job)))
    with siblings.turn("a"):
        thread.start()
        thread.join(0.2)
        assert outcomes == []
    thread.join()
    assert len(outcomes) == 1


def test_jobs_are_bounded_by_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    assert jobs_here() >= 1
    monkeypatch.setattr(local, "_free_bytes", lambda: 6_000_000_000)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(16)))
    assert jobs_here() == 2  # 2.5 GB each
    monkeypatch.setattr(local, "_free_bytes", lambda: 1_000_000_000)
    assert jobs_here() == 1


def test_without_dask_the_install_line_is_given(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "find_spec", lambda _: None)
    with pytest.raises(MissingDependencyError) as caught:
        conduct(project, SPEC, scheduler="tcp://127.0.0.1:1")
    assert caught.value.hint == 'pip install "edgekit[cluster]"'


def test_a_scheduler_that_does_not_answer_is_told(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "_PATIENCE_SECONDS", 0.5)
    with pytest.raises(UsageError, match="no Dask scheduler answers at tcp://127.0.0.1:9"):
        conduct(project, SPEC, scheduler="tcp://127.0.0.1:9")
