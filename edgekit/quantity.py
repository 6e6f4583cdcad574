"""Numbers that say how they were obtained, and the sizes and times that people type."""

import re
from dataclasses import dataclass
from typing import Literal

from edgekit.errors import InputError

Kind = Literal["measured", "emulated", "host", "predicted", "declared"]
"""How a figure was obtained.

``measured`` on the device itself, ``emulated`` on an emulator of its core, ``host`` on this
machine, ``predicted`` by a model with a band, ``declared`` by a data sheet, file or user.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Quantity:
    """A figure with its unit, its kind and its source.

    Args:
        value: The figure, in ``unit``.
        unit: Such as ``"B"``, ``"ms"``, ``"MAC"``.
        kind: How the figure was obtained.
        source: Where it comes from, in words that another engineer can follow.
        low: Lower end of the band, in ``unit``; a predicted figure has one.
        high: Upper end of the band, in ``unit``.
    """

    value: float
    unit: str
    kind: Kind
    source: str
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        if not self.source:
            raise ValueError("a quantity needs a source")
        if self.kind == "predicted" and (self.low is None or self.high is None):
            raise ValueError(f"a predicted quantity needs a band: {self.source}")


_SIZE_UNITS = {
    "B": 1,
    "kB": 10**3,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
}
_TIME_UNITS_US = {"us": 1.0, "µs": 1.0, "ms": 1e3, "s": 1e6}
_FREQUENCY_UNITS_HZ = {"Hz": 1, "kHz": 10**3, "MHz": 10**6, "GHz": 10**9}
_LARGEST = 2.0**63  # in bytes, microseconds or hertz
_NUMBER_AND_UNIT = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-zµ]+)")


def parse_bytes(text: str) -> int:
    """Return the number of bytes in ``text``, such as ``"256KiB"`` or ``"1.5 MB"``.

    Raises:
        InputError: No number, no unit, or a unit that is not one of size.
    """
    return round(_parse(text, _SIZE_UNITS, what="size", example="256KiB"))


def parse_microseconds(text: str) -> float:
    """Return the microseconds in ``text``, such as ``"20ms"``.

    Raises:
        InputError: No number, no unit, or a unit that is not one of time.
    """
    return _parse(text, _TIME_UNITS_US, what="time", example="20ms")


def parse_hertz(text: str) -> int:
    """Return the hertz in ``text``, such as ``"120MHz"``.

    Raises:
        InputError: No number, no unit, or a unit that is not one of frequency.
    """
    return round(_parse(text, _FREQUENCY_UNITS_HZ, what="frequency", example="120MHz"))


def format_bytes(count: float) -> str:
    """Return ``count`` bytes as people read them: ``"512 B"``, ``"21.5 KiB"``, ``"2 MiB"``."""
    value, unit = float(count), "B"
    for larger in ("KiB", "MiB", "GiB"):
        if abs(value) < 1024:  # noqa: PLR2004  the step of binary units
            break
        value, unit = value / 1024, larger
    return f"{value:.1f}".removesuffix(".0") + f" {unit}"


def _parse(
    text: str, units: dict[str, int] | dict[str, float], *, what: str, example: str
) -> float:
    match = _NUMBER_AND_UNIT.fullmatch(text.strip())
    if match is None or match[2] not in units:
        raise InputError(
            f"'{text}' is not a {what}",
            hint=f'write a number and one of {", ".join(units)}, such as "{example}"',
        )
    value = float(match[1]) * units[match[2]]
    if value > _LARGEST:
        raise InputError(f"'{text[:40]}' is not a {what}: it is beyond any")
    return value
