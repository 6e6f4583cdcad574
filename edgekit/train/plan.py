"""What each kernel of a model is to reach: a pruning spec resolved on its weights."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import numpy as np

from edgekit.errors import InputError, UnsupportedModelError, suggestion
from edgekit.sparsity import (
    keep_largest,
    keep_largest_blocks,
    keep_n_of_m,
    share_below,
    shares_of_smallest,
)
from edgekit.train.kernels import Kernel, kernels

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgekit.sparsity import Mask
    from edgekit.specs import PruneSpec
    from edgekit.train._tensorflow import Model

_PLAIN = 0.005  # half a percent: a kernel of 200 weights cannot come nearer


@dataclass(frozen=True, kw_only=True, slots=True)
class Goal:
    """What one kernel is to reach.

    Args:
        kernel: The kernel.
        sparsity: Fraction of exact zeros asked.
        mask: From the share of the sparsity that is due to the weights to keep.
        tolerance: How near the fraction of zeros can come: half a percent, or one block.
    """

    kernel: Kernel
    sparsity: float
    mask: "Callable[[float], Mask]"
    tolerance: float


def plan(model: "Model", spec: "PruneSpec") -> tuple[Goal, ...]:
    """Return what each kernel of ``model`` is to reach, in the order of its layers.

    Thresholds and global shares are counted on the weights as they are now.

    Args:
        model: Of either Keras, trained.
        spec: With a sparsity that is a number; `edgekit.train.sensitivity` resolves ``"auto"``.

    Raises:
        UnsupportedModelError: No kernel can be pruned.
        InputError: A pattern that matches no layer, or blocks on a convolution.
    """
    found = selected(model, spec)
    chosen = _sparsities(found, spec)
    goals = tuple(
        _goal(kernel, sparsity, spec)
        for kernel, sparsity in zip(found, chosen, strict=True)
        if sparsity > 0
    )
    if not goals:
        raise UnsupportedModelError(
            "the [prune] table leaves every layer alone",
            hint="give a layer a sparsity above 0, or take the table out of the project file",
        )
    return goals


def selected(model: "Model", spec: "PruneSpec") -> tuple[Kernel, ...]:
    """Return the kernels of ``model`` that ``spec`` speaks of.

    Raises:
        UnsupportedModelError: There are none.
        InputError: A pattern that matches no layer.
    """
    found = kernels(model, depthwise=spec.depthwise)
    names = list(dict.fromkeys(kernel.layer for kernel in found))
    for pattern in spec.layers:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise InputError(
                f"prune.layers: no layer that can be pruned is called '{pattern}'",
                hint=suggestion(pattern, names) if names else None,
            )
    skipped = {*names[: int(spec.skip_first)], *(names[-1:] if spec.skip_last else ())}
    left = tuple(kernel for kernel in found if kernel.layer not in skipped)
    if not left:
        kinds = sorted({type(layer).__name__ for layer in model.layers})
        raise UnsupportedModelError(
            f"no layer of the model can be pruned (it has {', '.join(kinds)})",
            hint="take the [prune] table out of the project file",
        )
    return left


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
        return Goal(kernel=kernel, sparsity=reachable, mask=of_group, tolerance=_PLAIN)
    return Goal(
        kernel=kernel,
        sparsity=sparsity,
        mask=lambda share: keep_largest(kernel.values(), share * sparsity),
        tolerance=max(_PLAIN, 1 / weights.size),
    )


def _block_goal(kernel: Kernel, sparsity: float, spec: "PruneSpec") -> Goal:
    weights = kernel.values()
    rows, columns = spec.block
    if weights.ndim != 2:  # noqa: PLR2004  inputs and outputs
        raise InputError(
            f"layer '{kernel.layer}' is a {kernel.kind}: blocks can be pruned in Dense layers only",
            hint=f'leave it out with [prune.layers] "{kernel.layer}" = 0',
        )
    return Goal(
        kernel=kernel,
        sparsity=sparsity,
        mask=lambda share: keep_largest_blocks(kernel.values(), share * sparsity, (rows, columns)),
        # blocks are dropped whole, and those at the edges may be smaller
        tolerance=max(
            _PLAIN, sum(2 * a / b for a, b in zip(spec.block, weights.shape, strict=True))
        ),
    )
