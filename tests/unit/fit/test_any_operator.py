"""Any operator, custom ones and those of the schema's far end, on any type: an answer, no crash."""

import json
from collections.abc import Iterator

import pytest
from ai_edge_litert import schema_py_generated as schema
from operator_graphs import GraphBuilder

from edgekit.devices.profile import load_target
from edgekit.errors import EdgekitError
from edgekit.fit.check import check_model
from edgekit.fit.registrations import registrations
from edgekit.fit.tflm_operators import CUSTOM
from edgekit.model.file import ModelFile
from edgekit.model.inspection import inspect
from edgekit.model.integer import float_tensors
from edgekit.model.reader import read
from edgekit.record.fit import Fit, to_json
from edgekit.shrinking.coupled_channels import links
from edgekit.shrinking.proof import proof_vectors
from edgekit.shrinking.refusal import require_shrinkable
from edgekit.specs import Limits

BUILTIN = sorted(
    name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)
)
TYPES = ("int8", "uint8", "int16", "float32", "int32", "bool")
TARGETS = tuple(load_target(name) for name in ("nucleo-l4r5zi", "esp32-s3", "pixel-4"))


def lone(op: str, dtype: str, *, inputs: int = 1, outputs: int = 1) -> bytes:
    builder = GraphBuilder()
    places = [builder.tensor((1, 4), dtype) for _ in range(inputs)]
    results = [builder.tensor((1, 4), dtype) for _ in range(outputs)]
    builder.operator(op, places, results)
    return builder.build(places, results)


def answers(content: bytes) -> Iterator[Fit]:
    """Ask everything that looks operators up by their name."""
    model = read(content)
    inspect(model)
    float_tensors(model)
    for operator in model.main.operators:
        links(model.main, operator)
    for ask in (registrations, require_shrinkable):
        try:
            ask(model)
        except EdgekitError as error:
            assert error.message
    if model.main.inputs:
        proof_vectors(ModelFile.of(content).model, count=8)
    for target in TARGETS:
        fit = check_model(model, target, limits=Limits())
        json.dumps(to_json(fit), allow_nan=False)
        yield fit


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("op", [*sorted(CUSTOM), "ethos-u", "MyKernel"])
def test_a_custom_operator(op: str, dtype: str) -> None:
    known = op in CUSTOM
    on_chip, _, on_phone = answers(lone(op, dtype))
    assert on_chip.runs == known
    assert on_phone.runs == (op == "TFLite_Detection_PostProcess")
    list(answers(lone(op, dtype, outputs=0, inputs=2)))
    list(answers(lone(op, dtype, inputs=0)))


def test_a_custom_operator_that_only_reads_counts_nothing_of_what_is_absent() -> None:
    builder = GraphBuilder()
    source = builder.tensor((1, 4), "uint8")
    builder.operator("MyKernel", [-1, source], [])
    list(answers(builder.build([source], [source])))


@pytest.mark.parametrize("op", BUILTIN)
def test_a_builtin_operator(op: str) -> None:
    for dtype, inputs in (("int8", 3), ("uint8", 3), ("float32", 1)):
        content = lone(op, dtype, inputs=inputs)
        try:
            taken = read(content)
        except EdgekitError as error:
            assert op in error.message or "calls itself" in error.message  # of IF and WHILE
            continue
        assert taken.main.operators[0].op == op or op == "CUSTOM"
        list(answers(content))
