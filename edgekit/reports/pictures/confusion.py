"""Which class is taken for which."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgekit.reports.manifest import Manifest

_MOST_CLASSES = 24  # a larger matrix is not read cell by cell
_MOST_PAIRS = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """Samples of one class that were taken for another."""

    true: str
    predicted: str
    count: int
    samples: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfusionPicture:
    """The matrix and its worst cells.

    Args:
        labels: Of the classes.
        counts: Rows are true classes; None where there are too many to show.
        pairs: The most frequent confusions, the worst first.
        errors: Of all samples.
        samples: In all.
    """

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...] | None
    pairs: tuple[Pair, ...]
    errors: int
    samples: int

    def share(self, row: int, column: int) -> float:
        """Return the fraction of class ``row`` that was taken for class ``column``."""
        assert self.counts is not None
        return self.counts[row][column] / max(1, sum(self.counts[row]))


def confusion_picture(manifest: "Manifest") -> ConfusionPicture | None:
    """Return the confusions of a run, or None where they were not counted."""
    counts = manifest.confusion
    size = len(counts)
    if not size or any(len(row) != size for row in counts):
        return None
    labels = tuple(
        manifest.labels[index] if index < len(manifest.labels) else str(index)
        for index in range(size)
    )
    pairs = [
        Pair(
            true=labels[row],
            predicted=labels[column],
            count=counts[row][column],
            samples=sum(counts[row]),
        )
        for row in range(size)
        for column in range(size)
        if row != column and counts[row][column]
    ]
    return ConfusionPicture(
        labels=labels,
        counts=counts if size <= _MOST_CLASSES else None,
        pairs=tuple(sorted(pairs, key=lambda item: -item.count)[:_MOST_PAIRS]),
        errors=sum(item.count for item in pairs),
        samples=sum(map(sum, counts)),
    )
