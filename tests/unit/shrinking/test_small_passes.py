"""Diet, folding and no-ops: what goes, what stays, and that outputs are the same."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from graphs import GraphBuilder

from edgekit.model.file import ModelFile
from edgekit.model.reader import read
from edgekit.model.values import Metadata
from edgekit.model.writer import write
from edgekit.runtimes import litert, tflm
from edgekit.shrinking.diet import diet
from edgekit.shrinking.fold import fold
from edgekit.shrinking.oracle import Oracle
from edgekit.shrinking.proof import first_difference, proof_vectors
from edgekit.shrinking.redundant_operators import no_ops

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgekit.model.values import Model

    Checked = Callable[[bytes, Callable[[Model, Oracle], Model]], Model]


@pytest.fixture(scope="module")
def checked(micro: tflm.Session, light: litert.Session) -> "Checked":
    """Apply a pass, and compare the outputs on 20 inputs."""

    def run(content: bytes, step: "Callable[[Model, Oracle], Model]") -> "Model":
        slim = step(read(content), Oracle(micro, light))
        inputs = proof_vectors(ModelFile.of(content).model, count=20)
        for session in (micro, light):
            assert first_difference(content, write(slim), inputs, session) is None
        return slim

    return run


def ops(model: "Model") -> list[str]:
    return [operator.op for operator in model.main.operators]


def test_diet_leaves_names_of_inputs_and_outputs_and_the_signature() -> None:
    builder = GraphBuilder((1, 4, 4, 2))
    x = builder.conv(builder.conv(builder.input, 3), 2)
    model = builder.model(x)
    model = replace(model, metadata=(Metadata(name="min_runtime_version", data=b"1.14.0\0"),))
    slim = diet(model)
    graph = slim.main
    assert [item.name for item in graph.tensors if item.name] == ["input_0", f"tensor_{x}"]
    assert slim.signatures[0].inputs == (("x0", graph.inputs[0]),)
    assert slim.description == ""
    assert slim.metadata == ()
    bare = diet(model, keep_names=False)
    assert not any(item.name for item in bare.main.tensors)
    assert bare.signatures == ()


def test_diet_takes_what_was_only_written_for_people() -> None:
    builder = GraphBuilder((1, 4, 4, 2))
    model = builder.model(builder.conv(builder.conv(builder.input, 3), 2))
    graph = model.main
    tensors = tuple(replace(item, shape_signature=(-1, *item.shape[1:])) for item in graph.tensors)
    operators = tuple(replace(item, debug_index=7) for item in graph.operators)
    told = replace(graph, name="main", debug_index=3, tensors=tensors, operators=operators)
    slim = diet(replace(model, graphs=(told,), description="MLIR Converted.")).main
    assert (slim.name, slim.debug_index) == ("", -1)  # -1: none, as the schema has it
    assert [item.debug_index for item in slim.operators] == [-1, -1]
    ends = {*slim.inputs, *slim.outputs}
    for item in slim.tensors:
        kept = (-1, *item.shape[1:]) if item.index in ends else None
        assert item.shape_signature == kept


def test_diet_drops_what_nothing_reads() -> None:
    builder = GraphBuilder((1, 4, 4, 2))
    x = builder.conv(builder.input, 3)
    builder.max_pool(builder.conv(x, 5))  # leads nowhere
    slim = diet(builder.model(x))
    assert ops(slim) == ["CONV_2D"]
    assert len(slim.main.tensors) == 4


def shape_chain() -> bytes:
    """Return a model that computes the shape of its reshape, as for a dynamic batch."""
    builder = GraphBuilder((1, 2, 2, 3))
    x = builder.conv(builder.input, 3)
    shape = builder.constant(np.zeros(4, np.int32))
    scalar = builder.constant(np.zeros((), np.int32))
    target = builder.constant(np.zeros(2, np.int32))
    for index in (shape, scalar, target):
        builder.tensors[index] = replace(builder.tensors[index], data=None)
    slices = [builder.constant(np.array([value], np.int32)) for value in (0, 1, 1)]
    rest = builder.constant(np.array(12, np.int32))
    whole = schema.ShapeOptionsT()
    whole.outType = schema.TensorType.INT32
    options = schema.StridedSliceOptionsT()
    options.shrinkAxisMask = 1
    pack = schema.PackOptionsT()
    pack.valuesCount = 2
    y = builder.reshape(x, (1, 12))
    reshape = builder.operators.pop()
    added = (
        ("SHAPE", (x,), shape, whole),
        ("STRIDED_SLICE", (shape, *slices), scalar, options),
        ("PACK", (scalar, rest), target, pack),
    )
    for op, inputs, output, chosen in added:
        builder.operators.append(
            replace(reshape, op=op, inputs=inputs, outputs=(output,), options=chosen)
        )
    builder.operators.append(replace(reshape, inputs=(x, target)))
    return builder.build(builder.fully_connected(y, 3))


def test_the_shape_of_a_tensor_is_a_constant(checked: "Checked") -> None:
    slim = checked(shape_chain(), fold)
    assert ops(slim) == ["CONV_2D", "RESHAPE", "FULLY_CONNECTED"]
    table = slim.main.tensors[slim.main.operators[1].inputs[1]]
    np.testing.assert_array_equal(table.values(), [1, 12])


def test_an_operator_on_constants_is_run_and_replaced(checked: "Checked") -> None:
    builder = GraphBuilder((1, 4))
    values = np.array([[-100, 0, 30, 127]], np.int8)
    stored = builder.constant(values, quantization=(0.05, -3))
    folded = builder.unary("RELU", stored)
    slim = checked(builder.build(builder.add(builder.input, folded)), fold)
    assert ops(slim) == ["ADD"]
    found = slim.main.tensors[slim.main.operators[0].inputs[1]].values()
    np.testing.assert_array_equal(found, [[-3, 0, 30, 127]])  # the zero point is 0.0


def test_a_result_larger_than_its_inputs_stays(checked: "Checked") -> None:
    builder = GraphBuilder((1, 16, 16, 2))
    small = builder.constant(np.ones((1, 1, 1, 2), np.int8), quantization=(0.05, -3))
    wide = builder.pad(small, ((0, 0), (15, 0), (15, 0), (0, 0)))
    slim = checked(builder.build(builder.add(builder.input, wide)), fold)
    assert ops(slim) == ["PAD", "ADD"]


@pytest.mark.parametrize(("further", "left"), [(100, ["ADD"]), (101, ["PAD", "ADD"])])
def test_a_result_may_be_larger_by_what_its_operator_takes(
    checked: "Checked", further: int, left: list[str]
) -> None:
    constants = 8 + 4 * 2 * 4  # the values, and the padding of four axes in int32
    builder = GraphBuilder((1, 1, 1, constants + further))
    small = builder.constant(np.ones((1, 1, 1, 8), np.int8), quantization=(0.05, -3))
    wide = builder.pad(small, ((0, 0), (0, 0), (0, 0), (constants + further - 8, 0)))
    content = builder.build(builder.add(builder.input, wide))
    slim = checked(content, fold)
    assert ops(slim) == left
    if left == ["ADD"]:
        assert len(write(diet(slim))) < len(write(diet(read(content))))  # and it pays


def padded(pads: tuple[tuple[int, int], tuple[int, int]], *, stride: int) -> bytes:
    builder = GraphBuilder((1, 6, 6, 2))
    x = builder.pad(builder.input, ((0, 0), *pads, (0, 0)))
    x = builder.conv(x, 3, kernel=3, stride=stride, padding="valid")
    return builder.build(x)


@pytest.mark.parametrize(
    ("pads", "stride", "left"),
    [
        (((1, 1), (1, 1)), 1, ["CONV_2D"]),  # 6 -> 6: SAME pads (1, 1)
        (((0, 1), (0, 1)), 2, ["CONV_2D"]),  # 6 -> 3: SAME pads (0, 1)
        (((1, 1), (1, 1)), 2, ["PAD", "CONV_2D"]),  # the window stands elsewhere
        (((2, 2), (2, 2)), 1, ["PAD", "CONV_2D"]),  # 6 -> 8: the output is larger
    ],
)
def test_a_pad_that_the_convolution_can_do_goes(
    checked: "Checked",
    pads: tuple[tuple[int, int], tuple[int, int]],
    stride: int,
    left: list[str],
) -> None:
    assert ops(checked(padded(pads, stride=stride), no_ops)) == left


def test_reshapes_collapse_and_vanish(checked: "Checked") -> None:
    builder = GraphBuilder((1, 2, 2, 3))
    x = builder.reshape(builder.reshape(builder.conv(builder.input, 3), (1, 4, 3)), (1, 12))
    y = builder.reshape(builder.fully_connected(x, 4), (1, 4))
    assert ops(checked(builder.build(y), no_ops)) == ["CONV_2D", "FULLY_CONNECTED"]
    assert ops(checked(builder.build(x), no_ops)) == ["CONV_2D", "RESHAPE"]


def test_quantize_pairs_that_give_all_values_back_go(checked: "Checked") -> None:
    builder = GraphBuilder((1, 5), quantization=(0.5, 3))
    there = builder.quantize(builder.input, quantization=(0.25, 3))
    back = builder.quantize(there, quantization=(0.5, 3))
    saturated = checked(builder.build(builder.unary("RELU", back)), no_ops)
    assert ops(saturated) == ["QUANTIZE", "QUANTIZE", "RELU"]  # 0.25 * 127 cannot hold 0.5 * 127
    builder = GraphBuilder((1, 5), quantization=(0.5, 3))
    there = builder.quantize(builder.input, quantization=(0.5, -3))
    uint8 = replace(builder.tensors[there], dtype="uint8")
    quantization = uint8.quantization
    assert quantization is not None
    shifted = replace(quantization, zero_points=np.array([131], np.int64))
    builder.tensors[there] = replace(uint8, quantization=shifted)
    back = builder.quantize(there, quantization=(0.5, 3))
    assert ops(checked(builder.build(builder.unary("RELU", back)), no_ops)) == ["RELU"]


def test_an_output_is_written_by_who_wrote_the_source(checked: "Checked") -> None:
    builder = GraphBuilder((1, 4, 4, 2))
    x = builder.conv(builder.input, 3)
    y = builder.average_pool(x, size=1)
    slim = checked(builder.build(y), no_ops)
    assert ops(slim) == ["CONV_2D"]
    assert slim.main.tensors[slim.main.outputs[0]].name == f"tensor_{y}"


def test_an_input_that_is_also_an_output_keeps_its_copy(checked: "Checked") -> None:
    builder = GraphBuilder((1, 4, 4, 2))
    slim = checked(builder.build(builder.average_pool(builder.input, size=1)), no_ops)
    assert ops(slim) == ["AVERAGE_POOL_2D"]
