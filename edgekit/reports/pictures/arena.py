"""The arena over the operators: how much is alive at each, and where each tensor lies."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgekit.reports.tensor_names import short_name

if TYPE_CHECKING:
    from edgekit.record.arena import Step
    from edgekit.reports.manifest import Allocation, Arena

_MOST_TICKS = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """One operator's live bytes; ``x`` and ``height`` in percent of the picture."""

    step: "Step"
    x: float
    height: float
    is_peak: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """One tensor in the arena, its name in short; the rest in percent, ``y`` from the top."""

    tensor: "Allocation"
    name: str
    x: float
    y: float
    width: float
    height: float
    is_at_peak: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ArenaPicture:
    """Bars above, blocks below, on one axis of operators.

    Args:
        bars: One an operator.
        blocks: One a tensor; empty where the plan is not known.
        step: Width of an operator, in percent.
        ticks: Indices of operators that are written on the axis.
        live_bytes: The height of the bars' picture.
        planned_bytes: The height of the blocks' picture.
        peak: The operator with the most live bytes.
    """

    bars: tuple[Bar, ...]
    blocks: tuple[Block, ...]
    step: float
    ticks: tuple[int, ...]
    live_bytes: int
    planned_bytes: int
    peak: "Step"


def arena_picture(arena: "Arena") -> ArenaPicture | None:
    """Return the picture of ``arena``, or None where it says nothing of single operators."""
    steps = arena.operators
    if not steps:
        return None
    peak = _peak(arena)
    width = 100 / len(steps)
    live = max(1, *(item.live_bytes for item in steps))
    planned = max((item.offset + item.bytes for item in arena.tensors), default=0)
    at = steps.index(peak)
    return ArenaPicture(
        bars=tuple(
            Bar(
                step=item,
                x=index * width,
                height=100 * item.live_bytes / live,
                is_peak=item is peak,
            )
            for index, item in enumerate(steps)
        ),
        blocks=tuple(
            Block(
                tensor=item,
                name=short_name(item.name),
                x=max(0, item.first) * width,
                y=100 * (1 - (item.offset + item.bytes) / planned),
                width=(min(item.last, len(steps) - 1) - max(0, item.first) + 1) * width,
                height=100 * item.bytes / planned,
                is_at_peak=item.first <= at <= item.last,
            )
            for item in arena.tensors
            if item.bytes > 0 and max(0, item.first) <= min(item.last, len(steps) - 1)
        ),
        step=width,
        ticks=tuple(range(0, len(steps), -(-len(steps) // _MOST_TICKS))),
        live_bytes=live,
        planned_bytes=planned,
        peak=peak,
    )


def _peak(arena: "Arena") -> "Step":
    """Return the operator the manifest names as the peak, or else the one with most alive."""
    named = (item for item in arena.operators if item.index == arena.peak_operator)
    return next(named, max(arena.operators, key=lambda item: item.live_bytes))
