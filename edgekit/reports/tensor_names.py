"""Short names for tensors: converters write the whole path of every operation they fused."""

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_ENDINGS = ("/ReadVariableOp/resource", "/ReadVariableOp")
_BIAS = "/BiasAdd"


def short_name(name: str, *, is_bias: bool = False) -> str:
    """Return the layer and operation in a tensor's name: ``"conv2d_1/Relu"``.

    The name of a fused tensor lists all operations, the last of them first. A constant of one
    dimension is named after the bias in it rather than after the activation that follows.

    Args:
        name: As the converter wrote it.
        is_bias: Whether the tensor is a constant of one dimension.
    """
    found = name.split(";")
    chosen = next((item for item in found if is_bias and _BIAS in item), found[0])
    for ending in _ENDINGS:
        chosen = chosen.removesuffix(ending)
    parts = [part.removeprefix("quant_") for part in chosen.split("/") if part]
    return "/".join(parts[-2:]) or name


def distinct(names: "Iterable[tuple[str, str]]") -> dict[str, str]:
    """Return a name for each full name: its short one where that is its alone.

    Args:
        names: Full and short ones.
    """
    pairs = dict(names)
    counts = Counter(pairs.values())
    return {full: short if counts[short] == 1 else full for full, short in pairs.items()}
