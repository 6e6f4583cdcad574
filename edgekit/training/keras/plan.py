"""Where a model is rounded: calls that the converter makes one, and tensors of one range."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from edgekit.training.keras.treatments import recipe_name, treatment
from edgekit.training.keras.walk import KerasGraph, LayerCall

if TYPE_CHECKING:
    from edgekit.training._tensorflow import Layer
    from edgekit.training.keras.treatments import Treatment

_TAKE_ACTIVATION = frozenset({"batch_normalization", "layer_normalization"})
_OWN: "frozenset[Treatment]" = frozenset({"kernel", "recipe", "relu", "sum", "plain"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Fusion:
    """Calls that become one operator of the file.

    Args:
        step: The first of them.
        treatment: How it is taken.
        normalization: A BatchNormalization right behind, or None.
        fused: A ReLU right behind, or None.
    """

    step: LayerCall
    treatment: "Treatment"
    normalization: LayerCall | None = None
    fused: LayerCall | None = None

    @property
    def last(self) -> LayerCall:
        """The call whose output leaves the group."""
        return self.fused or self.normalization or self.step


@dataclass(frozen=True, kw_only=True, slots=True)
class RangeUse:
    """How one tensor is rounded.

    Args:
        kind: ``"own"`` range, one ``"shared"`` with others, the ``"average"`` of values with a
            range, or ``"none"``.
        family: Which of the shared ranges.
        slot: Its place among those that share it.
    """

    kind: Literal["own", "shared", "average", "none"]
    family: int = 0
    slot: int = 0


@dataclass(kw_only=True, slots=True)
class RoundingPlan:
    """What becomes of a graph.

    Args:
        groups: In order.
        uses: How each tensor that an operator makes is rounded, by its number.
        again: Tensors with a range that cannot change, rounded again for an operator whose
            inputs share one: by the operator's position and the tensor.
        families: How many tensors share each of the shared ranges.
    """

    groups: list[Fusion]
    uses: dict[int, RangeUse] = field(default_factory=dict)
    again: dict[tuple[int, int], RangeUse] = field(default_factory=dict)
    families: dict[int, int] = field(default_factory=dict)

    def use(self, edge: int) -> RangeUse:
        """Return how the tensor ``edge`` is rounded."""
        return self.uses.get(edge, RangeUse(kind="none"))


def plan(graph: KerasGraph, *, observe_inputs: bool) -> RoundingPlan:
    """Return how ``graph`` is rounded.

    Args:
        graph: Of `edgekit.training.keras.walk.walk`.
        observe_inputs: Whether its inputs are real numbers still.
    """
    made = RoundingPlan(groups=_grouped(graph))
    families = _Families(len(graph.specs))
    sources: list[int] = [edge for edge in graph.inputs if graph.is_float(edge)]
    if not observe_inputs:
        families.closed.update(sources)
        sources = []
    for group in made.groups:
        sources += _made_by(graph, group, families)
    _joined(graph, made.groups, families)
    _assign(made, families, sources)
    return made


def _grouped(graph: KerasGraph) -> list[Fusion]:
    following = _Following(graph)
    groups: list[Fusion] = []
    taken: set[int] = set()
    for step in graph.steps:
        if step.outputs[0] in taken:
            continue
        group = _group(step, following)
        taken.update(item.outputs[0] for item in (group.normalization, group.fused) if item)
        groups.append(group)
    return groups


def _group(step: LayerCall, following: "_Following") -> Fusion:
    how = treatment(step)
    normalization = None
    if how == "kernel":
        normalization = following.normalization(step)
    takes = how in {"kernel", "sum"} or recipe_name(step) in _TAKE_ACTIVATION
    fused = following.activation(normalization or step) if takes else None
    return Fusion(step=step, treatment=how, normalization=normalization, fused=fused)


class _Following:
    """Which call follows another as its only user."""

    def __init__(self, graph: KerasGraph) -> None:
        self._graph = graph
        self._users: dict[int, list[LayerCall | None]] = {edge: [None] for edge in graph.returned}
        self._calls: dict[int, int] = {}
        for step in graph.steps:
            self._calls[id(step.operation)] = self._calls.get(id(step.operation), 0) + 1
            for edge in step.inputs:
                self._users.setdefault(edge, []).append(step)

    def normalization(self, step: LayerCall) -> LayerCall | None:
        """Return the BatchNormalization that the kernel of ``step`` can take in."""
        found = self._only(step)
        if found is None or recipe_name(found) != "batch_normalization":
            return None
        if not _is_alone(step, self._calls) or not _is_alone(found, self._calls):
            return None
        rank = len(self._graph.specs[step.outputs[0]].shape)
        return found if _folds(step.operation, found.operation, rank) else None

    def activation(self, step: LayerCall) -> LayerCall | None:
        """Return the ReLU behind ``step``."""
        found = self._only(step)
        return found if found is not None and treatment(found) == "relu" else None

    def _only(self, step: LayerCall) -> LayerCall | None:
        users = self._users.get(step.outputs[0], [])
        return users[0] if len(users) == 1 and len(step.outputs) == 1 else None


def _is_alone(step: LayerCall, calls: dict[int, int]) -> bool:
    return calls[id(step.operation)] == 1


def _folds(kernel: "Layer", normal: "Layer", rank: int) -> bool:
    """Return whether the converter can multiply a normalization into a kernel."""
    if type(kernel).__name__ == "EinsumDense":
        return False
    if getattr(kernel, "data_format", "channels_last") != "channels_last":
        return False
    return normal.axis in {-1, rank - 1} and not getattr(normal, "renorm", False)


def _made_by(graph: KerasGraph, group: Fusion, families: "_Families") -> list[int]:
    """Join the tensors of a call that keeps ranges; return those that it gives one of their own."""
    outputs = [edge for edge in group.last.outputs if graph.is_float(edge)]
    given = [edge for edge in group.step.inputs if graph.is_float(edge)]
    if group.treatment in {"fixed", "inside"}:
        families.closed.update(outputs)
        return []
    if group.treatment in {"same", "average"} and given:
        for edge in outputs:
            families.join(given[0], edge)
        if group.treatment == "average":
            families.averages.update(outputs)
        return []
    if group.treatment == "joined" and given:
        return []
    return outputs


def _joined(graph: KerasGraph, groups: list[Fusion], families: "_Families") -> None:
    """Give the inputs and the output of a concatenation and the like one range."""
    for place, group in enumerate(groups):
        if group.treatment != "joined":
            continue
        given = [edge for edge in group.step.inputs if graph.is_float(edge)]
        (output,) = group.step.outputs
        alone = len(given) == 1
        for edge in given:
            if families.is_closed(edge) and not alone:
                families.again.setdefault(output, []).append((place, edge))
            else:
                families.join(edge, output)


def _assign(made: RoundingPlan, families: "_Families", sources: list[int]) -> None:
    members: dict[int, list[int | tuple[int, int]]] = {}
    for edge in dict.fromkeys(sources):
        members.setdefault(families.root(edge), []).append(edge)
    for output, places in families.again.items():
        members.setdefault(families.root(output), []).extend(dict.fromkeys(places))
    averages = {edge: families.root(edge) for edge in families.averages}
    for edge, family in averages.items():
        if family in members:
            made.uses[edge] = RangeUse(kind="average", family=family)
    for family, found in members.items():
        if len(found) == 1 and isinstance(found[0], int) and family not in averages.values():
            made.uses[found[0]] = RangeUse(kind="own")
            continue
        made.families[family] = len(found)
        for slot, item in enumerate(found):
            use = RangeUse(kind="shared", family=family, slot=slot)
            if isinstance(item, int):
                made.uses[item] = use
            else:
                made.again[item] = use


class _Families:
    """Tensors that have one range, and those whose range is fixed."""

    def __init__(self, count: int) -> None:
        self._parents = list(range(count))
        self.closed: set[int] = set()
        self.averages: set[int] = set()
        self.again: dict[int, list[tuple[int, int]]] = {}

    def root(self, edge: int) -> int:
        while self._parents[edge] != edge:
            edge = self._parents[edge]
        return edge

    def join(self, one: int, other: int) -> None:
        first, second = self.root(one), self.root(other)
        if first == second:
            return
        self._parents[second] = first
        if second in self.closed:
            self.closed.add(first)

    def is_closed(self, edge: int) -> bool:
        return self.root(edge) in self.closed
