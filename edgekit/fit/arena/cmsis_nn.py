"""The scratch buffers that CMSIS-NN's kernels ask for, by the core that they are compiled for.

Each function gives the bytes of the library's own ``…_get_buffer_size`` for gcc's builds.
"""

from typing import TYPE_CHECKING

from edgekit.fit.arena.abi import align_up
from edgekit.fit.arena.convolution_geometry import Window, layer

if TYPE_CHECKING:
    from edgekit.fit.arena.kernels import KernelSetup

_MVE_CHANNELS = 124  # CH_IN_BLOCK_MVE
_REVERSE_FROM_DEPTH = 16  # REVERSE_TCOL_EFFICIENT_THRESHOLD
_REVERSE_STRIDE = 2


def convolution_bytes(kernel: "KernelSetup") -> int:
    """Return the bytes of `arm_convolve_wrapper_s8` or `_s16`; 0 for float and none."""
    source = kernel.input(0)
    match source.dtype:
        case "int8":
            return _convolution_s8(kernel, kernel.input(1).shape[3], kernel.output().shape[3])
        case "int16":
            # The widest of the library's versions: two rows of columns in int16, four on Helium.
            columns = source.shape[3] * kernel.input(1).shape[1] * kernel.input(1).shape[2]
            return (8 * align_up(columns, 8)) if kernel.build.mve else 4 * columns
        case _:
            return 0


def depthwise_bytes(kernel: "KernelSetup") -> int:
    """Return the bytes of `arm_depthwise_conv_wrapper_s8` or `_s4`; 0 for float, int16, none."""
    source, output = kernel.input(0), kernel.output()
    rows, columns, *_ = layer(kernel)
    size = rows.kernel * columns.kernel
    if source.dtype != "int8":
        return 0
    int4 = kernel.input(1).dtype == "int4"
    if kernel.build.mve and source.shape[3] == 1 and output.shape[3] > 1 and not int4:
        return _convolution_s8(kernel, 1, output.shape[3]) + output.shape[3] * size
    plain = source.shape[0] == rows.dilation == columns.dilation == 1
    if source.shape[3] != output.shape[3] or not plain:
        return 0
    sixteen_bit = 2 * source.shape[3] * size
    if kernel.build.mve:  # older ones ask for int4 what they do without Helium
        return max(4 * _MVE_CHANNELS * size, sixteen_bit if int4 else 0)
    own = rows.kernel == columns.kernel == 3 and rows.padding <= 1 and columns.padding <= 1  # noqa: PLR2004  its 3 x 3 kernel
    return sixteen_bit if int4 or (kernel.build.dsp and not own) else 0


def fully_connected_bytes(kernel: "KernelSetup") -> tuple[int, ...]:
    """Return the buffers of `arm_fully_connected_wrapper_s8`, or of the 1 x 1 convolution."""
    weights, output = kernel.input(1), kernel.output()
    if kernel.input(0).dtype != "int8" or weights.dtype != "int8":
        return ()
    if len(output.shape) > 2 and weights.shape[-1] % 4 == 0:  # noqa: PLR2004  as the kernel asks
        quantization = weights.quantization
        per_channel = quantization is not None and len(quantization.scales) > 1
        return () if per_channel else (8 * output.shape[-1],)
    return (row_sums_bytes(kernel),) if kernel.build.mve else ()


def row_sums_bytes(kernel: "KernelSetup") -> int:
    """Return the bytes of the weights' row sums, which Helium's kernels keep."""
    return 4 * kernel.output().shape[-1]


def average_pool_bytes(kernel: "KernelSetup") -> int:
    """Return the bytes of `arm_avgpool_s8`."""
    source = kernel.input(0)
    if source.dtype not in ("int8", "int16") or not kernel.build.dsp or kernel.build.mve:
        return 0
    return 4 * source.shape[3]


def transpose_convolution_bytes(kernel: "KernelSetup") -> tuple[int, int]:
    """Return the two buffers of `arm_transpose_conv_wrapper_s8`; either may be empty."""
    weights, source, output = kernel.input(1), kernel.input(2), kernel.output()
    filters, height, width, depth = weights.shape
    options = kernel.options
    strides = (options.strideH, options.strideW)
    if max(strides) <= _REVERSE_STRIDE and depth > _REVERSE_FROM_DEPTH:
        return _columns_s8(kernel, depth * height * width), depth * height * width * filters
    row = ((source.shape[2] - 1) * strides[1] + max(width, strides[0])) * output.shape[3]
    return 4 * row * max(height, strides[0]), 0


def _convolution_s8(kernel: "KernelSetup", filter_depth: int, filters: int) -> int:
    del filters
    source = kernel.input(0)
    depth = source.shape[3]
    rows, columns, *_ = layer(kernel)
    unpadded = rows.padding == columns.padding == 0
    undilated = rows.dilation == columns.dilation == 1
    if rows.kernel == columns.kernel == 1 and unpadded and undilated and filter_depth == depth:
        return 0
    one_row = (
        source.shape[1] == rows.kernel == columns.dilation == 1
        and filter_depth == depth
        and columns.stride * depth % 4 == 0
    )
    if kernel.build.mve and one_row:
        return _one_row_mve(columns, depth, kernel)
    return _columns_s8(kernel, depth * rows.kernel * columns.kernel)


def _columns_s8(kernel: "KernelSetup", elements: int) -> int:
    """Return the bytes of `arm_convolve_s8`: columns of the image, gathered for the kernel."""
    return 4 * align_up(elements, 16) if kernel.build.mve else 4 * align_up(elements, 4)


def _one_row_mve(window: Window, depth: int, kernel: "KernelSetup") -> int:
    """Return the bytes of `arm_convolve_1_x_n_s8` on Helium."""
    padding, odd = window.padding, window.total_padding % 2
    stride = window.stride
    right = max(1, (padding + odd + stride - 1) // stride) if padding + odd else 0
    left = max(1, (padding + stride - 1) // stride) if padding else 0
    if left + right + max(0, window.output - left - right) != window.output:
        return _columns_s8(kernel, depth * window.kernel)
    before = padding * depth
    after = right * depth if odd else before
    whole = window.kernel * depth
    return max(whole + before, whole - depth + after)
