"""What quantization did, as `edgekit.quantization` and the stages around it find it."""

from dataclasses import dataclass

from edgekit.quantity import Quantity


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerShift:
    """What bias correction moved one layer's channels by, on average, and in steps of its grid.

    Args:
        index: Of the operator in the converted file.
        op: Its kind.
        tensor: The name of its output.
        mean_shift: Mean over the channels of the size of the shift, in the output's real unit.
        steps: The same in steps of the output's grid.
    """

    index: int
    op: str
    tensor: str
    mean_shift: float
    steps: float


@dataclass(frozen=True, kw_only=True, slots=True)
class BiasCorrection:
    """What bias correction did, measured in LiteRT on the validation samples.

    Args:
        metric: The task's; without labels ``"mean_absolute_error"`` of the outputs against the
            float model's.
        before: Its value without correction.
        after: Its value with it.
        samples: On which both were measured.
        layers: What was corrected.
        left: Layers that were not, each with the reason.
    """

    metric: str
    before: float
    after: float
    samples: int
    layers: tuple[LayerShift, ...] = ()
    left: tuple[str, ...] = ()

    @property
    def effect(self) -> str:
        """The metric before and after, in words."""
        return (
            f"{self.metric.replace('_', ' ')} {self.before:.4g} before and {self.after:.4g} after "
            f"bias correction, on {self.samples} validation samples in LiteRT"
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What was done, and what it did."""
        return (f"{len(self.layers)} layers corrected", self.effect)


@dataclass(frozen=True, kw_only=True, slots=True)
class Simulated:
    """Weights of a type that the file cannot store.

    Args:
        precision: As `edgekit.specs.QuantizeSpec.simulate`.
        packed_bytes: What the file would have if they were packed.
    """

    precision: str
    packed_bytes: Quantity
