"""A walk through a Keras graph that numbers its channels, and joins those that are one."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from edgekit.training.functional_model import is_input, node_inputs, node_layer, node_outputs, nodes
from edgekit.training.kernels import Kernel, of_layer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    from edgekit.training._tensorflow import Layer, Model, Node, Tensor

    Rule = Callable[["Walk", "Call"], "Channels"]
    Indices = npt.NDArray[np.intp]

Role = Literal["filter", "depthwise", "shift"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Channels:
    """The channels of one tensor.

    Args:
        numbers: int, shape ``(channels,)``: the number of each.
        zero: Whether a channel whose filters are zero is zero here, not another constant.
    """

    numbers: "Indices"
    zero: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """An array of a layer with a place for each channel.

    Args:
        kernel: The array.
        role: ``"filter"`` makes channels, ``"depthwise"`` hands them on, ``"shift"`` adds to them.
        channels: int, shape ``(places,)``: the channel at each place; -1: one that must stay.
    """

    kernel: Kernel
    role: Role
    channels: "Indices"


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One call of a layer.

    Args:
        layer: Without tfmot's wrapper.
        kernels: Its arrays by attribute.
        given: The channels of its inputs.
        shapes: Of its inputs, and last of its output.
    """

    layer: "Layer"
    kernels: dict[str, Kernel]
    given: "tuple[Channels, ...]"
    shapes: tuple[tuple[int, ...], ...]

    @property
    def source(self) -> Channels:
        """The channels of the first input."""
        return self.given[0]


class Walk:
    """Numbers channels, and joins those that are one.

    Args:
        rules: By kind of layer, what it makes of the channels that it is given.
    """

    def __init__(self, rules: "Mapping[str, Rule]") -> None:
        self._rules = rules
        self._parents: list[int] = []
        self._pinned: set[int] = set()
        self._made: dict[int, Indices] = {}
        self.found: list[Found] = []

    def run(self, model: "Model", given: "Sequence[Channels]") -> list[Channels]:
        """Follow the channels through ``model``, nested models too."""
        tensors = {id(old): new for old, new in zip(model.inputs, given, strict=True)}
        for node in nodes(model):
            layer = node_layer(node)
            if is_input(layer):
                continue
            sources = [tensors[id(item)] for item in node_inputs(node)]
            outputs = node_outputs(node)
            if hasattr(layer, "layers") and hasattr(layer, "inputs"):
                results = self.run(layer, sources)
            else:
                results = self._visit(layer, node, sources)
            tensors |= {id(old): new for old, new in zip(outputs, results, strict=True)}
        return [tensors[id(item)] for item in model.outputs]

    def _visit(self, layer: "Layer", node: "Node", given: list[Channels]) -> list[Channels]:
        inner = _unwrapped(layer)
        rule = self._rules.get(type(inner).__name__) if _is_plain(inner) else None
        outputs = node_outputs(node)
        if rule is None or len(outputs) != 1 or not given:
            for item in given:
                self.pin(item)
            return [self.pinned(item) for item in outputs]
        call = Call(
            layer=inner,
            kernels={item.attribute: item for item in of_layer(layer, depthwise=True)},
            given=tuple(given),
            shapes=tuple(_shape(item) for item in (*node_inputs(node), *outputs)),
        )
        return [rule(self, call)]

    def pinned(self, tensor: "Tensor") -> Channels:
        """Return new channels for ``tensor``, that all stay."""
        channels = Channels(numbers=self.new(_shape(tensor)[-1]))
        self.pin(channels)
        return channels

    def pin(self, channels: Channels) -> None:
        """Let ``channels`` stay, whatever happens."""
        self._pinned.update(self.root(number) for number in channels.numbers)

    def new(self, count: int) -> "Indices":
        """Return ``count`` new channels."""
        first = len(self._parents)
        self._parents.extend(range(first, first + count))
        return np.arange(first, first + count)

    def made_by(self, layer: "Layer", count: int) -> "Indices":
        """Return the channels that ``layer`` makes, the same at each of its calls."""
        return self._made.setdefault(id(layer), self.new(count))

    def join(self, left: "Indices", right: "Indices") -> None:
        """Make each channel of ``left`` one with that of ``right``."""
        for one, other in zip(left.tolist(), right.tolist(), strict=True):
            first, second = sorted((self.root(one), self.root(other)))
            self._parents[second] = first
            if second in self._pinned:
                self._pinned.add(first)

    def root(self, number: int) -> int:
        """Return the channel that stands for all that are one with ``number``."""
        number = int(number)
        while self._parents[number] != number:
            self._parents[number] = self._parents[self._parents[number]]
            number = self._parents[number]
        return number

    def free(self, numbers: "Indices", made: set[int]) -> "Indices":
        """Return the standing channels of ``numbers``; -1 where one must stay."""
        roots = (self.root(number) for number in numbers)
        return np.array(
            [root if root in made and root not in self._pinned else -1 for root in roots], np.intp
        )

    def add(self, kernel: Kernel, role: Role, channels: "Indices") -> None:
        """Keep an array of a layer; the channels of another call of the layer are the same ones."""
        for item in self.found:
            if item.kernel.variable is kernel.variable:
                self.join(item.channels, channels)
                return
        self.found.append(Found(kernel=kernel, role=role, channels=channels))

    def add_shift(self, layer: "Layer", attribute: str, channels: "Indices") -> None:
        """Keep a bias, an offset or a moving mean where ``layer`` has one."""
        variable = getattr(layer, attribute, None)
        if variable is not None:
            kernel = Kernel(
                layer=layer.name,
                attribute=attribute,
                kind=type(layer).__name__,
                variable=variable,
                frozen=not layer.trainable,
            )
            self.add(kernel, "shift", channels)


def _unwrapped(layer: "Layer") -> "Layer":
    """Return the layer inside tfmot's wrapper."""
    return layer.layer if type(layer).__name__.startswith("QuantizeWrapper") else layer


def _is_plain(layer: "Layer") -> bool:
    """Return whether ``layer`` is of Keras or tfmot, with its channels last."""
    root, *_ = type(layer).__module__.split(".")
    known = root in {"keras", "tf_keras"} and ".layers." in type(layer).__module__
    first = getattr(layer, "data_format", None) == "channels_first"
    return (known or root == "tensorflow_model_optimization") and not first


def _shape(tensor: "Tensor") -> tuple[int, ...]:
    """Return the shape of ``tensor``, 0 where it is not fixed."""
    return tuple(int(size or 0) for size in tensor.shape) or (0,)
