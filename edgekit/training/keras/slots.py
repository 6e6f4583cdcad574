"""How a layer is called: its tensors in their places among its other arguments.

A Keras layer around another takes tensors alone, one after the other; the rest is kept as plain
values that a config can hold.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgekit.training._tensorflow import keras3, tensorflow

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edgekit.training._tensorflow import Config, Layer, Tensor, Tensors

_SHAPE, _DTYPE = "edgekit_shape", "edgekit_dtype"


@dataclass(frozen=True, kw_only=True, slots=True)
class Slots:
    """The arguments of one call, with a `keras.KerasTensor` for each tensor.

    Args:
        args: By position.
        kwargs: By name.
    """

    args: "Tensors"
    kwargs: "Tensors"

    @property
    def tensors(self) -> "list[Tensor]":
        """The symbolic tensors, in the order in which they are passed."""
        return [item for item in _flat((self.args, self.kwargs)) if _is_symbolic(item)]

    @property
    def shapes(self) -> "list[Tensors]":
        """The shapes that ``build`` takes: of the arguments that hold tensors."""
        shape = tensorflow().nest.map_structure(
            lambda item: tuple(item.shape) if _is_symbolic(item) else None, list(self.args)
        )
        return [item for item in shape if item is not None]

    def call(self, function: "Callable[..., Tensors]", tensors: "Sequence[Tensor]") -> "Tensors":
        """Return what ``function`` makes of the arguments with ``tensors`` in them."""
        rest = iter(tensors)
        args, kwargs = keras3().tree.map_structure(
            lambda item: next(rest) if _is_symbolic(item) else item, (self.args, self.kwargs)
        )
        return function(*args, **kwargs)

    def spec(self, layer: "Layer", tensors: "Sequence[Tensor]", *, dtype: str) -> "Tensors":
        """Return shape and type of what ``layer`` gives."""
        given = [keras3().KerasTensor(item.shape, dtype=dtype) for item in tensors]
        return self.call(layer.compute_output_spec, given)


def encoded(args: "Tensors", kwargs: "Tensors") -> "Config":
    """Return the arguments of a call, symbolic tensors among them, as a config holds them."""

    def plain(item: "Tensors") -> "Config":
        if _is_symbolic(item):
            return {_SHAPE: list(item.shape), _DTYPE: str(item.dtype)}
        return item

    mapped = keras3().tree.map_structure(plain, {"args": list(args), "kwargs": dict(kwargs)})
    return dict(mapped)


def decoded(config: "Config") -> Slots:
    """Return what `encoded` was given."""
    return Slots(args=_decoded(config["args"]), kwargs=_decoded(config["kwargs"]))


def _decoded(value: "Config") -> "Tensors":
    if isinstance(value, dict):
        if set(value) == {_SHAPE, _DTYPE}:
            return keras3().KerasTensor(tuple(value[_SHAPE]), dtype=value[_DTYPE])
        return {key: _decoded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_decoded(item) for item in value]
    return value


def _flat(structure: "Tensors") -> "list[Tensors]":
    return list(keras3().tree.flatten(structure))


def _is_symbolic(item: "Tensors") -> bool:
    return isinstance(item, keras3().KerasTensor)
