"""What every stage that trains is told of its project."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from edgekit.specs import DataSpec, TrainSpec


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingContext:
    """What every stage that trains is told of its project.

    Args:
        loss: The model's own (`edgekit.training.load.load.LoadedModel.loss`); the project's
            comes first.
        train: Epochs, batch size, learning rate, loss.
        data: Where the samples are.
        metric: The project's; see `edgekit.data.samples.load_data`.
        directory: The project's folder.
        seed: Of the split, the order of samples, and dropout.
    """

    loss: str
    train: "TrainSpec"
    data: "DataSpec"
    metric: str = "auto"
    directory: "Path"
    seed: int

    @property
    def wanted_loss(self) -> str:
        """What to train for, as `edgekit.training.loss.objective` takes it."""
        return self.train.loss or self.loss
