"""The operators of a run, each with its predicted time and the rounding in its output."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgekit.reports.verdict import ranked

if TYPE_CHECKING:
    from edgekit.record.fit import Fit
    from edgekit.record.model import OperatorSummary
    from edgekit.reports.manifest import Manifest


@dataclass(frozen=True, kw_only=True, slots=True)
class OperatorRow:
    """One operator.

    Args:
        operator: Its kind, multiply-accumulates and parameters.
        milliseconds: Of one invocation on the target of the table, or None.
        sqnr_db: Signal-to-quantization-noise ratio of its output, or None where that is not
            known or there is no noise.
    """

    operator: "OperatorSummary"
    milliseconds: float | None
    sqnr_db: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class OperatorTable:
    """All operators.

    Args:
        rows: In the order of execution.
        timed: The target whose times they are, the one that fits best; None where none has any.
        has_noise: Whether the rounding is known.
    """

    rows: tuple[OperatorRow, ...]
    timed: "Fit | None"
    has_noise: bool


def operator_table(run: "Manifest") -> OperatorTable:
    """Return the operators of ``run``; no rows where its manifest has none."""
    operators = () if run.model is None else run.model.operators
    timed = next(
        (row.fit for row in ranked(run) if len(row.fit.operator_ms) == len(operators) > 0), None
    )
    noise = {item.index: item.sqnr_db for item in run.noise}
    return OperatorTable(
        rows=tuple(
            OperatorRow(
                operator=operator,
                milliseconds=None if timed is None else timed.operator_ms[place],
                sqnr_db=noise.get(operator.index),
            )
            for place, operator in enumerate(operators)
        ),
        timed=timed,
        has_noise=bool(noise),
    )
