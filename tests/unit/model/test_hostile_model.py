"""Files that were made to harm: each is refused in a sentence, at once and in little memory."""

import resource
import time
from dataclasses import replace

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from graphs import GraphBuilder

from edgekit.errors import InputError, UnsupportedModelError
from edgekit.model.input_limits import check_samples
from edgekit.model.inspection import inspect
from edgekit.model.integer import float_tensors
from edgekit.model.reader import read
from edgekit.model.values import Graph, Model, Quantization
from edgekit.model.writer import write


def small_model() -> Model:
    builder = GraphBuilder((1, 6, 6, 2), seed=1)
    x = builder.conv(builder.input, 4, kernel=3, activation="relu")
    x = builder.average_pool(x, size=2)
    return builder.model(builder.fully_connected(builder.reshape(x, (1, 36)), 5))


def with_tensor(index: int, **changes: object) -> bytes:
    model = small_model()
    tensors = list(model.main.tensors)
    tensors[index] = replace(tensors[index], **changes)
    return write(replace(model, graphs=(replace(model.main, tensors=tuple(tensors)),)))


def with_operator(place: int, **changes: object) -> bytes:
    model = small_model()
    operators = list(model.main.operators)
    operators[place] = replace(operators[place], **changes)
    return write(replace(model, graphs=(replace(model.main, operators=tuple(operators)),)))


def scales(*values: float, zero_point: int = 0, axis: int = 0) -> Quantization:
    return Quantization(
        scales=np.array(values, np.float32),
        zero_points=np.full(len(values), zero_point, np.int64),
        axis=axis,
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"shape": (1, -6, 6, 2)}, r"tensor 0 has the shape (1, -6, 6, 2)"),
        ({"shape": (65536,) * 4}, "takes more than 2 GiB"),  # 2^64 elements: 0 in 64 bits
        ({"shape": (1,) * 17}, "has 17 dimensions"),
        ({"quantization": scales(float("nan"))}, "a scale that is no positive number"),
        ({"quantization": scales(float("inf"))}, "a scale that is no positive number"),
        ({"quantization": scales(-1.0)}, "a scale that is no positive number"),
        ({"quantization": scales(0.0)}, "an input or output, has a scale of 0"),
        ({"quantization": scales(1.0, zero_point=300)}, "int8 has a zero point of 300"),
        ({"quantization": scales(1.0, 2.0, axis=9)}, "has 2 scales along dimension 9"),
        ({"quantization": scales(1.0, 2.0, 3.0, axis=1)}, "has 3 scales along dimension 1"),
    ],
)
def test_a_tensor_that_cannot_be(changes: dict[str, object], reason: str) -> None:
    with pytest.raises(InputError) as refused:
        read(with_tensor(0, **changes))
    assert "damaged TFLite file: " in refused.value.message
    assert reason in refused.value.message


@pytest.mark.parametrize(
    ("place", "changes", "reason"),
    [
        (0, {"inputs": (0, 99, 2)}, "CONV_2D at 0: there is no tensor 99"),
        (0, {"inputs": (0, -1, 2)}, "CONV_2D at 0 has no input 1"),
        (0, {"inputs": ()}, "CONV_2D at 0 has no input 0"),
        (0, {"outputs": ()}, "CONV_2D at 0 has no output"),
        (0, {"outputs": (-7,)}, "there is no tensor -7"),
        (0, {"options": None}, "CONV_2D at 0 has a strideW of 0"),
        (0, {"options": schema.Pool2DOptionsT()}, "CONV_2D at 0 has Pool2DOptions"),
        (1, {"options": schema.Pool2DOptionsT()}, "AVERAGE_POOL_2D at 1 has a strideW of 0"),
        (3, {"inputs": (0,)}, "FULLY_CONNECTED at 3 has no input 1"),
        (0, {"op": "CONV_2D", "is_custom": True}, "a custom operator with the name of a builtin"),
    ],
)
def test_an_operator_that_cannot_be(place: int, changes: dict[str, object], reason: str) -> None:
    with pytest.raises(InputError) as refused:
        read(with_operator(place, **changes))
    assert reason in refused.value.message


def test_a_bias_with_the_axis_of_its_weights_is_read() -> None:
    """As converters before 2021 wrote it: TFLite-Micro's person_detect.tflite is such a file."""
    model = small_model()
    bias = model.main.tensors[model.main.operators[0].inputs[2]]
    assert bias.quantization is not None
    wide = Quantization(
        scales=bias.quantization.scales, zero_points=bias.quantization.zero_points, axis=3
    )
    content = with_tensor(bias.index, quantization=wide)
    assert inspect(read(content)).parameters == inspect(model).parameters
    assert read(content).main.tensors[bias.index].quantization.axis == 3  # type: ignore[union-attr]


def test_a_graph_that_calls_itself() -> None:
    options = schema.WhileOptionsT()
    with pytest.raises(InputError, match="graph 0 calls itself"):
        read(with_operator(2, op="WHILE", options=options, inputs=(0,), outputs=()))


def test_graphs_that_call_each_other_without_number() -> None:
    """Thirty graphs, each calling the next twice: 2^30 runs of the last."""
    model = small_model()
    graphs = []
    for number in range(30):
        options = schema.IfOptionsT()
        options.thenSubgraphIndex = options.elseSubgraphIndex = min(number + 1, 29)
        call = replace(model.main.operators[2], op="IF", options=options, outputs=())
        last = (model.main.operators[0],)
        graphs.append(replace(model.main, operators=(call,) if number < 29 else last))
    start = time.process_time()
    with pytest.raises(InputError, match="takes more than 20000 operators to run"):
        read(write(replace(model, graphs=tuple(graphs))))
    assert time.process_time() - start < 2


def test_a_model_without_operators() -> None:
    model = small_model()
    with pytest.raises(UnsupportedModelError, match="no operators"):
        read(write(replace(model, graphs=(replace(model.main, operators=()),))))


def test_a_signature_of_a_graph_that_is_not_there() -> None:
    model = small_model()
    signature = replace(model.signatures[0], graph=7)
    with pytest.raises(InputError, match="is of graph 7"):
        read(write(replace(model, signatures=(signature,))))


def test_tables_that_unfold_into_more_than_the_file() -> None:
    """A hundred thousand entries that are one operator of a hundred thousand inputs: 10^10."""
    count = 100_000
    builder = flatbuffers.Builder(8 * count)
    inputs = builder.CreateNumpyVector(np.zeros(count, np.int32))
    schema.OperatorStart(builder)
    schema.OperatorAddInputs(builder, inputs)
    operator = schema.OperatorEnd(builder)
    builder.StartVector(4, count, 4)
    for _ in range(count):
        builder.PrependUOffsetTRelative(operator)
    operators = builder.EndVector()
    schema.SubGraphStart(builder)
    schema.SubGraphAddOperators(builder, operators)
    graph = schema.SubGraphEnd(builder)
    builder.StartVector(4, 1, 4)
    builder.PrependUOffsetTRelative(graph)
    graphs = builder.EndVector()
    schema.ModelStart(builder)
    schema.ModelAddSubgraphs(builder, graphs)
    builder.Finish(schema.ModelEnd(builder), file_identifier=b"TFL3")
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with pytest.raises(InputError, match="its tables overlap"):
        read(bytes(builder.Output()))
    assert time.process_time() - start < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KiB


def test_many_tensors_and_operators_are_walked_once() -> None:
    """A file that is large but sound takes seconds: no walk over all operators for each tensor."""
    count = 20_000
    model = small_model()
    first = model.main.tensors[0]
    tensors = tuple(replace(first, index=index, name="", dtype="float32") for index in range(count))
    relu = replace(model.main.operators[2], op="RELU", options=None)
    operators = tuple(
        replace(relu, index=index, inputs=(index,), outputs=(index + 1,))
        for index in range(count - 1)
    )
    graph = Graph(name="", tensors=tensors, operators=operators, inputs=(0,), outputs=(count - 1,))
    start = time.process_time()
    found = float_tensors(replace(model, graphs=(graph,)))
    assert len(found) == count
    assert time.process_time() - start < 5


def test_samples_that_would_fill_the_memory_are_not_made() -> None:
    tensor = replace(small_model().main.tensors[0], name="x", shape=(1, 9000, 9000, 1))
    with pytest.raises(UnsupportedModelError, match="too large an input"):
        check_samples(tensor, 1)
    check_samples(replace(tensor, shape=(1, 224, 224, 3)), 1000)
    with pytest.raises(UnsupportedModelError, match="'x' is of string"):
        check_samples(replace(tensor, dtype="string"), 1)


def test_bytes_of_no_flatbuffer_at_all() -> None:
    for content in (b"", b"TFL3", b"\0\0\0\0TFL3", b"\xff\xff\xff\xffTFL3" + bytes(64)):
        with pytest.raises((InputError, UnsupportedModelError)):
            read(content)
