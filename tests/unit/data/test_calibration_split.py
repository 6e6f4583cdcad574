"""Which samples a finished model is run on."""

import json
from pathlib import Path

import numpy as np
import pytest
from graphs import GraphBuilder

from edgekit.cli import run
from edgekit.data.samples import load_data
from edgekit.errors import InputError
from edgekit.model.reader import read
from edgekit.specs import DataSpec

SAMPLES = 50


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with ``model.tflite``, and with data where it is right on 30 of 50 samples."""
    builder = GraphBuilder((1, 4), seed=2)
    content = builder.build(builder.fully_connected(builder.input, 3))
    (tmp_path / "model.tflite").write_bytes(content)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def labelled(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs, and the model's class for the first 30 of 50 and another for the rest."""
    inputs = np.random.default_rng(1).normal(0, 1, (SAMPLES, 4)).astype(np.float32)
    graph = read((folder / "model.tflite").read_bytes()).main
    source, weights, bias = (graph.tensors[index] for index in graph.operators[0].inputs)
    assert source.quantization is not None
    assert weights.quantization is not None
    step, zero = source.quantization.scales[0], source.quantization.zero_points[0]
    stored = np.clip(np.round(inputs / step) + zero, -128, 127)
    sums = (stored - zero) @ weights.values().T.astype(np.int64) + bias.values()
    classes = sums.argmax(axis=1)
    classes[30:] = (classes[30:] + 1) % 3
    return inputs, classes


def verified(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, object]:
    assert run(["verify", "model.tflite", "--data", "data.npz", "--json", *options]) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_all_of_x_and_y_are_scored_and_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inputs, classes = labelled(folder)
    np.savez(folder / "data.npz", x=inputs, y=classes)
    found = verified(capsys)
    runtimes = found["runtimes"]
    assert isinstance(runtimes, list)
    assert [(item["samples"], item["value"]) for item in runtimes] == [(50, 0.6), (50, 0.6)]
    assert found["data"] == "all of data.npz, which has no test set"
    assert run(["verify", "model.tflite", "--data", "data.npz"]) == 0
    assert "data: all of data.npz, which has no test set\n" in capsys.readouterr().out


def test_a_test_set_alone_is_all_that_verify_needs(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inputs, classes = labelled(folder)
    np.savez(folder / "data.npz", x_test=inputs[20:], y_test=classes[20:])
    found = verified(capsys, "--runtime", "litert")
    (score,) = found["runtimes"]  # type: ignore[misc]  # a list of one
    assert (score["samples"], score["value"]) == (30, pytest.approx(1 / 3))  # 10 of 30
    assert found["data"] == "the test set of data.npz"


def test_a_test_set_goes_before_what_a_model_was_trained_on(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inputs, classes = labelled(folder)
    np.savez(
        folder / "data.npz",
        x_train=inputs[:30], y_train=classes[:30], x_test=inputs[30:], y_test=classes[30:],
    )  # fmt: skip
    (score,) = verified(capsys, "--runtime", "litert")["runtimes"]  # type: ignore[misc]
    assert (score["samples"], score["value"]) == (20, 0.0)


def test_a_single_sample_can_be_verified(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inputs, classes = labelled(folder)
    np.savez(folder / "data.npz", x=inputs[:1], y=classes[:1])
    (score,) = verified(capsys, "--runtime", "litert")["runtimes"]  # type: ignore[misc]
    assert (score["samples"], score["value"]) == (1, 1.0)


def test_explain_takes_its_samples_from_all(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inputs, classes = labelled(folder)
    np.savez(folder / "data.npz", x=inputs, y=classes)
    assert run(["explain", "model.tflite", "--data", "data.npz", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["samples"], found["integer"]["value"]) == (50, 0.6)
    assert found["data"] == "all of data.npz, which has no test set"


def test_a_build_needs_more_than_a_test_set(folder: Path) -> None:
    inputs, classes = labelled(folder)
    np.savez(folder / "data.npz", x_test=inputs, y_test=classes)
    with pytest.raises(InputError, match=r"data.npz: has a test set, and no samples to calibrate"):
        load_data(DataSpec(source="data.npz"), directory=folder, input_shape=(4,), seed=0)
