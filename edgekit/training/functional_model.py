"""A functional Keras model, of either Keras, replayed layer by layer into a new tf_keras one."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from edgekit.errors import UnsupportedModelError
from edgekit.training._tensorflow import (
    Layer,
    Model,
    Node,
    Tensor,
    Tensors,
    tensorflow,
    tf_keras,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[[Any, str], Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Replay:
    """A new model, and the old layers with the new ones that stand for them, in order."""

    model: Model
    pairs: tuple[tuple[Any, Any], ...]


@dataclass(kw_only=True, slots=True)
class _Replayer:
    """Rebuilds a model; keeps what was built, so that shared layers stay shared."""

    make: "Make"
    built: dict[int, Any] = field(default_factory=dict)
    pairs: list[tuple[Any, Any]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)

    def run(self, model: Model, inputs: list[Any], prefix: str) -> list[Any]:
        tensors = {id(old): new for old, new in zip(_flat(model.inputs), inputs, strict=True)}
        for node in nodes(model):
            layer = node_layer(node)
            if is_input(layer):
                continue
            args, kwargs = _arguments(node)
            args, kwargs = _mapped((args, kwargs), tensors)
            if hasattr(layer, "layers") and hasattr(layer, "inputs"):  # a nested model
                results = self.run(layer, _flat(args), f"{prefix}{layer.name}_")
            else:
                new = self.layer(layer, prefix)
                is_layer = hasattr(new, "get_config")  # a function takes no mask, no training
                results = _flat(new(*args, **(kwargs if is_layer else {})))
            for old, new in zip(node_outputs(node), results, strict=True):
                tensors[id(old)] = new
        return [tensors[id(item)] for item in _flat(model.outputs)]

    def layer(self, layer: Layer, prefix: str) -> Layer:
        if id(layer) not in self.built:
            new = self.make(layer, self.free_name(layer.name, prefix))
            self.built[id(layer)] = new
            self.pairs.append((layer, new))
        return self.built[id(layer)]

    def free_name(self, name: str, prefix: str) -> str:
        wanted = name if name not in self.names else prefix + name
        number, free = 1, wanted
        while free in self.names:
            free, number = f"{wanted}_{number}", number + 1
        self.names.add(free)
        return free


def replay(model: Model, make: "Make") -> Replay:
    """Return ``model`` rebuilt in tf_keras, nested models flattened.

    Args:
        model: A functional or sequential model of Keras 3 or tf_keras; left as it was.
        make: Called once for each layer with it and a free name; returns what is called with
            the new tensors in its place, a new tf_keras layer most often. The weights are
            not copied here.
    """
    inputs = [
        tf_keras().Input(shape=tuple(item.shape[1:]), dtype=_dtype_name(item), name=_name(item))
        for item in _flat(model.inputs)
    ]
    replayer = _Replayer(make=make)
    replayer.names.update(item.name for item in inputs)
    outputs = replayer.run(model, list(inputs), "")
    single = len(inputs) == len(outputs) == 1
    new = tf_keras().Model(
        inputs[0] if single else inputs, outputs[0] if single else outputs, name=model.name
    )
    return Replay(model=new, pairs=tuple(replayer.pairs))


def require_functional(model: Model) -> None:
    """Refuse a model whose layers cannot be walked.

    Raises:
        UnsupportedModelError: It is subclassed, or was never built.
    """
    kind = type(model).__name__
    if not hasattr(model, "layers"):
        raise UnsupportedModelError(f"a {kind} is not a Keras model")
    if kind == "Sequential":
        if not getattr(model, "inputs", None):
            raise UnsupportedModelError(
                f"model '{model.name}' was never built: its input shape is unknown",
                hint="begin it with keras.Input(shape=…)",
            )
        return
    if not hasattr(_functional(model), "_nodes_by_depth"):
        raise UnsupportedModelError(
            f"model '{model.name}' is subclassed ({kind}): its layers cannot be walked",
            hint="build it with the functional API: keras.Model(inputs, outputs)",
        )


def nodes(model: Model) -> list[Any]:
    """Return the calls of layers in ``model``, each after those that it needs."""
    by_depth = _functional(model)._nodes_by_depth  # noqa: SLF001  neither Keras has a public way
    return [node for depth in sorted(by_depth, reverse=True) for node in by_depth[depth]]


def node_layer(node: Node) -> Layer:
    """Return the layer that ``node`` calls."""
    return node.operation if hasattr(node, "operation") else node.layer


def node_outputs(node: Node) -> list[Any]:
    """Return the tensors that ``node`` gives."""
    return _flat(node.outputs)


def node_inputs(node: Node) -> list[Any]:
    """Return the tensors that ``node`` takes."""
    return _flat(node.input_tensors if hasattr(node, "operation") else node.keras_inputs)


def is_input(layer: Layer) -> bool:
    """Return whether ``layer`` stands for an input of a model."""
    return type(layer).__name__ == "InputLayer"


def _functional(model: Model) -> Model:
    """Return the functional model inside a Keras 3 `Sequential`, or ``model`` itself."""
    return getattr(model, "_functional", None) or model


def _arguments(node: Node) -> tuple[Any, Any]:
    if hasattr(node, "operation"):
        return node.arguments.args, node.arguments.kwargs
    return node.call_args, node.call_kwargs


def _mapped(structure: Tensors, tensors: dict[int, Any]) -> Tensors:
    return tensorflow().nest.map_structure(lambda item: tensors.get(id(item), item), structure)


def _flat(structure: Tensors) -> list[Any]:
    return list(tensorflow().nest.flatten(structure))


def _dtype_name(tensor: Tensor) -> str:
    dtype = tensor.dtype
    return dtype if isinstance(dtype, str) else str(dtype.name)


def _name(tensor: Tensor) -> str:
    return str(tensor.name).partition(":")[0].replace("/", "_")
