"""Which output of a model a score is of: its only one."""

from typing import TYPE_CHECKING

from edgekit.errors import UnsupportedModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgekit.model.values import Graph, Tensor

_SHOWN = 8  # outputs in a message


def scored_output(graph: "Graph") -> "Tensor":
    """Return the tensor that a score of a `.tflite` is taken on.

    Raises:
        UnsupportedModelError: There are several outputs, or none; the message names them.
    """
    tensors = [graph.tensors[index] for index in graph.outputs]
    check_one_output(
        [(tensor.name, tensor.shape) for tensor in tensors],
        hint="convert the model with the one output that is to be scored; edgekit check, inspect, "
        "shrink and emit take all of them",
    )
    return tensors[0]


def check_one_output(outputs: "Sequence[tuple[str, tuple[int | None, ...]]]", *, hint: str) -> None:
    """Refuse a model with other than one output, where a score of one would be given.

    Args:
        outputs: The name and the shape of each.
        hint: What to do about several.

    Raises:
        UnsupportedModelError: There are several, or none; the message names them.
    """
    if not outputs:
        raise UnsupportedModelError("the model has no output")
    if len(outputs) == 1:
        return
    shown = ", ".join(f"'{name}' {_shape(shape)}" for name, shape in outputs[:_SHOWN])
    more = f" and {len(outputs) - _SHOWN} more" if len(outputs) > _SHOWN else ""
    raise UnsupportedModelError(
        f"the model has {len(outputs)} outputs ({shown}{more}), and a score is of one", hint=hint
    )


def _shape(shape: "tuple[int | None, ...]") -> str:
    return f"({', '.join('?' if size is None else str(size) for size in shape)})"
