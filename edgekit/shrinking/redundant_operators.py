"""No-ops: remove operators that change nothing, and those that their reader can do itself.

Exact because the bytes of the tensor before and after such an operator are the same: a reshape
moves nothing, a pair of quantizations that gives all 256 values back is none, a padding with
the zero point is what a convolution pads with.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from edgekit.model.edit import Draft, consumers, options_of, with_main, with_options
from edgekit.model.operators import LAYERS, SAME, VALID

if TYPE_CHECKING:
    from edgekit.model.values import Model, Operator, Tensor
    from edgekit.shrinking.oracle import Oracle

_BYTE_VALUES = 256


def no_ops(model: "Model", oracle: "Oracle") -> "Model":
    """Return ``model`` without operators that do nothing."""
    draft = Draft(model)
    removed = {
        place
        for place in range(len(draft.operators))
        if (source := _same_bytes(draft, model, place, oracle)) is not None
        and _bypass(draft, source, draft.operators[place].outputs[0])
    }
    draft.remove(removed)
    _read_through_reshapes(draft)
    return _absorb_pads(draft.finish())


def _same_bytes(draft: Draft, model: "Model", place: int, oracle: "Oracle") -> int | None:
    """Return the tensor that the operator at ``place`` only copies, or None."""
    operator = draft.operators[place]
    if not operator.inputs or len(operator.outputs) != 1:
        return None
    if operator.op == "QUANTIZE":
        return _cancelled(draft, model, operator, oracle)
    first = operator.inputs[0]
    source, target = draft.tensors[first], draft.tensors[operator.outputs[0]]
    alike = _same_type(source, target) and source.shape == target.shape
    return first if alike and _copies(draft, operator) else None


def _copies(draft: Draft, operator: "Operator") -> bool:
    """Return whether ``operator``, with an output of its input's type and shape, copies it."""
    match operator.op:
        case "RESHAPE":
            return True
        case "PAD":
            table = draft.tensors[operator.inputs[1]]
            return table.data is not None and not np.any(table.values())
        case "CONCATENATION":
            return len(operator.inputs) == 1 and _is_linear(operator)
        case "AVERAGE_POOL_2D" | "MAX_POOL_2D":
            options = options_of(operator)
            cells = options["filterHeight"] * options["filterWidth"]
            steps = options["strideH"] * options["strideW"]
            return bool(cells == steps == 1) and _is_linear(operator)
        case _:
            return False


def _cancelled(draft: Draft, model: "Model", operator: "Operator", oracle: "Oracle") -> int | None:
    """Return the source of a QUANTIZE that, alone or after another one, gives its values back."""
    first = operator.inputs[0]
    if _same_type(draft.tensors[first], draft.tensors[operator.outputs[0]]):
        return first
    before = next((item for item in model.main.operators if first in item.outputs), None)
    if before is None or before.op not in {"QUANTIZE", "DEQUANTIZE"}:
        return None
    source = draft.tensors[before.inputs[0]]
    if not _same_type(source, draft.tensors[operator.outputs[0]]) or source.dtype != "int8":
        return None
    return before.inputs[0] if _gives_all_back(model, before, operator, oracle) else None


def _gives_all_back(
    model: "Model", first: "Operator", second: "Operator", oracle: "Oracle"
) -> bool:
    """Return whether two operators in turn give every int8 value back, by running them."""
    graph = model.main
    around = {first.inputs[0], first.outputs[0], second.outputs[0]}
    tensors = tuple(
        replace(tensor, shape=(1, _BYTE_VALUES), data=None) if tensor.index in around else tensor
        for tensor in graph.tensors
    )
    wide = with_main(model, replace(graph, tensors=tensors))
    values = np.arange(-128, 128, dtype=np.int8).reshape(1, _BYTE_VALUES)
    between = oracle.outputs(wide, first, {first.inputs[0]: values})
    if between is None:
        return False
    after = oracle.outputs(wide, second, {second.inputs[0]: between[0]})
    return after is not None and bool(np.array_equal(after[0], values))


def _same_type(left: "Tensor", right: "Tensor") -> bool:
    """Return whether equal bytes mean equal values."""
    if left.dtype != right.dtype:
        return False
    if left.quantization is None or right.quantization is None:
        return left.quantization is right.quantization
    return np.array_equal(left.quantization.scales, right.quantization.scales) and np.array_equal(
        left.quantization.zero_points, right.quantization.zero_points
    )


def _is_linear(operator: "Operator") -> bool:
    return bool(options_of(operator)["fusedActivationFunction"] == 0)


def _bypass(draft: Draft, source: int, target: int) -> bool:
    """Let the readers of ``target`` read ``source``; return whether that could be done."""
    if target not in draft.outputs:
        draft.replace_reads(target, source)
        return True
    # The output keeps its tensor: who writes the source shall write the output instead.
    if source in (*draft.inputs, *draft.outputs):
        return False
    for place, operator in enumerate(draft.operators):
        if source in operator.outputs:
            outputs = tuple(target if item == source else item for item in operator.outputs)
            draft.operators[place] = replace(operator, outputs=outputs)
            draft.replace_reads(source, target)
            return True
    return False


def _read_through_reshapes(draft: Draft) -> None:
    """Let reshapes and fully connected layers read what stands before a reshape.

    A fully connected layer flattens its input itself, where it does not keep the dimensions.
    """
    sources = {item.outputs[0]: item.inputs[0] for item in draft.operators if item.op == "RESHAPE"}
    for place, operator in enumerate(draft.operators):
        first = operator.inputs[0] if operator.inputs else -1
        if first not in sources or not _flattens(draft, operator):
            continue
        while first in sources:
            first = sources[first]
        if _same_type(draft.tensors[first], draft.tensors[operator.inputs[0]]):
            inputs = (first, *operator.inputs[1:])
            draft.operators[place] = replace(operator, inputs=inputs)


def _flattens(draft: Draft, operator: "Operator") -> bool:
    """Return whether ``operator`` reads its input as rows of features, whatever its shape is."""
    if operator.op != "FULLY_CONNECTED":
        return operator.op == "RESHAPE"
    source, kernel = (draft.tensors[index] for index in operator.inputs[:2])
    rows = len(source.shape) == len(kernel.shape) == 2  # noqa: PLR2004  rows of features
    same = rows and source.shape[1] == kernel.shape[1]
    return same and not options_of(operator)["keepNumDims"]


def _absorb_pads(model: "Model") -> "Model":
    """Let convolutions do the padding that a PAD before them does."""
    graph = model.main
    readers = consumers(graph)
    draft = Draft(model)
    for pad in graph.operators:
        if pad.op != "PAD" or pad.outputs[0] in graph.outputs:
            continue
        reading = readers.get(pad.outputs[0], [])
        if reading and all(_pads_alike(draft, pad, operator) for operator in reading):
            for operator in reading:
                inputs = (pad.inputs[0], *operator.inputs[1:])
                moved = replace(draft.operators[operator.index], inputs=inputs)
                draft.operators[operator.index] = with_options(moved, padding=SAME)
    return draft.finish()


def _pads_alike(draft: Draft, pad: "Operator", reader: "Operator") -> bool:
    """Return whether ``reader`` with SAME padding pads what ``pad`` does."""
    if (
        LAYERS.get(reader.op) not in {"convolution", "depthwise"}
        or reader.inputs[0] != pad.outputs[0]
    ):
        return False
    source, table = (draft.tensors[index] for index in pad.inputs[:2])
    plain = source.dtype == "int8" and len(source.shape) == 4  # noqa: PLR2004  rows and columns
    if not plain or table.data is None or reader.options is None:
        return False
    if not _same_type(source, draft.tensors[pad.outputs[0]]):
        return False
    options = options_of(reader)
    kernel = draft.tensors[reader.inputs[1]].shape
    output = draft.tensors[reader.outputs[0]].shape
    wanted = [(0, 0), (0, 0), (0, 0), (0, 0)]
    for axis, side in ((1, "H"), (2, "W")):
        stride, dilation = options[f"stride{side}"], options[f"dilation{side}Factor"]
        padded = draft.tensors[pad.outputs[0]].shape[axis]
        reach = (output[axis] - 1) * stride + (kernel[axis] - 1) * dilation + 1
        if options["padding"] != VALID and reach > padded:
            return False  # it pads on its own already
        if output[axis] != -(-source.shape[axis] // stride):
            return False
        total = max(reach - source.shape[axis], 0)
        wanted[axis] = (total // 2, total - total // 2)
    return bool(np.array_equal(table.values(), wanted))
