"""Which point to take: the Pareto front, the cheapest that meets the limits, or the nearest."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgekit.comparison.result import overshoot
from edgekit.quantity import Quantity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgekit.comparison.result import Result


@dataclass(frozen=True, kw_only=True, slots=True)
class Basis:
    """What all points of a study are weighed by.

    Args:
        target: The device whose flash, arena and latency count; None: no device's flash is
            known for all points, and the model's file counts.
        title: The flash in words.
    """

    target: str | None
    title: str

    def flash(self, result: "Result") -> Quantity | None:
        """Return the flash of a point, or None where it was not built or does not run there."""
        if self.target is not None:
            there = result.on(self.target)
            return None if there is None else there.flash_bytes
        if result.model_bytes is None or result.packed_bytes is not None:
            return result.packed_bytes
        return Quantity(
            value=result.model_bytes, unit="B", kind="host", source="length of the file"
        )

    def arena(self, result: "Result") -> Quantity | None:
        """Return the tensor arena on the device, or on the first that has one."""
        return self._first(result, "arena_bytes")

    def latency(self, result: "Result") -> Quantity | None:
        """Return the latency on the device, or on the first whose is known."""
        return self._first(result, "latency_ms")

    def _first(self, result: "Result", figure: str) -> Quantity | None:
        found = (
            getattr(item, figure) for item in result.targets if self.target in (None, item.target)
        )
        return next((item for item in found if item is not None), None)


def basis(results: "Sequence[Result]") -> Basis:
    """Return the first device whose flash is known for every real point that runs there."""
    real = [item for item in results if item.is_built and not item.simulated]
    for target in (item.target for item in (real[0].targets if real else ())):
        there = [found for found in (item.on(target) for item in real) if found and found.runs]
        if there and all(item.flash_bytes is not None for item in there):
            return Basis(target=target, title=f"flash on {target} (model and code)")
    return Basis(target=None, title="flash of the model's file")


def pareto(costs: "Sequence[tuple[float, float]]") -> tuple[int, ...]:
    """Return the places of ``costs`` that none other dominates, in the order given.

    Args:
        costs: Pairs of which less is better. One dominates another where it is no worse in
            both and better in one.
    """
    return tuple(
        place for place, cost in enumerate(costs) if not any(_dominates(one, cost) for one in costs)
    )


def front(results: "Sequence[Result]", weighed: Basis) -> tuple["Result", ...]:
    """Return the real points of which none other is smaller and as good, by rising flash."""
    found = []
    for item in results:
        flash = weighed.flash(item)
        if item.is_built and not item.simulated and flash is not None and item.loss is not None:
            found.append((flash.value, item.loss, item))
    kept = [found[place] for place in pareto([(flash, loss) for flash, loss, _ in found])]
    return tuple(item for _, _, item in sorted(kept, key=lambda entry: entry[:2]))


def cheapest(results: "Sequence[Result]", weighed: Basis) -> "Result | None":
    """Return the real point of least flash that meets every limit, or None.

    Of those with the same flash the one with the smaller arena, then latency, then loss counts.
    """
    meeting = [item for item in results if item.passed and not item.simulated]
    return min(meeting, key=lambda item: _cost(item, weighed), default=None)


def nearest(results: "Sequence[Result]", weighed: Basis) -> "Result | None":
    """Return the real point that misses fewest limits, and those by the smallest share."""

    def distance(item: "Result") -> tuple[float, ...]:
        return len(item.missed), max(map(overshoot, item.missed)), *_cost(item, weighed)

    missing = [item for item in results if item.is_built and not item.simulated and item.findings]
    return min(missing, key=distance, default=None)


def _dominates(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one != other and one[0] <= other[0] and one[1] <= other[1]


def _cost(result: "Result", weighed: Basis) -> tuple[float, ...]:
    figures = (weighed.flash(result), weighed.arena(result), weighed.latency(result))
    loss = math.inf if result.loss is None else result.loss
    return *(math.inf if item is None else item.value for item in figures), loss
