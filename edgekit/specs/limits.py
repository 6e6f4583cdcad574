"""The table of what the finished model must hold."""

from dataclasses import dataclass

from edgekit.errors import InputError
from edgekit.files.toml import Bytes, Microseconds
from edgekit.specs.checks import check_confidence, check_drop, check_types


@dataclass(frozen=True, kw_only=True, slots=True)
class AccuracyDrop:
    """A limit on the drop that must hold for more than these samples.

    Args:
        max: Largest loss of the metric against the float model, in the metric's own unit.
        confidence: With which the loss must be shown not to exceed it, such as 0.95; a paired
            bootstrap over the validation set. Few samples show little: at 0.95 a loss of no
            sample shows a drop of at most 3 divided by their number.
    """

    max: float
    confidence: float

    def __post_init__(self) -> None:
        check_types(self, "limits.accuracy_drop")
        check_drop("limits.accuracy_drop.max", self.max)
        check_confidence("limits.accuracy_drop.confidence", self.confidence)


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What the finished model must hold; None asks nothing.

    Args:
        accuracy_drop: Largest loss of the metric against the float model, in the metric's own
            unit (0.01 is one point of accuracy); a number, or ``{ max = 0.01, confidence =
            0.95 }``.
        flash: Bytes of flash that the model takes.
        ram: Bytes of the tensor arena.
        latency: Of one invocation, on each target that has a sourced estimate.
    """

    accuracy_drop: AccuracyDrop | float | None = None
    flash: Bytes | None = None
    ram: Bytes | None = None
    latency: Microseconds | None = None

    def __post_init__(self) -> None:
        check_types(self, "limits")
        if self.accuracy_drop is not None and not isinstance(self.accuracy_drop, AccuracyDrop):
            check_drop("limits.accuracy_drop", self.accuracy_drop)
        for key in ("flash", "ram", "latency"):
            limit = getattr(self, key)
            if limit is not None and limit <= 0:
                raise InputError(f"limits.{key} is {limit:g}, which nothing can hold")

    @property
    def largest_drop(self) -> float | None:
        """What ``accuracy_drop`` allows, however sure one must be of it."""
        drop = self.accuracy_drop
        return drop.max if isinstance(drop, AccuracyDrop) else drop

    @property
    def confidence(self) -> float | None:
        """With which ``accuracy_drop`` must hold; None: on the samples that there are."""
        drop = self.accuracy_drop
        return drop.confidence if isinstance(drop, AccuracyDrop) else None
