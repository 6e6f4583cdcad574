"""What functions return: a `repr` that fits a screen, attributes, and a file if it is asked for."""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import comparison_points
import numpy as np
import pytest
import report_manifests as manifests
from graphs import GraphBuilder

import edgekit
from edgekit.cli import run as command
from edgekit.devices.profile import all_targets
from edgekit.measurement.measure import OperatorCost
from edgekit.numerics.sparsity_allocation import LayerCurve, SensitivityPoint
from edgekit.pipeline.reproduce import ComparedFile
from edgekit.pipeline.stages import Stage
from edgekit.quantity import Quantity

BOARD = "nano-33-ble"
HOSTILE = "conv\x1b[2J\n" + "x" * 300


def model_in(folder: Path, *, name: str = "model") -> Path:
    builder = GraphBuilder((1, 6, 6, 2), seed=1)
    path = folder / f"{name}.tflite"
    path.write_bytes(builder.build(builder.conv(builder.input, 4, kernel=3)))
    return path


def run_in(folder: Path, manifest: dict[str, Any] | None = None) -> edgekit.Run:
    manifest = manifests.passing() if manifest is None else manifest
    (folder / "model.tflite").write_bytes(b"TFL3")
    (folder / "manifest.json").write_text(json.dumps(manifest))
    stages = (Stage(name="load", seconds=1.0, reused=False),)
    return edgekit.Run(directory=folder, manifest=manifest, stages=stages, passed=True)


def plan_of(folder: Path) -> edgekit.Plan:
    path = folder / "edgekit.toml"
    path.write_text('targets = ["nano-33-ble"]\n[model]\nsource = "net.keras"\n[data]\n')
    path.write_text(path.read_text() + 'source = "random"\n')
    return edgekit.build(path, plan=True)


def conversion(folder: Path) -> edgekit.Conversion:
    path = model_in(folder)
    return edgekit.Conversion(
        content=path.read_bytes(),
        inspection=edgekit.inspect(path),
        correction=None,
        warnings=(HOSTILE,) * 9,
    )


def bench(folder: Path) -> edgekit.Bench:
    del folder
    time = Quantity(value=3.2, unit="ms", kind="measured", source="a board")
    return edgekit.Bench(
        target=BOARD,
        model=HOSTILE,
        sha256="0",
        latency_ms=time,
        instructions=None,
        invocations=9,
        operators=tuple(OperatorCost(index=i, op=HOSTILE, cost=time) for i in range(50)),
        arena_used_bytes=None,
        selftest=None,
        clock_hz=None,
        passed=True,
    )


def reproduction(folder: Path) -> edgekit.Reproduction:
    files = tuple(ComparedFile(path=f"c/{i}.c", before="a", after="b") for i in range(50))
    return edgekit.Reproduction(run=folder, rebuilt=folder, inputs=(), files=files, stage="train")


def sensitivity(folder: Path) -> edgekit.Sensitivity:
    del folder
    points = tuple(SensitivityPoint(sparsity=i / 10, score=0.9, loss=0.1) for i in range(9))
    curves = tuple(LayerCurve(name=HOSTILE, weights=9, points=points) for _ in range(50))
    return edgekit.Sensitivity(metric="accuracy", score=0.9, samples=9, layers=curves)


RESULTS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "bench": (bench, "bench"),
    "check": (lambda folder: edgekit.check(model_in(folder), targets=(BOARD,))[0], "check"),
    "compare": (lambda _: comparison_points.varied(), "compare"),
    "convert": (conversion, ""),
    "diff": (lambda folder: edgekit.diff(run_in(folder), folder, fail_on="flash:+2%"), "diff"),
    "emit": (lambda folder: edgekit.emit(model_in(folder), out=folder / "c", vectors=0), ""),
    "explain": (lambda folder: edgekit.explain(model_in(folder), data="random"), "explain"),
    "inspect": (lambda folder: edgekit.inspect(model_in(folder)), "inspect"),
    "plan": (plan_of, "plan"),
    "reproduce": (reproduction, "reproduce"),
    "sensitivity": (sensitivity, "sensitivity"),
    "shrink": (lambda folder: edgekit.shrink(model_in(folder)), ""),
    "verify": (lambda folder: edgekit.verify(model_in(folder), data="random"), "verify"),
}
SHOWN = {
    **RESULTS,
    "build": (run_in, ""),
    "build of a stranger's": (lambda folder: run_in(folder, manifests.hostile()), ""),
    "build of many": (lambda folder: run_in(folder, manifests.large()), ""),
    "target": (lambda _: edgekit.target(BOARD), ""),
    "dependency": (lambda _: edgekit.doctor()[5], ""),
    "point": (lambda _: comparison_points.varied().results[0], ""),
}


@pytest.mark.parametrize("name", SHOWN)
def test_a_result_fits_a_screen(name: str, tmp_path: Path) -> None:
    lines = repr(SHOWN[name][0](tmp_path)).split("\n")
    assert len(lines) <= 10
    wide = 80 if name != "dependency" else 160
    assert all(len(line) <= wide and line.isprintable() for line in lines), lines
    assert not any("b'" in line or "array(" in line for line in lines)


@pytest.mark.parametrize("name", [name for name, (_, schema) in RESULTS.items() if schema])
def test_a_result_is_saved_as_its_command_prints_it(name: str, tmp_path: Path) -> None:
    make, schema = RESULTS[name]
    make(tmp_path).save(tmp_path / "saved" / "result.json")
    document = json.loads((tmp_path / "saved" / "result.json").read_text())
    assert document["schema"] == f"edgekit.{schema}/1"


@pytest.mark.parametrize(
    "typed", ["verify MODEL --data random", "check MODEL --target nano-33-ble"]
)
def test_the_saved_is_the_printed(
    typed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = model_in(tmp_path)
    assert command([*typed.replace("MODEL", str(model)).split(), "--json"]) == 0
    result = RESULTS[typed.split(maxsplit=1)[0]][0](tmp_path)
    result.save(str(tmp_path / "result.json"))
    assert (tmp_path / "result.json").read_text() == capsys.readouterr().out


def test_a_file_s_bytes_are_its_content(tmp_path: Path) -> None:
    model = model_in(tmp_path)
    before = set(tmp_path.iterdir())
    shrunk = edgekit.shrink(model)
    assert set(tmp_path.iterdir()) == before  # nothing is written that is not asked for
    made = conversion(tmp_path)
    run = run_in(tmp_path)
    for result in (shrunk, made, run):
        result.save(tmp_path / "saved" / "copy.tflite")
        assert (tmp_path / "saved" / "copy.tflite").read_bytes() == result.content
    edgekit.shrink(model_in(tmp_path, name="again"), out=tmp_path / "small.tflite")
    assert (tmp_path / "small.tflite").read_bytes() == shrunk.content


def test_what_was_emitted_is_saved_elsewhere(tmp_path: Path) -> None:
    emission = edgekit.emit(model_in(tmp_path), out=tmp_path / "c", vectors=0)
    assert len(repr(emission.files[0])) <= 80
    emission.save(tmp_path / "d")
    names = {path.name for path in (tmp_path / "c").iterdir()}
    assert names == {path.name for path in (tmp_path / "d").iterdir()}
    (tmp_path / "e").mkdir()
    (tmp_path / "e" / "mine.c").touch()
    with pytest.raises(edgekit.UsageError, match=r"mine\.c"):
        emission.save(tmp_path / "e")


def test_a_run_has_attributes(tmp_path: Path) -> None:
    manifest = manifests.passing()
    run = run_in(tmp_path, manifest)
    assert run.manifest is manifest
    assert run.name == manifest["name"]
    assert run.accuracy is not None
    assert (run.accuracy.float_, run.accuracy.int8) == (
        manifest["accuracy"]["float"],
        manifest["accuracy"]["int8"],
    )
    assert run.sparsity == manifest["sparsity"]
    assert [item.target for item in run.targets] == [each["target"] for each in manifest["targets"]]
    assert run.targets[0].flash_bytes is not None
    assert run.targets[0].flash_bytes.value == manifest["targets"][0]["flash_bytes"]["value"]
    assert [item.gate for item in run.findings] == [each["gate"] for each in manifest["findings"]]
    assert list(run.warnings) == manifest.get("warnings", [])
    assert [item.path for item in run.files] == [each["path"] for each in manifest["files"]]
    assert run.model is not None
    assert run.model.bytes == manifest["model"]["bytes"]
    assert run.model_path == tmp_path / "model.tflite"
    assert run.report_path == tmp_path / "report.html"
    assert run.stages[0].name == "load"


def test_what_a_second_build_showed_is_a_finding(tmp_path: Path) -> None:
    from dataclasses import replace

    again = edgekit.Finding(gate="reproducible", passed=False, message="differs")
    run = replace(run_in(tmp_path), reproducible=again)
    assert run.findings[-1] == again
    assert "1 missed" in repr(run)


def test_a_report_and_a_difference_take_a_run_or_its_path(tmp_path: Path) -> None:
    run = run_in(tmp_path)
    for form in ("text", "html", "json", "markdown", "junit", "github"):
        assert edgekit.report(run, form=form) == edgekit.report(str(tmp_path), form=form)
    assert (
        edgekit.report(run, form="json", out=tmp_path / "r.json")
        == (tmp_path / "r.json").read_text()
    )
    with pytest.raises(edgekit.UsageError) as caught:
        edgekit.report(run, form="htm")
    assert caught.value.hint == "did you mean 'html'?"
    with pytest.raises(edgekit.UsageError, match="stays as it is"):
        edgekit.report(run, out=tmp_path / "manifest.json")
    assert edgekit.diff(run, tmp_path, fail_on="model:+0%").passed


def test_a_difference_that_is_not_allowed(tmp_path: Path) -> None:
    larger = manifests.passing()
    larger["model"]["bytes"] *= 2
    after = edgekit.Run(directory=tmp_path, manifest=larger, stages=(), passed=True)
    found = edgekit.diff(run_in(tmp_path), after, fail_on="model:+2%")
    assert not found.passed
    assert "FAILED" in repr(found)


def test_a_drop_is_a_finding_of_verify(tmp_path: Path) -> None:
    """The float model is right on every sample, and the integer model on none."""
    builder = GraphBuilder((1, 8), seed=3)
    path, plain, data = (tmp_path / name for name in ("net.tflite", "plain.npz", "vectors.npz"))
    path.write_bytes(builder.build(builder.fully_connected(builder.input, 3)))
    inputs = np.random.default_rng(0).normal(size=(20, 8)).astype(np.float32)
    np.savez(plain, x=inputs)
    held = edgekit.verify(path, data=str(plain))
    assert held.passed
    assert {item.gate for item in held.findings} >= {"runs on litert", "runs on tflite-micro"}
    labels = (held.outputs["litert"].reshape(20, -1).argmax(axis=1) + 1) % 3
    right = np.eye(3, dtype=np.float32)[labels]
    shape = held.outputs["litert"].shape
    np.savez(data, inputs=inputs, labels=labels, float_outputs=right.reshape(shape))
    missed = edgekit.verify(path, data=str(data), accuracy_drop=0.5)
    assert not missed.passed
    assert {item.value.value for item in missed.findings if item.value} == {1.0}
    assert "accuracy_drop" in repr(missed)
    assert edgekit.verify(path, data=str(data), accuracy_drop=1.0).passed
    with pytest.raises(edgekit.InputError, match="accuracy_drop has nothing"):
        edgekit.verify(path, data=str(plain), accuracy_drop=0.1)
    with pytest.raises(edgekit.EdgekitError, match="accuracy_drop"):
        edgekit.verify(path, data=str(data), accuracy_drop=-1.0)


def test_targets_are_functions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_in(tmp_path)
    assert edgekit.targets() == all_targets()
    ranked = edgekit.targets(fits=model)
    assert {item.target for item in ranked} == {item.name for item in all_targets()}
    assert [item.fits for item in ranked] == sorted((item.fits for item in ranked), reverse=True)
    assert edgekit.target(BOARD).name == BOARD
    (tmp_path / "board.toml").write_text("name = 1\n")
    problems = edgekit.lint_targets((BOARD, str(tmp_path / "board.toml")))
    assert [bool(found) for found in problems.values()] == [False, True]
    with pytest.raises(edgekit.EdgekitError, match="names"):
        edgekit.lint_targets(BOARD)  # type: ignore[arg-type]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "times.csv").write_text("model,latency_ms\nmodel.tflite,12.5\n")
    made = edgekit.calibrate_target(BOARD, measurements="times.csv")
    assert edgekit.target(str(made.path)).latency is not None
    assert len(repr(made).split("\n")) <= 10


def test_a_target_is_spelled_as_manifests_of_0_1_digest_it() -> None:
    """A rebuild is held against the digest in its manifest: of what a dataclass calls itself."""
    from dataclasses import make_dataclass

    target = edgekit.target("nucleo-l4r5zi")
    names = tuple(type(target).__dataclass_fields__)
    plain = make_dataclass("Target", names)(*(getattr(target, name) for name in names))
    assert target.spelled == repr(plain)


def test_nothing_is_saved_where_nothing_was_emitted(tmp_path: Path) -> None:
    builder = GraphBuilder((1, 512, 512, 8), seed=1)
    path = tmp_path / "large.tflite"
    path.write_bytes(builder.build(builder.conv(builder.input, 8, kernel=3)))
    emission = edgekit.emit(path, out=tmp_path / "c", target=BOARD, vectors=0)
    assert not emission.passed
    with pytest.raises(edgekit.UsageError, match="nothing was emitted"):
        emission.save(Path(tempfile.mkdtemp(dir=tmp_path)) / "d")
