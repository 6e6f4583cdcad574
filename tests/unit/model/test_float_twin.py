from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from graphs import GraphBuilder

from edgekit.errors import InputError
from edgekit.model.edit import with_main
from edgekit.model.float_twin import (
    INPUT,
    float_twin,
    real_values,
    rounded_at,
    stored_input,
    with_weights_of,
)
from edgekit.model.reader import Model, read
from edgekit.model.writer import write
from edgekit.numerics.integers import dequantize, quantize
from edgekit.runtimes import litert

Run = Callable[[Model, np.ndarray], np.ndarray]
RNG = np.random.default_rng(5)


def dense() -> Model:
    builder = GraphBuilder((1, 12), seed=2)
    return builder.model(builder.fully_connected(builder.input, 5))


@pytest.fixture(scope="module")
def run(light: litert.Session) -> Run:
    return lambda model, inputs: light.run(write(model), (inputs,))[0]


def test_the_twin_computes_with_the_numbers_that_the_integers_stand_for(run: Run) -> None:
    model = dense()
    x, w, b = (model.main.tensors[index] for index in model.main.operators[0].inputs)
    inputs = RNG.normal(0, 2, (7, 12)).astype(np.float32)
    weights = w.values() * w.quantization.scales.astype(np.float64)
    bias = b.values() * w.quantization.scales.astype(np.float64) * x.quantization.scales[0]
    assert run(float_twin(model), inputs) == pytest.approx(inputs @ weights.T + bias, rel=1e-5)


def test_rounding_one_operator_rounds_its_output_alone(run: Run) -> None:
    model = dense()
    twin = float_twin(model)
    inputs = RNG.normal(0, 2, (7, 12)).astype(np.float32)
    made = model.main.tensors[model.main.outputs[0]].quantization
    grid = {"scale": made.scales, "zero_point": made.zero_points}
    expected = dequantize(quantize(run(twin, inputs), dtype="int8", **grid), **grid)
    # LiteRT's optimized QUANTIZE may take the other neighbour of a halfway point.
    assert run(rounded_at(twin, model, 0), inputs) == pytest.approx(expected, rel=1e-5)
    entry = model.main.tensors[0].quantization
    grid = {"scale": entry.scales, "zero_point": entry.zero_points}
    rounded = dequantize(quantize(inputs, dtype="int8", **grid), **grid)
    assert run(rounded_at(twin, model, INPUT), inputs) == pytest.approx(
        run(twin, rounded), rel=1e-4, abs=1e-5
    )


def test_a_reference_brings_its_weights_and_rounding_takes_them_back() -> None:
    model = dense()
    twin = float_twin(model)
    place = twin.main.operators[0].inputs[1]
    tensors = list(twin.main.tensors)
    finer = tensors[place].values() * np.float32(1.01)
    tensors[place] = replace(tensors[place], data=finer.tobytes())
    reference = with_main(twin, replace(twin.main, tensors=tuple(tensors)))
    fine = with_weights_of(twin, read(write(reference)))
    assert np.array_equal(fine.main.tensors[place].values(), finer)
    weights = {item.name: item for item in rounded_at(fine, model, 0).main.tensors}
    name = twin.main.tensors[place].name
    assert weights[name].data == twin.main.tensors[place].data


def test_another_graph_is_no_reference() -> None:
    builder = GraphBuilder((1, 12))
    other = builder.model(builder.softmax(builder.fully_connected(builder.input, 5)))
    with pytest.raises(InputError, match=r"other operators than the model \(2 and 1\)"):
        with_weights_of(float_twin(dense()), float_twin(other))
    builder = GraphBuilder((1, 13))
    wider = builder.model(builder.fully_connected(builder.input, 5))
    with pytest.raises(InputError, match=r"shape \(5, 13\), where .* has \(5, 12\)"):
        with_weights_of(float_twin(dense()), float_twin(wider))


def test_quantize_inside_is_gone_and_a_float_input_becomes_integers_behind_it(run: Run) -> None:
    builder = GraphBuilder((1, 12), seed=2)
    inner = builder.quantize(builder.input, quantization=(0.04, 5))
    model = builder.model(builder.fully_connected(inner, 5))
    assert [item.op for item in float_twin(model).main.operators] == ["FULLY_CONNECTED"]
    tensors = list(model.main.tensors)
    tensors[0] = replace(tensors[0], dtype="float32", quantization=None)
    floating = with_main(model, replace(model.main, tensors=tuple(tensors)))
    entry = stored_input(floating)
    assert entry is not None
    assert entry.index == inner
    inputs = RNG.normal(0, 2, (7, 12)).astype(np.float32)
    twin = float_twin(floating)
    rounded = quantize(inputs, scale=0.04, zero_point=5, dtype="int8")
    assert run(rounded_at(twin, floating, INPUT), inputs) == pytest.approx(
        run(twin, real_values(rounded, entry)), rel=1e-4, abs=1e-5
    )
