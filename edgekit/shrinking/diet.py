"""Diet: leave out what only people and tools read, never a runtime.

Exact because no kernel sees a name, an observed range, a description or metadata. What the
writer alone saves counts here too: equal constants and vectors are stored once, unused
buffers and operator codes do not exist.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from edgekit.model.edit import compact, with_main

if TYPE_CHECKING:
    from edgekit.model.values import Model, Operator, Tensor


def diet(model: "Model", *, keep_names: bool = True) -> "Model":
    """Return ``model`` without names, observed ranges, metadata and descriptions.

    Args:
        model: With one graph.
        keep_names: Leave the names of inputs and outputs, and the signatures: callers of
            LiteRT find tensors by them. TFLite-Micro does not read them.
    """
    graph = model.main
    interface = {*graph.inputs, *graph.outputs}
    slim = replace(
        graph,
        name="",
        debug_index=-1,
        tensors=tuple(
            _slim_tensor(tensor, is_interface=keep_names and tensor.index in interface)
            for tensor in graph.tensors
        ),
        operators=tuple(_slim_operator(operator) for operator in graph.operators),
    )
    return compact(
        replace(
            with_main(model, slim),
            description="",
            metadata=(),
            legacy_metadata=None,
            signatures=model.signatures if keep_names else (),
        )
    )


def _slim_tensor(tensor: "Tensor", *, is_interface: bool) -> "Tensor":
    """Drop what no kernel reads; inputs and outputs keep their name and dynamic dimensions."""
    slim = replace(tensor, observed=None)
    return slim if is_interface else replace(slim, name="", shape_signature=None)


def _slim_operator(operator: "Operator") -> "Operator":
    return replace(operator, debug_index=-1)
