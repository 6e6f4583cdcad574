"""Biases that were spoiled by a known amount come back; the rest is said to be left."""

from dataclasses import replace

import numpy as np
import pytest
from graphs import GraphBuilder

from edgekit.errors import UnsupportedModelError
from edgekit.model.edit import with_main
from edgekit.model.file import ModelFile
from edgekit.model.float_twin import float_twin
from edgekit.model.reader import Model, Operator, read
from edgekit.model.writer import write
from edgekit.quantization.bias_correction import correct_biases
from edgekit.runtimes.process import silent
from edgekit.runtimes.real import real_outputs

RNG = np.random.default_rng(8)
SAMPLES = RNG.normal(0, 2, (60, 8, 8, 3)).astype(np.float32)


def network() -> Model:
    builder = GraphBuilder((1, 8, 8, 3), seed=2)
    x = builder.conv(builder.input, 6, kernel=3, stride=2, activation="relu")
    x = builder.depthwise(x, kernel=3, activation="relu6")
    x = builder.average_pool(x, size=4)
    return builder.model(builder.fully_connected(builder.reshape(x, (1, 6)), 4))


def layers(model: Model) -> list[Operator]:
    return [item for item in model.main.operators if len(item.inputs) == 3]


def bias(model: Model, layer: Operator) -> np.ndarray:
    return model.main.tensors[layer.inputs[2]].values().astype(int)


def spoiled(model: Model, shifts: dict[int, np.ndarray]) -> Model:
    """Return ``model`` with ``shifts`` added to the stored biases of some layers."""
    tensors = list(model.main.tensors)
    for place, shift in shifts.items():
        index = layers(model)[place].inputs[2]
        data = (tensors[index].values() + shift).astype("<i4").tobytes()
        tensors[index] = replace(tensors[index], data=data)
    return with_main(model, replace(model.main, tensors=tuple(tensors)))


def error(content: bytes, reference: bytes) -> float:
    wanted = real_outputs("litert", ModelFile.of(reference), SAMPLES)
    return float(np.mean((real_outputs("litert", ModelFile.of(content), SAMPLES) - wanted) ** 2))


def test_what_was_added_to_biases_is_taken_off_again() -> None:
    model = network()
    reference = write(float_twin(model))
    healthy = correct_biases(silent, ModelFile.of(write(model)), ModelFile.of(reference), SAMPLES)
    # Rounding of activations alone moves means by less than a step of the output.
    assert [item.op for item in healthy.layers] == [item.op for item in layers(model)]
    assert all(item.steps < 0.5 for item in healthy.layers)
    shifts = {
        place: RNG.integers(-4000, 4000, bias(model, layer).size)
        for place, layer in enumerate(layers(model))
    }
    faulty = spoiled(model, shifts)
    found = correct_biases(silent, ModelFile.of(write(faulty)), ModelFile.of(reference), SAMPLES)
    assert found.left == ()
    after = read(found.content)
    for layer, other in zip(layers(read(healthy.content)), layers(after), strict=True):
        # The same on both ways but for what rounding differs before and after the shift.
        assert bias(after, other) == pytest.approx(bias(read(healthy.content), layer), abs=60)
    assert all(item.steps > 1 for item in found.layers)
    assert error(found.content, reference) < error(write(faulty), reference) / 100


def test_nothing_but_biases_changes() -> None:
    model = network()
    faulty = spoiled(model, {1: np.full(6, 900)})
    found = read(
        correct_biases(
            silent, ModelFile.of(write(faulty)), ModelFile.of(write(float_twin(model))), SAMPLES
        ).content
    )
    biases = {item.inputs[2] for item in layers(faulty)}
    for before, after in zip(faulty.main.tensors, found.main.tensors, strict=True):
        assert before.name == after.name
        if before.index not in biases:
            assert before.data == after.data
            assert repr(before.quantization) == repr(after.quantization)


def test_a_bias_that_two_layers_share_is_corrected_for_each() -> None:
    builder = GraphBuilder((1, 8, 8, 3), seed=2)
    left, right = (builder.conv(builder.input, 4, kernel=3) for _ in range(2))
    model = builder.model(builder.add(left, right))
    first, second = layers(model)[:2]
    shared = replace(second, inputs=(*second.inputs[:2], first.inputs[2]))
    operators = tuple(shared if item == second else item for item in model.main.operators)
    joined = with_main(model, replace(model.main, operators=operators))
    reference = write(float_twin(model))  # where each has its own
    found = correct_biases(silent, ModelFile.of(write(joined)), ModelFile.of(reference), SAMPLES)
    one, other = layers(read(found.content))[:2]
    assert one.inputs[2] != other.inputs[2]
    healthy, faulty = error(write(model), reference), error(write(joined), reference)
    assert error(found.content, reference) < 1.05 * healthy < faulty / 5


def test_a_layer_without_a_bias_gets_one_and_one_without_a_counterpart_is_named() -> None:
    builder = GraphBuilder((1, 8, 8, 3), seed=2)
    x = builder.conv(builder.conv(builder.input, 6, kernel=3), 4, kernel=8, padding="valid")
    x = builder.fully_connected(builder.reshape(x, (1, 4)), 4, bias=False)
    model = builder.model(x)
    *convolutions, bare = layers(model)
    assert bare.inputs[2] == -1
    reference = float_twin(model)

    def renamed(*operators: Operator) -> bytes:
        others = {item.outputs[0] for item in operators}
        tensors = tuple(
            replace(item, name="other") if item.index in others else item
            for item in reference.main.tensors
        )
        return write(with_main(reference, replace(reference.main, tensors=tensors)))

    found = correct_biases(
        silent, ModelFile.of(write(model)), ModelFile.of(renamed(convolutions[0])), SAMPLES
    )
    assert [item.index for item in found.layers] == [convolutions[1].index, bare.index]
    assert found.left == ("CONV_2D at 0: the float model has no such layer",)
    after = read(found.content)
    made = after.main.tensors[layers(after)[-1].inputs[2]]
    assert (made.dtype, made.shape) == ("int32", (4,))
    outputs = real_outputs("tflite-micro", ModelFile.of(found.content), SAMPLES)
    wanted = real_outputs("litert", ModelFile.of(write(reference)), SAMPLES)
    step = after.main.tensors[after.main.outputs[0]].quantization.scales[0]
    assert np.abs(outputs.mean(axis=0) - wanted.mean(axis=0)).max() < step / 2
    with pytest.raises(UnsupportedModelError, match="no bias can be corrected: CONV_2D at 0: the"):
        correct_biases(
            silent, ModelFile.of(write(model)), ModelFile.of(renamed(*convolutions, bare)), SAMPLES
        )
