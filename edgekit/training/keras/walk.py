"""The calls of layers and operations in a Keras 3 model, nested models opened."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edgekit.training._tensorflow import keras3
from edgekit.training.functional_model import is_input, node_layer, node_outputs, nodes

if TYPE_CHECKING:
    from edgekit.training._tensorflow import Layer, Model, Module, Tensor, Tensors


@dataclass(frozen=True, kw_only=True, slots=True)
class Ref:
    """A tensor of a `KerasGraph`, by its number."""

    edge: int


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerCall:
    """One call of a layer or an operation.

    Args:
        operation: Keras's own object.
        args: By position, a `Ref` for each tensor.
        kwargs: By name, the same.
        outputs: The tensors that it makes.
        name: Free in the graph.
        still: Whether it is called as in use even in training: ``layer(x, training=False)``.
    """

    operation: "Layer"
    args: "Tensors"
    kwargs: "Tensors"
    outputs: tuple[int, ...]
    name: str
    still: bool = False

    @property
    def inputs(self) -> tuple[int, ...]:
        """The tensors that it takes."""
        flat = keras3().tree.flatten((self.args, self.kwargs))
        return tuple(item.edge for item in flat if isinstance(item, Ref))


@dataclass(kw_only=True, slots=True)
class KerasGraph:
    """Calls in an order in which each comes after those that it needs.

    Args:
        specs: Shape and type of each tensor, by its number.
        steps: The calls.
        inputs: The tensors that are given.
        outputs: What the model returns, with a `Ref` for each tensor.
    """

    specs: "list[Tensor]" = field(default_factory=list)
    steps: list[LayerCall] = field(default_factory=list)
    inputs: tuple[int, ...] = ()
    outputs: "Tensors" = None

    def new(self, spec: "Tensor") -> int:
        """Return the number of a new tensor of that shape and type."""
        self.specs.append(spec)
        return len(self.specs) - 1

    @property
    def returned(self) -> tuple[int, ...]:
        """The tensors that leave the model."""
        return tuple(item.edge for item in keras3().tree.flatten(self.outputs))

    def is_float(self, edge: int) -> bool:
        """Return whether a tensor holds real numbers."""
        return str(self.specs[edge].dtype).startswith(("float", "bfloat"))


def walk(model: "Model | Module") -> KerasGraph:
    """Return the calls in a functional or sequential ``model``, or in a `keras.Function`."""
    graph = KerasGraph()
    given = [graph.new(item) for item in model.inputs]
    edges = dict(zip(map(id, model.inputs), given, strict=True))
    names: set[str] = set()
    _follow(graph, model, edges, names, still=False)
    graph.inputs = tuple(given)
    structure = getattr(_function_of(model), "_outputs_struct", model.outputs)
    graph.outputs = _referred(structure, edges)
    return graph


def is_model(layer: "Layer") -> bool:
    """Return whether ``layer`` is a model whose calls can be followed."""
    return hasattr(_function_of(layer), "_nodes_by_depth")


def _function_of(model: "Model") -> "Module":
    return getattr(model, "_functional", None) or model


def _follow(
    graph: KerasGraph, model: "Model", edges: dict[int, int], names: set[str], *, still: bool
) -> None:
    for node in nodes(model):
        operation = node_layer(node)
        if operation is None or is_input(operation):
            continue
        args, kwargs = _referred((node.arguments.args, node.arguments.kwargs), edges)
        # each layer asks the model whether it is trained
        kwargs, mine = dict(kwargs), still or kwargs.get("training") is False
        kwargs.pop("training", None)
        if is_model(operation):
            step = LayerCall(operation=operation, args=args, kwargs=kwargs, outputs=(), name="")
            inner = dict(zip(map(id, operation.inputs), step.inputs, strict=True))
            _follow(graph, operation, inner, names, still=mine)
            made = [inner[id(item)] for item in operation.outputs]
            edges |= dict(zip(map(id, node_outputs(node)), made, strict=True))
            continue
        outputs = [graph.new(item) for item in node_outputs(node)]
        edges |= dict(zip(map(id, node_outputs(node)), outputs, strict=True))
        graph.steps.append(
            LayerCall(
                operation=operation,
                args=args,
                kwargs=kwargs,
                outputs=tuple(outputs),
                name=free_name(operation.name, names),
                still=mine,
            )
        )


def free_name(wanted: str, names: set[str]) -> str:
    """Return ``wanted``, or with a number behind it where it is taken, and take it."""
    number, free = 1, wanted
    while free in names:
        free, number = f"{wanted}_{number}", number + 1
    names.add(free)
    return free


def _referred(structure: "Tensors", edges: dict[int, int]) -> "Tensors":
    return keras3().tree.map_structure(
        lambda item: Ref(edge=edges[id(item)]) if id(item) in edges else item, structure
    )
