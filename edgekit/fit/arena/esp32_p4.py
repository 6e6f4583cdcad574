"""ESP-NN's scratch buffers on the ESP32-P4, by commit of ``src/convolution``."""

from typing import TYPE_CHECKING

from edgekit.fit.arena.abi import align_up

if TYPE_CHECKING:
    from edgekit.fit.arena.convolution_geometry import Convolution

_LANES = 16  # elements of a vector
_CACHE_BYTES = 32768  # L1D_BUDGET
_BATCHED_WINDOWS = range(128, 2305)  # up to ESP_NN_IM2COL_BATCH_MAX_WINDOW
_RESIDENT_FILTER_BYTES = 96 * 1024
_MARGIN = 32


def convolution_d45b843(layer: "Convolution") -> int:
    """Return the bytes of ``esp_nn_conv_esp32p4.c``."""
    if layer.pointwise:
        return _pointwise(layer) + _MARGIN
    sums = 4 * layer.filters
    window, row = layer.taps * layer.depth, layer.columns.kernel * layer.depth
    if layer.unpadded and row >= _LANES:
        return _filter_copy(layer) + sums + _MARGIN
    if window >= _LANES:
        return sums + window + _MARGIN
    if layer.unpadded:
        return _tiny_unpadded(layer) + _MARGIN
    return _tiny_padded(layer) + sums + _MARGIN


def convolution_0534433(layer: "Convolution") -> int:
    """Return the bytes of ``esp_nn_conv_riscv_pie.c``."""
    if layer.pointwise:
        return _pointwise(layer) + _MARGIN
    sums = 4 * layer.filters
    window, row = layer.taps * layer.depth, layer.columns.kernel * layer.depth
    batched = window in _BATCHED_WINDOWS and layer.filters >= _LANES
    if layer.unpadded and row >= _LANES and not batched:
        return _filter_copy(layer) + sums + _MARGIN
    tiled = not layer.unpadded and row >= _LANES
    if window >= _LANES and not (tiled and window * layer.filters > _RESIDENT_FILTER_BYTES):
        staged = 16 * window + 16 if window < _BATCHED_WINDOWS.stop else 0
        return sums + window + staged + _MARGIN
    if layer.unpadded:
        return _tiny_unpadded(layer) + _MARGIN
    return _tiles(layer) + _MARGIN


def no_depthwise(layer: "Convolution", multiplier: int) -> int:
    """Return 0: the kernels need no buffer."""
    del layer, multiplier
    return 0


def depthwise_2b0f6c5(layer: "Convolution", multiplier: int) -> int:
    """Return the bytes of ``esp_nn_depthwise_conv_riscv_pie.c``: a sum for each channel."""
    return 4 * layer.depth if multiplier == 1 and layer.depth >= 8 else 0  # noqa: PLR2004


def _pointwise(layer: "Convolution") -> int:
    if layer.depth < _LANES:
        return 4 * layer.filters + 16 * layer.filters + 32
    depth = align_up(layer.depth, 8)
    transposed = 2 * 8 * depth if layer.pixels >= 8 else 0  # noqa: PLR2004
    copied = layer.pixels * depth if layer.depth % 8 else 0
    return copied + depth * layer.filters + transposed


def _filter_copy(layer: "Convolution") -> int:
    return layer.taps * align_up(layer.depth, _LANES) * layer.filters


def _tiny_unpadded(layer: "Convolution") -> int:
    depth = _filled_depth(layer)
    return 4 * layer.filters + layer.taps * depth * layer.filters + layer.pixels * depth


def _tiny_padded(layer: "Convolution") -> int:
    """Return the bytes of a padded input, whole or in tiles, and of the filter's copy."""
    columns, rows = layer.columns, layer.rows
    width = columns.source + 2 * columns.padding
    whole = width * (rows.source + 2 * rows.padding) * layer.depth
    if whole + 4 * layer.filters <= _CACHE_BYTES:
        return whole + _filter_copy(layer)
    depth, copy = layer.depth, 0
    if columns.kernel * depth < _LANES:
        depth = _filled_depth(layer)
        copy = layer.taps * depth * layer.filters
    row = width * depth
    left = _CACHE_BYTES - 4 * layer.filters - copy
    height = 1
    if rows.kernel * row <= left:
        height = min((left - rows.kernel * row) // (rows.stride * row) + 1, rows.output)
    return ((height - 1) * rows.stride + rows.kernel + 2 * rows.padding) * row + copy


def _tiles(layer: "Convolution") -> int:
    """Return the bytes of `conv_plan_tiles`: sums, the filter's copy and the staged rows."""
    rows, depth, copy = layer.rows, layer.depth, 0
    if layer.columns.kernel * depth < _LANES:
        depth = _filled_depth(layer)
        copy = layer.taps * depth * layer.filters
    row = (layer.columns.source + 2 * layer.columns.padding) * depth
    fixed = 4 * layer.filters + copy
    height = rows.output
    if ((height - 1) * rows.stride + rows.kernel) * row + fixed > _CACHE_BYTES:
        left = _CACHE_BYTES - fixed - rows.kernel * row
        height = min(left // (rows.stride * row) + 1, height) if left >= 0 else 1
    return fixed + ((height - 1) * rows.stride + rows.kernel) * row


def _filled_depth(layer: "Convolution") -> int:
    """Return the channels with which a row of the filter fills a vector."""
    width = layer.columns.kernel
    return align_up((_LANES + width - 1) // width, _LANES)
