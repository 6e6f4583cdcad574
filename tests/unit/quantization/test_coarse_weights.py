"""Few bits a weight: by hand, and what TFLite-Micro and LiteRT make of the files."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from graphs import GraphBuilder, random_inputs
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from operator_models import convolution, transpose_convolution

from edgekit.errors import InputError, UnsupportedModelError
from edgekit.model.edit import map_tensors, with_main
from edgekit.model.reader import Model, Tensor, read
from edgekit.model.values import pack_int4
from edgekit.model.writer import write
from edgekit.project.project import Project
from edgekit.quantization.coarse_weights import (
    coarsened,
    int4_weights,
    packed_bytes,
    simulated_weights,
)
from edgekit.runtimes import litert, tflm
from edgekit.specs import DataSpec, ModelSpec, PruneSpec, QuantizeSpec


def weights_of(model: Model, operator: int = 0) -> Tensor:
    return model.main.tensors[model.main.operators[operator].inputs[1]]


def bias_of(model: Model, operator: int = 0) -> Tensor:
    return model.main.tensors[model.main.operators[operator].inputs[2]]


def dense() -> Model:
    """Return two units on an input of scale 0.5: weights in steps of 0.01, biases of 0.005."""
    builder = GraphBuilder((1, 2), quantization=(0.5, 0))
    result = builder.fully_connected(builder.input, 2)
    weights, bias = builder.operators[0].inputs[1:]
    builder.set_data(weights, np.array([[127, -64], [32, 0]], np.int8))
    builder.set_data(bias, np.array([10, -20], np.int32))
    for index, scale in ((weights, 0.01), (bias, 0.005)):
        made = builder.tensors[index].quantization
        assert made is not None
        changed = replace(made, scales=np.array([scale], np.float32))
        builder.tensors[index] = replace(builder.tensors[index], quantization=changed)
    return builder.model(result)


def network(seed: int) -> GraphBuilder:
    """Return every operator with an int4 kernel, odd numbers of weights, strides and dilation."""
    builder = GraphBuilder((1, 9, 7, 3), seed=seed)
    x = builder.conv(builder.input, 5, kernel=3, activation="relu")
    x = builder.depthwise(x, kernel=(3, 5), stride=2)
    x = builder.conv(x, 7, activation="relu6")
    x = builder.depthwise(x, kernel=3, dilation=2, multiplier=2)
    x = builder.reshape(x, (1, int(np.prod(builder.tensors[x].shape))))
    x = builder.fully_connected(x, 9, activation="relu")
    builder.outputs = (builder.fully_connected(x, 3),)
    return builder


def as_int8(tensor: Tensor) -> Tensor:
    """Return an int4 tensor with the same values in a byte each."""
    if tensor.dtype != "int4":
        return tensor
    return replace(tensor, dtype="int8", data=tensor.values().astype(np.int8).tobytes())


def test_int4_values_are_packed_low_half_first() -> None:
    # -2 is 0b1110 in four bits: 0b1110_0001, and 7 alone in the low half of the next byte.
    assert pack_int4(np.array([[1, -2], [7, 0]], np.int8)) == bytes([0xE1, 0x07])
    assert pack_int4(np.array([1, -2, 7], np.int8)) == bytes([0xE1, 0x07])


@given(arrays(np.int8, st.integers(1, 9), elements=st.integers(-8, 7)))
def test_packed_values_are_read_again(values: "np.ndarray") -> None:
    tensor = Tensor(
        index=0, name="", shape=values.shape, dtype="int4", data=pack_int4(values),
        quantization=None, is_variable=False,
    )  # fmt: skip
    assert tensor.values().tolist() == values.tolist()
    assert len(tensor.data or b"") == tensor.stored_bytes


def test_four_bits_by_hand() -> None:
    # One step for all: 1.27 / 7 = 0.18143. -0.64 is 3.53 steps, 0.32 is 1.76.
    model = int4_weights(dense()).model
    weights, bias = weights_of(model), bias_of(model)
    assert weights.dtype == "int4"
    assert weights.values().tolist() == [[7, -4], [2, 0]]
    assert weights.quantization is not None
    assert weights.quantization.scales.tolist() == pytest.approx([1.27 / 7])
    # Biases of 0.05 and -0.1 in steps of 0.5 * 0.18143 = 0.090714: 0.55 and 1.10 of them.
    assert bias.values().tolist() == [1, -1]
    assert bias.quantization is not None
    assert bias.quantization.scales.tolist() == pytest.approx([0.5 * 1.27 / 7])


def test_two_bits_and_one_by_hand() -> None:
    # A step a unit: 1.27 and 0.32; half of the step and more rounds to it: -0.64 is 0.504 steps.
    two = simulated_weights(dense(), "int2").model
    assert weights_of(two).dtype == "int8"
    assert weights_of(two).values().tolist() == [[1, -1], [1, 0]]
    assert bias_of(two).values().tolist() == [0, -1]  # 0.05 of 0.635; -0.1 of 0.16: 0.625
    # The mean magnitudes (1.27 + 0.64) / 2 = 0.955 and 0.32 / 2 = 0.16; zero takes the sign +.
    one = simulated_weights(dense(), "binary").model
    scales = weights_of(one).quantization
    assert scales is not None
    assert scales.scales.tolist() == pytest.approx([0.955, 0.16])
    assert weights_of(one).values().tolist() == [[1, -1], [1, 1]]
    assert bias_of(one).values().tolist() == [0, -1]  # 0.05 of 0.4775; -0.1 of 0.08: 1.25


@pytest.mark.parametrize("seed", range(3))
def test_both_runtimes_read_int4_as_the_same_numbers_in_bytes(
    seed: int, micro: tflm.Session, light: litert.Session
) -> None:
    builder = network(seed)
    packed = int4_weights(builder.model(*builder.outputs))
    assert packed.left == ()
    plain = map_tensors(packed.model, as_int8)
    inputs = random_inputs(plain, 16, seed=seed)
    for runtime in (micro, light):
        (found,) = runtime.run(write(packed.model), inputs)
        (wanted,) = runtime.run(write(plain), inputs)
        assert found.tolist() == wanted.tolist()
        assert len(np.unique(found)) > 10  # the outputs tell inputs apart


def test_per_channel_simulation_of_four_bits_is_the_int4_file_of_convolutions() -> None:
    builder = GraphBuilder((1, 6, 6, 3), seed=1)
    result = builder.depthwise(builder.conv(builder.input, 4, kernel=3), kernel=3)
    model = builder.model(result)
    real, simulated = int4_weights(model).model, simulated_weights(model, "int4").model
    assert write(map_tensors(real, as_int8)) == write(simulated)
    packed = packed_bytes(read(write(simulated)), "int4")
    assert packed.low is not None
    assert packed.high is not None
    assert packed.low <= len(write(real)) <= packed.high


def test_a_channel_without_weights_keeps_its_bias(micro: tflm.Session) -> None:
    builder = GraphBuilder((1, 4, 4, 2), seed=3)
    result = builder.conv(builder.input, 3, kernel=3, dead=(1,))
    model = builder.model(result)
    inputs = random_inputs(model, 4, seed=0)
    (before,) = micro.run(write(model), inputs)
    for change in (int4_weights(model), simulated_weights(model, "binary")):
        (after,) = micro.run(write(change.model), inputs)
        assert after[..., 1].tolist() == before[..., 1].tolist()
        assert bias_of(change.model).values()[1] == bias_of(model).values()[1]


def test_a_bias_of_two_operators_becomes_one_of_each() -> None:
    builder = GraphBuilder((1, 4), quantization=(0.1, 0))
    first = builder.fully_connected(builder.input, 4)
    second = builder.fully_connected(first, 4)
    shared = builder.operators[0].inputs[2]
    one, other = builder.operators
    builder.operators[1] = replace(other, inputs=(*other.inputs[:2], shared))
    del one
    model = int4_weights(builder.model(second)).model
    steps = []
    for number in (0, 1):
        weights, bias = weights_of(model, number), bias_of(model, number)
        source = model.main.tensors[model.main.operators[number].inputs[0]].quantization
        assert weights.quantization is not None
        assert bias.quantization is not None
        assert source is not None
        product = float(weights.quantization.scales[0] * source.scales[0])
        assert float(bias.quantization.scales[0]) == pytest.approx(product)
        steps.append(product)
    assert steps[0] != steps[1]


def test_weights_that_something_else_reads_stay() -> None:
    builder = GraphBuilder((1, 4))
    result = builder.fully_connected(builder.input, 4)
    table = builder.operators[0].inputs[1]
    other = builder.conv(builder.add_input((1, 3, 3, 2)), 2)
    model = builder.model(result, other)
    graph = replace(model.main, operators=(*model.main.operators, _reader(model, table)))
    changed = int4_weights(with_main(model, graph))
    assert weights_of(changed.model).dtype == "int8"
    assert weights_of(changed.model, 1).dtype == "int4"
    assert changed.left == ("FULLY_CONNECTED at 0",)
    assert changed.doubts == ("the weights of FULLY_CONNECTED at 0 stay as they were",)


def _reader(model: Model, table: int) -> object:
    return replace(model.main.operators[0], index=2, op="ADD", inputs=(table, table), options=None)


def test_operators_without_a_kernel_stay_and_are_named(micro: tflm.Session) -> None:
    with pytest.raises(UnsupportedModelError, match="the model has none of these"):
        int4_weights(read(transpose_convolution()))
    simulated = simulated_weights(read(transpose_convolution()), "int2")
    assert simulated.weights == 5 * 3 * 3 * 3
    micro.run(write(simulated.model), random_inputs(simulated.model, 1))
    with pytest.raises(UnsupportedModelError, match="the model has none"):
        simulated_weights(read(convolution("CONV_2D", "float32")), "int2")


def test_sixteen_bit_activations_can_be_simulated() -> None:
    model = read(convolution("CONV_2D", "int16"))
    found = simulated_weights(model, "int4")
    assert set(np.unique(weights_of(found.model).values())) == {7}  # all weights are one
    assert bias_of(found.model).dtype == "int64"
    with pytest.raises(UnsupportedModelError, match="int8 activations"):
        int4_weights(model)


def test_float8_leaves_a_float_file_with_few_values() -> None:
    model = read(convolution("CONV_2D", "float32"))
    values = np.arange(1, 145, dtype=np.float32).reshape(4, 3, 3, 4)
    weights = weights_of(model)

    def put(tensor: Tensor) -> Tensor:
        return replace(tensor, data=values.tobytes()) if tensor.index == weights.index else tensor

    found = weights_of(simulated_weights(map_tensors(model, put), "fp8").model)
    assert found.dtype == "float32"
    # The last channel holds 109 to 144. 144 stands for 448: 128 for 398.2, which rounds to 384
    # or 416, in steps of 32: 384 is nearer, and 384 / 448 * 144 = 123.43.
    assert found.values()[3].max() == pytest.approx(144)
    assert found.values()[3].reshape(-1)[128 - 109] == pytest.approx(123.4286)
    assert len(np.unique(found.values()[3])) == 4  # 109 is 339.1: 352, 384, 416, 448


def test_a_spec_names_what_it_asks() -> None:
    assert coarsened(dense(), QuantizeSpec()).weights == 0
    assert coarsened(dense(), QuantizeSpec(scheme="int4")).weights == 4
    assert coarsened(dense(), QuantizeSpec(simulate="int2")).notes == (
        "4 weights were put on a coarser grid",
    )
    with pytest.raises(InputError, match="no meaning for the scheme 'int4'"):
        QuantizeSpec(scheme="int4", simulate="int2")
    with pytest.raises(InputError, match="no integers to train for"):
        QuantizeSpec(simulate="fp8", method="qat")
    with pytest.raises(InputError, match="rounds activations to 8 bits"):
        QuantizeSpec(scheme="int16x8", method="qat")
    with pytest.raises(InputError, match="no code for 0"):
        Project(
            directory=Path(),
            model=ModelSpec(source="m:f"),
            data=DataSpec(source="random"),
            prune=PruneSpec(sparsity=0.5),
            quantize=QuantizeSpec(simulate="binary"),
        )
