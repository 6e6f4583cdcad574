"""What each layer loses when it is pruned: accuracy against sparsity, one layer at a time."""

import glob
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edgekit.allocation import LayerCurve, Point, allocate
from edgekit.errors import InputError
from edgekit.sparsity import keep_largest
from edgekit.train._tensorflow import Model, seed_everything
from edgekit.train.files import read_model
from edgekit.train.fit import dataset_of
from edgekit.train.loss import Objective, objective
from edgekit.train.plan import selected

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from edgekit.data import Dataset
    from edgekit.process import Progress
    from edgekit.specs import DataSpec, PruneSpec
    from edgekit.train.kernels import Kernel

    Floats = npt.NDArray[np.float32]

SPARSITIES = (0.25, 0.5, 0.625, 0.75, 0.85, 0.9, 0.95, 0.98)
_SAMPLES = 1000  # enough to tell half a point of accuracy from chance (one sigma at 97 %)
_BATCH = 256


@dataclass(frozen=True, kw_only=True, slots=True)
class Sensitivity:
    """What each layer of a network loses when it is pruned, without training after it.

    Args:
        metric: ``"accuracy"`` or ``"mean_absolute_error"``.
        score: Of the whole network.
        samples: How many it was measured on.
        layers: One curve a layer.
    """

    metric: str
    score: float
    samples: int
    layers: tuple[LayerCurve, ...]


def sensitivity(
    progress: "Progress",
    model: "Path",
    *,
    spec: "PruneSpec",
    loss: str,
    data: "DataSpec",
    directory: "Path",
    seed: int,
) -> Sensitivity:
    """Return what each layer of the model in the ``.h5`` file ``model`` loses.

    Args:
        progress: Told the layers done.
        model: Trained.
        spec: Which layers can be pruned; its sparsity does not matter.
        loss: See `edgekit.train.loss.objective`.
        data: Where the samples are; measured on the validation set.
        directory: The project's folder.
        seed: Of the split.

    Raises:
        InputError: The data have no labels.
        UnsupportedModelError: No layer can be pruned.
    """
    seed_everything(seed)
    network = read_model(model)
    dataset = dataset_of(network, data, directory=directory, seed=seed)
    if dataset.y_validation is None:
        raise InputError(
            f"{data.source} has no labels to measure with", hint="give data with labels"
        )
    validation = replace(dataset, x_train=dataset.x_validation, y_train=dataset.y_validation)
    goal = objective(loss, model=network, dataset=validation, directory=directory)
    return _measured(network, selected(network, spec), validation, goal, progress)


def resolve_auto(
    model: Model,
    spec: "PruneSpec",
    *,
    loss: str,
    dataset: "Dataset",
    directory: "Path",
    progress: "Progress",
) -> "PruneSpec":
    """Return ``spec`` with a sparsity for each layer in the place of ``"auto"``.

    The layers are measured on training samples: the validation set stays unseen.

    Raises:
        InputError: The kernels cannot be brought to the size asked.
    """
    found = selected(model, spec)
    free = tuple(kernel for kernel in found if spec.override(kernel.layer) is None)
    goal = objective(loss, model=model, dataset=dataset, directory=directory)
    curves = _measured(model, free, dataset, goal, progress).layers
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
    found: "tuple[Kernel, ...]",
    dataset: "Dataset",
    goal: Objective,
    progress: "Progress",
) -> Sensitivity:
    """Return the curves of the kernels in ``found``, measured on the training samples."""
    count = min(_SAMPLES, len(dataset.x_train))
    inputs, targets = dataset.x_train[:count], goal.targets[:count]
    metric = "accuracy" if goal.metrics else "mean_absolute_error"
    model.compile(loss=goal.loss, metrics=[metric])

    def point(sparsity: float) -> Point:
        loss, score = model.evaluate(inputs, targets, batch_size=_BATCH, verbose=0)
        return Point(sparsity=sparsity, loss=float(loss), score=float(score))

    whole = point(0.0)
    layers: dict[str, list[Kernel]] = {}
    for kernel in found:
        layers.setdefault(kernel.layer, []).append(kernel)
    curves = []
    for number, (name, kernels) in enumerate(layers.items()):
        progress(number, len(layers), name)
        before = [kernel.values().copy() for kernel in kernels]
        points = [whole]
        for sparsity in SPARSITIES:
            _assign(kernels, (item * keep_largest(item, sparsity) for item in before))
            points.append(point(sparsity))
        _assign(kernels, before)
        size = sum(item.size for item in before)
        curves.append(LayerCurve(name=name, weights=size, points=tuple(points)))
    return Sensitivity(metric=metric, score=whole.score, samples=count, layers=tuple(curves))


def _assign(kernels: "list[Kernel]", values: "Iterable[Floats]") -> None:
    for kernel, value in zip(kernels, values, strict=True):
        kernel.variable.assign(value)
