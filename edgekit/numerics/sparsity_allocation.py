"""Share zeros out between the layers of a network where they cost least."""

from dataclasses import dataclass
from itertools import pairwise

from edgekit.errors import InputError


@dataclass(frozen=True, kw_only=True, slots=True)
class SensitivityPoint:
    """What a network is worth with one layer at one sparsity and all others whole.

    Args:
        sparsity: Fraction of zeros in the layer's kernels.
        loss: Of the network, in the unit of its loss.
        score: The network's accuracy in [0, 1], or its mean absolute error.
    """

    sparsity: float
    loss: float
    score: float


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerCurve:
    """How one layer answers to pruning.

    Args:
        name: Of the layer.
        weights: In its kernels.
        points: In rising sparsity; the first is the whole layer.
    """

    name: str
    weights: int
    points: tuple[SensitivityPoint, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Step:
    """A piece of a curve: how far the sparsity of a layer rises over it, and its price."""

    layer: str
    weights: float
    loss: float
    rise: float


def allocate(curves: tuple[LayerCurve, ...], *, zeros: int) -> dict[str, float]:
    """Return a sparsity for each layer, with ``zeros`` zeros in all, at the least sum of losses.

    The loss of several pruned layers is taken for the sum of what each costs alone. Each curve
    is first made convex, so that the cheapest zero is always the next one.

    Args:
        curves: Of all layers that share the zeros.
        zeros: How many weights are to go.

    Raises:
        InputError: So many zeros are more than the curves' last points have.
    """
    most = sum(round(curve.weights * curve.points[-1].sparsity) for curve in curves)
    if zeros > most:
        raise InputError(
            f"{zeros:,} weights would have to go, and {most:,} can: the size cannot be reached",
            hint="raise [prune] size, or give a smaller model",
        )
    found = {curve.name: 0.0 for curve in curves}
    left = float(max(0, zeros))
    steps = [step for curve in curves for step in _convex(curve)]
    for step in sorted(steps, key=lambda item: item.loss / item.weights):
        share = min(1.0, left / step.weights)
        if share <= 0:
            break
        found[step.layer] += share * step.rise  # added up: rounding may swap pieces of one price
        left -= share * step.weights
    return found


def _convex(curve: LayerCurve) -> list[_Step]:
    """Return the lower convex hull of a curve, its pieces in rising price."""
    hull: list[SensitivityPoint] = []
    for point in curve.points:
        while len(hull) > 1 and _slope(hull[-2], hull[-1]) >= _slope(hull[-1], point):
            hull.pop()
        hull.append(point)
    return [
        _Step(
            layer=curve.name,
            weights=curve.weights * (end.sparsity - start.sparsity),
            loss=end.loss - start.loss,
            rise=end.sparsity - start.sparsity,
        )
        for start, end in pairwise(hull)
    ]


def _slope(start: SensitivityPoint, end: SensitivityPoint) -> float:
    return (end.loss - start.loss) / (end.sparsity - start.sparsity)
