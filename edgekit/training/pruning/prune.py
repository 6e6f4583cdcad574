"""Magnitude pruning: train while the smallest weights or channels become zero for good."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgekit.errors import ToolError
from edgekit.model.pruned_weights import FILE_NAME, save_masks
from edgekit.training._tensorflow import seed_everything
from edgekit.training.batch_norm_averages import estimate_averages
from edgekit.training.files import read_model, save_model
from edgekit.training.fit import Epoch, dataset_of, fit, objective_of
from edgekit.training.kernels import frozen_layers, kernels, with_weights, zeros_in
from edgekit.training.naming import quoted
from edgekit.training.pruning.magnitude import MagnitudePruning
from edgekit.training.pruning.sensitivity import resolve_auto
from edgekit.training.pruning.sparsity_goal import Goal

if TYPE_CHECKING:
    from pathlib import Path

    from edgekit.runtimes.process import Progress
    from edgekit.specs import PruneSpec
    from edgekit.training.context import TrainingContext


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerSparsity:
    """How many weights of one kernel are zero.

    Args:
        name: Of the layer.
        attribute: Which of the layer's arrays, such as ``"kernel"``.
        asked: Fraction of zeros asked; of channels: what was asked of all that go together.
        reached: Fraction of exact zeros found after the training.
        weights: The number of weights in the kernel.
    """

    name: str
    attribute: str
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
        frozen: Those of them that are not to be trained.
        history: One entry an epoch.
        notes: What a user should know.
    """

    sparsity: float
    layers: tuple[LayerSparsity, ...]
    skipped: tuple[str, ...]
    frozen: tuple[str, ...]
    history: tuple[Epoch, ...]
    notes: tuple[str, ...]


def prune(
    progress: "Progress",
    model: "Path",
    *,
    spec: "PruneSpec",
    context: "TrainingContext",
    out: "Path",
) -> Pruned:
    """Prune the model in the file ``model`` and write it to the file ``out``.

    Args:
        progress: Told the steps done.
        model: An ``.h5`` file of an earlier stage.
        spec: Sparsity, schedule, epochs.
        context: What the project asks of every training, and where its samples are.
        out: An ``.h5`` file; which weights are left is written beside it, as ``masks.npz``.

    Raises:
        UnsupportedModelError: No layer can be pruned.
        InputError: The spec does not fit the model or the length of the training.
        ToolError: The sparsity was not reached.
    """
    seed_everything(context.seed)
    network = read_model(model)
    dataset = dataset_of(network, context)
    if spec.sparsity == "auto":
        spec = resolve_auto(
            network, spec, objective_of(context, network, dataset), dataset, progress=progress
        )
    pruning = MagnitudePruning(spec)
    goals = pruning.goals_for(network)
    wanted = objective_of(context, network, dataset)
    done = fit(
        network,
        dataset.x_train,
        wanted,
        epochs=spec.epochs,
        learning_rate=context.train.learning_rate,
        batch_size=context.train.batch_size,
        progress=progress,
        callbacks=[pruning],
    )
    averages = estimate_averages(
        network, dataset.x_train, wanted, batch_size=context.train.batch_size
    )
    found = [kernel for goal in goals for kernel in goal.kernels]
    layers = tuple(layer for goal in goals for layer in _held(goal))
    save_model(network, out)
    save_masks(out.with_name(FILE_NAME), [kernel.values() != 0 for kernel in found])
    pruned = {layer.name for layer in layers}
    frozen = frozen_layers(kernels(network, depthwise=True))
    return Pruned(
        sparsity=zeros_in(found).fraction,
        layers=layers,
        skipped=tuple(name for name in with_weights(network) if name not in pruned),
        frozen=frozen,
        history=done.history,
        notes=(done.note, *_frozen_note(frozen), *_notes(goals), *averages),
    )


def _frozen_note(frozen: tuple[str, ...]) -> tuple[str, ...]:
    return (f"not pruned, for they are frozen: {quoted(frozen)}",) if frozen else ()


def _notes(goals: tuple[Goal, ...]) -> tuple[str, ...]:
    """Return a sentence for each goal that has more zeros than were asked of it."""
    return tuple(
        f"layer {quoted(_layers(goal))} has {goal.reached():.1%} zeros, more than the "
        f"{goal.sparsity:.1%} asked: it had them before"
        for goal in goals
        if goal.reached() - goal.sparsity > goal.tolerance
    )


def _layers(goal: Goal) -> tuple[str, ...]:
    return tuple(dict.fromkeys(kernel.layer for kernel in goal.kernels))


def _held(goal: Goal) -> tuple[LayerSparsity, ...]:
    """Return what each kernel of a goal has reached, and refuse if that is less than was asked."""
    reached = goal.reached()
    if goal.is_missed():
        raise ToolError(
            f"layer {quoted(_layers(goal))} was to have {goal.sparsity:.1%} zeros and has "
            f"{reached:.1%}",
            hint="raise [prune] epochs",
        )
    return tuple(
        LayerSparsity(
            name=kernel.layer,
            attribute=kernel.attribute,
            asked=goal.sparsity,
            reached=kernel.zero_fraction(),
            weights=kernel.values().size,
        )
        for kernel in goal.kernels
    )
