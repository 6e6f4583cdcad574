"""Which filters of a network make one and the same channel, and so can only go together.

A channel is a place in the last dimension. A filter whose weights are zero, together with its
bias and what a BatchNormalization adds, makes a channel that is zero for every input: nothing
that reads it changes when it is removed, padding or not. Branches of a sum, and a depthwise
convolution with its source, must be zero together.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgekit.numerics.masks import channel_norms, keep_channels
from edgekit.training.kernels import Kernel
from edgekit.training.pruning.channel_rules import follow

if TYPE_CHECKING:
    import numpy.typing as npt

    from edgekit.numerics.masks import Mask
    from edgekit.training._tensorflow import Model
    from edgekit.training.pruning.channel_walk import Found

LEAST_CHANNELS = 2
"""What every kernel keeps: a layer of a single channel passes next to nothing on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelArray:
    """An array with a place for each channel: a kernel's filters, a bias, a moving mean.

    Args:
        kernel: The array; its last dimensions are the places.
        channels: int, shape ``(places,)``: the group's channel at each place; -1: one that stays.
    """

    kernel: Kernel
    channels: "npt.NDArray[np.intp]"

    def columns(self) -> "npt.NDArray[np.float32]":
        """Return the weights of now, shape ``(weights of a place, places)``."""
        return self.kernel.values().reshape(-1, len(self.channels))

    def mask(self, keep: "Mask") -> "Mask":
        """Return the weights to keep where these channels of the group are kept."""
        kept = np.append(keep, np.True_)[self.channels]  # -1 is the one appended
        return np.broadcast_to(kept, self.columns().shape).reshape(self.kernel.values().shape)


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Channels that are told against each other: those of one layer, or of coupled layers.

    Args:
        count: The number of channels that can go.
        filters: Kernels that make the channels.
        depthwise: Depthwise kernels, that hand them on.
        shifts: Biases, offsets and moving means that are added to them.
    """

    count: int
    filters: tuple[ChannelArray, ...]
    depthwise: tuple[ChannelArray, ...]
    shifts: tuple[ChannelArray, ...]

    @property
    def ranked(self) -> tuple[ChannelArray, ...]:
        """The kernels whose norm counts."""
        return self.filters + self.depthwise

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers that make the channels."""
        return tuple(dict.fromkeys(part.kernel.layer for part in self.filters))

    @property
    def frozen(self) -> bool:
        """Whether a layer that is not to be trained makes, hands on or shifts the channels."""
        return any(part.kernel.frozen for part in self.ranked + self.shifts)

    def norms(self) -> "npt.NDArray[np.float64]":
        """Return the norm of each channel as it is now."""
        return channel_norms(
            [part.columns() for part in self.ranked],
            [part.channels for part in self.ranked],
            count=self.count,
        )

    def keep(self, dropped: int) -> "Mask":
        """Return True for the channels to keep when ``dropped`` are to go."""
        return keep_channels(
            self.norms(),
            [part.channels for part in self.ranked],
            dropped=dropped,
            least=LEAST_CHANNELS,
        )

    def alive(self) -> "Mask":
        """Return True for the channels that anything makes now: a filter, or a shift."""
        found = np.zeros(self.count, np.bool_)
        for part in self.filters + self.shifts:
            found[part.channels[part.columns().any(axis=0) & (part.channels >= 0)]] = True
        return found


def channel_groups(model: "Model") -> tuple[Group, ...]:
    """Return the channels of ``model``, of either Keras, that can be removed.

    Channels of the model's inputs and outputs stay, and so do those of layers whose channels
    `edgekit shrink` cannot remove. In the order of the first layer of each group.

    Raises:
        UnsupportedModelError: The layers of the model cannot be walked.
    """
    found = [item for item in follow(model) if (item.channels >= 0).any()]
    owners: dict[int, int] = {}  # from a channel to its group; groups are joined as they touch
    for item in found:
        mine = {int(channel) for channel in item.channels if channel >= 0}
        touched = {owners[channel] for channel in mine if channel in owners}
        group = min([*touched, *mine])
        moved = {channel for channel, owner in owners.items() if owner in touched}
        owners |= dict.fromkeys(mine | moved, group)
    groups = (
        _group([item for item in found if _owner(item, owners) == group])
        for group in dict.fromkeys(_owner(item, owners) for item in found)
    )
    return tuple(group for group in groups if group.filters)


def _owner(item: "Found", owners: dict[int, int]) -> int:
    return owners[int(item.channels.max())]


def _group(found: "list[Found]") -> Group:
    """Return the group of these arrays, its channels numbered from 0."""
    every = np.unique(np.concatenate([item.channels for item in found]))
    every = every[every >= 0]

    def parts(role: str) -> tuple[ChannelArray, ...]:
        return tuple(
            ChannelArray(
                kernel=item.kernel,
                channels=np.where(
                    item.channels >= 0, np.searchsorted(every, item.channels), np.intp(-1)
                ),
            )
            for item in found
            if item.role == role
        )

    return Group(
        count=len(every),
        filters=parts("filter"),
        depthwise=parts("depthwise"),
        shifts=parts("shift"),
    )
