"""Calibration of a trained network by TensorFlow's converter, with ranges of edgekit's own."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

from edgekit.model.file import ModelFile
from edgekit.model.reader import read
from edgekit.model.writer import write
from edgekit.numerics.ranges import METHODS
from edgekit.quantization.bias_correction import correct_biases
from edgekit.quantization.calibration import calibrate
from edgekit.quantization.coarse_weights import coarsened
from edgekit.runtimes.process import Worker, silent
from edgekit.runtimes.real import real_outputs
from edgekit.specs import QuantizeSpec
from edgekit.training.calibrated_quantization import calibrated, quantized
from edgekit.training.converter import convert
from edgekit.verification.metrics import score_outputs

pytestmark = pytest.mark.train


@dataclass(frozen=True)
class Digits:
    """A network trained on digits, and what to calibrate and to test it with."""

    saved: Path
    samples: np.ndarray
    inputs: np.ndarray
    labels: np.ndarray

    def accuracy(self, content: bytes) -> float:
        return score_outputs(
            real_outputs("litert", ModelFile.of(content), self.inputs), self.labels
        ).value


@pytest.fixture(scope="module")
def digits(tf_keras: Any, tmp_path_factory: pytest.TempPathFactory) -> Digits:
    from edgekit.training.files import save_for_conversion

    data = load_digits()
    order = np.random.default_rng(0).permutation(len(data.target))
    x = (data.images[order, :, :, np.newaxis] / 16).astype(np.float32)
    y = data.target[order]
    tf_keras.utils.set_random_seed(3)
    layers = tf_keras.layers
    model = tf_keras.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Conv2D(8, 3, activation="relu"),
            layers.Conv2D(16, 3, strides=2, activation="relu"),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x[:1400], y[:1400], batch_size=32, epochs=12, verbose=0)
    saved = tmp_path_factory.mktemp("digits") / "saved"
    save_for_conversion(model, saved)
    return Digits(saved=saved, samples=x[:100], inputs=x[1400:], labels=y[1400:])


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker("the TFLite converter") as started:
        yield started


@pytest.fixture(scope="module")
def floating(digits: Digits, worker: Worker) -> bytes:
    return worker.call(calibrated, silent, digits.saved, digits.samples)


@pytest.mark.parametrize("io", ["int8", "uint8", "float32"])
def test_in_two_steps_the_converter_gives_the_file_that_it_gives_in_one(
    digits: Digits, worker: Worker, floating: bytes, io: Any
) -> None:
    once = read(worker.call(convert, silent, digits.saved, digits.samples, io=io))
    twice = read(worker.call(quantized, silent, floating, {}, io=io))
    first, second = (write(replace(item, metadata=())) for item in (once, twice))
    assert first == second  # metadata come in another order


def test_every_method_but_minmax_keeps_the_accuracy_beside_one_outlier(
    digits: Digits, worker: Worker
) -> None:
    faulty = digits.samples.copy()
    faulty[7] *= 100  # one sample of a hundred, a hundred times as large
    floating = worker.call(calibrated, silent, digits.saved, faulty)
    whole = digits.accuracy(floating)
    found = {}
    for method in METHODS:
        made = calibrate(ModelFile.of(floating), faulty, method=method, progress=silent)
        assert "calibration sample 7 alone sets the range" in made.doubts[0]
        ranges = {} if method == "minmax" else made.ranges
        found[method] = digits.accuracy(worker.call(quantized, silent, floating, ranges, io="int8"))
    assert whole > 0.93
    assert found["minmax"] < whole - 0.05
    for method in METHODS[1:]:
        assert found[method] > whole - 0.01, method


def test_the_ranges_are_in_the_file(digits: Digits, worker: Worker, floating: bytes) -> None:
    made = calibrate(ModelFile.of(floating), digits.samples, method="percentile", progress=silent)
    graph = read(worker.call(quantized, silent, floating, made.ranges, io="int8")).main
    first = graph.operators[0]
    for index in (first.inputs[0], first.outputs[0]):
        tensor = graph.tensors[index]
        assert tensor.quantization is not None
        wanted = made.ranges[tensor.name]
        scale = float(tensor.quantization.scales[0])
        assert 255 * scale == pytest.approx(wanted.high - wanted.low, rel=1e-5)


def test_bias_correction_rescues_two_bits(
    digits: Digits, worker: Worker, floating: bytes
) -> None:  # FACTS: .431 to .882 on one small network, weights per channel
    whole = read(worker.call(quantized, silent, floating, {}, io="int8"))
    content = write(coarsened(whole, QuantizeSpec(simulate="int2")).model)
    found = correct_biases(silent, ModelFile.of(content), ModelFile.of(floating), digits.samples)
    assert found.left == ()
    assert len(found.layers) == 3
    assert digits.accuracy(found.content) > digits.accuracy(content) + 0.05
