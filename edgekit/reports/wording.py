"""How a figure is written for people: one way in every report."""

import re

from edgekit.quantity import format_bytes
from edgekit.verification.confidence import wilson_interval

ABSENT = "\N{EN DASH}"
KIND_MEANINGS = {
    "measured": "on the device itself",
    "emulated": "on an emulator of its core",
    "host": "on the machine that built",
    "predicted": "by a model, with its band",
    "declared": "by a data sheet, a file or the user",
}
"""What each kind of figure means, in the order of trust."""

KIND_LETTERS = {kind: kind[0] for kind in KIND_MEANINGS}
"""The mark of a figure in a text."""

_BARE = ("", "1", "fraction")
_DURATIONS = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0}
# C0 and C1 controls, bidirectional overrides, lone surrogates, and what XML forbids: a name
# from a stranger's file must not steer a terminal, turn a line around or stop a file's writing.
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)


def clean(text: str) -> str:
    """Return ``text`` on one line, with what is not printable replaced."""
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", " ".join(text.split()))


def amount(value: float, unit: str) -> str:
    """Return ``value`` in ``unit`` as people read it: ``"21.5 KiB"``, ``"14.2 ms"``, ``"97 %"``.

    The unit of a metric is its name: an accuracy is told in percent, an error as a number.
    """
    if is_fraction(unit):
        return percent(value)
    if unit == "B":
        return format_bytes(value)
    if unit in _DURATIONS:
        return duration(value * _DURATIONS[unit])
    return number(value) if unit in _BARE or unit.endswith("_error") else f"{number(value)} {unit}"


def step(value: float, unit: str) -> str:
    """Return a difference in ``unit``: of accuracies in points, else as `amount` does."""
    return points(value) if is_fraction(unit) else amount(value, unit)


def change(value: float, unit: str) -> str:
    """Return a difference with its sign, or ``"same"``."""
    if not value:
        return "same"
    return f"{'+' if value > 0 else '-'}{step(abs(value), unit)}"


def is_fraction(unit: str) -> bool:
    """Say whether ``unit`` names a fraction in [0, 1] that people tell in percent."""
    return unit.endswith("accuracy") or unit == "sparsity"


def band(low: float | None, high: float | None, unit: str) -> str:
    """Return ``"12.1 to 15 ms"``, or nothing where an end is missing."""
    if low is None or high is None:
        return ""
    first, last = amount(low, unit), amount(high, unit)
    shared = f" {last.rpartition(' ')[2]}"
    return f"{first.removesuffix(shared) if ' ' in last else first} to {last}"


def number(value: float) -> str:
    """Return ``value`` with four significant digits; whole numbers with all of theirs."""
    if float(value).is_integer() and abs(value) < 1e15:  # noqa: PLR2004  exact in a double
        return f"{value:,.0f}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"  # noqa: PLR2004  4 digits


def millions(count: int) -> str:
    """Return ``count`` with a prefix: ``"2.66 M"``, ``"864 k"``, ``"512"``."""
    for step, prefix in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if abs(count) >= step:
            return f"{count / step:.3g} {prefix}"
    return str(count)


def percent(fraction: float) -> str:
    """Return a fraction in percent with one digit: ``"96.9 %"``."""
    return f"{100 * fraction:.1f} %"


def points(fraction: float) -> str:
    """Return a difference of two fractions in points: ``"0.3 pt"``."""
    text = f"{100 * fraction:.2f}".rstrip("0").rstrip(".")
    return f"{'0' if text == '-0' else text} pt"


def metric_value(value: float | None, metric: str) -> str:
    """Return a value of ``metric``, or the sign of an absent one."""
    return ABSENT if value is None else amount(value, metric)


def title(identifier: str) -> str:
    """Return ``"mean absolute error"`` for ``"mean_absolute_error"``."""
    return identifier.replace("_", " ")


def duration(seconds: float) -> str:
    """Return ``"850 µs"``, ``"14.2 ms"``, ``"3.1 s"``, ``"2 min 04 s"``."""
    if abs(seconds) >= 60:  # noqa: PLR2004  a minute
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes} min {rest:02d} s"
    for step, unit in ((1.0, "s"), (1e-3, "ms")):
        if abs(seconds) >= step:
            return f"{seconds / step:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs" if seconds else "0 s"


def shape(dimensions: tuple[int, ...]) -> str:
    """Return the dimensions as people multiply them: 1 by 8 by 8."""
    return " \N{MULTIPLICATION SIGN} ".join(str(size) for size in dimensions)


def interval(value: float, metric: str, samples: int | None) -> str:
    """Return the 95 % interval of an accuracy, ``"94.6 to 98.3 %"``; nothing of another metric."""
    if not samples or not is_fraction(metric):
        return ""
    low, high = wilson_interval(value, samples)
    return f"{100 * low:.1f} to {100 * high:.1f} %"
