"""Constants in place of variables while a model is traced for the converter.

The converter takes a kernel on its grid, and the range of an activation, where it finds plain
constants; what is computed from variables it finds too late.
"""

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from edgekit.training._tensorflow import tensorflow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    import numpy.typing as npt

    from edgekit.training._tensorflow import Tensor

_UNSEEN: "ContextVar[list[str] | None]" = ContextVar("unseen", default=None)


@contextmanager
def freezing() -> "Iterator[list[str]]":
    """Let what `frozen` computes be constants; the list takes the names of `note_unseen`."""
    unseen: list[str] = []
    token = _UNSEEN.set(unseen)
    try:
        yield unseen
    finally:
        _UNSEEN.reset(token)


def is_freezing() -> bool:
    """Return whether a model is traced for the converter."""
    return _UNSEEN.get() is not None


def note_unseen(name: str) -> None:
    """Remember that the layer ``name`` has no range."""
    unseen = _UNSEEN.get()
    if unseen is not None:
        unseen.append(name)


def frozen(compute: "Callable[[], Tensor]") -> "Tensor":
    """Return what ``compute`` makes of variables alone, as a constant where it must be one."""
    if not is_freezing():
        return compute()
    tf = tensorflow()
    with tf.init_scope():
        value = compute().numpy()
    return tf.constant(value)


def frozen_pair(compute: "Callable[[], tuple[Tensor, Tensor]]") -> "tuple[Tensor, Tensor]":
    """Return both tensors of ``compute``, each as by `frozen`."""
    if not is_freezing():
        return compute()
    return frozen(lambda: compute()[0]), frozen(lambda: compute()[1])


def constant(tensor: "Tensor") -> "npt.NDArray[np.float32]":
    """Return the values of what `frozen` made while a model is traced."""
    values: npt.NDArray[np.float32] = tensorflow().get_static_value(tensor)
    return values
