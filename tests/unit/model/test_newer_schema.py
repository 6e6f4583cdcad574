"""What a later schema has is called newer; what cannot be is called damaged; a bug is a bug."""

from collections.abc import Callable

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from graphs import GraphBuilder

from edgekit.errors import InputError, UnsupportedModelError
from edgekit.model import reader as module
from edgekit.model.reader import read


def changed(change: Callable[[schema.ModelT], None]) -> bytes:
    builder = GraphBuilder((1, 4), seed=1)
    source = schema.ModelT.InitFromObj(
        schema.Model.GetRootAs(builder.build(builder.fully_connected(builder.input, 2)), 0)
    )
    change(source)
    packed = flatbuffers.Builder(1024)
    packed.Finish(source.Pack(packed), file_identifier=b"TFL3")
    return bytes(packed.Output())


def set_code(number: int) -> Callable[[schema.ModelT], None]:
    def change(model: schema.ModelT) -> None:
        model.operatorCodes[0].builtinCode = number
        model.operatorCodes[0].deprecatedBuiltinCode = min(number, 127)

    return change


def set_type(number: int) -> Callable[[schema.ModelT], None]:
    def change(model: schema.ModelT) -> None:
        model.subgraphs[0].tensors[1].type = number

    return change


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (set_code(9999), "operator code 0 has the number 9999"),
        (set_type(99), "tensor 1 has the number 99"),
    ],
)
def test_a_number_above_the_schema_is_newer_and_not_damaged(
    change: Callable[[schema.ModelT], None], where: str
) -> None:
    with pytest.raises(UnsupportedModelError) as refused:
        read(changed(change), name="m.tflite")
    assert refused.value.message.startswith(f"m.tflite: {where}, newer than the schema")
    assert "damaged" not in refused.value.message
    assert str(refused.value.hint).endswith("pip install --upgrade ai-edge-litert")


def test_the_last_operator_and_type_of_the_schema_are_known() -> None:
    last = max(v for v in vars(schema.BuiltinOperator).values() if isinstance(v, int))
    assert read(changed(set_code(last))).main.operators[0].op.isupper()
    last = max(v for v in vars(schema.TensorType).values() if isinstance(v, int))
    assert read(changed(set_type(last))).main.tensors[1].dtype.islower()


def no_buffer(model: schema.ModelT) -> None:
    model.subgraphs[0].tensors[1].buffer = 77


def no_code(model: schema.ModelT) -> None:
    model.subgraphs[0].operators[0].opcodeIndex = 77


def two_zero_points(model: schema.ModelT) -> None:
    made = model.subgraphs[0].tensors[1].quantization
    made.scale, made.zeroPoint = np.ones(4, np.float32), np.zeros(2, np.int64)


def below_zero(model: schema.ModelT) -> None:
    model.subgraphs[0].tensors[1].type = -1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (no_buffer, "tensor 1 has buffer 77 of "),
        (no_code, "operator 0 has code 77 of 1"),
        (two_zero_points, "a tensor has 4 scales and 2 zero points"),
        (below_zero, "tensor 1 has the number -1"),
    ],
)
def test_what_points_at_nothing_is_damaged(
    change: Callable[[schema.ModelT], None], reason: str
) -> None:
    with pytest.raises(InputError, match=f"damaged TFLite file: {reason}"):
        read(changed(change))


def test_a_file_cut_short_says_so() -> None:
    content = changed(lambda _: None)
    with pytest.raises(InputError, match="points at nothing") as refused:
        read(content[: len(content) // 3])
    assert refused.value.hint == "it may have been cut short: copy or convert it again"


@pytest.mark.parametrize("error", [KeyError, IndexError, AttributeError, TypeError, ValueError])
def test_a_bug_of_edgekit_is_not_called_a_damaged_file(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def broken(_: object) -> None:
        raise error

    for name in ("check_model", "_quantization"):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, broken)
            with pytest.raises(error):
                read(changed(lambda _: None))
