"""From a plan to what is called: layers that round, in the order of the graph."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from edgekit.training._tensorflow import keras3
from edgekit.training.keras.aware import Aware
from edgekit.training.keras.inlined import Inlined
from edgekit.training.keras.observe import Observe
from edgekit.training.keras.plan import RangeUse, RoundingPlan
from edgekit.training.keras.slots import encoded
from edgekit.training.keras.treatments import (
    activation_name,
    fixed_range_name,
    is_layer,
    recipe_name,
)
from edgekit.training.keras.walk import KerasGraph, Ref

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from edgekit.training._tensorflow import Config, Layer, Tensor, Tensors
    from edgekit.training.keras.plan import Fusion
    from edgekit.training.keras.walk import LayerCall


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerPart:
    """One call.

    Args:
        function: A layer or an operation.
        args: By position, a `Ref` for each tensor.
        kwargs: By name, the same.
        outputs: The tensors that it makes, or makes anew.
    """

    function: "Callable[..., Tensors]"
    args: "Tensors"
    kwargs: "Tensors"
    outputs: tuple[int, ...]


def run(
    parts: "Iterable[LayerPart]",
    tensors: "dict[int, Tensor]",
    constant: "Callable[[Tensor], Tensor]" = lambda item: item,
) -> None:
    """Call ``parts`` one after the other, and put into ``tensors`` what they make.

    Args:
        parts: In order.
        tensors: The inputs, by their numbers.
        constant: What is passed instead of an argument that is no tensor of the graph.
    """
    tree = keras3().tree

    def filled(item: "Tensors") -> "Tensor":
        return tensors[item.edge] if isinstance(item, Ref) else constant(item)

    for part in parts:
        args, kwargs = tree.map_structure(filled, (part.args, part.kwargs))
        made = tree.flatten(part.function(*args, **kwargs))
        tensors |= dict(zip(part.outputs, made, strict=True))


@dataclass(kw_only=True, slots=True)
class Maker:
    """Makes the parts of one graph.

    Args:
        graph: What is computed.
        plan: How it is rounded.
        scheme: Such as ``"int8"``.
        copy: From a layer of the graph to the one that is called in its place.
        layers: What was made, in order.
    """

    graph: KerasGraph
    plan: RoundingPlan
    scheme: str
    copy: "Callable[[Layer, str], Layer]"
    layers: "list[Layer]" = field(default_factory=list)
    _made: "dict[int, Layer]" = field(default_factory=dict)
    _shared: dict[int, Observe] = field(default_factory=dict)

    def parts(self) -> list[LayerPart]:
        """Return all calls, those that round the inputs first."""
        found = [
            part for edge in self.graph.inputs for part in self._rounding(edge, f"input_{edge}")
        ]
        for place, group in enumerate(self.plan.groups):
            found += self._of_group(place, group)
        return found

    def _of_group(self, place: int, group: "Fusion") -> list[LayerPart]:
        match group.treatment:
            case "kernel" | "recipe":
                return self._wrapped(group, recipe_name(group.step) or "kernel")
            case "inside":
                return self._inlined(group)
            case "same" | "average":
                averages = (self._rounding(edge, group.step.name) for edge in group.step.outputs)
                return [self._called(group), *(part for found in averages for part in found)]
            case "joined":
                return [*self._again(place, group), self._called(self._with_again(place, group))]
            case "fixed" | "plain" | "relu" | "sum" if is_layer(group.step.operation):
                return self._wrapped(group, "call")
            case _:
                return self._operation(group)

    def _wrapped(self, group: "Fusion", recipe: str) -> list[LayerPart]:
        """Return the call of one layer that does all of a group."""
        step, last = group.step, group.last
        (output,) = last.outputs
        use = self.plan.use(output)
        name = last.name if output in self.graph.returned else step.name
        fixed = fixed_range_name(step)
        if id(step.operation) not in self._made:
            layer = step.operation if is_layer(step.operation) else None
            normal = group.normalization
            self._keep(
                step.operation,
                Aware(
                    None if layer is None else self._copied(step),
                    recipe,
                    self._encoded(step.args, step.kwargs),
                    scheme=self.scheme,
                    normalization=normal and self._copied(normal),
                    fused=_fused(group),
                    output=fixed or ("own" if use.kind == "own" else "none"),
                    final=output in self.graph.returned,
                    name=name,
                    dtype=None if layer is None else layer.dtype_policy,
                ),
            )
        wrapper = self._made[id(step.operation)]
        part = LayerPart(function=wrapper, args=_refs(step.inputs), kwargs={}, outputs=(output,))
        return [part, *(self._rounding(output, name) if use.kind == "shared" else [])]

    def _copied(self, step: "LayerCall") -> "Layer":
        layer = self.copy(step.operation, step.operation.name)
        if step.still and recipe_name(step) == "batch_normalization":
            layer.trainable = False  # Keras's own way to leave its statistics alone
        return layer

    def _inlined(self, group: "Fusion") -> list[LayerPart]:
        step = group.step
        if id(step.operation) not in self._made:
            self._keep(
                step.operation,
                Inlined(
                    self.copy(step.operation, step.operation.name),
                    self._encoded(step.args, step.kwargs),
                    scheme=self.scheme,
                    name=step.name,
                    dtype=step.operation.dtype_policy,
                ),
            )
        wrapper = self._made[id(step.operation)]
        args = _refs(step.inputs)
        return [LayerPart(function=wrapper, args=args, kwargs={}, outputs=step.outputs)]

    def _operation(self, group: "Fusion") -> list[LayerPart]:
        """Return the calls of an operation, of the ReLU behind it, and of its range."""
        found = [self._called(group)]
        edges = group.step.outputs
        if group.fused is not None:
            edges = group.fused.outputs
            relu = getattr(keras3().ops, str(_fused(group)))
            found.append(
                LayerPart(function=relu, args=_refs(group.step.outputs), kwargs={}, outputs=edges)
            )
        if group.treatment == "fixed":
            (edge,) = edges
            layer = Observe(
                self.scheme,
                fixed=fixed_range_name(group.step),
                final=edge in self.graph.returned,
                name=f"{group.step.name}_range",
            )
            self.layers.append(layer)
            return [*found, LayerPart(function=layer, args=_refs(edges), kwargs={}, outputs=edges)]
        return [*found, *(part for edge in edges for part in self._rounding(edge, group.step.name))]

    def _called(self, group: "Fusion") -> LayerPart:
        step = group.step
        if id(step.operation) not in self._made:
            self._keep(step.operation, self.copy(step.operation, step.name))
        return LayerPart(
            function=self._made[id(step.operation)],
            args=step.args,
            kwargs=step.kwargs,
            outputs=step.outputs,
        )

    def _rounding(self, edge: int, name: str) -> list[LayerPart]:
        """Return the call that rounds the tensor ``edge``, where it has a range."""
        use = self.plan.use(edge)
        if use.kind == "none":
            return []
        layer, kwargs = self._observer(use, name)
        args = (Ref(edge=edge),)
        return [LayerPart(function=layer, args=args, kwargs=kwargs, outputs=(edge,))]

    def _observer(self, use: RangeUse, name: str) -> "tuple[Observe, Config]":
        if use.kind == "own":
            layer = Observe(self.scheme, name=f"{name}_range")
            self.layers.append(layer)
            return layer, {}
        if use.family not in self._shared:
            slots = self.plan.families[use.family]
            layer = Observe(self.scheme, slots=slots, name=f"{name}_shared_range")
            self._shared[use.family] = layer
            self.layers.append(layer)
        if use.kind == "average":
            return self._shared[use.family], {"average": True}
        return self._shared[use.family], {"slot": use.slot}

    def _again(self, place: int, group: "Fusion") -> list[LayerPart]:
        found = []
        for edge, new in self._renewed(place, group).items():
            layer, kwargs = self._observer(self.plan.again[(place, edge)], group.step.name)
            found.append(
                LayerPart(function=layer, args=(Ref(edge=edge),), kwargs=kwargs, outputs=(new,))
            )
        return found

    def _with_again(self, place: int, group: "Fusion") -> "Fusion":
        new = self._renewed(place, group)
        args, kwargs = keras3().tree.map_structure(
            lambda item: (
                Ref(edge=new[item.edge]) if isinstance(item, Ref) and item.edge in new else item
            ),
            (group.step.args, group.step.kwargs),
        )
        return replace(group, step=replace(group.step, args=args, kwargs=kwargs))

    def _renewed(self, place: int, group: "Fusion") -> "Mapping[int, int]":
        """Return the numbers of tensors rounded again: negative, for the graph has none such."""
        edges = [edge for edge in group.step.inputs if (place, edge) in self.plan.again]
        return {edge: -1 - edge - place * len(self.graph.specs) for edge in edges}

    def _encoded(self, args: "Tensors", kwargs: "Tensors") -> "Config":
        args, kwargs = keras3().tree.map_structure(
            lambda item: self.graph.specs[item.edge] if isinstance(item, Ref) else item,
            (args, kwargs),
        )
        return encoded(args, kwargs)

    def _keep(self, operation: "Layer", made: "Layer") -> None:
        self._made[id(operation)] = made
        self.layers.append(made)


def _fused(group: "Fusion") -> str | None:
    return None if group.fused is None else activation_name(group.fused.operation)


def _refs(edges: "Iterable[int]") -> tuple[Ref, ...]:
    return tuple(Ref(edge=edge) for edge in edges)
