"""The whole of shrink: refusals, proof, and what a caller can rely on."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from graphs import GraphBuilder

from edgekit.devices.profile import load_target
from edgekit.errors import InputError, UnsupportedModelError, UsageError
from edgekit.model.file import ModelFile
from edgekit.model.reader import read
from edgekit.model.values import Model
from edgekit.model.writer import write
from edgekit.runtimes import tflm
from edgekit.shrinking import NotExactError, shrink
from edgekit.shrinking.proof import proof_vectors, prove
from edgekit.shrinking.size_map import size_map

if TYPE_CHECKING:
    from edgekit.model.values import Tensor


def builder_with_dead_channels() -> GraphBuilder:
    builder = GraphBuilder((1, 6, 6, 2), seed=1)
    x = builder.conv(builder.input, 8, kernel=3, dead=(1, 2, 5))
    x = builder.mean(builder.conv(x, 6, activation="relu"))
    builder.fully_connected(x, 4)
    return builder


def content_with_dead_channels() -> bytes:
    builder = builder_with_dead_channels()
    return builder.build(builder.operators[-1].outputs[0])


def changed(content: bytes, **fields: object) -> Model:
    """Return the model with fields of its first weights changed."""
    model = read(content)
    graph = model.main
    index = graph.operators[0].inputs[1]

    def change(tensor: "Tensor") -> "Tensor":
        return replace(tensor, **fields) if tensor.index == index else tensor  # type: ignore[arg-type]

    return replace(
        model, graphs=(replace(graph, tensors=tuple(change(item) for item in graph.tensors)),)
    )


def test_a_model_shrinks_with_its_proof() -> None:
    content = content_with_dead_channels()
    shrunk = shrink(ModelFile.of(content))
    assert shrunk.before_bytes == len(content)
    assert shrunk.after_bytes == len(shrunk.content) < len(content)
    assert shrunk.before_bytes - shrunk.after_bytes == sum(p.saved_bytes for p in shrunk.passes)
    assert {item.name for item in shrunk.passes} == {"diet", "folding", "no-ops", "dead channels"}
    # 6*6*(8*3*3*2 + 6*8) + 4*6, and the same with 5 of the 8 channels
    assert shrunk.macs_before == 36 * (144 + 48) + 24
    assert shrunk.macs_after == 36 * (90 + 30) + 24
    assert shrunk.vectors == 1000
    assert shrunk.runtimes == ("tflite-micro", "litert")
    assert shrunk.arena_before_bytes is not None
    assert shrunk.arena_after_bytes is not None
    assert shrunk.arena_after_bytes <= shrunk.arena_before_bytes
    assert sum(shrunk.map_before.values()) == shrunk.before_bytes
    assert sum(shrunk.map_after.values()) == shrunk.after_bytes
    assert shrink(ModelFile.of(shrunk.content)).content == shrunk.content


def test_the_same_model_gives_the_same_file() -> None:
    content = content_with_dead_channels()
    assert shrink(ModelFile.of(content)).content == shrink(ModelFile.of(content)).content


def test_float_inputs_and_outputs_stay_float() -> None:
    builder = GraphBuilder((1, 4, 4, 2), seed=2)
    x = builder.conv(builder.input, 4, kernel=3, dead=(1,))
    x = builder.fully_connected(builder.mean(x), 3)
    border = [builder.quantize(index, quantization=(0.05, -3)) for index in (builder.input, x)]
    model = builder.model(border[1])
    graph = model.main
    tensors = list(graph.tensors)
    for index in border:
        tensors[index] = replace(tensors[index], dtype="float32", quantization=None)
    tensors[border[0]] = replace(tensors[border[0]], name="real")
    first, last = graph.operators[-2:]
    operators = (
        replace(first, inputs=(border[0],), outputs=(builder.input,)),
        *graph.operators[:-2],
        replace(last, op="DEQUANTIZE", options=None),
    )
    graph = replace(graph, tensors=tuple(tensors), operators=operators, inputs=(border[0],))
    shrunk = shrink(ModelFile.of(write(replace(model, graphs=(graph,), signatures=()))))
    slim = read(shrunk.content).main
    assert [slim.tensors[slim.inputs[0]].dtype, slim.tensors[slim.outputs[0]].dtype] == [
        "float32",
        "float32",
    ]
    assert shrunk.macs_after < shrunk.macs_before
    assert shrunk.runtimes == ("tflite-micro", "litert")


def test_data_are_among_the_vectors() -> None:
    content = content_with_dead_channels()
    rng = np.random.default_rng(1)
    data = rng.integers(-128, 128, (700, 6, 6, 2), dtype=np.int8)
    vectors = proof_vectors(ModelFile.of(content).model, (data,))[0]
    assert len(vectors) == 1000
    assert {item.tobytes() for item in data[::2]} <= {item.tobytes() for item in vectors}
    assert (vectors == -128).all(axis=(1, 2, 3)).any()
    assert (vectors == 127).all(axis=(1, 2, 3)).any()


def test_a_single_other_byte_is_found() -> None:
    builder = builder_with_dead_channels()
    output = builder.operators[-1].outputs[0]
    content = builder.build(output)
    bias = builder.operators[-1].inputs[2]
    values = builder.tensors[bias].values().copy()
    values[3] += 40  # some 40 units of the products: less than one step of the output
    builder.set_data(bias, values)
    other = builder.build(output)
    inputs = proof_vectors(ModelFile.of(content).model)
    with tflm.Session() as session:
        assert prove(content, content, inputs, session, name="TFLite-Micro")
        with pytest.raises(NotExactError, match="another output in TFLite-Micro"):
            prove(content, other, inputs, session, name="TFLite-Micro")


def test_a_damaged_file_is_refused() -> None:
    with pytest.raises(InputError, match="damaged"):
        shrink(ModelFile.of(content_with_dead_channels()[:600]))
    with pytest.raises(InputError, match="not a TFLite file"):
        shrink(ModelFile.of(b"PK\3\4 and so on"))


def test_a_graph_out_of_order_is_damaged() -> None:
    model = read(content_with_dead_channels())
    graph = replace(model.main, operators=model.main.operators[::-1])
    with pytest.raises(InputError, match="FULLY_CONNECTED at 0 reads what nothing wrote"):
        shrink(ModelFile.of(write(replace(model, graphs=(graph,)))))


def test_a_kernel_of_another_rank_is_damaged() -> None:
    with pytest.raises(InputError, match=r"CONV_2D at 0 has a kernel of shape \(8, 18\)"):
        shrink(ModelFile.of(write(changed(content_with_dead_channels(), shape=(8, 18)))))


def test_a_constant_longer_than_its_shape_is_read_as_far_as_needed() -> None:
    content = content_with_dead_channels()
    model = read(content)
    data = model.main.tensors[model.main.operators[0].inputs[1]].data or b""
    longer = write(changed(content, data=data + bytes(5)))
    assert shrink(ModelFile.of(longer)).macs_after == shrink(ModelFile.of(content)).macs_after


def test_a_float_model_is_refused() -> None:
    floats = changed(content_with_dead_channels(), dtype="float32", data=bytes(4 * 144))
    with pytest.raises(UnsupportedModelError, match="not fully integer: CONV_2D at 0") as caught:
        shrink(ModelFile.of(write(floats)))
    assert "edgekit convert" in (caught.value.hint or "")


def test_a_legacy_model_is_refused() -> None:
    with pytest.raises(UnsupportedModelError, match="legacy uint8"):
        shrink(ModelFile.of(write(changed(content_with_dead_channels(), dtype="uint8"))))


def test_several_subgraphs_are_refused() -> None:
    model = read(content_with_dead_channels())
    with pytest.raises(UnsupportedModelError, match="2 subgraphs"):
        shrink(ModelFile.of(write(replace(model, graphs=model.graphs * 2))))


def test_a_coded_model_is_refused() -> None:
    builder = GraphBuilder((1, 64), seed=2)
    x = builder.fully_connected(builder.input, 64)
    index = builder.operators[0].inputs[1]
    builder.set_data(index, np.where(builder.tensors[index].values() > 60, 100, 0).astype(np.int8))
    target = load_target("nucleo-l4r5zi")
    shrunk = shrink(ModelFile.of(builder.build(x)), target=target, ram_budget_bytes=2**20)
    assert [item.coding for item in shrunk.coded] == ["lookup"]  # two values: one bit each
    assert shrunk.passes[-1].name == "coding"
    with pytest.raises(UnsupportedModelError, match="coded already"):
        shrink(ModelFile.of(shrunk.content))


def test_coding_needs_a_runtime_that_decodes() -> None:
    content = content_with_dead_channels()
    with pytest.raises(UsageError, match="none is given"):
        shrink(ModelFile.of(content), ram_budget_bytes=2**16)
    target = load_target("nucleo-l4r5zi")
    without = replace(target, runtime=replace(target.runtime, decode=False))
    with pytest.raises(UsageError, match="no DECODE operator"):
        shrink(ModelFile.of(content), target=without, ram_budget_bytes=2**16)


def test_a_map_counts_shared_vectors_once() -> None:
    parts = size_map(content_with_dead_channels())
    assert parts["weights"] == 8 * 3 * 3 * 2 + 6 * 8 + 4 * 6
    assert parts["biases"] == 4 * (8 + 6 + 4)
    assert sum(parts.values()) == len(content_with_dead_channels())


def test_int16_activations_pass_through() -> None:
    builder = GraphBuilder((1, 8), seed=4, quantization=(0.001, 0))
    x = builder.fully_connected(builder.input, 6, dead=(1,), quantization=(0.002, 0))
    y = builder.fully_connected(x, 3, quantization=(0.004, 0))
    for index in (builder.input, x, y):
        builder.tensors[index] = replace(builder.tensors[index], dtype="int16")
    for operator in builder.operators:
        bias = builder.tensors[operator.inputs[2]]
        data = bias.values().astype(np.int64).tobytes()
        builder.tensors[bias.index] = replace(bias, dtype="int64", data=data)
    shrunk = shrink(ModelFile.of(builder.build(y)))
    assert shrunk.after_bytes < shrunk.before_bytes
    assert shrunk.macs_after == shrunk.macs_before  # channels of int16 are left alone
    assert "tflite-micro" in shrunk.runtimes


def test_uint8_inputs_and_outputs_stay() -> None:
    builder = GraphBuilder((1, 8), seed=5)
    x = builder.quantize(builder.input, quantization=(0.05, -3))
    x = builder.fully_connected(builder.fully_connected(x, 6, dead=(1,)), 3)
    y = builder.quantize(x, quantization=(0.1, 128))
    for index in (builder.input, y):
        tensor = builder.tensors[index]
        assert tensor.quantization is not None
        moved = replace(tensor.quantization, zero_points=np.array([125], np.int64))
        builder.tensors[index] = replace(tensor, dtype="uint8", quantization=moved)
    shrunk = shrink(ModelFile.of(builder.build(y)))
    assert shrunk.macs_after == 8 * 5 + 5 * 3
    assert read(shrunk.content).main.tensors[0].dtype == "uint8"


def test_several_inputs_and_outputs_stay_in_their_order() -> None:
    builder = GraphBuilder((1, 8), seed=6)
    second = builder.add_input((1, 4), quantization=(0.02, 7))
    a = builder.fully_connected(builder.input, 6, dead=(2,))
    b = builder.fully_connected(second, 6, dead=(2,))
    x = builder.fully_connected(builder.add(a, b), 3)
    shrunk = shrink(ModelFile.of(builder.build(b, x)))
    slim = read(shrunk.content).main
    assert [slim.tensors[index].shape for index in slim.inputs] == [(1, 8), (1, 4)]
    assert [slim.tensors[index].shape for index in slim.outputs] == [(1, 6), (1, 3)]
    names = [name for name, _ in read(shrunk.content).signatures[0].outputs]
    assert names == ["y0", "y1"]
