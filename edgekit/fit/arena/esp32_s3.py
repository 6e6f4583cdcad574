"""ESP-NN's scratch buffers on the ESP32-S3, by commit of ``src/convolution/…_esp32s3.c``."""

from typing import TYPE_CHECKING

from edgekit.fit.arena.abi import align_up

if TYPE_CHECKING:
    from edgekit.fit.arena.convolution_geometry import Convolution, Window

_GROUP = 8  # positions that a 1 x 1 kernel takes at once
_LANES = 16  # elements of a vector
_WHOLE_BYTES, _WHOLE_INT16_BYTES = 40 * 1024, 48 * 1024  # above, depthwise inputs go in strips
_PANEL_BYTES = 24 * 1024  # of a filter that is used whole


def convolution_a4ef344(layer: "Convolution", *, margin: int = 32) -> int:
    """Return the bytes for copies of the padded input and of the filter."""
    if layer.pointwise:
        return _pointwise(layer) + margin
    return _padded(layer) + _filter_copy(layer) + 4 * layer.filters + margin


def convolution_d45b843(layer: "Convolution") -> int:
    """Return the same with room for two copies each, and for few channels one window.

    Read at 4c947d0 and d17c031, which say the same.
    """
    if layer.pointwise:
        return convolution_a4ef344(layer, margin=64)
    few = _few_channels(layer)
    if few is not None:
        return few
    second_filter = _aligned_rows(layer)
    right, bottom = _overhang(layer.columns), _overhang(layer.rows)
    second_input = 0
    if right or bottom:
        second_input = (layer.columns.source + right) * (layer.rows.source + bottom) * layer.depth
    return convolution_a4ef344(layer, margin=64) + second_filter + second_input


def convolution_1017042(layer: "Convolution") -> int:
    """Return the bytes where neither input nor filter of a 1 x 1 kernel is copied."""
    if _three(layer) and layer.depth % _LANES == 0 and layer.filters >= _LANES:
        window = align_up(9 * layer.depth, _LANES)
        return window + layer.filters * window + 4 * layer.filters + 32
    if layer.pointwise:
        transposed = 2 * _GROUP * align_up(layer.depth, 8) if layer.pixels >= _GROUP else 0
        tail = 24 * layer.depth + 8 * layer.filters
        large = layer.depth * layer.filters > _PANEL_BYTES
        panel = 24 * layer.depth + 16 * 1024 if large else 0
        return max(transposed, tail, panel) + 64
    few = _few_channels(layer)
    if few is not None:
        return few
    copy = max(_aligned_rows(layer), layer.taps * layer.depth * layer.filters)
    columns, rows = layer.columns, layer.rows
    right, bottom = _trailing(columns), _trailing(rows)
    padded = 0
    if right or bottom or not layer.unpadded:
        width = columns.source + columns.padding + right
        padded = width * (rows.source + rows.padding + bottom) * layer.depth
    return padded + copy + 64 + 4 * layer.filters


def depthwise_a4ef344(layer: "Convolution", multiplier: int) -> int:
    """Return the bytes for 8-bit copies of 3 x 3 layers, and 16-bit ones of others.

    Read in the version of the library that first takes the output's size.
    """
    weights = layer.taps * layer.depth * multiplier
    if multiplier == 1 and layer.depth % 8 == 0 and _three(layer):
        if layer.depth % _LANES:
            return 2 * (weights + layer.pixels * layer.depth) + 16
        right, bottom = _depthwise_padding(layer)
        if not right and not bottom:
            return weights + 16
        width, height = layer.columns.source + right, layer.rows.source + bottom
        return weights + width * height * layer.depth + 16
    if multiplier % 4 == 0:
        return 2 * (weights + layer.pixels * layer.depth) + 16
    return 32


def depthwise_6e2e716(layer: "Convolution", multiplier: int) -> int:
    """Return the bytes where large inputs go through a strip of rows."""
    weights = layer.taps * layer.depth * multiplier
    if multiplier == 1 and layer.depth % 8 == 0:
        if not _three(layer):
            return _in_16_bits(layer, weights)
        if layer.depth % _LANES == 0:
            width, height = _padded_size(layer)
            if (width, height) == (layer.columns.source, layer.rows.source):
                return weights + 16
            row = width * layer.depth
            whole = row * height
            return weights + (whole if whole <= _WHOLE_BYTES else 3 * row) + 16
        if layer.depth > _GROUP:
            return _with_more_channels(layer) + 64
        return 2 * (weights + layer.pixels * layer.depth) + 32
    return _others(layer, multiplier, weights)


def depthwise_1017042(layer: "Convolution", multiplier: int) -> int:
    """Return the bytes where a strip has as many rows as fit, and columns of one are in place."""
    columns, weights = layer.columns, layer.taps * layer.depth * multiplier
    single = columns.source == columns.kernel == columns.output == columns.stride == 1
    if multiplier == 1 and single and columns.padding == 0 and layer.depth % _LANES == 0:
        return 4 * layer.depth + 2 * layer.rows.kernel * layer.depth + 64
    if multiplier != 1 or layer.depth % 8 or not _three(layer):
        return depthwise_6e2e716(layer, multiplier)
    if layer.depth % _LANES == 0 and layer.rows.padding == columns.padding <= 1:
        return _in_strips(layer, weights)
    if layer.depth > _GROUP:
        return _with_more_channels(layer) + 3 * 4 * align_up(layer.depth, _LANES) + 64
    return 2 * (weights + layer.pixels * layer.depth) + 32


def _three(layer: "Convolution") -> bool:
    return layer.rows.kernel == layer.columns.kernel == 3  # noqa: PLR2004


def _pointwise(layer: "Convolution") -> int:
    depth = align_up(layer.depth, 8)
    transposed = 2 * _GROUP * depth if layer.pixels >= _GROUP else 0
    copied = layer.pixels * depth if layer.depth % 8 else 0
    return copied + depth * layer.filters + transposed


def _padded(layer: "Convolution") -> int:
    if layer.unpadded:
        return 0
    columns, rows = layer.columns, layer.rows
    return (columns.source + 2 * columns.padding) * (rows.source + 2 * rows.padding) * layer.depth


def _filter_copy(layer: "Convolution") -> int:
    return layer.taps * align_up(layer.depth, _LANES) * layer.filters


def _aligned_rows(layer: "Convolution") -> int:
    row = align_up(layer.columns.kernel * layer.depth, _LANES)
    return row * layer.rows.kernel * layer.filters


def _few_channels(layer: "Convolution") -> int | None:
    """Return the bytes of the kernel for rows shorter than a vector; None for other layers."""
    window = layer.taps * layer.depth
    if layer.columns.kernel * layer.depth >= _LANES or window < _LANES:
        return None
    aligned = align_up(window, _LANES)
    return 4 * layer.filters + 16 + layer.filters * aligned + 16 + aligned + 64


def _overhang(window: "Window") -> int:
    """Return the rows or columns that ESP-NN pads at the end of an unpadded input."""
    return max(0, window.output * window.stride + window.kernel - 1 - window.source)


def _trailing(window: "Window") -> int:
    reach = (window.output - 1) * window.stride + window.kernel
    return max(0, reach - window.padding - window.source)


def _depthwise_padding(layer: "Convolution") -> tuple[int, int]:
    columns, rows = layer.columns, layer.rows
    if not layer.unpadded:
        return 2 * columns.padding, 2 * rows.padding
    return _overhang(columns), _overhang(rows)


def _padded_size(layer: "Convolution") -> tuple[int, int]:
    right, bottom = _depthwise_padding(layer)
    return layer.columns.source + right, layer.rows.source + bottom


def _in_strips(layer: "Convolution", weights: int) -> int:
    width, height = _padded_size(layer)
    if (width, height) == (layer.columns.source, layer.rows.source):
        return weights + 16
    row = width * layer.depth
    if row * height <= _WHOLE_BYTES:
        return weights + row * height + 16
    rows = min(max((_WHOLE_BYTES - weights - 32) // row, 3), height)
    return weights + rows * row + 32


def _with_more_channels(layer: "Convolution") -> int:
    """Return the bytes of filter, input and output with channels up to a whole vector."""
    columns, rows, depth = layer.columns, layer.rows, align_up(layer.depth, _LANES)
    width = columns.source + 2 * columns.padding + _overhang(columns)
    height = rows.source + 2 * rows.padding + _overhang(rows)
    return (9 + width * height + columns.output * rows.output) * depth


def _in_16_bits(layer: "Convolution", weights: int) -> int:
    whole = 2 * (weights + layer.pixels * layer.depth)
    if whole <= _WHOLE_INT16_BYTES:
        return whole + 32
    strip = 2 * layer.columns.source * layer.rows.kernel * layer.depth
    return 2 * weights + strip + 32


def _others(layer: "Convolution", multiplier: int, weights: int) -> int:
    if multiplier == 1 and layer.depth > 3:  # noqa: PLR2004
        depth = align_up(layer.depth, 8)
        source = align_up(2 * layer.taps * depth, 16)
        result = align_up(source + 2 * layer.pixels * depth, 16)
        biases = align_up(result + layer.rows.output * layer.columns.output * depth, 16)
        return biases + 3 * 4 * depth + 16
    if multiplier % 4 == 0:
        return 2 * (weights + layer.pixels * layer.depth) + 32
    return 32
