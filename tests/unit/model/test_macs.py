"""Multiply-accumulates against loops written out: one count for each product that is summed."""

from itertools import product

import numpy as np
import pytest
from operator_graphs import GraphBuilder, options

from edgekit.model.macs import macs
from edgekit.model.reader import read

Shape = tuple[int, ...]


def counted(op: str, inputs: list[Shape | None], output: Shape, table: object = None) -> int:
    builder = GraphBuilder()
    places = [-1 if shape is None else builder.tensor(shape, "float32") for shape in inputs]
    result = builder.tensor(output, "float32")
    builder.operator(op, places, [result], table)
    graph = read(builder.build([places[0]], [result])).main
    return macs(graph, graph.operators[0])


def products(*sizes: int) -> int:
    return sum(1 for _ in product(*map(range, sizes)))


@pytest.mark.parametrize("adj_x", [False, True])
@pytest.mark.parametrize("adj_y", [False, True])
def test_a_matrix_product_sums_over_what_its_sides_share(*, adj_x: bool, adj_y: bool) -> None:
    """(2, 3 x 8) with (2, 8 x 1) is 48 products, whichever side is stored transposed."""
    left, right = np.zeros((2, 3, 8)), np.zeros((2, 8, 1))
    assert np.matmul(left, right).shape == (2, 3, 1)
    shapes = [
        left.swapaxes(1, 2).shape if adj_x else left.shape,
        right.swapaxes(1, 2).shape if adj_y else right.shape,
    ]
    table = options("BatchMatMulOptions", adjX=adj_x, adjY=adj_y)
    assert counted("BATCH_MATMUL", list(shapes), (2, 3, 1), table) == products(2, 3, 1, 8) == 48


def test_a_matrix_product_of_a_file_without_options() -> None:
    assert counted("BATCH_MATMUL", [(3, 8), (8, 2)], (3, 2)) == products(3, 2, 8)


def test_convolutions() -> None:
    conv = options("Conv2DOptions", strideW=2, strideH=2)
    found = counted("CONV_2D", [(1, 8, 8, 3), (5, 3, 2, 3), (5,)], (1, 4, 4, 5), conv)
    assert found == products(4, 4, 5, 3, 2, 3)
    # Two groups: each filter sees 2 of the 4 channels.
    found = counted("CONV_2D", [(1, 8, 8, 4), (6, 3, 3, 2), (6,)], (1, 4, 4, 6), conv)
    assert found == products(4, 4, 6, 3, 3, 2)
    deep = options("DepthwiseConv2DOptions", strideW=1, strideH=1, depthMultiplier=2)
    found = counted("DEPTHWISE_CONV_2D", [(2, 5, 5, 3), (1, 3, 2, 6), (6,)], (2, 5, 5, 6), deep)
    assert found == products(2, 5, 5, 6, 3, 2)
    spread = options("TransposeConvOptions", strideW=2, strideH=2)
    found = counted("TRANSPOSE_CONV", [(4,), (5, 3, 2, 3), (1, 4, 4, 3)], (1, 8, 8, 5), spread)
    assert found == products(4, 4, 3, 5, 3, 2)


def test_convolutions_of_volumes() -> None:
    table = options("Conv3DOptions", strideD=1, strideH=1, strideW=1)
    found = counted("CONV_3D", [(1, 4, 4, 4, 2), (3, 3, 2, 2, 5)], (1, 4, 4, 4, 5), table)
    assert found == products(4, 4, 4, 5, 3, 3, 2, 2)
    inputs: list[Shape | None] = [(5,), (3, 2, 2, 5, 2), (1, 4, 4, 4, 2)]
    found = counted("CONV_3D_TRANSPOSE", inputs, (1, 8, 8, 8, 5), table)
    assert found == products(4, 4, 4, 2, 3, 2, 2, 5)


def test_dense_layers_apply_each_weight_to_each_row() -> None:
    table = options("FullyConnectedOptions", keepNumDims=True)
    found = counted("FULLY_CONNECTED", [(2, 7, 8), (5, 8), (5,)], (2, 7, 5), table)
    assert found == products(2, 7, 5, 8)


@pytest.mark.parametrize("batch", [1, 3])
def test_a_svdf_filters_features_and_then_time(batch: int) -> None:
    table = options("SVDFOptions", rank=2)
    inputs: list[Shape | None] = [(batch, 8), (4, 8), (4, 6), None, (batch, 24)]
    found = counted("SVDF", inputs, (batch, 2), table)
    assert found == products(batch, 4, 8) + products(batch, 4, 6)


@pytest.mark.parametrize("peepholes", [False, True])
def test_a_lstm_applies_its_matrices_at_each_step(*, peepholes: bool) -> None:
    """2 sequences of 5 steps, 3 features, 4 units; four gates, input and recurrent each."""
    weights: list[Shape | None] = [(4, 3)] * 4 + [(4, 4)] * 4
    weights += [(4,)] * 3 if peepholes else [None] * 3
    inputs = [(2, 5, 3), *weights, *[(4,)] * 4, None, None, (2, 4), (2, 4)]
    table = options("UnidirectionalSequenceLSTMOptions")
    steps = products(2, 5)
    wanted = steps * (4 * products(4, 3) + 4 * products(4, 4) + (3 * 4 if peepholes else 0))
    assert counted("UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, (2, 5, 4), table) == wanted


def test_a_lstm_with_a_projection_multiplies_by_that_too() -> None:
    weights: list[Shape | None] = [(4, 3)] * 4 + [(4, 2)] * 4 + [None] * 3 + [(4,)] * 4
    inputs = [(1, 5, 3), *weights, (2, 4), None, (1, 2), (1, 4)]
    table = options("UnidirectionalSequenceLSTMOptions")
    wanted = 5 * (4 * products(4, 3) + 4 * products(4, 2) + products(2, 4))
    assert counted("UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, (1, 5, 2), table) == wanted


def test_plain_recurrent_layers() -> None:
    found = counted("RNN", [(2, 3), (4, 3), (4, 4), (4,), (2, 4)], (2, 4))
    assert found == products(2, 4, 3) + products(2, 4, 4)
    inputs: list[Shape | None] = [(2, 5, 3), (4, 3), (4, 4), (4,), (2, 4)]
    found = counted("UNIDIRECTIONAL_SEQUENCE_RNN", inputs, (2, 5, 4))
    assert found == 5 * (products(2, 4, 3) + products(2, 4, 4))


def test_a_custom_operator_counts_nothing() -> None:
    assert counted("MyKernel", [(1, 8)], (1, 8)) == 0
