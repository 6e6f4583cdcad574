"""What the rules look at, and what they answer with."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from edgekit.model.float_twin import INPUT
from edgekit.model.operators import CHANNEL_AXES

if TYPE_CHECKING:
    import numpy.typing as npt

    from edgekit.explanation.observation import Observed
    from edgekit.model.values import Model, Operator
    from edgekit.record.model import FloatTensor

_CLEAN_DB = 40  # at the output: a hundredth of its magnitude is noise, and nothing is lost
_TELLING_DB = 20  # a hundredth of the noise at the output: less explains nothing


@dataclass(frozen=True, kw_only=True, slots=True)
class Effect:
    """What the rounding of one operator alone does to the float model.

    Args:
        sqnr_db: Signal-to-quantization-noise ratio at the model's output, in decibels.
        loss: Of the metric, positive where it gets worse; None without labels.
    """

    sqnr_db: float
    loss: float | None


@dataclass(frozen=True, kw_only=True)
class Facts:
    """A model under examination.

    Args:
        model: The integer model.
        twin: The same on real numbers.
        float_tensors: What is float in the integer model, its inputs and outputs excepted.
        observed: The input and each operator on the samples.
        effects: Of each operator alone, by its index.
        whole: Of all rounding together.
        accuracy_loss: What all rounding together costs in accuracy; 0 for other metrics.
    """

    model: "Model"
    twin: "Model"
    float_tensors: "tuple[FloatTensor, ...]"
    observed: "tuple[Observed, ...]"
    effects: Mapping[int, Effect]
    whole: Effect
    accuracy_loss: float

    @property
    def input(self) -> "Observed | None":
        """The model's input, where it becomes integers."""
        return next((item for item in self.observed if item.index == INPUT), None)

    @property
    def operators(self) -> "tuple[Observed, ...]":
        """The operators with integer outputs."""
        return tuple(item for item in self.observed if item.index != INPUT)

    @cached_property
    def calibrated(self) -> "tuple[Observed, ...]":
        """The operators whose output grid came from calibration."""
        return tuple(item for item in self.operators if item.is_calibrated)

    def branches(self, index: int) -> "tuple[Observed, ...]":
        """Return what the operator reads and other operators, or the input, wrote."""
        writers = {item.tensor.index: item for item in self.observed}
        inputs = dict.fromkeys(self.operator(index).inputs)
        return tuple(writers[tensor] for tensor in inputs if tensor in writers)

    def operator(self, index: int) -> "Operator":
        """Return the operator of the integer model, by its index."""
        return self.model.main.operators[index]

    def tells(self, index: int) -> bool:
        """Return whether the operator alone makes a good part of a noise that matters."""
        if self.whole.sqnr_db > _CLEAN_DB and self.accuracy_loss <= 0:
            return False
        effect = self.effects.get(index)
        return effect is not None and effect.sqnr_db <= self.whole.sqnr_db + _TELLING_DB

    def weights(self, index: int) -> "Weights | None":
        """Return the weights of an operator that has channels, or None."""
        operator = self.operator(index)
        axis = CHANNEL_AXES.get(operator.op)
        if axis is None:
            return None
        stored = self.model.main.tensors[operator.inputs[1]]
        real = self.twin.main.tensors[operator.inputs[1]]
        if stored.data is None or stored.quantization is None or real.data is None:
            return None
        rows = np.moveaxis(real.values(), axis, 0).reshape(stored.shape[axis], -1)
        codes = np.moveaxis(stored.values(), axis, 0).reshape(stored.shape[axis], -1)
        return Weights(
            peaks=np.abs(rows.astype(np.float64)).max(axis=1),
            zeros=np.abs(codes.astype(np.int64)).max(axis=1) == 0,
            has_step_a_channel=stored.quantization.scales.size > 1,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Weights:
    """The weights of one operator, by output channel.

    Args:
        peaks: Largest magnitude of each channel in the float model, shape ``(channels,)``.
        zeros: Whether all stored weights of the channel are 0.
        has_step_a_channel: Whether each channel has a step of its own.
    """

    peaks: "npt.NDArray[np.float64]"
    zeros: "npt.NDArray[np.bool_]"
    has_step_a_channel: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """What makes a rule speak.

    Args:
        operator: Index of the operator, `INPUT`, or None for the model as a whole.
        text: One sentence with the numbers.
    """

    operator: int | None
    text: str


Rule = Callable[[Facts], Iterator[Evidence]]
"""A cause. Its docstring is the message: a sentence, and after ``Try:`` the remedy."""


def times(ratio: float) -> str:
    """Return a ratio as people read it: ``50 times``."""
    return "endlessly many times" if math.isinf(ratio) else f"{ratio:.3g} times"
