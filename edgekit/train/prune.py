"""Magnitude pruning: train while the smallest weights of every kernel become zero for good."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgekit.callbacks import MagnitudePruning
from edgekit.errors import ToolError, UnsupportedModelError
from edgekit.sparsity import schedule_for
from edgekit.train._tensorflow import Model, seed_everything
from edgekit.train.files import read_model, save_model
from edgekit.train.fit import Epoch, dataset_of, fit, steps_in
from edgekit.train.kernels import Kernel, kernels, left_alone, zeros_in
from edgekit.train.loss import objective

if TYPE_CHECKING:
    from pathlib import Path

    from edgekit.process import Progress
    from edgekit.project import DataSpec, PruneSpec, TrainSpec

_TOLERANCE = 0.005  # half a percent: a kernel of 200 weights cannot come nearer


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerSparsity:
    """How many weights of one kernel are zero.

    Args:
        name: Of the layer.
        asked: Fraction of zeros asked.
        reached: Fraction of exact zeros found after the training.
        weights: The number of weights in the kernel.
    """

    name: str
    asked: float
    reached: float
    weights: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Pruned:
    """A pruned float model.

    Args:
        sparsity: Fraction of exact zeros over all pruned kernels.
        layers: One entry a kernel.
        skipped: Names of layers left alone: depthwise ones.
        history: One entry an epoch.
        notes: What a user should know.
    """

    sparsity: float
    layers: tuple[LayerSparsity, ...]
    skipped: tuple[str, ...]
    history: tuple[Epoch, ...]
    notes: tuple[str, ...]


def prune(
    progress: "Progress",
    model: "Path",
    *,
    spec: "PruneSpec",
    loss: str,
    train: "TrainSpec",
    data: "DataSpec",
    directory: "Path",
    seed: int,
    out: "Path",
) -> Pruned:
    """Prune the model in the file ``model`` and write it to the file ``out``.

    Args:
        progress: Told the steps done.
        model: An ``.h5`` file of an earlier stage.
        spec: Sparsity, schedule, epochs.
        loss: The model's own; the project's comes first.
        train: Batch size, learning rate, loss.
        data: Where the samples are.
        directory: The project's folder.
        seed: Of the order of samples, and of dropout.
        out: An ``.h5`` file.

    Raises:
        UnsupportedModelError: No layer can be pruned.
        ToolError: The sparsity was not reached.
    """
    seed_everything(seed)
    network = read_model(model)
    found = require_kernels(network)
    dataset = dataset_of(network, data, directory=directory, seed=seed)
    steps = steps_in(len(dataset.x_train), batch_size=train.batch_size, epochs=spec.epochs)
    done = fit(
        network,
        dataset.x_train,
        objective(train.loss or loss, model=network, dataset=dataset, directory=directory),
        epochs=spec.epochs,
        learning_rate=train.learning_rate,
        batch_size=train.batch_size,
        progress=progress,
        callbacks=[MagnitudePruning(spec.sparsity, schedule_for(spec.schedule, steps=steps))],
    )
    layers = tuple(_held(kernel, spec.sparsity) for kernel in found)
    save_model(network, out)
    return Pruned(
        sparsity=zeros_in(found).fraction,
        layers=layers,
        skipped=left_alone(network),
        history=done.history,
        notes=(done.note,),
    )


def require_kernels(model: Model) -> tuple[Kernel, ...]:
    """Return the prunable kernels of ``model``.

    Raises:
        UnsupportedModelError: There are none.
    """
    found = kernels(model)
    if not found:
        kinds = sorted({type(layer).__name__ for layer in model.layers})
        raise UnsupportedModelError(
            f"no layer of the model can be pruned (it has {', '.join(kinds)})",
            hint="take the [prune] table out of the project file",
        )
    return found


def _held(kernel: Kernel, asked: float) -> LayerSparsity:
    """Return what ``kernel`` has reached, and refuse if that is not what was asked."""
    weights = kernel.values().size
    reached = kernel.zero_fraction()
    if abs(reached - asked) > max(_TOLERANCE, 1 / weights):
        raise ToolError(
            f"layer '{kernel.layer}' was to have {asked:.1%} zeros and has {reached:.1%}",
            hint="raise [prune] epochs",
        )
    return LayerSparsity(name=kernel.layer, asked=asked, reached=reached, weights=weights)
