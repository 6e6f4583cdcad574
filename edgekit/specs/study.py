"""The table of what `edgekit compare` tries."""

from dataclasses import dataclass

from edgekit.errors import InputError
from edgekit.specs.checks import check_sparsity, check_types
from edgekit.specs.quantization import Calibration, Method


@dataclass(frozen=True, kw_only=True, slots=True)
class PointSpec:
    """One point of a study; what it does not say is as the project has it.

    Args:
        precision: See `CompareSpec`.
        method: See `CompareSpec`.
        calibration: See `CompareSpec`.
        sparsity: See `CompareSpec`.
    """

    precision: str | None = None
    method: Method | None = None
    calibration: Calibration | None = None
    sparsity: float | None = None

    def __post_init__(self) -> None:
        check_types(self, "compare.points")
        check_sparsity("compare.points.sparsity", self.sparsity)


@dataclass(frozen=True, kw_only=True, slots=True)
class CompareSpec:
    """The points of a study: every combination of the lists, or those that are named.

    Args:
        precision: As ``[quantize] scheme``, or ``"simulated-int2"`` and the like for its
            ``simulate``; empty: what microcontrollers run.
        method: Of ``[quantize]``; empty: the project's.
        calibration: Of ``[quantize]``; empty: the project's.
        sparsity: Fractions of zeros, 0 for none; empty: the project's, and none.
        points: Instead of the lists.
    """

    precision: tuple[str, ...] = ()
    method: tuple[Method, ...] = ()
    calibration: tuple[Calibration, ...] = ()
    sparsity: tuple[float, ...] = ()
    points: tuple[PointSpec, ...] = ()

    def __post_init__(self) -> None:
        check_types(self, "compare")
        for sparsity in self.sparsity:
            check_sparsity("compare.sparsity", sparsity)
        if self.points and (self.precision or self.method or self.calibration or self.sparsity):
            raise InputError(
                "compare.points stands beside lists of a grid",
                hint="name the points, or give the lists that are combined",
            )
