"""What each group of coupled channels is to lose: a pruning spec resolved on a network."""

from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from edgekit.errors import UnsupportedModelError
from edgekit.numerics.masks import keep_channels
from edgekit.training.kernels import with_weights
from edgekit.training.naming import check_frozen, check_patterns, unskipped
from edgekit.training.pruning.channels import LEAST_CHANNELS, channel_groups
from edgekit.training.pruning.sparsity_goal import HALF_PERCENT, Goal

if TYPE_CHECKING:
    from edgekit.numerics.masks import Mask
    from edgekit.specs import PruneSpec
    from edgekit.training._tensorflow import Model
    from edgekit.training.pruning.channels import Group


def channel_goals(model: "Model", spec: "PruneSpec") -> tuple[Goal, ...]:
    """Return what each group of channels in ``model`` is to reach.

    A group takes the least sparsity that a pattern gives to one of its layers, and is left alone
    where one of them is skipped.

    Raises:
        UnsupportedModelError: No channel can be removed.
        InputError: A pattern that matches no layer.
    """
    groups = chosen_groups(model, spec)
    counts = _counts(groups, spec)
    return tuple(
        _goal(group, count) for group, count in zip(groups, counts, strict=True) if count > 0
    )


def chosen_groups(model: "Model", spec: "PruneSpec") -> "tuple[Group, ...]":
    """Return the groups of channels in ``model`` that ``spec`` speaks of.

    A group in which a layer is frozen stays as it is.

    Raises:
        UnsupportedModelError: No channel can be removed.
        InputError: A pattern that matches no layer, or frozen ones alone.
    """
    every = channel_groups(model)
    groups = tuple(group for group in every if not group.frozen)
    frozen = tuple(name for group in every if group.frozen for name in group.layers)
    check_frozen(spec, frozen, (name for group in groups for name in group.layers))
    names = tuple(dict.fromkeys(name for group in every for name in group.layers))
    check_patterns((name for name, sparsity in spec.layers.items() if sparsity > 0), names)
    # A layer whose channels stay anyway may well be told to keep them.
    check_patterns(spec.layers, with_weights(model))
    wanted = unskipped(spec, tuple(name for name in names if name not in frozen))
    groups = tuple(group for group in groups if wanted.issuperset(group.layers))
    if not groups:
        raise UnsupportedModelError(
            "no channel of the model can be pruned: those of its outputs must stay, and so must "
            "those that layers of other kinds read or write, or that frozen layers make",
            hint='set [prune] granularity = "unstructured"',
        )
    return groups


def _counts(groups: "tuple[Group, ...]", spec: "PruneSpec") -> tuple[int, ...]:
    """Return how many channels each group is to lose."""
    own = [_override(group, spec) for group in groups]
    free = [group for group, sparsity in zip(groups, own, strict=True) if sparsity is None]
    assert isinstance(spec.sparsity, float)
    if spec.criterion == "global":
        shared = iter(_global_counts(free, spec.sparsity))
    else:
        shared = iter([round(spec.sparsity * group.count) for group in free])
    wanted = (
        next(shared) if sparsity is None else round(sparsity * group.count)
        for group, sparsity in zip(groups, own, strict=True)
    )
    return tuple(
        int((~group.keep(count)).sum()) for group, count in zip(groups, wanted, strict=True)
    )


def _override(group: "Group", spec: "PruneSpec") -> float | None:
    found = [spec.override(name) for name in group.layers]
    return min((sparsity for sparsity in found if sparsity is not None), default=None)


def _global_counts(groups: "list[Group]", sparsity: float) -> list[int]:
    """Return each group's part of the channels with the smallest norms of all."""
    if not groups:
        return []
    starts = list(accumulate((group.count for group in groups), initial=0))
    mask = keep_channels(
        np.concatenate([group.norms() for group in groups]),
        [
            np.where(part.channels >= 0, part.channels + start, -1)
            for group, start in zip(groups, starts[:-1], strict=True)
            for part in group.ranked
        ],
        dropped=round(sparsity * starts[-1]),
        least=LEAST_CHANNELS,
    )
    return [int((~part).sum()) for part in np.split(mask, starts[1:-1])]


def _goal(group: "Group", count: int) -> Goal:
    def masks(keep: "Mask") -> "tuple[Mask, ...]":
        return tuple(part.mask(keep) for part in group.ranked + group.shifts)

    # Which channels go may still change, and with it where a kernel of several keeps its last.
    movable = LEAST_CHANNELS * (len(group.filters) - 1) / group.count
    return Goal(
        kernels=tuple(part.kernel for part in group.ranked),
        beside=tuple(part.kernel for part in group.shifts),
        sparsity=count / group.count,
        tolerance=max(HALF_PERCENT, movable),
        masks=lambda share: masks(group.keep(round(share * count))),
        standing=lambda: masks(group.alive()),
        reached=lambda: 1 - float(group.alive().mean()),
    )
