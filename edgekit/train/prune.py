"""Magnitude pruning: train while the smallest weights or channels become zero for good."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgekit.errors import ToolError
from edgekit.train._tensorflow import seed_everything
from edgekit.train.files import read_model, save_model
from edgekit.train.fit import Epoch, dataset_of, fit
from edgekit.train.goal import Goal
from edgekit.train.kernels import with_weights, zeros_in
from edgekit.train.loss import objective
from edgekit.train.magnitude import MagnitudePruning
from edgekit.train.sensitivity import resolve_auto

if TYPE_CHECKING:
    from pathlib import Path

    from edgekit.process import Progress
    from edgekit.specs import DataSpec, PruneSpec, TrainSpec


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerSparsity:
    """How many weights of one kernel are zero.

    Args:
        name: Of the layer.
        asked: Fraction of zeros asked; of channels: what was asked of all that go together.
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
        skipped: Names of layers with kernels that were left alone.
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
        InputError: The spec does not fit the model or the length of the training.
        ToolError: The sparsity was not reached.
    """
    seed_everything(seed)
    network = read_model(model)
    dataset = dataset_of(network, data, directory=directory, seed=seed)
    if spec.sparsity == "auto":
        spec = resolve_auto(
            network,
            spec,
            loss=train.loss or loss,
            dataset=dataset,
            directory=directory,
            progress=progress,
        )
    pruning = MagnitudePruning(spec)
    goals = pruning.goals_for(network)
    done = fit(
        network,
        dataset.x_train,
        objective(train.loss or loss, model=network, dataset=dataset, directory=directory),
        epochs=spec.epochs,
        learning_rate=train.learning_rate,
        batch_size=train.batch_size,
        progress=progress,
        callbacks=[pruning],
    )
    layers = tuple(layer for goal in goals for layer in _held(goal))
    save_model(network, out)
    pruned = {layer.name for layer in layers}
    return Pruned(
        sparsity=zeros_in([kernel for goal in goals for kernel in goal.kernels]).fraction,
        layers=layers,
        skipped=tuple(name for name in with_weights(network) if name not in pruned),
        history=done.history,
        notes=(done.note,),
    )


def _held(goal: Goal) -> tuple[LayerSparsity, ...]:
    """Return what each kernel of a goal has reached, and refuse if that is not what was asked."""
    reached = goal.reached()
    if abs(reached - goal.sparsity) > goal.tolerance:
        names = ", ".join(f"'{kernel.layer}'" for kernel in goal.kernels)
        raise ToolError(
            f"layer {names} was to have {goal.sparsity:.1%} zeros and has {reached:.1%}",
            hint="raise [prune] epochs",
        )
    return tuple(
        LayerSparsity(
            name=kernel.layer,
            asked=goal.sparsity,
            reached=kernel.zero_fraction(),
            weights=kernel.values().size,
        )
        for kernel in goal.kernels
    )
