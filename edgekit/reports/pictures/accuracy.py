"""The metric of each stage on one axis, an accuracy with its 95 % interval."""

from dataclasses import dataclass
from math import ceil, floor
from typing import TYPE_CHECKING

from edgekit.reports import wording
from edgekit.reports.pictures.axis import MOST_TICKS, STEPS, Tick, metric_tick
from edgekit.verification.confidence import wilson_interval

if TYPE_CHECKING:
    from edgekit.reports.manifest import Accuracy, Manifest


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One stage or runtime.

    Args:
        name: ``"float"``, ``"pruned"``, ``"int8 in tflite-micro"``.
        family: ``"float"``, ``"pruned"`` or ``"int8"``.
        value: Of the metric.
        interval: The 95 % interval as text, or an empty text.
        at: The value's place on the axis, in percent.
        low: The interval's lower end on the axis, in percent.
        high: Its upper end.
    """

    name: str
    family: str
    value: float
    interval: str
    at: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True, slots=True)
class AccuracyPicture:
    """Rows on a common axis."""

    rows: tuple[Row, ...]
    ticks: tuple[Tick, ...]


def accuracy_picture(manifest: "Manifest") -> AccuracyPicture | None:
    """Return the picture of the run's accuracy, or None where none is claimed."""
    accuracy = manifest.accuracy
    if accuracy is None:
        return None
    values = _values(manifest, accuracy)
    if not values:
        return None
    spans = [_span(value, accuracy.metric, samples) for _, _, value, samples in values]
    step = _step(spans)
    start = floor(min(low for low, _ in spans) / step) * step
    end = ceil(max(high for _, high in spans) / step) * step
    if end <= start:
        end = start + step

    def place(value: float) -> float:
        return 100 * (value - start) / (end - start)

    return AccuracyPicture(
        rows=tuple(
            Row(
                name=name,
                family=family,
                value=value,
                interval=wording.interval(value, accuracy.metric, samples),
                at=place(value),
                low=place(low),
                high=place(high),
            )
            for (name, family, value, samples), (low, high) in zip(values, spans, strict=True)
        ),
        ticks=tuple(
            metric_tick(place(value), value, accuracy.metric)
            for value in (start + index * step for index in range(round((end - start) / step) + 1))
        ),
    )


def _values(manifest: "Manifest", accuracy: "Accuracy") -> list[tuple[str, str, float, int | None]]:
    """Return name, family, value and samples of each stage that has a value."""
    runtimes = manifest.verification.runtimes if manifest.verification else ()
    found = [
        ("float", "float", accuracy.float_, accuracy.samples),
        ("pruned", "pruned", accuracy.pruned, accuracy.samples),
        *((f"int8 in {item.runtime}", "int8", item.value, item.samples) for item in runtimes),
    ]
    if not any(item.value is not None for item in runtimes):
        found.append(("int8", "int8", accuracy.int8, accuracy.samples))
    return [
        (name, family, value, samples)
        for name, family, value, samples in found
        if value is not None
    ]


def _span(value: float, metric: str, samples: int | None) -> tuple[float, float]:
    if wording.is_fraction(metric) and samples:
        return wilson_interval(value, samples)
    return value, value


def _step(spans: list[tuple[float, float]]) -> float:
    """Return the smallest round step that covers ``spans`` in a few ticks."""
    width = max(high for _, high in spans) - min(low for low, _ in spans)
    if not width:
        width = abs(spans[0][0]) or 1.0
    return next((step for step in STEPS if width / step <= MOST_TICKS - 1), STEPS[-1])
