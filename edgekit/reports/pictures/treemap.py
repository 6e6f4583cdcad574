"""Where the bytes are: rectangles whose areas are as the bytes, as square as they can be."""

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgekit.model.operators import LAYERS
from edgekit.reports.tensor_names import short_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgekit.record.model import Constant
    from edgekit.reports.manifest import Manifest

_LARGEST = 40  # more cells than these are too small to read: the rest is one
_ASPECT = 2.4  # width over height of the picture on a laptop
_CLASSES = {"convolution": "conv", "depthwise": "depthwise", "dense": "dense"}
_FAMILIES = {
    **{op: _CLASSES[layer] for op, layer in LAYERS.items()},
    "TRANSPOSE_CONV": "conv",
    "BATCH_MATMUL": "dense",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """Bytes that belong together.

    Args:
        name: Of the tensor in short, or what else the bytes are.
        full_name: Of the tensor as the file has it, or an empty text.
        family: ``"conv"``, ``"depthwise"``, ``"dense"``, ``"other"`` or ``"file"``.
        bytes: Of the file.
        zero_fraction: Of the elements, or None where there are none.
    """

    name: str
    family: str
    bytes: int
    zero_fraction: float | None = None
    full_name: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """A part's rectangle, in percent of the picture."""

    part: Part
    x: float
    y: float
    width: float
    height: float


def parts(manifest: "Manifest") -> tuple[Part, ...]:
    """Return what the model file holds, the largest first: tensors, and the rest of the file."""
    tensors = sorted(manifest.tensors, key=lambda item: -item.bytes)
    found = [_part(item) for item in tensors[:_LARGEST]]
    if rest := tensors[_LARGEST:]:
        found.append(
            Part(
                name=f"{len(rest)} smaller tensors",
                family=_commonest(rest),
                bytes=sum(item.bytes for item in rest),
            )
        )
    stored = sum(item.bytes for item in tensors)
    if manifest.model is not None and manifest.model.bytes > stored:
        found.append(
            Part(name="graph and scales", family="file", bytes=manifest.model.bytes - stored)
        )
    return tuple(sorted((item for item in found if item.bytes > 0), key=lambda item: -item.bytes))


def treemap(items: "Sequence[Part]") -> tuple[Cell, ...]:
    """Return a rectangle for each of ``items``, which are sorted from large to small.

    Squarified: a row along the shorter side takes items for as long as they make its worst
    rectangle squarer (Bruls, Huizing and van Wijk, 2000).
    """
    total = sum(item.bytes for item in items)
    if not total:
        return ()
    scale = _ASPECT / total  # bytes to area, in heights of the picture
    left, top, width, height = 0.0, 0.0, _ASPECT, 1.0
    cells: list[Cell] = []
    waiting = list(items)
    while waiting:
        along = min(width, height)
        row = _row([item.bytes * scale for item in waiting], along)
        depth = sum(row) / along
        offset = 0.0
        for item, area in zip(waiting, row, strict=False):
            length = area / depth
            if width >= height:
                cells.append(_cell(item, left, top + offset, depth, length))
            else:
                cells.append(_cell(item, left + offset, top, length, depth))
            offset += length
        if width >= height:
            left, width = left + depth, width - depth
        else:
            top, height = top + depth, height - depth
        waiting = waiting[len(row) :]
    return tuple(cells)


def _row(areas: list[float], along: float) -> list[float]:
    """Return the first of ``areas`` that make the squarest row on a side of length ``along``."""
    row = areas[:1]
    for area in areas[1:]:
        if _worst([*row, area], along) > _worst(row, along):
            break
        row.append(area)
    return row


def _worst(row: list[float], along: float) -> float:
    """Return the ratio of sides of the row's least square rectangle."""
    total = sum(row)
    return max(
        along * along * max(row) / (total * total), total * total / (along * along * min(row))
    )


def _cell(part: Part, left: float, top: float, width: float, height: float) -> Cell:
    return Cell(
        part=part,
        x=100 * left / _ASPECT,
        y=100 * top,
        width=100 * width / _ASPECT,
        height=100 * height,
    )


def _part(tensor: "Constant") -> Part:
    return Part(
        name=short_name(tensor.name, is_bias=len(tensor.shape) == 1) or "unnamed tensor",
        full_name=tensor.name,
        family=_FAMILIES.get(tensor.op, "other"),
        bytes=tensor.bytes,
        zero_fraction=tensor.zero_fraction,
    )


def _commonest(tensors: "Sequence[Constant]") -> str:
    counts = Counter(_FAMILIES.get(item.op, "other") for item in tensors)
    return counts.most_common(1)[0][0]
