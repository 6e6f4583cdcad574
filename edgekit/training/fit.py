"""Train a model on the project's data: the float training, and the fine-tuning of later stages."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgekit.data.samples import Dataset, load_data
from edgekit.errors import InputError, ToolError
from edgekit.training._tensorflow import Model, seed_everything, tf_keras
from edgekit.training.files import read_model, save_model
from edgekit.training.loss import Objective, objective

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from edgekit.runtimes.process import Progress
    from edgekit.training.context import TrainingContext


@dataclass(frozen=True, kw_only=True, slots=True)
class Epoch:
    """What one pass over the training samples gave.

    Args:
        loss: Mean over its steps.
        accuracy: In [0, 1], or None where there are no classes.
    """

    loss: float
    accuracy: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """The course of one training, and what it was for in words."""

    history: tuple[Epoch, ...]
    note: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Trained:
    """A trained float model.

    Args:
        history: One entry an epoch.
        notes: What a user should know.
    """

    history: tuple[Epoch, ...]
    notes: tuple[str, ...]


def train(
    progress: "Progress",
    model: "Path",
    *,
    context: "TrainingContext",
    out: "Path",
) -> Trained:
    """Train the float model in the file ``model`` and write it to the file ``out``.

    Args:
        progress: Told the steps done.
        model: An ``.h5`` file of `edgekit.training.load.load`.
        context: What the project asks for, and where its samples are.
        out: An ``.h5`` file.

    Raises:
        InputError: The data do not fit, or have no labels.
    """
    seed_everything(context.seed)
    network = read_model(model)
    dataset = dataset_of(network, context)
    spec = context.train
    if dataset.y_train is None:
        raise InputError(
            f"train.epochs is {spec.epochs}, but {context.data.source} has no labels to train with",
            hint="give data with labels, or set [train] epochs = 0",
        )
    done = fit(
        network,
        dataset.x_train,
        objective_of(context, network, dataset),
        epochs=spec.epochs,
        learning_rate=spec.learning_rate,
        batch_size=spec.batch_size,
        progress=progress,
    )
    save_model(network, out)
    return Trained(history=done.history, notes=(done.note,))


def dataset_of(model: Model, context: "TrainingContext") -> Dataset:
    """Return the project's samples for ``model``; read once a process."""
    return load_data(
        context.data,
        directory=context.directory,
        input_shape=tuple(model.input_shape[1:]),
        output_shape=tuple(model.output_shape[1:]),
        metric=context.metric,
        seed=context.seed,
    )


def objective_of(context: "TrainingContext", model: Model, dataset: Dataset) -> Objective:
    """Return what to train ``model`` for: the project's loss, or the model's own."""
    return objective(context.wanted_loss, model=model, dataset=dataset, directory=context.directory)


def steps_in(samples: int, *, batch_size: int, epochs: int) -> int:
    """Return the number of steps of a training."""
    return -(-samples // batch_size) * epochs


def fit(
    model: Model,
    inputs: "npt.NDArray[np.float32]",
    goal: Objective,
    *,
    epochs: int,
    learning_rate: float,
    batch_size: int,
    progress: "Progress",
    callbacks: "Sequence[object]" = (),
) -> History:
    """Train ``model`` in place.

    Args:
        model: A tf_keras model.
        inputs: The training samples.
        goal: What is wanted of each of them.
        epochs: Passes over the training samples.
        learning_rate: Of Adam.
        batch_size: Samples a step.
        progress: Told the steps done.
        callbacks: Keras callbacks.

    Raises:
        ToolError: The loss became NaN or infinite.
    """
    keras = tf_keras()
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate), loss=goal.loss, metrics=list(goal.metrics)
    )
    steps = steps_in(len(inputs), batch_size=batch_size, epochs=epochs)
    history = model.fit(
        inputs,
        goal.targets,
        batch_size=batch_size,
        epochs=epochs,
        verbose=0,
        callbacks=[
            *callbacks,
            keras.callbacks.TerminateOnNaN(),
            _reporter(progress, steps=steps, epochs=epochs),
        ],
    ).history
    losses = history["loss"]
    if len(losses) < epochs or losses[-1] != losses[-1]:
        raise ToolError(
            f"training broke down: the loss is not a number in epoch {len(losses)}",
            hint="lower [train] learning_rate, or scale the inputs with [data] scale",
        )
    accuracies = history.get("accuracy", [None] * epochs)
    return History(
        history=tuple(
            Epoch(loss=float(loss), accuracy=None if accuracy is None else float(accuracy))
            for loss, accuracy in zip(losses, accuracies, strict=True)
        ),
        note=goal.note,
    )


def _reporter(progress: "Progress", *, steps: int, epochs: int) -> object:
    """Return a callback that tells ``progress`` the steps done, some times an epoch."""
    every = max(1, steps // 100)

    class Reporter(tf_keras().callbacks.Callback):  # type: ignore[misc]  # tf_keras has no types
        """Counts steps."""

        done = 0
        detail = f"epoch 1 of {epochs}"

        def on_train_batch_end(self, batch: int, logs: object = None) -> None:
            """Tell of every hundredth of the training."""
            del batch, logs
            self.done += 1
            if self.done % every == 0:
                progress(self.done, steps, self.detail)

        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            """Tell of the epoch's loss."""
            loss = (logs or {}).get("loss", float("nan"))
            self.detail = f"epoch {epoch + 1} of {epochs}: loss {loss:.3g}"
            progress(self.done, steps, self.detail)

    return Reporter()
