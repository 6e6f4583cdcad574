"""What each layer loses when it is pruned: accuracy against sparsity, one layer at a time."""

import glob
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from edgekit.errors import InputError
from edgekit.files.results import few, save_json, told
from edgekit.numerics.masks import keep_largest
from edgekit.numerics.sparsity_allocation import LayerCurve, SensitivityPoint, allocate
from edgekit.training._tensorflow import Model, seed_everything
from edgekit.training.files import read_model
from edgekit.training.fit import dataset_of, objective_of
from edgekit.training.kernels import frozen_layers, kernels
from edgekit.training.loss import Objective
from edgekit.training.pruning.channel_goals import chosen_groups
from edgekit.training.pruning.plan import selected

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from typing import Self

    import numpy as np
    import numpy.typing as npt

    from edgekit.data.samples import Dataset
    from edgekit.numerics.masks import Mask
    from edgekit.runtimes.process import Progress
    from edgekit.specs import PruneSpec
    from edgekit.training.context import TrainingContext
    from edgekit.training.kernels import Kernel
    from edgekit.training.pruning.channels import Group

    Floats = npt.NDArray[np.float32]

SPARSITIES = (0.25, 0.5, 0.625, 0.75, 0.85, 0.9, 0.95, 0.98)
_SAMPLES = 1000  # enough to tell half a point of accuracy from chance (one sigma at 97 %)
_BATCH = 256


@dataclass(frozen=True, kw_only=True, slots=True)
class _Unit:
    """What is pruned alone: a layer, or layers whose channels go together.

    Args:
        name: Of the layer, or of the first of them.
        arrays: All that is masked.
        weights: In the kernels.
        masks: From a sparsity to the weights to keep, an array each.
    """

    name: str
    arrays: "tuple[Kernel, ...]"
    weights: int
    masks: "Callable[[float], tuple[Mask, ...]]"

    @classmethod
    def of_weights(cls, name: str, kernels: "tuple[Kernel, ...]") -> "Self":
        """Return a layer that loses single weights."""
        return cls(
            name=name,
            arrays=kernels,
            weights=sum(kernel.values().size for kernel in kernels),
            masks=lambda sparsity: tuple(keep_largest(item.values(), sparsity) for item in kernels),
        )

    @classmethod
    def of_channels(cls, group: "Group") -> "Self":
        """Return a group of layers that lose whole channels."""
        parts = group.ranked + group.shifts

        def masks(sparsity: float) -> "tuple[Mask, ...]":
            keep = group.keep(round(sparsity * group.count))
            return tuple(part.mask(keep) for part in parts)

        return cls(
            name=group.layers[0],
            arrays=tuple(part.kernel for part in parts),
            weights=sum(part.kernel.values().size for part in group.ranked),
            masks=masks,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Sensitivity:
    """What each layer of a network loses when it is pruned, without training after it.

    Of layers whose channels can only go together, the first stands for all.

    Args:
        metric: ``"accuracy"`` or ``"mean_absolute_error"``.
        score: Of the whole network.
        samples: How many it was measured on.
        layers: One curve a layer.
        frozen: Names of layers that are not to be trained, and so not pruned or measured.
    """

    metric: str
    score: float
    samples: int
    layers: tuple[LayerCurve, ...]
    frozen: tuple[str, ...] = ()

    def save(self, path: "str | Path") -> None:
        """Write what ``edgekit sensitivity prune --json`` prints to ``path``."""
        save_json(path, "sensitivity", asdict(self))

    def __repr__(self) -> str:
        return told(
            f"Sensitivity of {len(self.layers)} layers to pruning",
            score=f"{self.metric} {self.score:.4f} on {self.samples} samples",
            layers=few(curve.name for curve in self.layers),
            frozen=few(self.frozen),
        )


def sensitivity(
    progress: "Progress",
    model: "Path",
    *,
    spec: "PruneSpec",
    context: "TrainingContext",
) -> Sensitivity:
    """Return what each layer of the model in the ``.h5`` file ``model`` loses.

    Args:
        progress: Told the layers done.
        model: Trained.
        spec: Which layers can be pruned; its sparsity does not matter.
        context: Where the samples are, and the loss; measured on the validation set.

    Raises:
        InputError: The data have no labels.
        UnsupportedModelError: No layer can be pruned.
    """
    seed_everything(context.seed)
    network = read_model(model)
    dataset = dataset_of(network, context)
    if dataset.y_validation is None:
        raise InputError(
            f"{context.data.source} has no labels to measure with", hint="give data with labels"
        )
    validation = replace(dataset, x_train=dataset.x_validation, y_train=dataset.y_validation)
    goal = objective_of(context, network, validation)
    units = _groups(network, spec) if spec.granularity == "channel" else _layers(network, spec)
    found = _measured(network, units, validation, goal, progress)
    return replace(found, frozen=frozen_layers(kernels(network, depthwise=True)))


def resolve_auto(
    model: Model,
    spec: "PruneSpec",
    goal: Objective,
    dataset: "Dataset",
    *,
    progress: "Progress",
) -> "PruneSpec":
    """Return ``spec`` with a sparsity for each layer in the place of ``"auto"``.

    The layers are measured on training samples: the validation set stays unseen.

    Raises:
        InputError: The kernels cannot be brought to the size asked.
    """
    found = selected(model, spec)
    free = tuple(kernel for kernel in found if spec.override(kernel.layer) is None)
    curves = _measured(model, _units_of(free), dataset, goal, progress).layers
    weights = sum(kernel.values().size for kernel in found)
    fixed = sum(
        kernel.values().size * (1 - sparsity)
        for kernel in found
        if (sparsity := spec.override(kernel.layer)) is not None
    )
    assert spec.size is not None
    # a bit for each weight that there was, and a byte for each that is left
    left = spec.size - -(-weights // 8) - round(fixed)
    zeros = sum(curve.weights for curve in curves) - left
    shares = allocate(curves, zeros=zeros)
    layers = {glob.escape(name): round(share, 6) for name, share in shares.items()}
    # The number is not used: every layer has one of its own now.
    return replace(spec, sparsity=0.5, size=None, layers={**layers, **spec.layers})


def _measured(
    model: Model,
    units: "list[_Unit]",
    dataset: "Dataset",
    goal: Objective,
    progress: "Progress",
) -> Sensitivity:
    """Return the curves of ``units``, measured on the training samples."""
    count = min(_SAMPLES, len(dataset.x_train))
    inputs, targets = dataset.x_train[:count], goal.targets[:count]
    metric = "accuracy" if goal.metrics else "mean_absolute_error"
    model.compile(loss=goal.loss, metrics=[metric])

    def point(sparsity: float) -> SensitivityPoint:
        loss, score = model.evaluate(inputs, targets, batch_size=_BATCH, verbose=0)
        return SensitivityPoint(sparsity=sparsity, loss=float(loss), score=float(score))

    whole = point(0.0)
    curves = []
    for number, unit in enumerate(units):
        progress(number, len(units), unit.name)
        before = [array.values().copy() for array in unit.arrays]
        points = [whole]
        for sparsity in SPARSITIES:
            masks = unit.masks(sparsity)
            _assign(unit.arrays, [item * keep for item, keep in zip(before, masks, strict=True)])
            points.append(point(sparsity))
            _assign(unit.arrays, before)
        curves.append(LayerCurve(name=unit.name, weights=unit.weights, points=tuple(points)))
    return Sensitivity(metric=metric, score=whole.score, samples=count, layers=tuple(curves))


def _layers(model: Model, spec: "PruneSpec") -> "list[_Unit]":
    return _units_of(selected(model, spec))


def _units_of(found: "tuple[Kernel, ...]") -> "list[_Unit]":
    """Return the layers of these kernels, that lose single weights."""
    layers: dict[str, list[Kernel]] = {}
    for kernel in found:
        layers.setdefault(kernel.layer, []).append(kernel)
    return [_Unit.of_weights(name, tuple(kernels)) for name, kernels in layers.items()]


def _groups(model: Model, spec: "PruneSpec") -> "list[_Unit]":
    """Return the groups of coupled layers, that lose whole channels."""
    return [_Unit.of_channels(group) for group in chosen_groups(model, spec)]


def _assign(kernels: "Sequence[Kernel]", values: "Sequence[Floats]") -> None:
    for kernel, value in zip(kernels, values, strict=True):
        kernel.variable.assign(value)
