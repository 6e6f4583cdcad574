"""Pruning: one bit an element says whether it is zero; the others follow as they are."""

from typing import TYPE_CHECKING

import numpy as np

from edgekit.shrinking.encoders.coded import Coded, metadata

if TYPE_CHECKING:
    from edgekit.model.values import Tensor

_KIND = 2
_VERSION = 1


def encode(tensor: "Tensor") -> Coded | None:
    """Return the values of int8 ``tensor`` as a bitmask, most significant bit first, and a table.

    The decoder writes the zero point where a bit is 0; here that is 0 in every channel.
    """
    values = tensor.values().reshape(-1)
    return Coded(
        encoded=np.packbits(values != 0).tobytes(),
        ancillary=metadata(_KIND, _VERSION) + values[values != 0].tobytes(),
    )
