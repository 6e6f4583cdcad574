"""The same bytes from another folder, another process, one processor, and after being killed."""

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edgekit.cli import run
from edgekit.reports.diff import diff

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import kill_builds

pytestmark = pytest.mark.train


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("first") / "project"
    kill_builds.write_project(folder)
    return folder


@pytest.fixture(scope="module")
def built(project: Path) -> Path:
    assert run(["build", str(project), "-q"]) == 0
    return project / "build" / "tiny"


def test_another_folder_process_and_number_of_processors_give_the_same_bytes(
    project: Path, built: Path, tmp_path: Path
) -> None:
    other = tmp_path / "another place" / "copy"
    shutil.copytree(project, other, ignore=shutil.ignore_patterns("build"))
    again = tmp_path / "again"
    # `reproduce` builds what the manifest says, in a process of its own.
    command = [sys.executable, "-m", "edgekit", "reproduce", str(built), "--out", str(again)]
    done = subprocess.run(
        [*command, "--project", str(other), "--json"],
        capture_output=True,
        check=False,
        cwd=tmp_path,
        preexec_fn=lambda: os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}),
    )
    assert done.returncode == 0, done.stderr.decode()
    document = json.loads(done.stdout)
    assert document["identical"] is True
    assert document["inputs"] == []
    # Not by its own word alone.
    assert kill_builds.artifacts(again) == kill_builds.artifacts(built)
    assert {"manifest.json", "report.html", "model.tflite", "vectors.npz"} < set(
        kill_builds.artifacts(built)
    )


def test_the_intervals_of_the_report_are_those_of_the_manifest(built: Path) -> None:
    accuracy = json.loads((built / "manifest.json").read_text())["accuracy"]
    page = (built / "report.html").read_text()
    assert list(accuracy["intervals"]) == ["float", "int8", "pruned"]
    for name, (low, high) in accuracy["intervals"].items():
        assert low <= accuracy[name] <= high + 1e-9
        assert f"{100 * low:.1f} to {100 * high:.1f} %" in page


def test_what_is_drawn_without_a_seed_is_found_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "project"
    kill_builds.write_project(folder)
    (folder / "data.py").write_text(kill_builds.DATA.replace("default_rng(0)", "default_rng()"))
    (folder / "edgekit.toml").write_text(kill_builds.PROJECT.partition("[train]")[0])
    assert run(["build", str(folder), "-q", "--check-reproducible", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["passed"] is False
    (finding,) = [item for item in document["findings"] if not item["passed"]]
    assert finding["gate"] == "reproducible"
    assert "the first stage with another result is 'data'" in finding["message"]
    manifest = json.loads((folder / "build/tiny/manifest.json").read_text())
    assert manifest["passed"] is True  # the first build is what it was


def test_the_one_option_that_differs_is_named_with_the_layers_it_moved(
    project: Path, built: Path, tmp_path: Path
) -> None:
    other = tmp_path / "run"
    shutil.copytree(built, other)  # so that only what the option changes is done again
    folder = tmp_path / "project"
    shutil.copytree(project, folder, copy_function=shutil.copy2)
    toml = (folder / "edgekit.toml").read_text()
    (folder / "edgekit.toml").write_text(toml.replace("sparsity = 0.5", "sparsity = 0.75"))
    assert run(["build", str(folder), "-q", "--out", str(other)]) == 0
    before, after = (json.loads((path / "manifest.json").read_text()) for path in (built, other))
    found = diff(before, after)
    (setting,) = found.settings
    assert (setting.key, setting.before, setting.after) == ("options.prune.sparsity", 0.5, 0.75)
    layers = {item.name: item.difference for item in found.causes if item.measure == "sparsity"}
    assert layers == {name: pytest.approx(0.25, abs=0.05) for name in ("conv2d", "dense")}


def test_killed_builds_are_taken_up_and_end_with_the_same_bytes(project: Path, built: Path) -> None:
    """Three of the 50 of benchmarks/kill_builds.py."""
    expected = kill_builds.artifacts(built)
    chance = random.Random(5)
    for way in ("SIGKILL", "SIGTERM", "SIGKILL to all"):
        found = kill_builds.trial(project, expected, way, chance.uniform(2, 8))
        assert found.problems == ()
