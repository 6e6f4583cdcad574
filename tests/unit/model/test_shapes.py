"""Shapes that operators give, against LiteRT, which works them out when it runs a file."""

from dataclasses import replace

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from graphs import GraphBuilder
from operator_graphs import GraphBuilder as RawBuilder
from operator_graphs import options
from operator_models import CASES, single_operators

from edgekit.errors import UnsupportedModelError
from edgekit.model.edit import with_main
from edgekit.model.reader import read
from edgekit.model.shapes import check_shapes, given_shapes
from edgekit.model.values import Model
from edgekit.model.writer import write

SHAPED = {
    (op, dtype): content
    for op, dtype, content in single_operators()
    if dtype in {"int8", "float32"} or (dtype == "bool" and op.startswith(("LOGICAL", "REDUCE")))
}

NOT_IN_LITERT = {"ARG_MAX", "ARG_MIN", "BROADCAST_TO", "FLOOR_DIV", "RESHAPE", "SHAPE"}
"""Which LiteRT refuses as these files have them, by their options or versions."""


def in_litert(content: bytes) -> list[tuple[int, ...]]:
    """Return the shapes of the outputs after one run; none where LiteRT refuses."""
    try:
        interpreter = Interpreter(
            model_content=content,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
        interpreter.allocate_tensors()
        interpreter.invoke()
    except (RuntimeError, ValueError):
        return []
    details = interpreter.get_output_details()
    return [interpreter.get_tensor(item["index"]).shape for item in details]


def declaring(model: Model, shape: tuple[int, ...]) -> Model:
    """Return ``model`` with ``shape`` declared for its first output."""
    graph, first = model.main, model.main.outputs[0]
    tensors = tuple(
        replace(tensor, shape=shape) if tensor.index == first else tensor
        for tensor in graph.tensors
    )
    return with_main(model, replace(graph, tensors=tensors))


@pytest.mark.parametrize("op", sorted({op for op, _ in SHAPED}))
def test_an_operator_gives_the_shape_that_litert_gives(op: str) -> None:
    seen = []
    for (name, _), content in SHAPED.items():
        if name != op or not (shapes := in_litert(content)):
            continue
        seen.append(shapes)
        model = read(content)
        check_shapes(model)  # as declared
        operator = model.main.operators[0]
        assert [tuple(shape) for shape in given_shapes(model.main, operator)] == shapes
        if op in {"RESHAPE", "SQUEEZE"}:  # these copy: as many elements are as good
            continue
        with pytest.raises(UnsupportedModelError, match="is declared with the shape"):
            check_shapes(declaring(model, (7, *shapes[0])))
    assert seen or op in NOT_IN_LITERT


@pytest.mark.parametrize(
    ("op", "row", "table"),
    [
        ("ARG_MAX", [-2], options("ArgMaxOptions", outputType=2)),
        ("ARG_MIN", [0], options("ArgMinOptions", outputType=2)),
        ("RESHAPE", [2, -1, 3], options("ReshapeOptions", newShape=[2, -1, 3])),
        ("SHAPE", None, options("ShapeOptions", outType=2)),
    ],
)
def test_operators_whose_options_say_the_type(
    op: str, row: list[int] | None, table: object
) -> None:
    builder = RawBuilder()
    places = [builder.tensor((1, 4, 6), "float32")]
    if row is not None:
        shape = (len(row),) if op == "RESHAPE" else ()
        places.append(builder.tensor(shape, "int32", data=row, scale=None))
    dtype = "float32" if op == "RESHAPE" else "int32"
    result = builder.tensor((1, 1), dtype, scale=None)
    builder.operator(op, places, [result], table)
    content = builder.build(places[:1], [result])
    graph = read(content).main
    assert list(given_shapes(graph, graph.operators[0])) == in_litert(content) != []


PADDINGS = np.array([[0, 0]], np.int32)


def batches(declared: tuple[int, ...]) -> bytes:
    """Return a SPACE_TO_BATCH_ND that gives two batches of 13, as a dilated Conv1D begins."""
    builder = RawBuilder()
    source = builder.tensor((1, 26, 3))
    block = builder.tensor((1,), "int32", data=[2], scale=None)
    pads = builder.tensor((1, 2), "int32", data=PADDINGS, scale=None)
    result = builder.tensor(declared)
    builder.operator("SPACE_TO_BATCH_ND", [source, block, pads], [result])
    return builder.build([source], [result])


def test_a_batch_that_the_converter_took_for_one_is_refused() -> None:
    assert in_litert(batches((1, 13, 3))) == [(2, 13, 3)]
    check_shapes(read(batches((2, 13, 3))))
    with pytest.raises(UnsupportedModelError) as refused:
        check_shapes(read(batches((1, 13, 3))))
    wanted = "tensor 't3' is declared with the shape (1, 13, 3), and its operator gives (2, 13, 3)"
    assert refused.value.message == wanted


@pytest.mark.parametrize(
    ("masks", "begin", "end", "strides"),
    [
        ({}, [0, 1, 0], [1, 5, 3], [1, 2, 1]),
        ({"beginMask": 7, "endMask": 7}, [0, 3, 0], [0, 0, 0], [1, -2, 1]),
        ({"shrinkAxisMask": 2}, [0, -1, 0], [1, 0, 3], [1, 1, 1]),
        ({"endMask": 2}, [0, 4], [1, 0], [1, 1]),
        ({}, [0, -3, -2], [1, 99, -1], [1, 1, 1]),
    ],
)
def test_slices_with_masks(
    masks: dict[str, int], begin: list[int], end: list[int], strides: list[int]
) -> None:
    builder = RawBuilder()
    source = builder.tensor((1, 6, 3))
    places = [
        builder.tensor((len(row),), "int32", data=row, scale=None) for row in (begin, end, strides)
    ]
    result = builder.tensor((1, 1, 1))
    table = options("StridedSliceOptions", **masks)
    builder.operator("STRIDED_SLICE", [source, *places], [result], table)
    content = builder.build([source], [result])
    graph = read(content).main
    assert list(given_shapes(graph, graph.operators[0])) == in_litert(content)


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_windows_of_every_kind(padding: str, dilation: int, stride: int) -> None:
    builder = GraphBuilder((1, 9, 8, 2), seed=3)
    x = builder.conv(
        builder.input,
        4,
        kernel=(3, 2),
        stride=stride,
        dilation=dilation,
        padding=padding,  # type: ignore[arg-type]
    )
    y = builder.depthwise(
        builder.input,
        kernel=(2, 3),
        stride=stride,
        dilation=dilation,
        padding=padding,
        multiplier=2,  # type: ignore[arg-type]
    )
    z = builder.average_pool(builder.input, size=3, stride=stride, padding=padding)  # type: ignore[arg-type]
    content = builder.build(x, y, z)
    graph = read(content).main
    found = [given_shapes(graph, operator)[0] for operator in graph.operators]
    assert found == in_litert(content)


@pytest.mark.parametrize("adj_x", [False, True])
@pytest.mark.parametrize("adj_y", [False, True])
def test_products_of_transposed_matrices(*, adj_x: bool, adj_y: bool) -> None:
    builder = RawBuilder()
    left = builder.tensor((2, 8, 3) if adj_x else (2, 3, 8), "float32")
    right = builder.tensor((1, 4, 8) if adj_y else (1, 8, 4), "float32")
    result = builder.tensor((1,), "float32")
    table = options("BatchMatMulOptions", adjX=adj_x, adjY=adj_y)
    builder.operator("BATCH_MATMUL", [left, right], [result], table)
    content = builder.build([left, right], [result])
    graph = read(content).main
    assert list(given_shapes(graph, graph.operators[0])) == in_litert(content) == [(2, 3, 4)]


def test_leading_ones_make_no_difference_to_kernels() -> None:
    builder = GraphBuilder((1, 6, 6, 3), seed=1)
    model = builder.model(builder.mean(builder.input))
    for shape in ((3,), (1, 3), (1, 1, 1, 3)):
        check_shapes(declaring(model, shape))
    with pytest.raises(UnsupportedModelError):
        check_shapes(declaring(model, (3, 1)))


def test_what_no_constant_tells_is_passed_over() -> None:
    builder = RawBuilder()
    source = builder.tensor((1, 26, 3))
    block = builder.tensor((1,), "int32", scale=None)  # computed when it runs
    pads = builder.tensor((1, 2), "int32", data=PADDINGS, scale=None)
    result = builder.tensor((1, 13, 3))
    builder.operator("SPACE_TO_BATCH_ND", [source, block, pads], [result])
    check_shapes(read(builder.build([source, block], [result])))


def test_every_case_has_a_rule() -> None:
    for op, content in ((op, SHAPED[op, "int8"]) for op in CASES):
        graph = read(content).main
        assert given_shapes(graph, graph.operators[0]), op


def test_what_the_writer_writes_keeps_its_shapes() -> None:
    builder = GraphBuilder((1, 8, 8, 3), seed=7)
    x = builder.conv(builder.input, 8, kernel=3, stride=2)
    content = builder.build(builder.fully_connected(builder.reshape(x, (1, 128)), 4))
    check_shapes(read(write(read(content))))
