"""The shapes that operators give which move values: cut, join, pad, turn and gather them."""

import math
from typing import TYPE_CHECKING

from edgekit.model.shape_reading import Reading, UnknownShapeError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Shape = tuple[int, ...]


def _pad(view: Reading) -> "tuple[Shape, ...]":
    source = view.shape(0)
    table = view.row(1, length=2 * len(source))
    before, after = table[::2], table[1::2]
    return (tuple(map(sum, zip(source, before, after, strict=True))),)


def _space_to_batch(view: Reading) -> "tuple[Shape, ...]":
    source, block = view.shape(0), view.row(1)
    pads = view.row(2, length=2 * len(block))
    if len(source) <= len(block) or min(block, default=0) < 1:
        raise UnknownShapeError
    sizes = []
    for place, step in enumerate(block):
        padded = source[1 + place] + pads[2 * place] + pads[2 * place + 1]
        if padded % step:
            raise UnknownShapeError
        sizes.append(padded // step)
    return ((source[0] * math.prod(block), *sizes, *source[1 + len(block) :]),)


def _batch_to_space(view: Reading) -> "tuple[Shape, ...]":
    source, block = view.shape(0), view.row(1)
    crops = view.row(2, length=2 * len(block))
    if len(source) <= len(block) or min(block, default=0) < 1 or source[0] % math.prod(block):
        raise UnknownShapeError
    sizes = [
        source[1 + place] * step - crops[2 * place] - crops[2 * place + 1]
        for place, step in enumerate(block)
    ]
    return ((source[0] // math.prod(block), *sizes, *source[1 + len(block) :]),)


def _space_to_depth(view: Reading) -> "tuple[Shape, ...]":
    (batch, height, width, depth), block = view.image(), max(view.options["blockSize"], 1)
    return ((batch, height // block, width // block, depth * block**2),)


def _depth_to_space(view: Reading) -> "tuple[Shape, ...]":
    (batch, height, width, depth), block = view.image(), max(view.options["blockSize"], 1)
    return ((batch, height * block, width * block, depth // block**2),)


def _concatenation(view: Reading) -> "tuple[Shape, ...]":
    first = view.shape(0)
    axis = view.axis(view.options["axis"], rank=len(first))
    if any(len(shape) != len(first) for shape in view.inputs):
        raise UnknownShapeError
    return ((*first[:axis], sum(shape[axis] for shape in view.inputs), *first[axis + 1 :]),)


def _pack(view: Reading) -> "tuple[Shape, ...]":
    first = view.shape(0)
    axis = view.axis(view.options["axis"], rank=len(first) + 1)
    return ((*first[:axis], len(view.inputs), *first[axis:]),)


def _unpack(view: Reading) -> "tuple[Shape, ...]":
    source = view.shape(0)
    axis = view.axis(view.options["axis"], rank=len(source))
    return ((*source[:axis], *source[axis + 1 :]),) * len(view.outputs)


def _split(view: Reading) -> "tuple[Shape, ...]":
    source, parts = view.shape(1), len(view.outputs)
    axis = view.axis(view.row(0, length=1)[0], rank=len(source))
    if source[axis] % parts:
        raise UnknownShapeError
    return ((*source[:axis], source[axis] // parts, *source[axis + 1 :]),) * parts


def _split_by_sizes(view: Reading) -> "tuple[Shape, ...]":
    source = view.shape(0)
    axis = view.axis(view.row(2, length=1)[0], rank=len(source))
    sizes = view.row(1)
    if sizes.count(-1) > 1:
        raise UnknownShapeError
    rest = source[axis] - sum(size for size in sizes if size != -1)
    return tuple(
        (*source[:axis], rest if size == -1 else size, *source[axis + 1 :]) for size in sizes
    )


def _slice(view: Reading) -> "tuple[Shape, ...]":
    source = view.shape(0)
    begin, size = view.row(1, length=len(source)), view.row(2, length=len(source))
    return (
        tuple(
            whole - start if count == -1 else count
            for whole, start, count in zip(source, begin, size, strict=True)
        ),
    )


def _strided_slice(view: Reading) -> "tuple[Shape, ...]":
    source, begin = view.shape(0), view.row(1)
    end, strides = view.row(2, length=len(begin)), view.row(3, length=len(begin))
    options = view.options
    if options["ellipsisMask"] or options["newAxisMask"] or options["offset"]:
        raise UnknownShapeError
    if 0 in strides or len(begin) > len(source):
        raise UnknownShapeError
    sizes = []
    for axis, size in enumerate(source):
        bit = 1 << axis
        if axis < len(begin) and options["shrinkAxisMask"] & bit:
            continue
        if axis < len(begin):
            start = None if options["beginMask"] & bit else begin[axis]
            stop = None if options["endMask"] & bit else end[axis]
            size = len(range(*slice(start, stop, strides[axis]).indices(size)))  # noqa: PLW2901
        sizes.append(size)
    return (tuple(sizes),)


def _transpose(view: Reading) -> "tuple[Shape, ...]":
    source = view.shape(0)
    order = view.row(1, length=len(source))
    if sorted(order) != list(range(len(source))):
        raise UnknownShapeError
    return (tuple(source[axis] for axis in order),)


def _reshape(view: Reading) -> "tuple[Shape, ...]":
    """Without a constant for its target the count of elements is all there is to hold against."""
    source, (declared, *_) = view.shape(0), view.outputs
    elements = math.prod(source)
    try:
        target = view.row(1)
    except UnknownShapeError:
        target = list(declared)
    known = math.prod(size for size in target if size != -1)
    if target.count(-1) == 1 and known > 0 and elements % known == 0:
        target = [elements // known if size == -1 else size for size in target]
    return (tuple(target) if math.prod(target) == elements else source,)


def _expand(view: Reading) -> "tuple[Shape, ...]":
    source = view.shape(0)
    axis = view.axis(view.row(1, length=1)[0], rank=len(source) + 1)
    return ((*source[:axis], 1, *source[axis:]),)


def _squeeze(view: Reading) -> "tuple[Shape, ...]":
    """Which dimensions go, the declared shape says: kernels copy."""
    source, (declared, *_) = view.shape(0), view.outputs
    fits = [size for size in declared if size != 1] == [size for size in source if size != 1]
    return (declared if fits else tuple(size for size in source if size != 1),)


def _gather(view: Reading) -> "tuple[Shape, ...]":
    source, places = view.shape(0), view.shape(1)
    axis = view.axis(view.options["axis"], rank=len(source))
    shared = view.options["batchDims"]
    if not 0 <= shared <= min(axis, len(places)):
        raise UnknownShapeError
    return ((*source[:axis], *places[shared:], *source[axis + 1 :]),)


def _gather_by_rows(view: Reading) -> "tuple[Shape, ...]":
    source, places = view.shape(0), view.shape(1)
    if not places or places[-1] > len(source):
        raise UnknownShapeError
    return ((*places[:-1], *source[places[-1] :]),)


def _embedding(view: Reading) -> "tuple[Shape, ...]":
    return ((*view.shape(0), *view.shape(1)[1:]),)


def _tile(view: Reading) -> "tuple[Shape, ...]":
    source = view.shape(0)
    times = view.row(1, length=len(source))
    return (tuple(size * count for size, count in zip(source, times, strict=True)),)


def _sizes(place: int) -> "Callable[[Reading], tuple[Shape, ...]]":
    """The sizes of the output are the values of an input."""
    return lambda view: (tuple(view.row(place)),)


MOVED: "Mapping[str, Callable[[Reading], tuple[Shape, ...]]]" = {
    **dict.fromkeys(("MIRROR_PAD", "PAD", "PADV2"), _pad),
    "BATCH_TO_SPACE_ND": _batch_to_space,
    "BROADCAST_TO": _sizes(1),
    "CONCATENATION": _concatenation,
    "DEPTH_TO_SPACE": _depth_to_space,
    "EMBEDDING_LOOKUP": _embedding,
    "EXPAND_DIMS": _expand,
    "FILL": _sizes(0),
    "GATHER": _gather,
    "GATHER_ND": _gather_by_rows,
    "PACK": _pack,
    "RESHAPE": _reshape,
    "SLICE": _slice,
    "SPACE_TO_BATCH_ND": _space_to_batch,
    "SPACE_TO_DEPTH": _space_to_depth,
    "SPLIT": _split,
    "SPLIT_V": _split_by_sizes,
    "SQUEEZE": _squeeze,
    "STRIDED_SLICE": _strided_slice,
    "TILE": _tile,
    "TRANSPOSE": _transpose,
    "UNPACK": _unpack,
}
"""By operator."""
