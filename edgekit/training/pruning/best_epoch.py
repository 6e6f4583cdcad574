"""The weights of the best epoch of a training, by one figure in its logs."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from edgekit.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from edgekit.training._tensorflow import Model

_RISING = ("acc", "auc", "precision", "recall", "f1", "fbeta", "iou")
"""Parts of the names of figures whose greatest value is best; of all others the least is."""


class BestEpoch:
    """Keeps the weights of the best of the epochs that it is offered.

    Args:
        monitor: A name in ``logs``; None: ``"val_loss"``, or ``"loss"`` where there is none.
        mode: Whether the least or the greatest value is best; ``"auto"``: by the name.
    """

    def __init__(self, monitor: str | None, mode: Literal["auto", "min", "max"]) -> None:
        if mode not in {"auto", "min", "max"}:
            raise InputError(f"mode is '{mode}'", hint="one of auto, min, max")
        self._monitor = monitor
        self._mode = mode
        self.forget()

    def forget(self) -> None:
        """Keep nothing any more: another training begins."""
        self.epoch: int | None = None
        self.weights: list[npt.NDArray[np.float32]] | None = None
        self._figure = ""
        self._value = math.nan

    @property
    def described(self) -> str:
        """Which epoch is kept, counted from 1, and why, in words."""
        if self.epoch is None:
            return f"none, for no epoch at that sparsity logged '{self._monitor}'"
        figure = f"{self._figure} {self._value:.4g}"
        return f"epoch {self.epoch + 1}, the best at that sparsity ({figure})"

    def offer(self, epoch: int, logs: Mapping[str, float], model: "Model") -> None:
        """Keep the weights of ``model`` if this ``epoch`` is better than the one that is kept.

        An epoch without the figure, such as one that was not validated, is passed over.
        """
        wanted = (self._monitor,) if self._monitor else ("val_loss", "loss")
        figure = next((name for name in wanted if name in logs), None)
        if figure is None or (self._figure == "val_loss" and figure != "val_loss"):
            return
        value = float(logs[figure])
        if figure != self._figure or self._is_better(figure, value):
            self.epoch, self.weights = epoch, model.get_weights()
            self._figure, self._value = figure, value

    def _is_better(self, figure: str, value: float) -> bool:
        if math.isnan(self._value):
            return not math.isnan(value)
        rising = self._mode == "max" or (
            self._mode == "auto" and any(part in figure for part in _RISING)
        )
        return value > self._value if rising else value < self._value
