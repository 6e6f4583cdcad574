"""The least arena that works, for a target's ABI and kernels: TFLite-Micro's plan, made here."""

from typing import TYPE_CHECKING

from edgekit.fit.arena.abi import align_up
from edgekit.fit.arena.allocator import ALIGNMENT_BYTES, Allocator
from edgekit.fit.arena.greedy import Request, place
from edgekit.fit.arena.kernel_rules import prepare
from edgekit.fit.arena.kernels import KernelSetup
from edgekit.fit.arena.lifetimes import Lifetimes, lifetimes
from edgekit.fit.arena.options import options
from edgekit.record.arena import ArenaPlan, Buffer, Step

if TYPE_CHECKING:
    from edgekit.fit.arena.interpreter import Build
    from edgekit.model.reader import Model


# Structures of the interpreter, as its headers declare them.
_ALLOCATOR = "PPPPPPPPi"  # SingleArenaBufferAllocator: two vtables, five edges, checksum, count
_RECORDING = "PPPP"  # and what RecordingSingleArenaBufferAllocator adds
_PLANNER = "PiiPPPPiiPb"  # GreedyMemoryPlanner
_MICRO_ALLOCATOR = "PPPPPbPPP"
_RECORDER = "P" + 8 * "PPP"  # what RecordingMicroAllocator adds
_DATA_ALLOCATOR = "PP"
_SUBGRAPH = "PP"
_EVAL_TENSOR = "PPE"
_NODE = "(PPPPPPi)P"
_SCRATCH_REQUEST = "Pii"
_ALLOCATION_INFO = "PPiiib"
_PLANNER_BYTES_PER_BUFFER = 40  # GreedyMemoryPlanner::per_buffer_size(): ten ints
_REQUESTS_RESERVED = 12  # kMaxScratchBuffersPerOp: room for the next kernel's requests


def plan(model: "Model", build: "Build") -> ArenaPlan:
    """Return how ``model`` lies in the arena of TFLite-Micro built as ``build``.

    Follows `MicroInterpreter::AllocateTensors`: structures, options and kernel data from the
    arena's end; then each kernel's `Prepare`; then the greedy plan of the head.
    """
    arena = Allocator(build.abi)
    kernels = tuple(
        KernelSetup(graph, operator, build, arena, subgraph=subgraph)
        for subgraph, graph in enumerate(model.graphs)
        for operator in graph.operators
    )
    _set_up(arena, model, build, kernels)
    _prepare(arena, kernels)
    spans = lifetimes(model, kernels)
    requests = tuple(
        Request(
            planned_bytes=align_up(span.count, ALIGNMENT_BYTES), first=span.first, last=span.last
        )
        for span in spans.spans
    )
    offsets = place(requests)
    head_bytes = max(
        (offset + item.planned_bytes for offset, item in zip(offsets, requests, strict=True)),
        default=0,
    )
    _finish(arena, model, kernels, len(requests), head_bytes)
    return _described(arena, spans, requests, offsets, head_bytes)


def _set_up(
    arena: Allocator, model: "Model", build: "Build", kernels: tuple[KernelSetup, ...]
) -> None:
    """Follow the constructors, `StartModelAllocation`, and the parsing and `Init` of operators."""
    arena.persistent_structures(_ALLOCATOR + (_RECORDING if build.wheel else ""))
    arena.persistent_structures(_PLANNER)
    arena.persistent_structures(_MICRO_ALLOCATOR + (_RECORDER if build.wheel else ""))
    arena.persistent_structures(_DATA_ALLOCATOR)
    _reserve_requests(arena, 0)
    arena.persistent_structures(_SUBGRAPH + "P" * build.wheel, count=len(model.graphs))
    for graph in model.graphs:
        arena.persistent_structures(_EVAL_TENSOR, count=len(graph.tensors))
    for graph in model.graphs:
        arena.persistent_structures(_NODE, count=len(graph.operators))
    for kernel in kernels:
        kept = options(kernel.operator.op, build)
        if kept is not None:
            arena.persistent_structures(kept)
    for kernel in kernels:
        kernel.initialize()


def _prepare(arena: Allocator, kernels: tuple[KernelSetup, ...]) -> None:
    """Follow each kernel's `Prepare`; the requests for scratch buffers gather in the head."""
    requests = 0
    for kernel in kernels:
        prepare(kernel)
        requests += len(kernel.scratch)
        _reserve_requests(arena, requests)


def _reserve_requests(arena: Allocator, requests: int) -> None:
    size = arena.abi.struct_bytes(_SCRATCH_REQUEST)
    arena.resize_head(size * (requests + _REQUESTS_RESERVED))


def _finish(
    arena: Allocator,
    model: "Model",
    kernels: tuple[KernelSetup, ...],
    buffers: int,
    head_bytes: int,
) -> None:
    """Follow `FinishModelAllocation`, and the inputs and outputs kept as whole tensors."""
    requests = sum(len(kernel.scratch) for kernel in kernels)
    for graph in model.graphs:
        if requests:
            arena.persistent_structures("P", count=requests)
        for tensor in graph.tensors:
            if tensor.is_variable:
                arena.persistent(tensor.stored_bytes)
    word = arena.abi.pointer_bytes
    tensors = sum(len(graph.tensors) for graph in model.graphs)
    arena.temporary(word * len(model.graphs), alignment=word)
    arena.temporary(arena.abi.struct_bytes(_ALLOCATION_INFO) * (tensors + requests), alignment=word)
    arena.temporary_buffer(_PLANNER_BYTES_PER_BUFFER * buffers)
    arena.resize_head(head_bytes)
    for tensors_at in (model.main.inputs, model.main.outputs):
        arena.persistent(word * len(tensors_at))
        for index in tensors_at:
            arena.persistent_tensor(model.main.tensors[index])


def _described(
    arena: Allocator,
    spans: Lifetimes,
    requests: tuple[Request, ...],
    offsets: tuple[int, ...],
    head_bytes: int,
) -> ArenaPlan:
    live = [0] * len(spans.steps)
    buffers = []
    for span, request, offset in zip(spans.spans, requests, offsets, strict=True):
        # Moment 0 is before the first operator; whatever lives then is drawn with it.
        first, last = max(0, span.first - 1), max(0, span.last - 1)
        for moment in range(first, last + 1):
            live[moment] += request.planned_bytes
        buffers.append(
            Buffer(
                name=span.name,
                kind=span.kind,
                offset_bytes=offset,
                planned_bytes=request.planned_bytes,
                first=first,
                last=last,
            )
        )
    steps = tuple(
        Step(index=step.index, op=step.op, subgraph=step.subgraph, live_bytes=count)
        for step, count in zip(spans.steps, live, strict=True)
    )
    return ArenaPlan(
        arena_bytes=align_up(arena.needed_bytes, ALIGNMENT_BYTES),
        head_bytes=head_bytes,
        tail_bytes=arena.tail_bytes,
        buffers=tuple(buffers),
        steps=steps,
    )
