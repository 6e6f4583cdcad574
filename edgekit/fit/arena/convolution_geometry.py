"""How a convolution slides over its input: what sizes kernels' buffers."""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from edgekit.fit.arena.kernels import KernelSetup


class Window(NamedTuple):
    """How a kernel slides over one dimension."""

    source: int
    kernel: int
    output: int
    stride: int
    dilation: int

    @property
    def total_padding(self) -> int:
        """Rows or columns of padding on both sides together."""
        span = (self.kernel - 1) * self.dilation + 1
        return max(0, (self.output - 1) * self.stride + span - self.source)

    @property
    def padding(self) -> int:
        """Rows or columns of padding before the first, as TFLite counts them."""
        return self.total_padding // 2


class Convolution(NamedTuple):
    """A convolution: its windows, its input's channels and its output's."""

    rows: Window
    columns: Window
    depth: int
    filters: int

    @property
    def pixels(self) -> int:
        """Of the input."""
        return self.rows.source * self.columns.source

    @property
    def taps(self) -> int:
        """Places that one filter covers, whatever the channels."""
        return self.rows.kernel * self.columns.kernel

    @property
    def unpadded(self) -> bool:
        """Whether there is no padding before the first row and column."""
        return self.rows.padding == self.columns.padding == 0

    @property
    def pointwise(self) -> bool:
        """Whether it is 1 x 1, without padding, at every place."""
        single = self.taps == self.rows.stride == self.columns.stride == 1
        return single and self.unpadded


def layer(kernel: "KernelSetup") -> Convolution:
    """Return the layer that ``kernel``, of a convolution or a depthwise one, computes."""
    source, weights, output = kernel.input(0), kernel.input(1), kernel.output()
    options = kernel.options
    return Convolution(
        rows=Window(
            source.shape[1],
            weights.shape[1],
            output.shape[1],
            options.strideH,
            options.dilationHFactor,
        ),
        columns=Window(
            source.shape[2],
            weights.shape[2],
            output.shape[2],
            options.strideW,
            options.dilationWFactor,
        ),
        depth=source.shape[3],
        filters=output.shape[3],
    )
