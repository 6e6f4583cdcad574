"""A limit held against reality. A missed limit is data, not an exception."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgekit.quantity import Quantity


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One limit, what was found, and whether it holds.

    Args:
        gate: The limit's name: ``"accuracy_drop"``, ``"flash"``, ``"operators"``.
        passed: Whether it holds.
        message: One sentence with both numbers.
        value: What was found, where it is a number.
        limit: What was asked, in the unit of ``value``.
        target: The device it is about, or None for the model alone.
        hint: What to try, if edgekit knows.
    """

    gate: str
    passed: bool
    message: str
    value: "Quantity | None" = None
    limit: float | None = None
    target: str | None = None
    hint: str | None = None
