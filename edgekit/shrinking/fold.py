"""Folding: operators whose inputs are constants become constants.

Exact because the value is what the runtimes themselves compute; the few operators on shapes
are index arithmetic on integers. An operator stays where its result would take more flash than
it and its inputs do.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from edgekit.model.edit import Draft, options_of
from edgekit.model.values import NUMPY

if TYPE_CHECKING:
    from edgekit.model.values import Model, Operator
    from edgekit.shrinking.oracle import Array, Oracle

_OPERATOR_BYTES = 100  # of an operator with an output tensor in the file: tables and vectors


def fold(model: "Model", oracle: "Oracle") -> "Model":
    """Return ``model`` with constants in place of operators that compute nothing else.

    The shape of a tensor counts as a constant: it is one in TFLite-Micro. A model that LiteRT
    could run at other batch sizes is fixed to the size in the file.
    """
    draft = Draft(model)
    folded = set()
    for place, operator in enumerate(model.main.operators):
        value = _value(draft, model, operator, oracle)
        if value is None or operator.outputs[0] in draft.outputs:
            continue
        output = operator.outputs[0]
        draft.tensors[output] = replace(draft.tensors[output], data=value.tobytes())
        folded.add(place)
    if not folded:
        return model
    draft.remove(folded)
    return draft.finish()


def _value(draft: Draft, model: "Model", operator: "Operator", oracle: "Oracle") -> "Array | None":
    """Return the constant that ``operator`` computes, or None."""
    inputs = [draft.tensors[index] for index in operator.inputs if index != -1]
    if not _can_be_folded(draft, operator):
        return None
    match operator.op:
        case "SHAPE":
            return np.array(inputs[0].shape, NUMPY[draft.tensors[operator.outputs[0]].dtype])
        case "STRIDED_SLICE":
            return _strided_slice(operator, *(item.values() for item in inputs))
        case "PACK":
            axis = options_of(operator)["axis"]
            return np.stack([item.values() for item in inputs], axis=axis)
        case _:
            first = operator.inputs[0]
            current = replace(model, graphs=(replace(model.main, tensors=tuple(draft.tensors)),))
            found = oracle.outputs(current, operator, {first: draft.tensors[first].values()})
            return None if found is None else found[0]


def _can_be_folded(draft: Draft, operator: "Operator") -> bool:
    """Return whether all inputs of ``operator`` are constants, and its output is no larger."""
    inputs = [draft.tensors[index] for index in operator.inputs if index != -1]
    if len(operator.outputs) != 1 or not inputs or operator.is_custom:
        return False
    output = draft.tensors[operator.outputs[0]]
    if operator.op == "SHAPE":
        return output.dtype in NUMPY
    if any(item.data is None or item.dtype not in NUMPY for item in inputs):
        return False
    paid = sum(len(item.data or b"") for item in inputs) + _OPERATOR_BYTES
    return output.dtype in NUMPY and output.stored_bytes <= paid


def _strided_slice(
    operator: "Operator", source: "Array", begin: "Array", end: "Array", strides: "Array"
) -> "Array | None":
    """Return the slice, or None for masks that converters do not write on shapes."""
    options = options_of(operator)
    if options["ellipsisMask"] or options["newAxisMask"]:
        return None
    place: list[slice | int] = []
    for axis in range(len(begin)):
        bit = 1 << axis
        first, last = int(begin[axis]), int(end[axis])
        if options["shrinkAxisMask"] & bit:
            place.append(first)
        else:
            start = None if options["beginMask"] & bit else first
            stop = None if options["endMask"] & bit else last
            place.append(slice(start, stop, int(strides[axis])))
    return np.asarray(source[tuple(place)])
