"""What the writer promises, seen from outside: by the schema's own reader and two runtimes."""

from dataclasses import fields, replace

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from graphs import GraphBuilder, random_inputs

from edgekit.model.reader import read
from edgekit.model.values import Metadata, Model, ObservedRange
from edgekit.model.writer import write
from edgekit.runtimes import litert, tflm


def small_model() -> Model:
    builder = GraphBuilder((1, 6, 6, 2), seed=1)
    x = builder.conv(builder.input, 4, kernel=3, activation="relu")
    x = builder.depthwise(x, stride=2)
    x = builder.fully_connected(builder.reshape(x, (1, 36)), 5)
    return builder.model(builder.softmax(x))


def rich_model() -> Model:
    """Return a model in which the rarer fields of the schema are set."""
    model = small_model()
    graph = model.main
    seen = ObservedRange(low=np.array([-1.5], np.float32), high=np.array([2.5], np.float32))
    first = replace(graph.tensors[0], observed=seen, shape_signature=(-1, 6, 6, 2), has_rank=True)
    last = replace(graph.operators[-1], intermediates=(1,), mutating=(False,), debug_index=3)
    graph = replace(
        graph,
        tensors=(first, *graph.tensors[1:]),
        operators=(*graph.operators[:-1], last),
        debug_index=2,
    )
    return replace(
        model,
        graphs=(graph,),
        metadata=(Metadata(name="min_runtime_version", data=b"1.5.0\0"),),
        legacy_metadata=(b"", b"old"),
        external_groups=("weights.bin",),
    )


def assert_equal_values(left: object, right: object) -> None:
    """Compare two models field by field but for what names the file itself."""
    if hasattr(left, "__dataclass_fields__"):
        for field in fields(left):
            if field.name not in {"file_bytes", "sha256"}:
                assert_equal_values(getattr(left, field.name), getattr(right, field.name))
    elif isinstance(left, tuple):
        assert isinstance(right, tuple)
        assert len(left) == len(right)
        for one, other in zip(left, right, strict=True):
            assert_equal_values(one, other)
    elif isinstance(left, np.ndarray):
        np.testing.assert_array_equal(left, right)
    elif hasattr(left, "Pack"):
        assert type(left) is type(right)
        for name, value in vars(left).items():
            np.testing.assert_array_equal(value, getattr(right, name), err_msg=name)
    else:
        assert left == right


def test_every_field_survives() -> None:
    model = rich_model()
    assert_equal_values(read(write(model)), model)


def test_write_read_write_is_the_identity() -> None:
    content = write(rich_model())
    assert write(read(content)) == content


def test_constants_lie_at_multiples_of_16_bytes() -> None:
    model = small_model()
    content = write(model)
    found = 0
    for tensor in model.main.tensors:
        if tensor.data is not None and len(tensor.data) > 16:  # long enough to be found by content
            assert content.index(tensor.data) % 16 == 0
            found += 1
    assert found == 4  # three kernels and the bias of five units


def test_the_first_buffer_is_empty_and_equal_constants_are_stored_once() -> None:
    builder = GraphBuilder((1, 4))
    twice = np.arange(4, dtype=np.int8).reshape(1, 4)
    a = builder.add(builder.input, builder.constant(twice, quantization=(0.1, 0)))
    b = builder.add(a, builder.constant(twice, quantization=(0.1, 0)))
    root = schema.Model.GetRootAs(builder.build(b), 0)
    assert root.BuffersLength() == 2
    assert root.Buffers(0).DataLength() == 0


def test_operator_codes_are_written_for_old_and_new_readers() -> None:
    code = schema.Model.GetRootAs(write(small_model()), 0).OperatorCodes(0)
    assert code.BuiltinCode() == code.DeprecatedBuiltinCode() == schema.BuiltinOperator.CONV_2D


def test_both_runtimes_read_what_the_builder_makes(
    micro: tflm.Session, light: litert.Session
) -> None:
    builder = GraphBuilder((1, 8, 8, 3), seed=2)
    a = builder.conv(builder.input, 6, kernel=3, quantization=(0.3, 4))
    b = builder.depthwise(builder.input, multiplier=2, quantization=(0.3, 4))
    x = builder.concat((a, b))
    x = builder.pad(x, ((0, 0), (1, 0), (0, 1), (0, 0)))
    x = builder.add(builder.max_pool(x, size=3), builder.average_pool(x, size=3))
    x = builder.mean(builder.unary("RELU", x))
    x = builder.mul(x, builder.logistic(builder.fully_connected(x, 12)))
    content = builder.build(builder.softmax(builder.fully_connected(x, 5)), x)
    inputs = random_inputs(read(content), 8)
    for runtime in (micro, light):
        outputs = runtime.run(content, inputs)
        assert [item.shape for item in outputs] == [(8, 5), (8, 12)]
        assert all(item.std() > 3 for item in outputs)  # neither saturated nor vanished


@pytest.mark.parametrize("cut", [8, 100, 1000])
def test_a_file_cut_short_is_refused(cut: int) -> None:
    from edgekit.errors import InputError

    with pytest.raises(InputError, match="damaged"):
        read(write(small_model())[:cut])
