"""How far a figure may change between two runs: ``accuracy:-0.5pt,flash:+2%,arena:+1KiB``."""

import re
from dataclasses import dataclass

from edgekit.errors import InputError, UsageError
from edgekit.quantity import Quantity, parse_bytes, parse_microseconds

_SYNTAX = re.compile(r"\s*([a-z_]+)\s*:\s*([+-])\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-zµ%]*)\s*")
_EXAMPLE = "accuracy:-0.5pt,flash:+2%,arena:+1KiB"
_POINT_UNITS = ("accuracy", "sparsity")


@dataclass(frozen=True, kw_only=True, slots=True)
class Allowance:
    """How far one figure may rise or fall.

    Args:
        measure: The figure's name; see `edgekit.reports.diff.Change`.
        is_rise: Whether a rise is bounded; a fall otherwise.
        amount: How far, in ``unit``.
        unit: ``"%"`` of the first run's value, ``"pt"``, a unit of size or time, or an empty
            text for a plain number.
        text: As it was typed.
    """

    measure: str
    is_rise: bool
    amount: float
    unit: str
    text: str

    def bound(self, before: Quantity) -> float:
        """Return the worst value that is allowed, in the unit of ``before``.

        Raises:
            UsageError: The allowance's unit is not one of the figure's.
        """
        step = self._step(before)
        return before.value + step if self.is_rise else before.value - step

    def _step(self, before: Quantity) -> float:
        fractions = before.unit in _POINT_UNITS
        try:
            match self.unit:
                case "%":
                    return abs(before.value) * self.amount / 100
                case "pt" if fractions:
                    return self.amount / 100
                case "" if before.unit not in ("B", "ms") and not fractions:
                    return self.amount
                case _ if before.unit == "B":
                    return parse_bytes(f"{self.amount:.12g}{self.unit}")
                case _ if before.unit == "ms":
                    return parse_microseconds(f"{self.amount:.12g}{self.unit}") / 1000
        except InputError as error:
            raise UsageError(f"--fail-on {self.text}: {error.message}", hint=error.hint) from error
        wanted = "pt or %" if fractions else "% or a plain number"
        raise UsageError(f"--fail-on {self.text}: {self.measure} is held in {wanted}")


def parse_allowances(text: str) -> tuple[Allowance, ...]:
    """Return the allowances in ``text``, which are separated by commas.

    Raises:
        UsageError: One of them cannot be read.
    """
    return tuple(_parse(item) for item in text.split(","))


def _parse(text: str) -> Allowance:
    match = _SYNTAX.fullmatch(text)
    if match is None:
        raise UsageError(
            f"'{text.strip()}' says not how far a figure may change",
            hint=f"write a figure, a sign and an amount: --fail-on {_EXAMPLE}",
        )
    measure, sign, amount, unit = match.groups()
    return Allowance(
        measure=measure, is_rise=sign == "+", amount=float(amount), unit=unit, text=text.strip()
    )
