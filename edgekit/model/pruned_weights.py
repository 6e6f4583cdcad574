"""The weights that were pruned, found again in the finished `.tflite`, and their zeros counted."""

import re
from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.model.inspection import is_parameter, is_zero

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from edgekit.model.reader import Model

    Mask = npt.NDArray[np.bool_]

FILE_NAME = "masks.npz"
_GATES = (1, 4, 3)  # pieces that a kernel may be cut into: none, those of an LSTM, of a GRU


@dataclass(frozen=True, kw_only=True, slots=True)
class PrunedKernel:
    """A kernel that was pruned.

    Args:
        layer: The name of its layer in Keras.
        attribute: Which of the layer's arrays, such as ``"cell.kernel"``.
        keep: True where its weight is not zero, in Keras's shape.
    """

    layer: str
    attribute: str
    keep: "Mask"


@dataclass(frozen=True, kw_only=True, slots=True)
class Located:
    """Where a pruned kernel is in the file.

    Args:
        tensors: Indices in the main graph, several where the file has a tensor for each gate;
            empty where the kernel was not found.
        zeros: Exact zeros in them.
        weights: Their elements.
    """

    tensors: tuple[int, ...] = ()
    zeros: int = 0
    weights: int = 0

    @property
    def fraction(self) -> float | None:
        """The share of zeros; None where the kernel was not found."""
        return self.zeros / self.weights if self.weights else None


def fraction_of(found: "Sequence[Located]") -> float | None:
    """Return the share of zeros in all that was found; None where nothing was."""
    weights = sum(item.weights for item in found)
    return sum(item.zeros for item in found) / weights if weights else None


def save_masks(path: "Path", kernels: "Sequence[Mask]") -> None:
    """Write what is kept of each kernel to the ``.npz`` ``path``, by its place in the row."""
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Any] = {str(place): mask for place, mask in enumerate(kernels)}
    with path.open("wb") as stream:
        np.savez_compressed(stream, **arrays)


def load_masks(path: "Path") -> "tuple[Mask, ...]":
    """Return what `save_masks` wrote."""
    with np.load(path, allow_pickle=False) as arrays:
        return tuple(arrays[str(place)] for place in range(len(arrays.files)))


def locate(model: "Model", kernels: "Sequence[PrunedKernel]") -> tuple[Located, ...]:
    """Return where each of ``kernels`` is in the main graph of ``model``, in their order.

    A kernel is the tensor that has its layer's name, or else one that is zero wherever the kernel
    is: converters leave recurrent kernels without a name, and cut them into gates.
    """
    constants = _constants(model)
    names = {kernel.layer for kernel in kernels}
    taken: set[int] = set()
    return tuple(_located(kernel, constants, names, taken) for kernel in kernels)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Constant:
    """A constant of the graph: the parts of its name, and which of its elements are zero."""

    index: int
    words: frozenset[str]
    zero: "Mask"


def _constants(model: "Model") -> tuple[_Constant, ...]:
    graph = model.main
    return tuple(
        _Constant(
            index=tensor.index,
            words=frozenset(re.split("[/;]", tensor.name)),
            zero=is_zero(tensor).reshape(-1),
        )
        for tensor in graph.tensors
        if is_parameter(tensor) and tensor.sparsity is None
    )


def _located(
    kernel: PrunedKernel, constants: tuple[_Constant, ...], names: set[str], taken: set[int]
) -> Located:
    own = _words(kernel)
    others = frozenset().union(*(_forms(name) for name in names - {kernel.layer}))
    free = [item for item in constants if item.index not in taken]
    mine = [item for item in free if item.words & own]
    nameless = [item for item in free if not item.words & (own | others)]
    found = _by_zeros(kernel, mine) or _by_zeros(kernel, nameless) or _by_size(kernel, mine)
    taken.update(item.index for item in found)
    return Located(
        tensors=tuple(item.index for item in found),
        zeros=sum(int(item.zero.sum()) for item in found),
        weights=sum(item.zero.size for item in found),
    )


def _words(kernel: PrunedKernel) -> frozenset[str]:
    """Return the names that a converter gives the layer of ``kernel``, or the part with it."""
    part, _, _ = kernel.attribute.partition("_")  # a separable layer is trained as two
    return _forms(kernel.layer) | _forms(f"{kernel.layer}_{part}")


def _forms(name: str) -> frozenset[str]:
    return frozenset({name, f"quant_{name}"})  # the second in quantization-aware training


def _by_zeros(kernel: PrunedKernel, constants: list[_Constant]) -> tuple[_Constant, ...]:
    """Return the constants that are zero wherever ``kernel`` is, one for each of its pieces."""
    for count in _GATES:
        if kernel.keep.shape[-1] % count:
            continue
        left = {item.index: item for item in constants}
        found = []
        for piece in np.split(kernel.keep, count, axis=-1):
            match = next((item for item in left.values() if _covers(item.zero, piece)), None)
            if match is None:
                break
            found.append(left.pop(match.index))
        else:
            return tuple(found)
    return ()


def _by_size(kernel: PrunedKernel, constants: list[_Constant]) -> tuple[_Constant, ...]:
    """Return the first constant of the layer's name that has as many elements: zeros were lost."""
    return tuple(item for item in constants if item.zero.size == kernel.keep.size)[:1]


def _covers(zero: "Mask", keep: "Mask") -> bool:
    """Return whether ``zero`` is True wherever ``keep`` is False, its axes in whatever order."""
    if zero.size != keep.size:
        return False
    return any(bool((zero | order.reshape(-1)).all()) for order in _orders(keep.squeeze()))


def _orders(keep: "Mask") -> "Iterator[Mask]":
    for axes in permutations(range(keep.ndim)):
        yield keep.transpose(axes)
