"""Recurrent layers: the converter crashes on their loops, so they are written out before it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.model.integer import require_integer
from edgekit.model.reader import read
from edgekit.numerics.integers import dequantize, quantize
from edgekit.runtimes import tflm
from edgekit.runtimes.process import Worker, silent
from edgekit.training.converter import convert
from edgekit.training.export import export
from edgekit.training.files import save_model

pytestmark = pytest.mark.train


@pytest.mark.parametrize("kind", ["LSTM", "SimpleRNN"])
def test_a_recurrent_layer_runs_in_integers(tf_keras: Any, tmp_path: Path, kind: str) -> None:
    tf_keras.utils.set_random_seed(0)
    layers = tf_keras.layers
    given = tf_keras.Input((12, 4))
    model = tf_keras.Model(given, layers.Dense(3)(getattr(layers, kind)(8)(given)))
    save_model(model, tmp_path / "model.h5")
    export(silent, tmp_path / "model.h5", out=tmp_path / "saved")
    samples = np.random.default_rng(0).uniform(-1, 1, (50, 12, 4)).astype(np.float32)
    with Worker("the TFLite converter") as worker:
        content = worker.call(convert, silent, tmp_path / "saved", samples)
    found = read(content)
    require_integer(found)
    source, sink = (
        found.main.tensors[index].quantization
        for index in (found.main.inputs[0], found.main.outputs[0])
    )
    assert source is not None
    assert sink is not None
    stored = quantize(
        samples, scale=float(source.scales[0]), zero_point=int(source.zero_points[0]), dtype="int8"
    )
    with tflm.Session() as session:
        (outputs,) = session.run(content, (stored,))
    real = dequantize(outputs, scale=float(sink.scales[0]), zero_point=int(sink.zero_points[0]))
    expected = np.asarray(model(samples))
    # within a tenth of the outputs' range: eight bits, twelve steps one after the other
    assert np.abs(real - expected).max() < 0.1 * np.ptp(expected)


def test_both_directions_are_written_out(tf_keras: Any) -> None:
    from edgekit.training.load.lower import unroll

    layers = tf_keras.layers
    given = tf_keras.Input((5, 3))
    model = tf_keras.Model(given, layers.Bidirectional(layers.GRU(4))(given))
    batch = np.random.default_rng(0).normal(size=(3, 5, 3)).astype(np.float32)
    again = unroll(model)
    assert again.layers[1].forward_layer.unroll
    assert again.layers[1].backward_layer.unroll
    np.testing.assert_allclose(again(batch), model(batch), rtol=1e-5, atol=1e-6)
