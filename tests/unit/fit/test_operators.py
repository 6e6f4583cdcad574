"""Which operators a runtime refuses, where they stand and what they are called."""

from dataclasses import replace

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from graphs import GraphBuilder
from operator_models import convolution, single_operator

from edgekit.devices.profile import RuntimeProfile, load_target
from edgekit.errors import UnsupportedModelError
from edgekit.fit.operators import (
    RULES,
    Unsupported,
    explanation,
    keras_layer,
    unsupported_operators,
)
from edgekit.model.reader import Model, read
from edgekit.model.writer import write
from edgekit.runtimes import tflm


@pytest.fixture(scope="module")
def micro_profile() -> RuntimeProfile:
    return load_target("nucleo-l4r5zi").runtime


@pytest.fixture(scope="module")
def phone() -> RuntimeProfile:
    return load_target("pixel-4").runtime


@pytest.mark.parametrize(
    ("name", "layer"),
    # As TensorFlow's converter writes them: the model, the layer, the operation.
    [
        ("sequential/conv2d_1/BiasAdd", "conv2d_1"),
        ("model/conv2d_1/Relu;model/conv2d_2/BiasAdd;model/conv2d_3/Conv2D", "conv2d_1"),
        ("model/block 1/dense/MatMul", "dense"),
        ("dense/MatMul", "dense"),
        ("StatefulPartitionedCall:0", ""),
        ("", ""),
    ],
)
def test_the_layer_of_a_tensor_is_read_from_its_name(name: str, layer: str) -> None:
    assert keras_layer(name) == layer


def test_every_rule_has_a_reason_and_something_to_do() -> None:
    for rule in (rule for rules in RULES.values() for rule in rules):
        reason, instead = explanation(rule)
        assert reason
        assert instead
        assert not (reason + instead).endswith((".", " "))
        assert "\n" not in reason + instead
        assert "  " not in reason + instead


def test_the_two_paragraphs_of_a_rule_are_its_sentences() -> None:
    def rule(use: object) -> bool:
        return bool(use)

    rule.__doc__ = """{op} is not there,
        nor will it be for X.

        do this,
        or that

        or nothing.
        """
    assert explanation(rule) == (
        "{op} is not there, nor will it be for X",
        "do this, or that  or nothing",
    )


def test_a_refusal_says_which_operator_of_which_layer(micro_profile: RuntimeProfile) -> None:
    model = read(single_operator("RELU", "uint8"))
    graph = model.main
    place = graph.operators[0].outputs[0]
    tensors = list(graph.tensors)
    tensors[place] = replace(tensors[place], name="net/activation_3/Relu;net/x/y")
    named = replace(model, graphs=(replace(graph, tensors=tuple(tensors)),))
    (found,) = unsupported_operators(named, micro_profile)
    assert (found.op, found.index, found.subgraph) == ("RELU", 0, 0)
    assert found.layer == "activation_3"
    assert found.reason.startswith("RELU works on uint8, ")


def refusals(content: bytes, profile: RuntimeProfile) -> list[str]:
    return [item.reason for item in unsupported_operators(read(content), profile)]


def test_types_are_named_in_the_reason(micro_profile: RuntimeProfile) -> None:
    (hybrid,) = refusals(hybrid_convolution(), micro_profile)
    assert "float32 activations with int8 weights" in hybrid
    (wrong,) = refusals(single_operator("FLOOR", "int8"), micro_profile)
    assert wrong == "FLOOR has no kernel for int8, only for float32"
    (several,) = refusals(single_operator("HARD_SWISH", "int16"), micro_profile)
    assert several == "HARD_SWISH has no kernel for int16, only for float32, int8"


def hybrid_convolution() -> bytes:
    model = read(convolution("CONV_2D", "int8"))
    tensors = tuple(
        replace(item, dtype="float32", quantization=None) if item.data is None else item
        for item in model.main.tensors
    )
    return write(replace(model, graphs=(replace(model.main, tensors=tensors),)))


def custom(op: str) -> Model:
    builder = GraphBuilder((1, 4))
    model = builder.model(builder.unary("RELU", builder.input))
    (operator,) = model.main.operators
    changed = replace(operator, op=op, is_custom=True, options=None)
    return replace(model, graphs=(replace(model.main, operators=(changed,)),))


def only(found: tuple[Unsupported, ...]) -> str:
    (item,) = found
    return item.reason


def test_custom_operators_belong_to_one_runtime_or_to_both(
    micro_profile: RuntimeProfile, phone: RuntimeProfile
) -> None:
    own, both, foreign = (
        custom(name) for name in ("SignalDelay", "TFLite_Detection_PostProcess", "TheirOwn")
    )
    assert unsupported_operators(own, micro_profile) == ()
    assert only(unsupported_operators(own, phone)).startswith(
        "LiteRT has no operator SignalDelay; it is TFLite-Micro's own"
    )
    assert unsupported_operators(both, phone) == ()
    assert only(unsupported_operators(foreign, phone)).startswith(
        "TheirOwn is a custom operator that LiteRT does not bring along"
    )
    assert only(unsupported_operators(foreign, micro_profile)) == (
        "TFLite-Micro has no operator TheirOwn"
    )


@pytest.mark.parametrize(("axis", "taken"), [(0, True), (3, True), (4, False)])
@pytest.mark.parametrize("channels", [2, 3])
def test_an_axis_that_a_tensor_has_not_is_refused_as_litert_refuses_it(
    phone: RuntimeProfile, channels: int, axis: int, *, taken: bool
) -> None:
    builder = GraphBuilder((1, 4, 4, channels), seed=1)
    model = builder.model(builder.conv(builder.input, channels))
    place = model.main.operators[0].inputs[1]
    tensors = list(model.main.tensors)
    made = tensors[place].quantization
    assert made is not None
    assert len(made.scales) == channels
    tensors[place] = replace(tensors[place], quantization=replace(made, axis=axis))
    changed = replace(model, graphs=(replace(model.main, tensors=tuple(tensors)),))
    assert (unsupported_operators(changed, phone) == ()) is taken
    if not taken:
        with pytest.raises((RuntimeError, ValueError), match="quantized_dimension"):
            Interpreter(model_content=write(changed)).allocate_tensors()


def test_one_scale_needs_no_axis(phone: RuntimeProfile) -> None:
    model = read(single_operator("RELU", "int8"))
    tensors = tuple(
        replace(item, quantization=replace(item.quantization, axis=9))
        for item in model.main.tensors
        if item.quantization is not None
    )
    assert all(np.size(item.quantization.scales) == 1 for item in tensors)
    changed = replace(model, graphs=(replace(model.main, tensors=tensors),))
    assert unsupported_operators(changed, phone) == ()


# Where a kernel's Prepare stops the program, the wheel does, and at the next larger scale runs:
# softmax wants beta x scale x 2**26 above 1, a sum an output scale above 2 x scale / 2**20.
@pytest.mark.parametrize(
    ("op", "edge"), [("SOFTMAX", 2.0**-26), ("ADD", 2 * 0.05 / 2**20), ("SUB", 2 * 0.05 / 2**20)]
)
@pytest.mark.parametrize("above", [False, True])
def test_an_operator_that_aborts_tflite_micro_does_not_run_there(
    micro: tflm.Session, micro_profile: RuntimeProfile, op: str, edge: float, *, above: bool
) -> None:
    builder = GraphBuilder((1, 4), seed=1, quantization=(0.05, 0))
    x = builder.softmax(builder.input) if op == "SOFTMAX" else builder.add(builder.input, 0)
    model = replace_op(read(builder.build(x)), op)
    (operator,) = model.main.operators
    place = operator.inputs[0] if op == "SOFTMAX" else operator.outputs[0]
    tensors = list(model.main.tensors)
    made = tensors[place].quantization
    assert made is not None
    step = np.float32(edge * (1.001 if above else 0.999))
    small = replace(made, scales=np.array([step], np.float32))
    tensors[place] = replace(tensors[place], quantization=small)
    model = replace(model, graphs=(replace(model.main, tensors=tuple(tensors)),))
    refused = unsupported_operators(model, micro_profile)
    samples = (np.zeros((1, 4), np.int8),)
    if above:
        assert refused == ()
        micro.run(write(model), samples)
    else:
        assert [item.reason.partition(":")[0] for item in refused] == ["TFLite-Micro aborts there"]
        with pytest.raises(UnsupportedModelError, match="crashed"):
            micro.run(write(model), samples)


def replace_op(model: Model, op: str) -> Model:
    """Return the model with its one operator as ``op``, whose options have the same defaults."""
    (operator,) = model.main.operators
    options = schema.SubOptionsT() if op == "SUB" else operator.options
    changed = replace(operator, op=op, options=options)
    return replace(model, graphs=(replace(model.main, operators=(changed,)),))
