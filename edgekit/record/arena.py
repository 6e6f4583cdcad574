"""How a model lies in its arena, as `edgekit.fit.arena` plans it."""

from dataclasses import dataclass, field
from typing import Literal

from edgekit.record.encode import UNWRITTEN


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """The bytes of the arena that are alive while one operator runs.

    Args:
        index: The operator's place in its graph.
        op: Its kind.
        live_bytes: Of all buffers that hold something while it runs, alignment included.
        subgraph: The graph that it is in; 0 is the main one.
    """

    index: int
    op: str
    live_bytes: int
    subgraph: int = field(default=0, metadata=UNWRITTEN)


@dataclass(frozen=True, kw_only=True, slots=True)
class Buffer:
    """A tensor's or kernel's place in the arena.

    Args:
        name: The tensor's name, or the operator whose kernel uses the buffer.
        kind: ``"tensor"``, or ``"scratch"`` for a kernel's own buffer.
        offset_bytes: From the start of the arena.
        planned_bytes: Alignment included.
        first: Index into the plan's steps of the first operator at which it holds something.
        last: Index of the last.
    """

    name: str
    kind: Literal["tensor", "scratch"]
    offset_bytes: int
    planned_bytes: int
    first: int
    last: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ArenaPlan:
    """How a model lies in its arena.

    Args:
        arena_bytes: The least arena with which the model is set up and runs.
        head_bytes: Of the arena's start, shared by tensors and kernel buffers over time.
        tail_bytes: Of its end: structures, kernel data and variables, which stay.
        buffers: What lies in the head, in the order in which TFLite-Micro counts it.
        steps: The operators in the order of execution.
    """

    arena_bytes: int
    head_bytes: int
    tail_bytes: int
    buffers: tuple[Buffer, ...]
    steps: tuple[Step, ...]

    @property
    def peak(self) -> Step:
        """The operator at which most bytes are in use; the first of several."""
        return max(self.steps, key=lambda step: step.live_bytes)

    @property
    def largest_at_peak(self) -> Buffer | None:
        """The largest buffer in use at the peak."""
        moment = self.steps.index(self.peak)
        alive = [buffer for buffer in self.buffers if buffer.first <= moment <= buffer.last]
        return max(alive, key=lambda buffer: buffer.planned_bytes, default=None)


# Structures of the interpreter, as its headers declare them.
_ALLOCATOR = "PPPPPPPPi"  # SingleArenaBufferAllocator: two vtables, five edges, checksum, count
_RECORDING = "PPPP"  # and what RecordingSingleArenaBufferAllocator adds
