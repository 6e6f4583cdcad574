"""Accuracy against flash: where each point lies, the Pareto front, the limits; all in percent."""

from dataclasses import dataclass
from itertools import pairwise
from math import ceil, floor
from typing import TYPE_CHECKING

from edgekit.reports import wording
from edgekit.reports.pictures.axis import MOST_TICKS, STEPS, Tick, metric_tick

if TYPE_CHECKING:
    from edgekit.comparison.result import Result
    from edgekit.comparison.study import Study

_KIB = 1024
_MARGIN = 0.06  # of the span, left free on each side
_LEAST_SPAN = 1e-3  # of the value, where all points have the same
# A label keeps clear of others on a picture of this many pixels.
_WIDTH, _HEIGHT, _LETTER, _LINE = 560, 320, 6.6, 15


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """One point in the picture.

    Args:
        title: Its name and figures.
        family: A number for its precision, from 0.
        kind: ``"cheapest"``, ``"passed"``, ``"missed"`` or ``"simulated"``.
        x: From the left, in percent.
        y: From the top, in percent.
        label: Its name where there is room for it, or an empty text.
        side: Where the label stands: ``"start"`` right of the mark, ``"end"`` left of it.
    """

    title: str
    family: int
    kind: str
    x: float
    y: float
    label: str
    side: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """A line across at one value: its place from the top in percent, and what it is."""

    at: float
    label: str
    kind: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """All that is drawn; ``front`` joins the points of the Pareto front by steps."""

    marks: tuple[Mark, ...]
    front: tuple[tuple[float, float, float, float], ...]
    rules: tuple[Rule, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    families: tuple[str, ...]
    x_title: str
    y_title: str

    @property
    def outside(self) -> int:
        """How many marks stand at an edge because they lie beyond it."""
        return sum(mark.y in (0.0, 100.0) for mark in self.marks)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Axis:
    low: float
    high: float
    step: float

    def place(self, value: float) -> float:
        """Return where ``value`` lies, in percent."""
        return 100 * (value - self.low) / (self.high - self.low)

    def values(self) -> list[float]:
        """Return the round values on the axis."""
        first = ceil(self.low / self.step - 1e-9)
        last = floor(self.high / self.step + 1e-9)
        return [number * self.step for number in range(first, last + 1)]


def picture(study: "Study") -> Picture | None:
    """Return the picture of a study, or None where no point has both figures."""
    shown = [
        (flash.value, item.accuracy, item)
        for item, flash in ((item, study.basis.flash(item)) for item in study.results)
        if item.is_built and flash is not None and item.accuracy is not None
    ]
    metric = next((item.metric for *_, item in shown if item.metric), None)
    if metric is None:
        return None
    lines = _lines(study, shown[0][2])
    across = _axis([flash for flash, *_ in shown], _KIB)
    # A simulation that answers by chance must not press the real points together.
    real = [value for _, value, item in shown if not item.simulated]
    up = _axis([*real, *(value for value, *_ in lines)] or [value for _, value, _ in shown], 1.0)
    families = tuple(dict.fromkeys(item.precision for *_, item in shown))
    placed = [
        (across.place(flash), min(max(100 - up.place(value), 0.0), 100.0), item)
        for flash, value, item in shown
    ]
    return Picture(
        marks=_marks(study, placed, families),
        front=_steps([(x, y) for member in study.front for x, y, item in placed if item is member]),
        rules=tuple(Rule(at=100 - up.place(at), label=name, kind=kind) for at, name, kind in lines),
        across=tuple(
            Tick(at=across.place(value), label=wording.amount(value, "B"))
            for value in across.values()
        ),
        up=tuple(metric_tick(100 - up.place(value), value, metric) for value in up.values()),
        families=families,
        x_title=study.basis.title,
        y_title=wording.title(metric),
    )


def _marks(
    study: "Study", placed: "list[tuple[float, float, Result]]", families: tuple[str, ...]
) -> tuple[Mark, ...]:
    sides = _labels(study, placed)
    return tuple(
        Mark(
            title=_title(study, item),
            family=families.index(item.precision),
            kind=_kind(study, item),
            x=x,
            y=y,
            label=item.name if item.name in sides else "",
            side=sides.get(item.name, "start"),
        )
        for x, y, item in placed
    )


def _lines(study: "Study", one: "Result") -> list[tuple[float, str, str]]:
    """Return the float model's value, and the worst that the limit allows."""
    if one.float_accuracy is None or one.metric is None:
        return []
    found = [(one.float_accuracy, "float", "float")]
    drop = study.limits.largest_drop
    if drop is not None:
        worst = one.float_accuracy + (drop if one.metric.endswith("_error") else -drop)
        found.append((worst, "limit", "limit"))
    return found


def _axis(values: list[float], unit: float) -> _Axis:
    """Return an axis with room around ``values`` and round steps of ``unit``."""
    low, high = min(values), max(values)
    span = max(high - low, _LEAST_SPAN * max(abs(low), abs(high)), 1e-9)
    middle = (low + high) / 2
    half = span * (0.5 + _MARGIN)
    step = next((item for item in STEPS if 2 * half / (item * unit) <= MOST_TICKS), STEPS[-1])
    return _Axis(low=middle - half, high=middle + half, step=step * unit)


def _steps(places: list[tuple[float, float]]) -> tuple[tuple[float, float, float, float], ...]:
    """Return the lines of a staircase: a better point counts from its own flash on."""
    lines = []
    for (x, y), (next_x, next_y) in pairwise(places):
        lines += [(x, y, next_x, y), (next_x, y, next_x, next_y)]
    return tuple(lines)


def _labels(study: "Study", placed: "list[tuple[float, float, Result]]") -> dict[str, str]:
    """Return on which side of its mark a name stands: the cheapest's, then others' with room."""
    wanted = [item for item in (study.cheapest, *study.front) if item is not None]
    boxes: list[tuple[float, float, float, float]] = []
    found: dict[str, str] = {}
    for item in dict.fromkeys(wanted):
        spot = next(((x, y) for x, y, other in placed if other is item), None)
        if spot is None:
            continue
        x, y = spot[0] / 100 * _WIDTH, spot[1] / 100 * _HEIGHT
        width = _LETTER * len(item.name) + 14
        is_right = x + width <= _WIDTH
        box = (x if is_right else x - width, y - _LINE, (x + width) if is_right else x, y + _LINE)
        if not any(_overlap(box, other) for other in boxes):
            boxes.append(box)
            found[item.name] = "start" if is_right else "end"
    return found


def _overlap(
    one: tuple[float, float, float, float], other: tuple[float, float, float, float]
) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _kind(study: "Study", result: "Result") -> str:
    if result is study.cheapest:
        return "cheapest"
    if result.simulated:
        return "simulated"
    return "passed" if result.passed else "missed"


def _title(study: "Study", result: "Result") -> str:
    flash = study.basis.flash(result)
    words = [] if flash is None else [wording.amount(flash.value, flash.unit)]
    if result.accuracy is not None and result.metric is not None:
        words.append(
            f"{wording.metric_value(result.accuracy, result.metric)} {wording.title(result.metric)}"
        )
    return f"{result.name}: {', '.join(words)}"
