"""Studies of a tiny network: resumed, and on a cluster of two workers the same."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edgekit.cli import run

pytestmark = pytest.mark.train

MODEL = """\
import keras

def make():
    keras.utils.set_random_seed(1)
    return keras.Sequential([
        keras.Input((4, 4, 1)),
        keras.layers.Conv2D(4, 3, activation="relu"),
        keras.layers.Flatten(),
        keras.layers.Dense(2, activation="softmax"),
    ])
"""
PROJECT = """\
targets = ["nano-33-ble"]
[model]
source = "model:make"
name = "tiny"
[data]
source = "data.npz"
[limits]
flash = "256KiB"
[compare]
precision = ["int8", "int4"]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("study")
    (found / "model.py").write_text(MODEL)
    (found / "edgekit.toml").write_text(PROJECT)
    generator = np.random.default_rng(0)
    y = generator.integers(0, 2, 200)
    x = generator.normal(size=(200, 4, 4, 1)) + y[:, None, None, None]
    np.savez(found / "data.npz", x=x.astype(np.float32), y=y)
    return found


@pytest.fixture(scope="module")
def study(folder: Path) -> Path:
    """The folder of a study of two points, whose reuse the tests are about."""
    assert run(["compare", str(folder)]) == 0
    return folder / "build" / "tiny-study"


def stages_run(points: Path) -> dict[str, list[str]]:
    """Return the stages that the last build of each point ran and keeps."""
    return {
        path.parent.name: [
            stage["name"]
            for stage in json.loads(path.read_text())["stages"]
            if not stage["reused"] and (path.parent / "stages" / stage["name"]).is_dir()
        ]
        for path in sorted(points.glob("*/timings.json"))
    }


def test_each_point_is_a_whole_run_and_what_they_have_in_common_is_done_once(study: Path) -> None:
    document = json.loads((study / "study.json").read_text())
    assert document["schema"] == "edgekit.compare/1"
    assert [item["name"] for item in document["points"]] == ["int8-ptq-s0", "int4-ptq-s0"]
    assert document["cheapest"] in {"int8-ptq-s0", "int4-ptq-s0"}
    both = [name for stages in stages_run(study / "points").values() for name in stages]
    # The two differ from `convert` on.
    for name in ("load", "data", "predict"):
        assert both.count(name) == 1, both
    assert "export" not in both  # a Keras 3 model that is not trained is kept as it is
    for name in ("convert", "shrink", "verify"):
        assert both.count(name) == 2, both
    for item in document["points"]:
        path = study / item["run_directory"]
        manifest = json.loads((path / "manifest.json").read_text())
        assert manifest["accuracy"]["int8"] == item["accuracy"]
        assert (path / "model.tflite").stat().st_size == item["model_bytes"]
        assert (path / "report.html").is_file()


def test_the_second_call_runs_no_stage(
    folder: Path, study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = (study / "study.json").read_bytes()
    # The project file is written anew: what no stage depends on makes none run again.
    text = PROJECT.replace('["int8", "int4"]', '["int8", "int4"]\nsparsity = [0]')
    (folder / "edgekit.toml").write_text(text)
    assert run(["compare", str(folder)]) == 0
    assert "2 of 2 points were there already" in capsys.readouterr().out
    assert stages_run(study / "points") == {"int4-ptq-s0": [], "int8-ptq-s0": []}
    assert (study / "study.json").read_bytes() == table


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[str]:
    """Address of a Dask scheduler with two workers, each a process of its own."""
    found = tmp_path / "scheduler.json"
    dask = [sys.executable, "-m", "distributed.cli"]
    started = []
    try:
        for part in (
            [*("dask_scheduler", "--port", "0", "--no-dashboard", "--host", "127.0.0.1")],
            *[["dask_worker", "--nthreads", "1", "--no-dashboard", "--no-nanny"]] * 2,
        ):
            command = [*dask[:2], f"distributed.cli.{part[0]}", *part[1:]]
            command += ["--scheduler-file", str(found)]
            started.append(
                subprocess.Popen(
                    command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                )
            )
            for _ in range(300):
                if found.is_file():
                    break
                time.sleep(0.1)
        yield json.loads(found.read_text())["address"]
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait()


def test_two_workers_of_a_cluster_give_the_same_table(
    folder: Path, study: Path, scheduler: str, tmp_path: Path
) -> None:
    there = tmp_path / "study"
    shutil.copytree(study, there)
    for path in there.glob("points/*/stages/convert"):  # so that both workers convert
        shutil.rmtree(path)

    assert run(["compare", str(folder), "--out", str(there), "--scheduler", scheduler]) == 0

    assert (there / "study.json").read_bytes() == (study / "study.json").read_bytes()
    assert all("convert" in stages for stages in stages_run(there / "points").values())
