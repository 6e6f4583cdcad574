"""What running the model tells, as `edgekit.verification` and the explanation find it."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class DropBound:
    """What the drop does not exceed, and with what confidence: by a paired bootstrap."""

    at_most: float
    confidence: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Noise:
    """The rounding in one operator's output.

    Args:
        index: Of the operator; -1 is the model's input.
        op: Its kind.
        sqnr_db: Signal-to-quantization-noise ratio in decibels, rounding of all operators before
            it included; None where there is no noise at all.
    """

    index: int
    op: str
    sqnr_db: float | None = None
