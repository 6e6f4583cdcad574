"""The noise of each operator, against TFLite-Micro's integers and NumPy's real numbers."""

import math
from dataclasses import replace

import numpy as np
import pytest
from graphs import GraphBuilder

from edgekit.data.reference import Vectors
from edgekit.errors import UnsupportedModelError
from edgekit.explanation.explain import explain
from edgekit.explanation.noise import noise
from edgekit.model.edit import with_main
from edgekit.model.file import ModelFile
from edgekit.model.reader import read
from edgekit.model.values import Tensor
from edgekit.model.writer import write
from edgekit.runtimes import tflm
from edgekit.runtimes.process import silent


def test_the_noise_of_a_fully_connected_layer_is_that_of_its_integers(
    micro: tflm.Session,
) -> None:
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
    (integers,) = micro.run(content, (stored,))
    real = inputs @ (np.frombuffer(weights.data, np.int8).reshape(weights.shape) * scale(weights)).T
    real += np.frombuffer(bias.data, np.int32) * scale(bias)
    found = (integers.astype(np.float64) - int(sink.quantization.zero_points[0])) * scale(sink)
    expected = 10 * math.log10(np.sum(real**2) / np.sum((real - found) ** 2))

    entry, layer = noise(ModelFile.of(content), inputs, progress=silent)
    assert (entry.op, layer.op, layer.index) == ("INPUT", "FULLY_CONNECTED", 0)
    assert layer.sqnr_db == pytest.approx(expected, abs=0.05)
    assert entry.sqnr_db is not None
    assert entry.sqnr_db > layer.sqnr_db


def test_a_model_of_two_inputs_has_no_lines() -> None:
    builder = GraphBuilder((1, 4))
    other = builder.add_input((1, 4))
    content = builder.build(builder.add(builder.input, other))
    assert noise(ModelFile.of(content), np.zeros((2, 4), np.float32), progress=silent) == ()


@pytest.mark.parametrize(
    ("shape", "message"),
    [((1, 6, 6, 3, 5), "is declared with the shape"), ((1, 6, 0, 3), "it holds no value")],
)
def test_a_file_whose_shapes_are_not_those_of_its_operators_is_refused(
    shape: tuple[int, ...], message: str
) -> None:
    builder = GraphBuilder((1, 6, 6, 4), seed=2)
    model = read(builder.build(builder.conv(builder.input, 3, kernel=3)))
    graph = model.main
    output = graph.outputs[0]
    tensors = list(graph.tensors)
    tensors[output] = replace(tensors[output], shape=shape)
    content = write(with_main(model, replace(graph, tensors=tuple(tensors))))
    vectors = Vectors(inputs=np.zeros((2, 6, 6, 4), np.float32))
    with pytest.raises(UnsupportedModelError, match=message):
        explain(ModelFile.of(content), vectors)


def test_a_model_without_an_output_is_refused() -> None:
    builder = GraphBuilder((1, 6, 6, 4), seed=2)
    model = read(builder.build(builder.conv(builder.input, 3)))
    content = write(replace(with_main(model, replace(model.main, outputs=())), signatures=()))
    with pytest.raises(UnsupportedModelError, match="has no output"):
        explain(ModelFile.of(content), Vectors(inputs=np.zeros((2, 6, 6, 4), np.float32)))


@pytest.mark.parametrize("scales", [(1e37,), (0.1, 0.2, 0.3)])
def test_activations_on_a_grid_that_no_runtime_has_are_refused(scales: tuple[float, ...]) -> None:
    """255 steps of 1e37 are 2.55e39, above the greatest float32 (3.4e38)."""
    builder = GraphBuilder((1, 6, 6, 4), seed=2)
    model = read(builder.build(builder.conv(builder.input, 3)))
    graph = model.main
    tensors = list(graph.tensors)
    made = tensors[graph.outputs[0]].quantization
    assert made is not None
    made = replace(
        made, scales=np.array(scales, np.float32), zero_points=np.zeros(len(scales), int), axis=3
    )
    tensors[graph.outputs[0]] = replace(tensors[graph.outputs[0]], quantization=made)
    content = write(with_main(model, replace(graph, tensors=tuple(tensors))))
    with pytest.raises(UnsupportedModelError, match="its grid is none"):
        explain(ModelFile.of(content), Vectors(inputs=np.zeros((2, 6, 6, 4), np.float32)))
