"""What each kernel of a model is to reach: a pruning spec resolved on its weights."""

from typing import TYPE_CHECKING

import numpy as np

from edgekit.errors import InputError, UnsupportedModelError
from edgekit.numerics.masks import (
    keep_largest,
    keep_largest_blocks,
    keep_n_of_m,
    share_below,
    shares_of_smallest,
)
from edgekit.training.kernels import Kernel, frozen_layers, kernels
from edgekit.training.naming import check_frozen, check_patterns, quoted, unskipped
from edgekit.training.pruning.channel_goals import channel_goals
from edgekit.training.pruning.sparsity_goal import HALF_PERCENT, Goal

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgekit.numerics.masks import Mask
    from edgekit.specs import PruneSpec
    from edgekit.training._tensorflow import Model


def plan(model: "Model", spec: "PruneSpec") -> tuple[Goal, ...]:
    """Return what each kernel of ``model`` is to reach, in the order of its layers.

    Thresholds and global shares are counted on the weights as they are now.

    Args:
        model: Of either Keras, trained.
        spec: With a sparsity that is a number; `edgekit.training.pruning.sensitivity` resolves
            ``"auto"``.

    Raises:
        UnsupportedModelError: No kernel can be pruned.
        InputError: A pattern that matches no layer, or blocks on a convolution.
    """
    if spec.granularity == "channel":
        goals = channel_goals(model, spec)
    else:
        found = selected(model, spec)
        goals = tuple(
            _goal(kernel, sparsity, spec)
            for kernel, sparsity in zip(found, _sparsities(found, spec), strict=True)
            if sparsity > 0
        )
    if not goals:
        raise UnsupportedModelError(
            "the [prune] table leaves every layer alone",
            hint="give a layer a sparsity above 0, or take the table out of the project file",
        )
    return goals


def selected(model: "Model", spec: "PruneSpec") -> tuple[Kernel, ...]:
    """Return the kernels of ``model`` that ``spec`` speaks of; those of frozen layers stay.

    Raises:
        UnsupportedModelError: There are none.
        InputError: A pattern that matches no layer, or frozen ones alone.
    """
    every = kernels(model, depthwise=spec.depthwise)
    found = tuple(kernel for kernel in every if not kernel.frozen)
    frozen = frozen_layers(every)
    names = tuple(dict.fromkeys(kernel.layer for kernel in found))
    check_patterns(spec.layers, (*names, *frozen))
    check_frozen(spec, frozen, (name for name in names if name not in frozen))
    wanted = unskipped(spec, names)
    left = tuple(kernel for kernel in found if kernel.layer in wanted)
    if not left:
        raise _nothing_to_prune(model, frozen)
    return left


def _nothing_to_prune(model: "Model", frozen: tuple[str, ...]) -> UnsupportedModelError:
    if frozen:
        return UnsupportedModelError(
            f"no layer of the model can be pruned: {quoted(frozen)} "
            f"{'is' if len(frozen) == 1 else 'are'} frozen (trainable = False)",
            hint=f"model.get_layer('{frozen[0]}').trainable = True before it is saved",
        )
    kinds = sorted({type(layer).__name__ for layer in model.layers})
    return UnsupportedModelError(
        f"no layer of the model can be pruned (it has {', '.join(kinds)})",
        hint="take the [prune] table out of the project file",
    )


def _sparsities(found: tuple[Kernel, ...], spec: "PruneSpec") -> tuple[float, ...]:
    own = [spec.override(kernel.layer) for kernel in found]
    free = [kernel for kernel, sparsity in zip(found, own, strict=True) if sparsity is None]
    shares = iter(_by_criterion(free, spec))
    return tuple(next(shares) if sparsity is None else sparsity for sparsity in own)


def _by_criterion(found: list[Kernel], spec: "PruneSpec") -> tuple[float, ...]:
    if not found:
        return ()
    weights = [kernel.values() for kernel in found]
    if spec.criterion == "threshold":
        assert spec.threshold is not None
        factor = spec.threshold
        return tuple(share_below(item, factor * float(np.abs(item).mean())) for item in weights)
    if spec.criterion == "absolute":
        assert spec.threshold is not None
        return tuple(share_below(item, spec.threshold) for item in weights)
    if spec.granularity == "n_by_m":
        zeros, group = spec.n_by_m
        return (zeros / group,) * len(found)
    assert isinstance(spec.sparsity, float)
    if spec.criterion == "global":
        return shares_of_smallest(weights, spec.sparsity)
    return (spec.sparsity,) * len(found)


def _goal(kernel: Kernel, sparsity: float, spec: "PruneSpec") -> Goal:
    weights = kernel.values()
    if spec.granularity == "block":
        return _block_goal(kernel, sparsity, spec)
    if spec.granularity == "n_by_m":
        zeros, group = spec.n_by_m

        def of_group(share: float) -> "Mask":
            return keep_n_of_m(kernel.values(), zeros if share > 0 else 0, group)

        reachable = 1 - float(of_group(1.0).mean())
        return _alone(kernel, reachable, of_group, HALF_PERCENT)
    return _alone(
        kernel,
        sparsity,
        lambda share: keep_largest(kernel.values(), share * sparsity),
        max(HALF_PERCENT, 1 / weights.size),
    )


def _block_goal(kernel: Kernel, sparsity: float, spec: "PruneSpec") -> Goal:
    weights = kernel.values()
    rows, columns = spec.block
    if weights.ndim != 2:  # noqa: PLR2004  inputs and outputs
        raise InputError(
            f"layer '{kernel.layer}' is a {kernel.kind}: blocks can be pruned in Dense layers only",
            hint=f'leave it out with [prune.layers] "{kernel.layer}" = 0',
        )
    # blocks are dropped whole, and those at the edges may be smaller
    edges = sum(2 * a / b for a, b in zip(spec.block, weights.shape, strict=True))
    return _alone(
        kernel,
        sparsity,
        lambda share: keep_largest_blocks(kernel.values(), share * sparsity, (rows, columns)),
        max(HALF_PERCENT, edges),
    )


def _alone(
    kernel: Kernel, sparsity: float, mask: "Callable[[float], Mask]", tolerance: float
) -> Goal:
    """Return the goal of one kernel that is pruned by itself."""
    return Goal(
        kernels=(kernel,),
        sparsity=sparsity,
        tolerance=tolerance,
        masks=lambda share: (mask(share),),
        standing=lambda: (kernel.values() != 0,),
        reached=kernel.zero_fraction,
    )
