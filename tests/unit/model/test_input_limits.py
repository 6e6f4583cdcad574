"""Random inputs are what a model can be given: held against the runtimes, which refuse others."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from operator_graphs import GraphBuilder, options
from operator_models import single_operator

from edgekit.data.validation import validation_vectors
from edgekit.emission.golden_vectors import random_inputs
from edgekit.errors import ToolError, UnsupportedModelError
from edgekit.model.file import ModelFile
from edgekit.model.input_limits import input_limits
from edgekit.model.reader import read
from edgekit.runtimes import litert, tflm
from edgekit.shrinking import shrink
from edgekit.shrinking.proof import proof_vectors
from edgekit.specs import DataSpec

ROWS = 7
Makers = Callable[[bytes], tuple[np.ndarray, ...]]
MAKERS: list[Makers] = [
    lambda content: proof_vectors(ModelFile.of(content).model, count=40),
    lambda content: random_inputs(ModelFile.of(content).model, 40, seed=3),
]


def table(builder: GraphBuilder) -> int:
    values = np.arange(ROWS * 4, dtype=np.int8).reshape(ROWS, 4)
    return builder.tensor((ROWS, 4), data=values)


def gathered(builder: GraphBuilder, ids: int) -> int:
    shape = (*builder.graph.tensors[ids].shape, 4)
    output = builder.tensor(tuple(int(size) for size in shape))
    builder.operator("GATHER", [table(builder), ids], [output], options("GatherOptions"))
    return output


def plain_ids(dtype: str) -> bytes:
    builder = GraphBuilder()
    ids = builder.tensor((1, 5), dtype, scale=None)
    return builder.build([ids], [gathered(builder, ids)])


def looked_up() -> bytes:
    builder = GraphBuilder()
    ids, output = builder.tensor((1,), "int32", scale=None), builder.tensor((1, 4))
    builder.operator("EMBEDDING_LOOKUP", [ids, table(builder)], [output])
    return builder.build([ids], [output])


def cast_and_reshaped(source: str) -> bytes:
    builder = GraphBuilder()
    given = builder.tensor((1, 5), source, scale=None)
    whole = builder.tensor((1, 5), "int32", scale=None)
    kinds = {"float32": 0, "int64": 4}
    builder.operator(
        "CAST", [given], [whole], options("CastOptions", inDataType=kinds[source], outDataType=2)
    )
    shaped, shape = builder.tensor((1, 1, 5), "int32", scale=None), [1, 1, 5]
    sizes = builder.tensor((3,), "int32", data=shape, scale=None)
    builder.operator("RESHAPE", [whole, sizes], [shaped], options("ReshapeOptions", newShape=shape))
    return builder.build([given], [gathered(builder, shaped)])


def padded() -> bytes:
    builder = GraphBuilder()
    given, ids = (builder.tensor((1, size), "int32", scale=None) for size in (5, 6))
    paddings = builder.tensor((2, 2), "int32", data=[0, 0, 0, 1], scale=None)
    builder.operator("PAD", [given, paddings], [ids], options("PadOptions"))
    return builder.build([given], [gathered(builder, ids)])


def dequantized() -> bytes:
    """int8 with steps of a half, zero point -100, to float, to int32: ids 0 to 6."""
    builder = GraphBuilder()
    given = builder.tensor((1, 5), scale=(0.5,), zero_point=-100)
    real = builder.tensor((1, 5), "float32", scale=None)
    builder.operator("DEQUANTIZE", [given], [real])
    whole = builder.tensor((1, 5), "int32", scale=None)
    builder.operator("CAST", [real], [whole], options("CastOptions", inDataType=0, outDataType=2))
    return builder.build([given], [gathered(builder, whole)])


CASES = {
    "int32": (plain_ids("int32"), 0, ROWS - 1),
    "int64": (plain_ids("int64"), 0, ROWS - 1),
    "lookup": (looked_up(), 0, ROWS - 1),
    "cast from float": (cast_and_reshaped("float32"), 0, ROWS),
    "cast from int64": (cast_and_reshaped("int64"), 0, ROWS - 1),
    "padded": (padded(), 0, ROWS - 1),
    "dequantized": (dequantized(), -100, -100 + 2 * ROWS - 1),
}


@pytest.fixture(scope="module")
def micro() -> tflm.Session:
    with tflm.Session() as session:
        yield session


@pytest.fixture(scope="module")
def light() -> litert.Session:
    with litert.Session() as session:
        yield session


@pytest.mark.parametrize("make", MAKERS, ids=["proof", "golden"])
@pytest.mark.parametrize("name", CASES)
def test_ids_stay_within_their_table(
    name: str, make: Makers, micro: tflm.Session, light: litert.Session
) -> None:
    content, low, high = CASES[name]
    (values,) = make(content)
    assert low <= values.min() <= low + 1
    assert high - 1 <= values.max() <= high
    (outputs,) = light.run(content, (values,))
    rows = outputs.reshape(-1, 4)[:, 0] // 4  # row r of the table begins with 4 r
    assert set(rows.tolist()) == set(range(ROWS)) or name == "lookup"
    try:
        micro.run(content, (values,))
    except (UnsupportedModelError, ToolError):  # TFLite-Micro has no kernels for them
        assert "int64" in name


@pytest.mark.parametrize("name", ["int32", "lookup"])
def test_a_table_of_ids_shrinks(name: str) -> None:
    content = CASES[name][0]
    assert shrink(ModelFile.of(content)).vectors == 1000


def test_random_data_name_every_row(light: litert.Session) -> None:
    content, *_ = CASES["cast from float"]
    spec = DataSpec(source="random")
    vectors = validation_vectors(
        ModelFile.of(content).model, spec, directory=Path(), seed=0
    ).vectors
    assert set(np.unique(vectors.inputs).tolist()) == set(range(ROWS))
    light.run(content, (vectors.inputs,))


def test_an_id_that_two_tables_read_fits_the_smaller() -> None:
    builder = GraphBuilder()
    ids = builder.tensor((1, 5), "int32", scale=None)
    first = gathered(builder, ids)
    small = builder.tensor((3, 4), data=np.zeros((3, 4), np.int8))
    second = builder.tensor((1, 5, 4))
    builder.operator("GATHER", [small, ids], [second], options("GatherOptions"))
    graph = read(builder.build([ids], [first, second])).main
    limits = input_limits(graph, graph.inputs[0])
    assert (limits.low, limits.high) == (0, 2)


@pytest.mark.parametrize("make", MAKERS, ids=["proof", "golden"])
@pytest.mark.parametrize("dtype", ["int8", "int32", "float32"])
@pytest.mark.parametrize("op", ["DIV", "FLOOR_DIV", "FLOOR_MOD", "RSQRT"])
def test_no_kernel_refuses_a_value(
    op: str, dtype: str, make: Makers, micro: tflm.Session, light: litert.Session
) -> None:
    content = single_operator(op, dtype)
    for session in (micro, light):
        try:
            session.run(content, make(content))
        except (UnsupportedModelError, ToolError) as error:
            assert "Division by 0" not in error.message
            assert "positive" not in error.message
