"""Networks trained for few bits a weight: what was trained is what the file computes with."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.cli import run
from edgekit.data.reference import Vectors
from edgekit.data.samples import load_held_out
from edgekit.model.file import ModelFile
from edgekit.model.reader import Model, Tensor, read
from edgekit.model.writer import write
from edgekit.numerics.integers import dequantize
from edgekit.quantization.coarse_weights import coarsened, simulated_weights
from edgekit.runtimes.process import Worker, silent
from edgekit.specs import DataSpec, QuantizeSpec, TrainSpec
from edgekit.training.aware.quantize import quantize_aware
from edgekit.training.context import TrainingContext
from edgekit.training.converter import convert
from edgekit.training.export import export
from edgekit.training.fit import train
from edgekit.training.load.load import load
from edgekit.verification.verify import verify

pytestmark = pytest.mark.train

DATA = DataSpec(source="data.npz")
TRAIN = TrainSpec(epochs=6)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, keras3: Any) -> Path:
    """A trained network that says which quarter of a noisy picture is the brightest."""
    folder = tmp_path_factory.mktemp("lowbit")
    generator = np.random.default_rng(0)
    labels = np.arange(600) % 4
    images = generator.normal(0, 0.4, (600, 8, 8)).astype(np.float32)
    for image, label in zip(images, labels, strict=True):
        row, column = divmod(label, 2)
        image[4 * row : 4 * row + 4, 4 * column : 4 * column + 4] += 0.7
    np.savez(folder / "data.npz", x=images, y=labels)
    keras3.utils.set_random_seed(0)
    layers = keras3.layers
    model = keras3.Sequential(
        [
            keras3.Input((8, 8, 1)),
            layers.Conv2D(8, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.DepthwiseConv2D(3, strides=2, activation="relu"),
            layers.Flatten(),
            layers.Dense(16, activation="relu"),
            layers.Dense(4, activation="softmax"),
        ]
    )
    model.save(folder / "model.keras")
    load(silent, "model.keras", directory=folder, out=folder)
    common: dict[str, Any] = {"data": DATA, "directory": folder, "seed": 0}
    train(
        silent,
        folder / "model.h5",
        out=folder / "trained.h5",
        context=TrainingContext(loss="", train=TRAIN, **common),
    )
    return folder


@pytest.fixture(scope="module")
def converter() -> Any:
    with Worker("the TFLite converter") as worker:
        yield worker


def trained(folder: Path, spec: QuantizeSpec, converter: Worker) -> Model:
    """Return the int8 file of a training for ``spec``, before its weights are made coarser."""
    quantize_aware(
        silent,
        folder / "trained.h5",
        spec=spec,
        out=folder / "saved",
        context=TrainingContext(loss="", train=TRAIN, data=DATA, directory=folder, seed=0),
    )
    calibration = held_out(folder).x_calibration
    return read(converter.call(convert, silent, folder / "saved", calibration))


def accuracies(folder: Path, model: Model) -> list[float]:
    """Return the scores on 120 samples, in LiteRT and in TFLite-Micro."""
    samples = held_out(folder)
    vectors = Vectors(inputs=samples.x_validation, labels=samples.y_validation)
    scores = [item.score for item in verify(ModelFile.of(write(model)), vectors).runtimes]
    return [item.value for item in scores if item is not None]


def held_out(folder: Path) -> Any:
    return load_held_out(
        silent, DATA, directory=folder, input_shape=(8, 8, 1), output_shape=(4,), seed=0
    )


def kernels(model: Model) -> list[Tensor]:
    ops = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
    return [model.main.tensors[item.inputs[1]] for item in model.main.operators if item.op in ops]


def real(tensor: Tensor) -> "np.ndarray":
    made = tensor.quantization
    assert made is not None
    axis = made.axis if made.scales.size > 1 else None
    return dequantize(tensor.values(), scale=made.scales, zero_point=0, axis=axis)


def test_weights_trained_in_four_bits_are_the_file_s(folder: Path, converter: Worker) -> None:
    spec = QuantizeSpec(method="qat", epochs=1, scheme="int4")
    before = trained(folder, spec, converter)
    after = coarsened(before, spec).model
    assert [item.dtype for item in kernels(after)] == 4 * ["int4"]
    for eight, four in zip(kernels(before), kernels(after), strict=True):
        # 7 steps of four bits are 127 of eight: a trained level lies at most half a step of the
        # latter beside one of them, and the way back finds it.
        steps = eight.quantization
        assert steps is not None
        axis = [1] * len(eight.shape)
        axis[steps.axis] = -1
        assert np.all(np.abs(real(eight) - real(four)) <= 0.501 * steps.scales.reshape(axis))
    assert accuracies(folder, after) == pytest.approx(accuracies(folder, before), abs=0.02)


def test_one_bit_is_trained_better_than_rounded(folder: Path, converter: Worker) -> None:
    spec = QuantizeSpec(method="qat", epochs=6, simulate="binary")
    before = trained(folder, spec, converter)
    after = coarsened(before, spec).model
    for eight, one in zip(kernels(before), kernels(after), strict=True):
        assert set(np.unique(one.values())) == {-1, 1}
        assert real(one) == pytest.approx(real(eight), rel=1e-5)
    export(silent, folder / "trained.h5", out=folder / "plain")
    calibration = held_out(folder).x_calibration
    plain = read(converter.call(convert, silent, folder / "plain", calibration))
    rounded = simulated_weights(plain, "binary").model
    assert min(accuracies(folder, after)) > max(accuracies(folder, rounded)) + 0.1


def test_float8_weights_lie_in_a_float_file(folder: Path, converter: Worker) -> None:
    spec = QuantizeSpec(simulate="fp8")
    export(silent, folder / "trained.h5", out=folder / "plain")
    content = converter.call(
        convert, silent, folder / "plain", held_out(folder).x_calibration, scheme=spec.converted
    )
    model = coarsened(read(content), spec).model
    assert {item.dtype for item in kernels(model)} == {"float32"}
    for before, after in zip(kernels(read(content)), kernels(model), strict=True):
        error = np.abs(before.values() - after.values())
        assert np.all(error <= np.abs(before.values()) / 16 + 1e-3)  # half of the last of 3 bits
    assert accuracies(folder, model) == pytest.approx(accuracies(folder, read(content)), abs=0.02)


def test_a_build_says_that_two_bits_are_simulated(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    (folder / "edgekit.toml").write_text(
        '[model]\nsource = "trained.h5"\nname = "net"\n[data]\nsource = "data.npz"\n'
        '[quantize]\nsimulate = "int2"\n'
    )
    assert run(["build", ".", "--out", "run", "--json"]) == 0
    capsys.readouterr()
    manifest = json.loads((folder / "run" / "manifest.json").read_text())
    assert manifest["simulated"]["precision"] == "int2"
    packed = manifest["simulated"]["packed_bytes"]
    assert packed["kind"] == "predicted"
    stored = kernels(read((folder / "run" / "model.tflite").read_bytes()))
    weights = sum(item.elements for item in stored)
    assert packed["value"] == pytest.approx(manifest["model"]["bytes"] - 0.75 * weights, abs=4)
    assert "int2 weights are simulated" in " ".join(manifest["warnings"])
    assert {value for item in stored for value in np.unique(item.values())} == {-1, 0, 1}
