import json
from dataclasses import asdict
from pathlib import Path

import pytest
import report_manifests as manifests

from edgekit.cli import run as command
from edgekit.errors import InputError
from edgekit.pipeline import reproduce as reproduction
from edgekit.pipeline.reproduce import checked, compared, recorded_project, reproduce, sentence
from edgekit.pipeline.run import Run
from edgekit.project.project import Project, load_project

PROJECT = """\
targets = ["nano-33-ble"]
metric = "accuracy"
seed = 3
[model]
source = "net.keras"
[data]
source = "data.npz"
labels = ["no", "yes"]
[prune]
sparsity = "auto"
size = "20KiB"
[prune.layers]
"conv*" = 0.5
[quantize]
method = "qat"
[limits]
accuracy_drop = { max = 0.01, confidence = 0.95 }
flash = "256KiB"
latency = "1.5ms"
"""


def write_run(
    folder: Path, *, model: bytes = b"model", train: bytes = b"weights", key: str
) -> Path:
    """Write a run directory as a build leaves it: two stages and one artifact."""
    for stage, content in (("load", b"net"), ("train", train)):
        kept = folder / "stages" / stage
        (kept / "saved_model").mkdir(parents=True)
        (kept / "model.h5").write_bytes(content)
        (kept / "saved_model" / "fingerprint.pb").write_bytes(key.encode())
        (kept / "result.json").write_text(json.dumps({"key": key, "result": {"epochs": 1}}))
    manifest = manifests.minimal() | {
        "name": "net",
        "stages": [{"name": "load"}, {"name": "train"}, {"name": "fit"}],
        "files": [{"path": "model.tflite", "bytes": len(model), "sha256": "recorded"}],
        "versions": {"numpy": key},
    }
    (folder / "model.tflite").write_bytes(model)
    (folder / "report.html").write_text("<p>")
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_runs_alike_but_for_what_stands_for_one_run_are_the_same(tmp_path: Path) -> None:
    found = compared(write_run(tmp_path / "a", key="x"), write_run(tmp_path / "b c", key="x"))
    assert found.identical
    assert [file.path for file in found.files] == ["manifest.json", "model.tflite", "report.html"]
    assert sentence(found) == "all 3 files of a second build are the same to the byte"


def test_the_file_that_differs_and_the_first_stage_that_did_it_are_named(tmp_path: Path) -> None:
    before = write_run(tmp_path / "a", key="x")
    after = write_run(tmp_path / "b", model=b"other", train=b"others", key="x")
    found = compared(before, after)
    assert [file.path for file in found.files if not file.same] == ["model.tflite"]
    assert sentence(found) == (
        "model.tflite of 3 files differ in a second build; the first stage with another result "
        "is 'train'"
    )


def test_what_went_in_and_differs_is_named(tmp_path: Path) -> None:
    found = compared(write_run(tmp_path / "a", key="1.0"), write_run(tmp_path / "b", key="2.0"))
    (setting,) = found.inputs
    assert (setting.key, setting.before, setting.after) == ("versions.numpy", "1.0", "2.0")
    assert [file.path for file in found.files if not file.same] == ["manifest.json"]


def test_a_file_that_is_gone_is_held_against_its_record(tmp_path: Path) -> None:
    before = write_run(tmp_path / "a", key="x")
    (before / "model.tflite").unlink()
    found = compared(before, write_run(tmp_path / "b", key="x"))
    (file,) = [item for item in found.files if not item.same]
    assert (file.path, file.before) == ("model.tflite", "recorded")


def test_the_project_comes_back_from_its_manifest_option_by_option(tmp_path: Path) -> None:
    (tmp_path / "edgekit.toml").write_text(PROJECT)
    project = load_project(tmp_path)
    options = asdict(project)
    del options["directory"]
    stored = json.loads(json.dumps({"options": options}))
    assert recorded_project(stored, tmp_path) == project


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ({}, "the manifest has no 'options'"),
        ({"options": {"model": {"source": "a", "colour": 1}}}, "unknown key 'model.colour'"),
        ({"options": {"model": {"source": "a"}}}, "'data' is missing"),
    ],
)
def test_a_manifest_that_does_not_say_what_was_built_is_refused(
    tmp_path: Path, manifest: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        recorded_project(manifest, tmp_path)


def test_without_a_project_above_the_run_one_must_be_named(tmp_path: Path) -> None:
    run = write_run(tmp_path / "a", key="x")
    with pytest.raises(InputError, match="no project file lies above it") as caught:
        reproduce(run)
    assert caught.value.hint == "name the project's folder: --project DIR"


@pytest.mark.parametrize(("train", "code"), [(b"weights", 0), (b"others", 1)])
def test_the_command_says_what_differs_and_fails(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    train: bytes,
    code: int,
) -> None:
    def build(project: Project, *, out: Path, **_: object) -> Run:
        write_run(out, model=train, train=train, key=project.name)
        return Run(directory=out, manifest={}, stages=(), passed=True)

    monkeypatch.setattr(reproduction, "build", build)
    (tmp_path / "edgekit.toml").write_text(PROJECT)
    run = write_run(tmp_path / "run", model=b"weights", key="net")
    manifest = json.loads((run / "manifest.json").read_text())
    options = asdict(load_project(tmp_path))
    del options["directory"]
    (run / "manifest.json").write_text(json.dumps(manifest | {"options": options}))
    # The second build records no options here, so the manifests differ in both cases.
    assert command(["reproduce", str(run), "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "edgekit.reproduce/1"
    assert document["rebuilt"] is None
    assert document["identical"] is False
    assert document["stage"] == (None if code == 0 else "train")
    same = {file["path"]: file["same"] for file in document["files"]}
    assert same == {"manifest.json": False, "model.tflite": code == 0, "report.html": True}
    assert command(["reproduce", str(run)]) == 1
    words = capsys.readouterr().out
    assert "input options.seed was 3, now None" in words
    assert f"{'same   ' if code == 0 else 'differs'} model.tflite" in words


def test_a_second_build_that_differs_fails_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(project: Project, *, out: Path, fresh: bool, **_: object) -> Run:
        assert fresh
        write_run(out, model=b"other", train=b"others", key=project.name)
        return Run(directory=out, manifest={}, stages=(), passed=True)

    monkeypatch.setattr(reproduction, "build", build)
    (tmp_path / "edgekit.toml").write_text(PROJECT)
    first = Run(
        directory=write_run(tmp_path / "run", key="net"), manifest={}, stages=(), passed=True
    )
    run = checked(load_project(tmp_path), first)
    assert not run.passed
    assert run.reproducible is not None
    assert "model.tflite" in run.reproducible.message
    assert "'train'" in run.reproducible.message
