"""Builds that begin with a float `.tflite`: no TensorFlow, and LiteRT's answers as the reference.

The network has the traits of what exporters write: no signature, a batch that is not fixed, and
the transpose that PyTorch's order of dimensions leaves behind.
"""

import contextlib
import json
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from graphs import GraphBuilder

import edgekit
from edgekit.cli import run
from edgekit.model.edit import with_main
from edgekit.model.file import ModelFile
from edgekit.model.float_twin import float_twin
from edgekit.model.reader import Model, read
from edgekit.model.writer import write
from edgekit.numerics.integers import quantize
from edgekit.runtimes import litert, tflm
from edgekit.runtimes.process import Progress, silent
from edgekit.runtimes.real import real_outputs

RNG = np.random.default_rng(6)
SAMPLES = RNG.normal(0, 1, (120, 3, 8, 8)).astype(np.float32)  # channels first


def network() -> Model:
    builder = GraphBuilder((1, 3, 8, 8), seed=9)
    x = builder.transpose(builder.input, (0, 2, 3, 1))
    x = builder.conv(x, 6, kernel=3, stride=2, activation="relu")
    x = builder.average_pool(x, size=4)
    model = float_twin(builder.model(builder.fully_connected(builder.reshape(x, (1, 6)), 4)))
    tensors = tuple(
        replace(item, shape_signature=(-1, *item.shape[1:])) if item.data is None else item
        for item in model.main.tensors
    )
    return with_main(model, replace(model.main, tensors=tensors))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    content = write(network())
    Path("net.tflite").write_bytes(content)
    (outputs,) = litert.run(ModelFile.of(content), (SAMPLES,))
    np.savez("data.npz", x=SAMPLES, y=outputs.argmax(axis=1))
    return tmp_path


def manifest(name: str = "net") -> dict:
    return json.loads(Path(f"build/{name}/manifest.json").read_text())


@pytest.mark.usefixtures("folder")
def test_a_float_file_is_built_and_held_against_its_own_answers() -> None:
    arguments = ["build", "net.tflite", "--data", "data.npz", "--target", "nano-33-ble"]
    assert run(arguments) == 0
    found = manifest()
    assert found["accuracy"]["float"] == 1.0  # the labels are its own answers
    assert found["accuracy"]["int8"] >= 0.9
    assert found["model"]["fully_integer"] is True
    assert found["targets"][0]["runs"] is True
    assert found["warnings"] == []
    names = [stage["name"] for stage in found["stages"]]
    assert names[:4] == ["load", "data", "predict", "convert"]
    indices = found["data"]["calibration_indices"]
    kept = np.load("build/net/stages/data/calibration.npy")
    assert np.array_equal(kept, SAMPLES[indices])
    assert len(set(indices)) == found["data"]["calibration_samples"]
    with np.load("build/net/vectors.npz") as vectors:
        (wanted,) = litert.run(ModelFile.of(Path("net.tflite").read_bytes()), (vectors["inputs"],))
        assert np.array_equal(vectors["float_outputs"], wanted)
        assert_selftest_of(Path("build/net/stages/emit"), vectors["inputs"][:4])


def assert_selftest_of(emitted: Path, real: np.ndarray) -> None:
    """The firmware tests itself with these samples, and TFLite-Micro's own answers to them."""
    content = Path("build/net/model.tflite").read_bytes()
    (entry,) = read(content).main.inputs
    grid = read(content).main.tensors[entry].quantization
    assert grid is not None
    stored = quantize(real, scale=grid.scales[0], zero_point=grid.zero_points[0], dtype="int8")
    (outputs,) = tflm.run(ModelFile.of(content), (stored,))
    header = (emitted / "net_vectors.h").read_text()
    assert f"#define NET_VECTOR_COUNT {len(real)}\n" in header
    assert f"#define NET_VECTORS_CRC32 0x{zlib.crc32(outputs.tobytes()):08x}u\n" in header


@pytest.mark.usefixtures("folder")
def test_a_project_of_a_float_file_names_calibration_and_correction() -> None:
    Path("edgekit.toml").write_text(
        '[model]\nsource = "net.tflite"\n[data]\nsource = "data.npz"\n'
        '[quantize]\ncalibration = "mse"\nbias_correction = true\n'
    )
    assert run(["build"]) == 0
    found = manifest()
    assert found["options"]["quantize"]["calibration"] == "mse"
    correction = found["bias_correction"]
    with np.load("build/net/vectors.npz") as vectors:
        inputs, labels = vectors["inputs"], vectors["labels"]
    for stage, key in (("convert", "before"), ("correct", "after")):
        content = Path(f"build/net/stages/{stage}/model.tflite").read_bytes()
        classes = real_outputs("litert", ModelFile.of(content), inputs).argmax(axis=1)
        assert correction[key] == pytest.approx(np.mean(classes == labels))
    assert (correction["metric"], correction["samples"]) == ("accuracy", len(labels))
    assert [item["op"] for item in correction["layers"]] == ["CONV_2D", "FULLY_CONNECTED"]
    assert correction["left"] == []


@pytest.mark.usefixtures("folder")
def test_a_limit_on_accuracy_is_missed_where_no_label_can_tell_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    np.savez("data.npz", x=SAMPLES)
    least = '[model]\nsource = "net.tflite"\n[data]\nsource = "data.npz"\n'
    Path("edgekit.toml").write_text(least)
    assert run(["build"]) == 0
    assert "The data have no labels: no accuracy is claimed." in capsys.readouterr().out
    Path("edgekit.toml").write_text(least + "[limits]\naccuracy_drop = 0.01\n")
    assert run(["build"]) == 1
    told = capsys.readouterr().out
    assert "accuracy_drop has nothing to be held against: the data have no labels" in told
    assert "report: build/net/report.html" in told


def test_an_outlier_among_the_calibration_samples_is_told(folder: Path) -> None:
    assert run(["build", "net.tflite", "--data", "data.npz"]) == 0
    place = manifest()["data"]["calibration_indices"][3]
    with np.load("data.npz") as data:
        x, y = data["x"], data["y"]
    x[place] *= 100
    np.savez("data.npz", x=x, y=y)
    out = folder / "out.tflite"
    found = edgekit.convert("net.tflite", data="data.npz", out=out, calibration="entropy")
    (sentence,) = found.warnings
    assert f"calibration sample 3 (number {place} of the data) alone" in sentence
    assert found.inspection.inputs[0].scale * 255 < 20  # and it is clipped


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("[prune]\nsparsity = 0.5", "cannot be trained, which [prune] asks for"),
        ('[quantize]\nmethod = "qat"', 'which quantize.method = "qat" asks for'),
        ("[train]\nepochs = 3\n[prune]\nsparsity = 0.5", "which train.epochs, [prune] ask for"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_training_is_refused_by_name(
    lines: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    head = '[model]\nsource = "net.tflite"\n[data]\nsource = "data.npz"\n'
    Path("edgekit.toml").write_text(head + lines + "\n")
    assert run(["build"]) == 4
    assert words in " ".join(capsys.readouterr().err.split())


@pytest.mark.usefixtures("folder")
def test_an_integer_file_is_shown_where_to_go(capsys: pytest.CaptureFixture[str]) -> None:
    edgekit.convert("net.tflite", data="data.npz", out=Path("int8.tflite"))
    capsys.readouterr()
    assert run(["build", "int8.tflite", "--data", "data.npz"]) == 4
    told = " ".join(capsys.readouterr().err.split())
    assert "quantized already" in told
    assert "edgekit check int8.tflite --target T" in told


@pytest.mark.usefixtures("folder")
def test_a_file_that_is_not_there_is_the_users(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["build", "other.tflite", "--data", "data.npz"]) == 3
    assert "other.tflite: no such file" in capsys.readouterr().err


@pytest.mark.usefixtures("folder")
def test_finished_stages_are_reused() -> None:
    seen: list[str] = []

    def watch(stage: str) -> "contextlib.nullcontext[Progress]":
        seen.append(stage)
        return contextlib.nullcontext(silent)

    first = edgekit.build("net.tflite", data="data.npz", watch=watch)
    assert {"load", "data", "predict", "convert"} < set(seen)
    seen.clear()
    again = edgekit.build("net.tflite", data="data.npz", watch=watch)
    assert seen == []
    assert again.manifest["files"] == first.manifest["files"]


@pytest.mark.usefixtures("folder")
def test_a_build_for_phones_alone_needs_no_tflite_micro(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgekit.runtimes.tflm.find_spec", lambda _: None)
    arguments = ["build", "net.tflite", "--data", "data.npz", "--target"]
    assert run([*arguments, "nano-33-ble", "--out", "board"]) == 5
    assert run([*arguments, "pixel-4"]) == 0
    found = manifest()
    assert [item["runtime"] for item in found["verification"]["runtimes"]] == ["litert"]
    assert found["shrink"]["runtimes"] == ["litert"]
    assert found["shrink"]["vectors"] == 1000
    assert sorted(item["path"] for item in found["files"]) == ["model.tflite", "vectors.npz"]
