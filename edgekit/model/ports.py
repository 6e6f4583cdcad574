"""Where operators with channels have their data, weights and bias, and the weights their channels.

Facts of the format: TFLite's 8-bit quantization specification, and the inputs of its kernels.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True, slots=True)
class Ports:
    """Data, weights and bias of an operator: places among its inputs, or the tensors there.

    -1 is none.
    """

    source: int
    weights: int
    bias: int


USUAL = Ports(source=0, weights=1, bias=2)
"""Of operators with weights that are not in `WEIGHED` too."""

WEIGHED: "Mapping[str, Ports]" = {
    "CONV_2D": USUAL,
    "DEPTHWISE_CONV_2D": USUAL,
    "FULLY_CONNECTED": USUAL,
    "TRANSPOSE_CONV": Ports(source=2, weights=1, bias=3),
}
"""Operators whose channels, the last dimension of their output, have a bias each."""

CHANNEL_AXES: "Mapping[str, int]" = {
    "CONV_2D": 0,
    "DEPTHWISE_CONV_2D": 3,
    "FULLY_CONNECTED": 0,
    "TRANSPOSE_CONV": 0,
}
"""By operator: the axis of the output channels in its weights."""
