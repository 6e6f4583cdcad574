"""What an operator makes of known inputs, said by the runtimes themselves.

Passes fold constants. No arithmetic of ours stands for a kernel's: the operator is run alone,
in TFLite-Micro and in LiteRT, and its result counts only where both agree byte for byte.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from edgekit.errors import ToolError, UnsupportedModelError
from edgekit.model.edit import compact, with_main
from edgekit.model.writer import write

if TYPE_CHECKING:
    import numpy.typing as npt

    from edgekit.model.values import Model, Operator
    from edgekit.runtimes.session import RuntimeSession

    Array = npt.NDArray[np.generic]


class Oracle:
    """Runs single operators.

    Args:
        *runtimes: Asked in turn; the first must answer, others may refuse what they do not know.
    """

    def __init__(self, *runtimes: "RuntimeSession") -> None:
        self._runtimes = runtimes

    def outputs(
        self,
        model: "Model",
        operator: "Operator",
        inputs: "dict[int, Array]",
        *,
        asked: "npt.NDArray[np.bool_] | None" = None,
    ) -> "tuple[Array, ...] | None":
        """Return what ``operator`` of the main graph of ``model`` makes of ``inputs``.

        Args:
            model: The operator's own; its constants are taken from there.
            operator: Runs alone.
            inputs: Values of tensors that are no constants there, or stand for constants, each
                of the tensor's shape.
            asked: The channels of the outputs that count; None: all. The runtimes may round the
                others, of inputs that are made up, in different ways.

        Returns:
            The values of its outputs; None where the first runtime cannot run it alone, or
            another one disagrees.
        """
        content = write(_alone(model, operator, tuple(inputs)))
        batch = tuple(inputs.values())
        first, *others = self._runtimes
        try:
            found = first.run(content, batch)
        except (UnsupportedModelError, ToolError):
            return None
        for runtime in others:
            try:
                second = runtime.run(content, batch)
            except (UnsupportedModelError, ToolError):
                continue
            if not all(_agree(*pair, asked) for pair in zip(found, second, strict=True)):
                return None
        return found


def _agree(one: "Array", other: "Array", asked: "npt.NDArray[np.bool_] | None") -> bool:
    if asked is None:
        return np.array_equal(one, other)
    return np.array_equal(one[..., asked], other[..., asked])


def _alone(model: "Model", operator: "Operator", inputs: tuple[int, ...]) -> "Model":
    """Return a model of ``operator`` alone with these input tensors."""
    graph = model.main
    tensors = tuple(
        replace(tensor, data=None) if tensor.index in inputs else tensor for tensor in graph.tensors
    )
    lone = replace(
        graph, tensors=tensors, operators=(operator,), inputs=inputs, outputs=operator.outputs
    )
    bare = replace(model, signatures=(), metadata=(), legacy_metadata=None)
    return compact(with_main(bare, lone))
