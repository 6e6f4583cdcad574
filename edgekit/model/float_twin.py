"""The float twin of an integer model: the same graph on real numbers, rounded where one asks."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgekit.errors import InputError, UnsupportedModelError
from edgekit.model.edit import compact, with_main
from edgekit.model.operators import CONVERSIONS
from edgekit.model.tensor_values import is_quantized, real_values
from edgekit.model.values import Operator

if TYPE_CHECKING:
    from edgekit.model.values import Graph, Model, Tensor

INPUT = -1
"""Stands for the model's input where an operator's index is asked."""


def float_twin(model: "Model") -> "Model":
    """Return the integer ``model`` on real numbers: float32 tensors under the same indices.

    Weights are what the stored integers stand for; QUANTIZE and DEQUANTIZE inside are gone.
    """
    graph = model.main
    passed = _passed_through(graph)
    operators = tuple(
        replace(operator, inputs=tuple(passed.get(index, index) for index in operator.inputs))
        for operator in graph.operators
        if operator.index not in _border_operators(graph)
    )
    tensors = tuple(_real(tensor) for tensor in graph.tensors)
    outputs = tuple(passed.get(index, index) for index in graph.outputs)
    twin = replace(graph, tensors=tensors, operators=operators, outputs=outputs)
    return replace(with_main(model, twin), signatures=())


def with_weights_of(twin: "Model", reference: "Model") -> "Model":
    """Return ``twin`` with the float weights of ``reference``, as they were before rounding.

    Raises:
        InputError: The two are not the same graph.
    """
    mine = twin.main.operators
    theirs = [item for item in reference.main.operators if item.op not in CONVERSIONS]
    if [item.op for item in mine] != [item.op for item in theirs]:
        raise InputError(
            f"the reference has other operators than the model ({len(theirs)} and {len(mine)})",
            hint="give the float .tflite of the same model, or leave --reference out",
        )
    tensors = list(twin.main.tensors)
    for operator, other in zip(mine, theirs, strict=True):
        for index, source in zip(operator.inputs, other.inputs, strict=False):
            if index == -1 or source == -1 or tensors[index].dtype != "float32":
                continue
            found = reference.main.tensors[source]
            if tensors[index].data is not None:
                tensors[index] = replace(tensors[index], data=_weights(found, tensors[index]))
    return with_main(twin, replace(twin.main, tensors=tuple(tensors)))


def rounded_at(twin: "Model", model: "Model", operator: int) -> "Model":
    """Return ``twin`` with the rounding of one operator of ``model``: its weights and outputs.

    Args:
        twin: On real numbers, of `float_twin` or `with_weights_of`.
        model: The integer model.
        operator: Index in ``model``, or `INPUT` for the rounding of the model's input.
    """
    graph = twin.main
    tensors = list(graph.tensors)
    operators = list(graph.operators)
    if operator == INPUT:
        place, written = 0, graph.inputs[:1]
    else:
        place = next(n for n, item in enumerate(operators) if item.index == operator)
        written = operators[place].outputs
        for index in operators[place].inputs:
            if index != -1 and tensors[index].data is not None:
                tensors[index] = _real(model.main.tensors[index])
        place += 1
    outputs = list(graph.outputs)
    for index in written:
        source = model.main.tensors[_stored_index(model.main, index)]
        if source.quantization is None or tensors[index].dtype != "float32":
            continue
        stored, real = len(tensors), len(tensors) + 1
        tensors += [
            replace(source, index=stored, name=f"{source.name}/stored", data=None),
            replace(tensors[index], index=real, name=f"{source.name}/real"),
        ]
        operators[place:] = [_reading(item, index, real) for item in operators[place:]]
        operators[place:place] = _round_trip(index, stored, real)
        outputs = [real if item == index else item for item in outputs]
    changed = replace(
        graph, tensors=tuple(tensors), operators=tuple(operators), outputs=tuple(outputs)
    )
    return compact(with_main(twin, changed))


def stored_input(model: "Model") -> "Tensor | None":
    """Return the tensor that holds the input as integers; None where there is none.

    Of a float input it is what the QUANTIZE behind it writes.
    """
    graph = model.main
    tensor = graph.tensors[_stored_index(graph, graph.inputs[0])]
    return tensor if is_quantized(tensor) else None


def _stored_index(graph: "Graph", tensor: int) -> int:
    """Return the tensor that holds ``tensor`` as integers: itself, or that of a QUANTIZE."""
    if graph.tensors[tensor].quantization is None:
        for operator in graph.operators:
            if operator.op == "QUANTIZE" and operator.inputs[0] == tensor:
                return operator.outputs[0]
    return tensor


def _passed_through(graph: "Graph") -> dict[int, int]:
    """Return for what a removed QUANTIZE or DEQUANTIZE writes what it reads."""
    passed: dict[int, int] = {}
    removed = _border_operators(graph)
    for operator in graph.operators:
        if operator.index in removed:
            source = operator.inputs[0]
            passed[operator.outputs[0]] = passed.get(source, source)
    return passed


def _border_operators(graph: "Graph") -> set[int]:
    """Return the QUANTIZE and DEQUANTIZE that read no constant."""
    return {
        item.index
        for item in graph.operators
        if item.op in CONVERSIONS and graph.tensors[item.inputs[0]].data is None
    }


def _real(tensor: "Tensor") -> "Tensor":
    if tensor.quantization is None:
        return tensor
    data = None
    if tensor.data is not None:
        data = real_values(tensor.values(), tensor).astype("<f4").tobytes()
    return replace(tensor, dtype="float32", data=data, quantization=None, observed=None)


def _weights(found: "Tensor", wanted: "Tensor") -> bytes:
    if found.dtype != "float32" or found.data is None or found.elements != wanted.elements:
        raise InputError(
            f"the reference's '{found.name}' is {found.dtype} of the shape {found.shape}, where "
            f"the model's '{wanted.name}' has {wanted.shape}",
            hint="give the float .tflite of the same model, or leave --reference out",
        )
    return found.data


def _reading(operator: Operator, old: int, new: int) -> Operator:
    inputs = tuple(new if index == old else index for index in operator.inputs)
    return replace(operator, inputs=inputs)


def _round_trip(source: int, stored: int, real: int) -> list[Operator]:
    """Return a QUANTIZE and a DEQUANTIZE; `compact` numbers them."""
    pair = (
        ("QUANTIZE", source, stored, schema.QuantizeOptionsT()),
        ("DEQUANTIZE", stored, real, schema.DequantizeOptionsT()),
    )
    return [
        Operator(index=INPUT, op=op, version=2, inputs=(before,), outputs=(after,), options=options)
        for op, before, after, options in pair
    ]


def check_one_input(model: "Model") -> None:
    """Refuse a model that explain cannot feed or read.

    Raises:
        UnsupportedModelError: It has several inputs or several graphs, no output, or activations
            whose grid no runtime computes on.
    """
    if len(model.main.inputs) != 1 or len(model.graphs) != 1:
        raise UnsupportedModelError(
            f"the model has {len(model.main.inputs)} inputs and {len(model.graphs)} graphs; "
            "explain takes one of each"
        )
    if not model.main.outputs:
        raise UnsupportedModelError("the model has no output")
    for index, tensor in enumerate(model.main.tensors):
        computed = tensor.data is None or index in model.main.outputs
        if computed and is_quantized(tensor):
            _check_grid(tensor)


def _check_grid(tensor: "Tensor") -> None:
    made = tensor.quantization
    assert made is not None
    limits = np.iinfo(tensor.dtype)
    widest = float(limits.max) - float(limits.min)
    if made.scales.size != 1 or not float(made.scales[0]) * widest <= float(
        np.finfo(np.float32).max
    ):
        raise UnsupportedModelError(
            f"activation '{tensor.name}' has {made.scales.size} scales, the first of them "
            f"{made.scales.flat[0] if made.scales.size else 'missing'}: its grid is none that a "
            "runtime computes on",
            hint="see its scales with: edgekit inspect MODEL",
        )
