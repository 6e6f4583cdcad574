"""TFLite-Micro's greedy memory planner: where each buffer lies in the arena's head."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A buffer to be placed.

    Args:
        planned_bytes: Its size, a multiple of the arena's alignment.
        first: The first moment at which it holds something.
        last: The last such moment.
        offset: Given beforehand by the model's offline plan, or None.
    """

    planned_bytes: int
    first: int
    last: int
    offset: int | None = None


def place(requests: tuple[Request, ...]) -> tuple[int, ...]:
    """Return the offset of each buffer in bytes.

    As TFLite-Micro's planner does: buffers with a given offset first, the others from the
    largest to the smallest, later ones first where sizes are equal; each goes into the first gap
    between the buffers that live at the same time, or behind them.
    """
    given = [index for index, request in enumerate(requests) if request.offset is not None]
    free = [index for index, request in enumerate(requests) if request.offset is None]
    free.sort(key=lambda index: (-requests[index].planned_bytes, -index))
    offsets: dict[int, int] = {}
    by_offset: list[int] = []  # indices of placed buffers in the order of their offsets
    for index in given + free:
        request = requests[index]
        offset = request.offset
        if offset is None:
            offset = _first_gap(request, requests, by_offset, offsets)
        offsets[index] = offset
        position = sum(offsets[placed] <= offset for placed in by_offset)
        by_offset.insert(position, index)
    return tuple(offsets[index] for index in range(len(requests)))


def _first_gap(
    wanted: Request, requests: tuple[Request, ...], by_offset: list[int], offsets: dict[int, int]
) -> int:
    candidate = 0
    for index in by_offset:
        placed = requests[index]
        if placed.first > wanted.last or wanted.first > placed.last:
            continue
        if offsets[index] - candidate >= wanted.planned_bytes:
            break
        candidate = max(candidate, offsets[index] + placed.planned_bytes)
    return candidate
