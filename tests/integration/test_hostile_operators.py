"""Every operator that TFLite-Micro knows, with parts of it missing: refused, or planned for."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from operator_models import single_operators

from edgekit.devices.profile import load_target
from edgekit.errors import InputError
from edgekit.fit.check import check_model
from edgekit.model.inspection import inspect
from edgekit.model.reader import read
from edgekit.model.values import Model, Tensor
from edgekit.model.writer import write
from edgekit.record.fit import to_json
from edgekit.specs import Limits

MODELS = {op: content for op, dtype, content in single_operators() if dtype == "int8"}
SHAPES = ((), (0,), (3, 1, 1, 1, 1, 2))


def damaged(model: Model) -> Iterator[Model]:
    """Yield the model with its operator's options, inputs and outputs missing, one at a time."""
    graph = model.main
    operator = graph.operators[0]
    places = range(len(operator.inputs))
    for changes in (
        {"options": None},
        {"outputs": ()},
        *({"inputs": operator.inputs[:place]} for place in places),
        *({"inputs": (*operator.inputs[:p], -1, *operator.inputs[p + 1 :])} for p in places),
    ):
        changed = replace(graph, operators=(replace(operator, **changes),))  # type: ignore[arg-type]
        yield replace(model, graphs=(changed, *model.graphs[1:]))
    for index in {*operator.inputs, *operator.outputs} - {-1}:
        for shape in SHAPES:
            yield replace(model, graphs=(with_shape(model, index, shape), *model.graphs[1:]))


def with_shape(model: Model, index: int, shape: tuple[int, ...]) -> object:
    tensors: list[Tensor] = list(model.main.tensors)
    data = None if tensors[index].data is None else bytes(1000)
    tensors[index] = replace(tensors[index], shape=shape, data=data, quantization=None)
    return replace(model.main, tensors=tuple(tensors))


@pytest.mark.parametrize("op", MODELS)
def test_an_operator_with_parts_missing(op: str) -> None:
    target = load_target("nucleo-l4r5zi")
    for model in damaged(read(MODELS[op])):
        try:
            taken = read(write(model))
        except InputError as error:
            assert op in error.message
            continue
        inspect(taken)
        json.dumps(to_json(check_model(taken, target, limits=Limits())), allow_nan=False)
