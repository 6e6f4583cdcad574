import csv
from dataclasses import replace
from pathlib import Path

import pytest
from graphs import GraphBuilder

from edgekit.errors import UnsupportedModelError
from edgekit.fit.registrations import registrations
from edgekit.model.reader import Model, load


def with_dtypes(model: Model, dtypes: dict[int, str]) -> Model:
    graph = model.main
    tensors = tuple(
        replace(tensor, dtype=dtypes.get(tensor.index, tensor.dtype)) for tensor in graph.tensors
    )
    return replace(model, graphs=(replace(graph, tensors=tensors),))


def with_op(model: Model, op: str) -> Model:
    (operator, *rest) = model.main.operators
    operators = (replace(operator, op=op), *rest)
    return replace(model, graphs=(replace(model.main, operators=operators),))


def convolution(activations: str, weights: str) -> Model:
    builder = GraphBuilder((1, 4, 4, 2))
    model = builder.model(builder.conv(builder.input, 3))
    (operator,) = model.main.operators
    return with_dtypes(
        model,
        {
            operator.inputs[0]: activations,
            operator.inputs[1]: weights,
            operator.outputs[0]: activations,
        },
    )


@pytest.mark.parametrize(
    ("activations", "weights", "typed"),
    [
        ("int8", "int8", "Register_CONV_2D_INT8"),
        ("int8", "int4", "Register_CONV_2D_INT4"),
        ("int16", "int8", "Register_CONV_2D_INT16"),
        ("float32", "float32", None),
    ],
)
def test_convolutions_are_registered_for_their_types(
    activations: str, weights: str, typed: str | None
) -> None:
    (registration,) = registrations(convolution(activations, weights))
    assert (registration.method, registration.typed) == ("AddConv2D", typed)


def test_one_kind_with_two_types_needs_the_untyped_registration() -> None:
    builder = GraphBuilder((1, 4, 4, 2))
    model = builder.model(builder.conv(builder.conv(builder.input, 3), 3))
    second = model.main.operators[1]
    (registration,) = registrations(with_dtypes(model, {second.inputs[1]: "int4"}))
    assert registration.typed is None


def test_each_kind_once_and_sorted() -> None:
    builder = GraphBuilder((1, 4, 4, 2))
    x = builder.conv(builder.conv(builder.input, 2), 2)
    x = builder.reshape(builder.average_pool(builder.add(x, builder.input), size=4), (1, 2))
    model = builder.model(builder.softmax(builder.fully_connected(x, 3)))
    assert [(item.method, item.typed) for item in registrations(model)] == [
        ("AddAdd", "Register_ADD_INT8"),
        ("AddAveragePool2D", "Register_AVERAGE_POOL_2D_INT8"),
        ("AddConv2D", "Register_CONV_2D_INT8"),
        ("AddFullyConnected", "Register_FULLY_CONNECTED_INT8"),
        ("AddReshape", None),
        ("AddSoftmax", "Register_SOFTMAX_INT8"),
    ]


@pytest.mark.parametrize(
    ("op", "method"),
    [
        ("PADV2", "AddPadV2"),
        ("CUMSUM", "AddCumSum"),
        ("RESIZE_NEAREST_NEIGHBOR", "AddResizeNearestNeighbor"),
        ("L2_POOL_2D", "AddL2Pool2D"),
        ("TFLM_DECODE", "AddDecode"),
        ("SignalRfft", "AddRfft"),
    ],
)
def test_methods_are_called_as_tflite_micro_calls_them(op: str, method: str) -> None:
    builder = GraphBuilder((1, 4))
    (registration,) = registrations(with_op(builder.model(builder.logistic(builder.input)), op))
    assert registration.method == method


@pytest.mark.parametrize("op", ["TILE", "GELU", "CONV_3D", "MyOperator"])
def test_operators_that_tflite_micro_lacks(op: str) -> None:
    builder = GraphBuilder((1, 4))
    model = with_op(builder.model(builder.logistic(builder.input)), op)
    with pytest.raises(UnsupportedModelError, match=f"no operator {op}"):
        registrations(model)


@pytest.mark.shared
def test_every_builtin_that_a_firmware_was_linked_with_is_known(shared_models: Path) -> None:
    # The methods that a real build of TFLite-Micro had, from the table of code sizes.
    table = shared_models.parent / "facts" / "tflm_code_size_cortex_m4.csv"
    with table.open() as stream:
        names = {row["registration"] for row in csv.DictReader(stream)}
    methods = {name for name in names if name.startswith("Add")}
    from edgekit.fit import registrations as known

    known = {known._method(op) for op in (*known._REGULAR, *known._IRREGULAR, *known._CUSTOM)}
    assert methods <= known


@pytest.mark.shared
def test_a_real_model(shared_models: Path) -> None:
    model = load(shared_models / "mlperf_tiny" / "kws_ref_model.tflite")
    assert {item.op for item in registrations(model)} == {
        "AVERAGE_POOL_2D",
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "FULLY_CONNECTED",
        "RESHAPE",
        "SOFTMAX",
    }


def test_the_resolver_and_the_check_know_the_same_operators() -> None:
    from edgekit.fit import registrations as known
    from edgekit.fit.tflm_operators import CUSTOM, TYPES

    assert {*known._REGULAR, *known._IRREGULAR} == set(TYPES)
    assert set(CUSTOM) <= set(known._CUSTOM)
