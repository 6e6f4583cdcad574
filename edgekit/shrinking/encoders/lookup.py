"""Lookup: indices of 1 to 7 bits into tables of the values that occur."""

from typing import TYPE_CHECKING

import numpy as np

from edgekit.shrinking.encoders.coded import Coded, metadata

if TYPE_CHECKING:
    import numpy.typing as npt

    from edgekit.model.values import Tensor

    Array = npt.NDArray[np.generic]

_KIND = 0
_VERSION = 1
_WIDEST_BITS = 7
_ONE_TABLE = 15  # in the field of the axis


def encode(tensor: "Tensor") -> Coded | None:
    """Return int8 ``tensor`` by one table for all channels or one for each, which is smaller.

    Decoders of 2025 take the channels from the tensor's quantization, later ones from the
    metadata: tables a channel are used only where both say the same. One table for all has a
    stride of 0, with which both read it for every channel.
    """
    candidates = [_one_table(tensor), _table_each(tensor)]
    return min(
        (item for item in candidates if item is not None),
        key=lambda item: item.stored_bytes,
        default=None,
    )


def _one_table(tensor: "Tensor") -> Coded | None:
    table, indices = np.unique(tensor.values().reshape(-1), return_inverse=True)
    bits = _bits(len(table))
    if bits > _WIDEST_BITS:
        return None
    head = metadata(_KIND, _VERSION, _ONE_TABLE << 4 | bits, 0)
    return Coded(encoded=_packed(indices.reshape(-1), bits), ancillary=head + table.tobytes())


def _table_each(tensor: "Tensor") -> Coded | None:
    quantization = tensor.quantization
    if quantization is None or len(quantization.scales) == 1:
        return None
    axis = quantization.axis
    if axis not in {0, len(tensor.shape) - 1}:
        return None
    channels = np.moveaxis(tensor.values(), axis, 0)
    found = [np.unique(channel, return_inverse=True) for channel in channels]
    stride = max(len(table) for table, _ in found)
    bits = _bits(stride)
    if bits > _WIDEST_BITS:
        return None
    indices = np.stack([index.reshape(channels.shape[1:]) for _, index in found])
    flat = np.moveaxis(indices, 0, axis).reshape(-1)
    tables = b"".join(table.tobytes().ljust(stride, b"\0") for table, _ in found)
    head = metadata(_KIND, _VERSION, axis << 4 | bits, stride)
    return Coded(encoded=_packed(flat, bits), ancillary=head + tables)


def _bits(values: int) -> int:
    return max(1, (values - 1).bit_length())


def _packed(indices: "npt.NDArray[np.intp]", bits: int) -> bytes:
    """Return indices of ``bits`` bits each, most significant bit first."""
    places = np.arange(bits - 1, -1, -1)
    return np.packbits(indices[:, None] >> places & 1).tobytes()
