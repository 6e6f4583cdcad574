"""The noise of each operator, against TFLite-Micro's integers and NumPy's real numbers."""

import math

import numpy as np
import pytest
from graphs import GraphBuilder

from edgekit.explanation.noise import noise
from edgekit.flatbuffer.model import read
from edgekit.flatbuffer.values import Tensor
from edgekit.process import silent
from edgekit.runtimes import tflm


def test_the_noise_of_a_fully_connected_layer_is_that_of_its_integers() -> None:
    builder = GraphBuilder((1, 12), seed=5)
    content = builder.build(builder.fully_connected(builder.input, 6))
    graph = read(content).main
    source, weights, bias, sink = (
        graph.tensors[index] for index in (*graph.operators[0].inputs, *graph.operators[0].outputs)
    )
    inputs = np.random.default_rng(1).uniform(-5, 5, (40, 12)).astype(np.float32)

    def scale(tensor: Tensor) -> float:
        return float(tensor.quantization.scales[0])

    zero = int(source.quantization.zero_points[0])
    stored = np.clip(np.round(inputs / scale(source)) + zero, -128, 127).astype(np.int8)
    with tflm.Session() as session:
        (integers,) = session.run(content, (stored,))
    real = inputs @ (np.frombuffer(weights.data, np.int8).reshape(weights.shape) * scale(weights)).T
    real += np.frombuffer(bias.data, np.int32) * scale(bias)
    found = (integers.astype(np.float64) - int(sink.quantization.zero_points[0])) * scale(sink)
    expected = 10 * math.log10(np.sum(real**2) / np.sum((real - found) ** 2))

    entry, layer = noise(content, inputs, progress=silent)
    assert (entry.op, layer.op, layer.index) == ("INPUT", "FULLY_CONNECTED", 0)
    assert layer.sqnr_db == pytest.approx(expected, abs=0.05)
    assert entry.sqnr_db is not None
    assert entry.sqnr_db > layer.sqnr_db


def test_a_model_of_two_inputs_has_no_lines() -> None:
    builder = GraphBuilder((1, 4))
    other = builder.add_input((1, 4))
    content = builder.build(builder.add(builder.input, other))
    assert noise(content, np.zeros((2, 4), np.float32), progress=silent) == ()
