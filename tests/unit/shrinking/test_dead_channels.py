"""Which channels go and which must stay; every model is run against its original."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from graphs import GraphBuilder

from edgekit.model.file import ModelFile
from edgekit.model.reader import read
from edgekit.model.writer import write
from edgekit.runtimes import litert, tflm
from edgekit.shrinking.dead_channels import dead_channels
from edgekit.shrinking.oracle import Oracle
from edgekit.shrinking.proof import first_difference, proof_vectors

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgekit.model.values import Model

    Shrinker = Callable[[bytes], Model]

NOTHING, EVERYTHING = -(10**6), 10**6  # biases that saturate an output


@pytest.fixture(scope="module")
def shrunk(micro: tflm.Session, light: litert.Session) -> "Shrinker":
    """Remove dead channels from a model, and compare its outputs on 40 inputs."""

    def run(content: bytes) -> "Model":
        slim = dead_channels(read(content), Oracle(micro, light))
        inputs = proof_vectors(ModelFile.of(content).model, count=40)
        for session in (micro, light):
            assert first_difference(content, write(slim), inputs, session) is None
        return slim

    return run


def kernel_shapes(model: "Model") -> list[tuple[int, ...]]:
    graph = model.main
    return [
        graph.tensors[operator.inputs[1]].shape
        for operator in graph.operators
        if operator.op in {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"}
    ]


def set_bias(builder: GraphBuilder, channel: int, value: int) -> None:
    """Set one channel's bias of the last operator."""
    index = builder.operators[-1].inputs[2]
    bias = builder.tensors[index].values().copy()
    bias[channel] = value
    builder.set_data(index, bias)


def unread(builder: GraphBuilder, channel: int) -> None:
    """Let the last operator read channel ``channel`` of its input no more."""
    index = builder.operators[-1].inputs[1]
    weights = builder.tensors[index].values().copy()
    weights[..., channel] = 0
    builder.set_data(index, weights)


def test_a_constant_moves_into_the_next_bias(shrunk: "Shrinker", micro: tflm.Session) -> None:
    builder = GraphBuilder((1, 4, 4, 2), seed=3)
    x = builder.conv(builder.input, 3, dead=(1,))
    y = builder.conv(x, 2)
    content = builder.build(y, x)
    constant = int(
        micro.run(content, proof_vectors(ModelFile.of(content).model, count=8))[1][0, 0, 0, 1]
    )
    model = shrunk(builder.build(y))
    assert kernel_shapes(model) == [(2, 1, 1, 2), (2, 1, 1, 2)]
    second = builder.operators[1]
    weights = builder.tensors[second.inputs[1]].values()[:, 0, 0, 1].astype(int)
    quantization = builder.tensors[x].quantization
    assert quantization is not None
    above = constant - int(quantization.zero_points[0])
    assert above != 0
    expected = builder.tensors[second.inputs[2]].values() + above * weights
    found = model.main.tensors[model.main.operators[1].inputs[2]].values()
    np.testing.assert_array_equal(found, expected)


# The sum of a row's magnitudes and of its bias's must stay within int32, as the accumulator does.
@pytest.mark.parametrize(("beyond", "channels_left"), [(0, 2), (1, 3)])
def test_a_constant_stays_where_the_next_bias_would_run_over(
    micro: tflm.Session, light: litert.Session, beyond: int, channels_left: int
) -> None:
    builder = GraphBuilder((1, 4, 4, 2), seed=3)
    x = builder.conv(builder.input, 3, dead=(1,))
    set_bias(builder, 1, EVERYTHING)  # 127 for every input
    y = builder.conv(x, 2)
    second = builder.operators[-1]
    weight = int(builder.tensors[second.inputs[1]].values()[0, 0, 0, 1])
    made = builder.tensors[x].quantization
    assert made is not None
    above = 127 - int(made.zero_points[0])
    set_bias(builder, 0, 2**31 - 1 - abs(above * weight) + beyond)
    slim = dead_channels(read(builder.build(y)), Oracle(micro, light))
    assert kernel_shapes(slim)[0][0] == channels_left


def padded(*, bias: int, padding: str = "same") -> GraphBuilder:
    """Return a model whose dead channel goes into a 3x3 window."""
    builder = GraphBuilder((1, 5, 5, 2), seed=4)
    x = builder.conv(builder.input, 3, activation="relu", dead=(1,))
    set_bias(builder, 1, bias)
    builder.conv(x, 2, kernel=3, padding="valid" if padding == "valid" else "same")
    return builder


def test_a_constant_stays_where_padding_would_show(shrunk: "Shrinker") -> None:
    builder = padded(bias=EVERYTHING)
    model = shrunk(builder.build(builder.operators[-1].outputs[0]))
    assert kernel_shapes(model)[0] == (3, 1, 1, 2)


def test_a_constant_goes_where_nothing_is_padded(shrunk: "Shrinker") -> None:
    builder = padded(bias=EVERYTHING, padding="valid")
    model = shrunk(builder.build(builder.operators[-1].outputs[0]))
    assert kernel_shapes(model)[0] == (2, 1, 1, 2)


def test_the_zero_point_goes_in_spite_of_padding(shrunk: "Shrinker") -> None:
    builder = padded(bias=NOTHING)
    model = shrunk(builder.build(builder.operators[-1].outputs[0]))
    assert kernel_shapes(model)[0] == (2, 1, 1, 2)


@pytest.mark.parametrize(("bias", "left"), [(NOTHING, 2), (EVERYTHING, 3)])
def test_a_depthwise_convolution_pads_too(shrunk: "Shrinker", bias: int, left: int) -> None:
    builder = GraphBuilder((1, 5, 5, 2), seed=5)
    x = builder.conv(builder.input, 3, activation="relu", dead=(1,))
    set_bias(builder, 1, bias)
    x = builder.depthwise(x, kernel=3)
    model = shrunk(builder.build(builder.conv(x, 2)))
    assert kernel_shapes(model) == [(left, 1, 1, 2), (1, 3, 3, left), (2, 1, 1, left)]


def test_a_dead_depthwise_channel_takes_its_source_along(shrunk: "Shrinker") -> None:
    builder = GraphBuilder((1, 5, 5, 2), seed=6)
    x = builder.conv(builder.input, 4)
    x = builder.depthwise(x, kernel=3, stride=2, dead=(0, 3))
    model = shrunk(builder.build(builder.conv(x, 2)))
    assert kernel_shapes(model) == [(2, 1, 1, 2), (1, 3, 3, 2), (2, 1, 1, 2)]


def test_a_multiplied_depthwise_channel_goes_whole_or_not(shrunk: "Shrinker") -> None:
    builder = GraphBuilder((1, 5, 5, 2), seed=7)
    x = builder.conv(builder.input, 2)
    x = builder.depthwise(x, multiplier=2, dead=(0, 1, 2))
    model = shrunk(builder.build(builder.conv(x, 2)))
    assert kernel_shapes(model) == [(1, 1, 1, 2), (1, 3, 3, 2), (2, 1, 1, 2)]


def test_one_input_channel_leaves_depthwise_channels_free(shrunk: "Shrinker") -> None:
    builder = GraphBuilder((1, 5, 5, 1), seed=8)
    x = builder.depthwise(builder.input, multiplier=4, dead=(1,))
    model = shrunk(builder.build(builder.conv(x, 2)))
    assert kernel_shapes(model) == [(1, 3, 3, 3), (2, 1, 1, 3)]


def test_a_channel_that_nothing_reads_goes(shrunk: "Shrinker") -> None:
    builder = GraphBuilder((1, 4, 4, 2), seed=9)
    x = builder.conv(builder.input, 3, kernel=3)
    x = builder.conv(builder.max_pool(x), 2, kernel=3)
    unread(builder, 2)
    model = shrunk(builder.build(x))
    assert kernel_shapes(model) == [(2, 3, 3, 2), (2, 3, 3, 2)]


@pytest.mark.parametrize(("second", "left"), [((1,), 2), ((0,), 3)])
def test_branches_of_a_sum_go_together(
    shrunk: "Shrinker", second: tuple[int, ...], left: int
) -> None:
    builder = GraphBuilder((1, 4, 4, 2), seed=10)
    a = builder.conv(builder.input, 3, dead=(1,))
    b = builder.conv(builder.input, 3, kernel=3, dead=second)
    model = shrunk(builder.build(builder.conv(builder.add(a, b), 2)))
    assert [shape[0] for shape in kernel_shapes(model)] == [left, left, 2]


def test_branches_of_a_concatenation_go_alone(shrunk: "Shrinker") -> None:
    builder = GraphBuilder((1, 4, 4, 2), seed=11)
    a = builder.conv(builder.input, 3, dead=(1,), quantization=(0.3, 2))
    b = builder.conv(builder.input, 4, kernel=3, dead=(0, 2), quantization=(0.3, 2))
    model = shrunk(builder.build(builder.conv(builder.concat((a, b)), 2)))
    assert kernel_shapes(model) == [(2, 1, 1, 2), (2, 3, 3, 2), (2, 1, 1, 4)]


@pytest.mark.parametrize("flat", [True, False])
def test_flattened_features_go_with_their_channel(shrunk: "Shrinker", *, flat: bool) -> None:
    builder = GraphBuilder((1, 3, 2, 2), seed=12)
    x = builder.conv(builder.input, 5, dead=(0, 4))
    if flat:
        x = builder.reshape(x, (1, 30))
        x = builder.fully_connected(x, 4)
    else:  # the layer flattens: 3 * 2 places of 5 channels
        x = builder.fully_connected(x, 4)
        weights = builder.random_weights((4, 30))
        index = builder.operators[-1].inputs[1]
        builder.tensors[index] = replace(builder.tensors[index], shape=(4, 30))
        builder.set_data(index, weights)
        builder.tensors[x] = replace(builder.tensors[x], shape=(1, 4))
    model = shrunk(builder.build(x))
    assert kernel_shapes(model) == [(3, 1, 1, 2), (4, 18)]


def test_a_layer_without_bias_gets_one_for_the_constant(shrunk: "Shrinker") -> None:
    builder = GraphBuilder((1, 6), seed=13)
    x = builder.fully_connected(builder.input, 5, dead=(2,))
    set_bias(builder, 2, EVERYTHING)
    model = shrunk(builder.build(builder.fully_connected(x, 3, bias=False)))
    bias = model.main.tensors[model.main.operators[1].inputs[2]]
    assert kernel_shapes(model)[1] == (3, 4)
    assert bias.dtype == "int32"
    assert bias.shape == (3,)


def test_a_gate_is_pushed_through_by_running_it(shrunk: "Shrinker") -> None:
    builder = GraphBuilder((1, 4, 4, 2), seed=14)
    x = builder.conv(builder.input, 4, dead=(3,))
    gate = builder.logistic(builder.conv(builder.mean(x, keep=True), 4, dead=(3,)))
    model = shrunk(builder.build(builder.fully_connected(builder.mean(builder.mul(x, gate)), 3)))
    assert kernel_shapes(model) == [(3, 1, 1, 2), (3, 1, 1, 3), (3, 3)]


def test_a_channel_goes_through_a_slope_of_its_own_and_a_maximum(shrunk: "Shrinker") -> None:
    builder = GraphBuilder((1, 4, 4, 2), seed=21)
    x = builder.conv(builder.input, 4, dead=(0, 2))
    q = builder._quantization_of(x)
    slopes = np.array([[[20, -30, 40, 50]]], np.int8)
    alpha = builder.constant(slopes, quantization=(0.01, 0))
    x = builder._operator("PRELU", (x, alpha), builder.tensors[x].shape, q, None)
    axes = builder.constant(np.array([1, 2], np.int32))
    x = builder._operator("REDUCE_MAX", (x, axes), (1, 4), q, schema.ReducerOptionsT())
    model = shrunk(builder.build(builder.fully_connected(x, 3)))
    assert kernel_shapes(model) == [(2, 1, 1, 2), (3, 2)]
    (gate,) = (item for item in model.main.operators if item.op == "PRELU")
    assert model.main.tensors[gate.inputs[1]].values().tolist() == [[[-30, 50]]]


def test_one_stored_value_for_all_channels_hides_nothing(shrunk: "Shrinker") -> None:
    builder = GraphBuilder((1, 4, 4, 2), seed=19)
    x = builder.conv(builder.input, 4, dead=(1, 3))
    three = builder.constant(np.array([90], np.int8), quantization=(0.05, 30))
    model = shrunk(builder.build(builder.conv(builder.add(x, three, activation="relu"), 3)))
    assert kernel_shapes(model) == [(2, 1, 1, 2), (3, 1, 1, 2)]


def test_runtimes_may_round_other_channels_in_other_ways(micro: tflm.Session) -> None:
    class Elsewhere:
        """A runtime that differs by one, but for channel 2."""

        def run(self, model: bytes, inputs: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
            (output,) = micro.run(model, inputs)
            return (output ^ np.array([1, 1, 0, 1], np.int8),)

    builder = GraphBuilder((1, 4, 4, 2), seed=20)
    x = builder.conv(builder.input, 4, dead=(2,))
    content = builder.build(builder.conv(x, 3))
    slim = dead_channels(read(content), Oracle(micro, Elsewhere()))
    assert kernel_shapes(slim) == [(3, 1, 1, 2), (3, 1, 1, 3)]
    builder = GraphBuilder((1, 4, 4, 2), seed=20)
    x = builder.conv(builder.input, 4, dead=(1,))  # of this channel they say different things
    content = builder.build(builder.conv(x, 3))
    slim = dead_channels(read(content), Oracle(micro, Elsewhere()))
    assert kernel_shapes(slim) == [(4, 1, 1, 2), (3, 1, 1, 4)]


def test_outputs_of_the_model_keep_their_shape(shrunk: "Shrinker") -> None:
    builder = GraphBuilder((1, 4, 4, 2), seed=15)
    model = shrunk(builder.build(builder.conv(builder.input, 3, dead=(0, 1, 2))))
    assert kernel_shapes(model) == [(3, 1, 1, 2)]


def test_a_layer_that_is_all_dead_keeps_one_channel(shrunk: "Shrinker") -> None:
    builder = GraphBuilder((1, 4, 4, 2), seed=16)
    x = builder.conv(builder.input, 4, dead=(0, 1, 2, 3))
    model = shrunk(builder.build(builder.conv(x, 3)))
    assert kernel_shapes(model) == [(1, 1, 1, 2), (3, 1, 1, 1)]


def test_softmax_needs_all_its_channels(shrunk: "Shrinker") -> None:
    builder = GraphBuilder((1, 6), seed=17)
    x = builder.softmax(builder.fully_connected(builder.input, 5, dead=(1,)))
    model = shrunk(builder.build(builder.fully_connected(x, 3)))
    assert kernel_shapes(model) == [(5, 6), (3, 5)]


def test_a_model_without_dead_channels_comes_back_as_it_is(shrunk: "Shrinker") -> None:
    builder = GraphBuilder((1, 4, 4, 2), seed=18)
    content = builder.build(builder.conv(builder.conv(builder.input, 4, kernel=3), 3))
    assert write(shrunk(content)) == content
