"""What a target makes of a model, as `edgekit.fit.check` finds it."""

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from edgekit.files.results import save_json, told
from edgekit.finding import Finding
from edgekit.quantity import Quantity, format_bytes
from edgekit.record.arena import ArenaPlan
from edgekit.record.encode import UNWRITTEN

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Unsupported:
    """An operator that a target's runtime refuses, and why.

    Args:
        op: Its kind.
        reason: Why it is refused.
        index: Its place in the order of execution.
        subgraph: The graph that it is in.
        layer: The layer of the Keras model that makes it, by the name of its output; empty where
            the file does not say.
        instead: What to do about it.
    """

    op: str
    reason: str = ""
    index: int = 0
    subgraph: int = 0
    layer: str = ""
    instead: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fit:
    """What a target makes of a model. A figure is None where nothing supports it.

    Args:
        target: The target's name.
        runs: Whether its runtime takes every operator.
        fits: Whether it runs and every finding passed.
        unsupported_operators: Those that the runtime refuses.
        arena_bytes: The tensor arena.
        model_bytes: The model itself; None of a manifest that does not say it alone.
        code_bytes: The runtime with the operators that the model uses.
        flash_bytes: Model and code; None where the code is not known.
        ram_bytes: The arena; with a linker map, all static memory.
        latency_ms: Of one invocation.
        latency_unknown: Why there is no latency, or None.
        findings: The target's memory and the project's limits, held against the figures.
        operator_ms: What each operator takes of the latency, in the order of execution.
        plan: How the arena is laid out; None where the runtime has no arena of this kind.
    """

    target: str
    runs: bool
    fits: bool
    unsupported_operators: tuple[Unsupported, ...]
    arena_bytes: Quantity | None
    model_bytes: Quantity | None
    code_bytes: Quantity | None
    flash_bytes: Quantity | None
    ram_bytes: Quantity | None
    latency_ms: Quantity | None
    latency_unknown: str | None
    findings: tuple[Finding, ...]
    operator_ms: tuple[float, ...] = ()
    plan: ArenaPlan | None = field(default=None, metadata=UNWRITTEN)

    def save(self, path: "str | Path") -> None:
        """Write what ``edgekit check --json`` prints of it to ``path``."""
        save_json(path, "check", {"targets": [to_json(self)]})

    def __repr__(self) -> str:
        missed = ", ".join(item.gate for item in self.findings if not item.passed)
        figures = (
            ("flash", self.flash_bytes or self.model_bytes),
            ("arena", self.arena_bytes),
            ("latency", self.latency_ms),
        )
        known = [f"{name} {_short(item)}" for name, item in figures if item is not None]
        verdict = f"misses {missed}" if missed else "fits"
        return told(f"<Fit {self.target}: {', '.join((verdict, *known))}>")

    @property
    def known_flash_bytes(self) -> Quantity:
        """Model and code, or the model alone where the code is not known."""
        found = self.flash_bytes or self.model_bytes
        assert found is not None  # a check always tells the model's own
        return found


def to_json(fit: Fit) -> dict[str, object]:
    """Return ``fit`` as JSON gives it: all but the plan of the arena."""
    values = asdict(fit)
    del values["plan"]
    return values


def _short(figure: Quantity) -> str:
    return format_bytes(figure.value) if figure.unit == "B" else f"{figure.value:.3g} {figure.unit}"
