"""What examples/ci shows: the hooks run by pre-commit, the workflow's commands by a shell."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from graphs import GraphBuilder
from report_manifests import passing

CI = Path(__file__).parents[2] / "examples" / "ci"
WORKFLOW = yaml.safe_load((CI / "github-actions.yml").read_text())
STEPS = {step["name"]: step for step in WORKFLOW["jobs"]["model"]["steps"] if "run" in step}
ENVIRONMENT = {
    **os.environ,
    "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    "GIT_CONFIG_GLOBAL": os.devnull,
}


def shell(step: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a step of the workflow as GitHub does: ``bash -e``."""
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", STEPS[step]["run"]],
        cwd=folder,
        env={
            **ENVIRONMENT,
            **WORKFLOW["jobs"]["model"]["env"],
            "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A folder with the run of the main branch, and one that is 3 points worse."""
    worse = passing()
    worse["accuracy"]["int8"] -= 0.03
    for name, manifest in (("base", passing()), ("run", worse)):
        (tmp_path / "build" / name).mkdir(parents=True)
        (tmp_path / "build" / name / "manifest.json").write_text(json.dumps(manifest))
    return tmp_path


def test_the_workflow_reports_a_run(runs: Path) -> None:
    done = shell("Annotations and summary", runs)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("::")
    assert (runs / "summary.md").read_text().startswith("## ")
    assert (runs / "build/run/junit.xml").is_file()


def test_the_workflow_stops_a_change_for_the_worse_and_lets_none_pass(runs: Path) -> None:
    done = shell("Gate", runs)
    assert done.returncode == 1, done.stderr
    shutil.copy(runs / "build/base/manifest.json", runs / "build/run/manifest.json")
    assert shell("Gate", runs).returncode == 0


def test_the_workflow_keeps_a_run_of_the_main_branch(runs: Path) -> None:
    shutil.rmtree(runs / "build/base")
    assert shell("Keep this run for pull requests to come", runs).returncode == 0
    assert (runs / "build/base/manifest.json").is_file()


def test_every_file_that_the_workflow_shows_is_one_that_a_step_writes() -> None:
    shown = next(
        step["with"]["path"]
        for step in WORKFLOW["jobs"]["model"]["steps"]
        if str(step.get("uses", "")).startswith("actions/upload-artifact")
    ).split()
    written = {"manifest.json", "report.html", "model.tflite", "junit.xml"}
    assert {Path(path).name for path in shown} == written


def model_of(width: int) -> bytes:
    """A fully connected int8 model of ``width`` inputs and as many outputs."""
    builder = GraphBuilder((1, width))
    return builder.build(builder.fully_connected(builder.input, width))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A git repository with the hooks, taking the edgekit that is tested here."""
    config: dict[str, Any] = yaml.safe_load((CI / "pre-commit-config.yaml").read_text())
    for hook in config["repos"][0]["hooks"]:
        assert hook.pop("additional_dependencies") == ["edgekit"]  # here: the one under test
        hook["language"] = "system"
    (tmp_path / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, env=ENVIRONMENT, check=True)
    return tmp_path


def hooks(repository: Path) -> subprocess.CompletedProcess[str]:
    subprocess.run(["git", "add", "-A"], cwd=repository, env=ENVIRONMENT, check=True)
    return subprocess.run(
        [sys.executable, "-m", "pre_commit", "run", "--all-files"],
        cwd=repository,
        env={**ENVIRONMENT, "PRE_COMMIT_HOME": str(repository.parent / "pre-commit")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_hook_stops_a_model_that_does_not_fit(repository: Path) -> None:
    (repository / "small.tflite").write_bytes(model_of(16))
    done = hooks(repository)
    assert done.returncode == 0, done.stdout
    (repository / "large.tflite").write_bytes(model_of(1100))  # 1.2 MB; the board has 1 MiB
    done = hooks(repository)
    assert done.returncode == 1
    assert re.search(r"edgekit check\.+Failed", done.stdout)
    assert "does not fit" in done.stdout


def test_the_hook_stops_a_profile_without_a_unit(repository: Path) -> None:
    (repository / "targets").mkdir()
    (repository / "targets" / "ours.toml").write_text('extends = "nano-33-ble"\n[ram]\ntotal = 9\n')
    done = hooks(repository)
    assert done.returncode == 1
    assert re.search(r"edgekit targets lint\.+Failed", done.stdout)
