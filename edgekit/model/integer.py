"""Is a model fully integer? The finished file is walked: converters leave floats in silence."""

from typing import TYPE_CHECKING

from edgekit.errors import UnsupportedModelError
from edgekit.record.model import FloatTensor

if TYPE_CHECKING:
    from collections.abc import Collection

    from edgekit.model.reader import Graph, Model


def float_tensors(model: "Model", *, allowed: "Collection[int]" = ()) -> tuple[FloatTensor, ...]:
    """Return every float tensor of ``model`` in the order of the file; none means fully integer.

    Tensors that no operator reads or writes hold no numbers: an LSTM has such for the scales of
    what it computes inside.

    Args:
        model: As read by `edgekit.model.reader.read`.
        allowed: Tensors of the main graph that may be float, by index: not returned.
    """
    names = {model.main.tensors[index].name for index in allowed}
    return tuple(
        FloatTensor(name=tensor.name, dtype=tensor.dtype, operator=neighbours[tensor.index])
        for graph in model.graphs
        for neighbours in (_neighbours(graph),)
        for tensor in graph.tensors
        if tensor.is_float and tensor.index in neighbours and tensor.name not in names
    )


def _neighbours(graph: "Graph") -> dict[int, str]:
    """Return the first operator that writes or reads each tensor that is used."""
    found: dict[int, str] = {}
    for operator in graph.operators:
        for tensor in (*operator.outputs, *operator.inputs):
            found.setdefault(tensor, f"{operator.op} at {operator.index}")
    for tensor in (*graph.inputs, *graph.outputs):
        found.setdefault(tensor, "none")
    return found


def require_integer(model: "Model", *, io: str = "int8", method: str = "ptq") -> None:
    """Refuse a model that is not fully integer.

    Args:
        model: As read by `edgekit.model.reader.read`.
        io: ``"float32"`` allows float inputs and outputs, with the QUANTIZE and DEQUANTIZE
            operators at the border.
        method: How it became integer: ``"qat"`` where edgekit's own training rounded it.

    Raises:
        UnsupportedModelError: Float tensors are left; the message names them and their operators.
    """
    graph = model.main
    border = {*graph.inputs, *graph.outputs} if io == "float32" else set()
    left = float_tensors(model, allowed=border)
    if left:
        shown = ", ".join(f"'{item.name}' ({item.dtype}, {item.operator})" for item in left[:3])
        more = f" and {len(left) - 3} more" if len(left) > 3 else ""  # noqa: PLR2004  as shown
        raise UnsupportedModelError(
            f"the model is not fully integer: {len(left)} float tensors are left: {shown}{more}",
            hint=_remedy(left, method),
        )


def _remedy(left: tuple[FloatTensor, ...], method: str) -> str:
    if any("FakeQuant" in item.name for item in left):
        if method == "qat":
            return 'set [quantize] method = "ptq": the trained rounding does not become integers'
        return "give the model as it was before its quantization-aware training"
    if any("VARIABLE" in item.operator for item in left):
        return "keep what changes outside of the model: take it as an input and give it back"
    return "replace these operators by ones that TFLite quantizes"
