"""Footnotes: every figure of a page carries a mark that leads to its kind and source."""

from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup

from edgekit.reports import wording

if TYPE_CHECKING:
    from edgekit.quantity import Kind, Quantity


class Origin(NamedTuple):
    """The kind and source of figures that the manifest gives bare."""

    kind: "Kind"
    source: str


FILE = Origin("host", "counted in the bytes of the model file")
MACS = Origin("host", "counted from the shapes as MLPerf Tiny counts, padding included")
PLAN = Origin("host", "the tensors' lifetimes and places as TFLite-Micro plans them")
RUNTIMES = Origin("host", "the runtimes' outputs on the validation set, on the machine that built")
NOISE = Origin(
    "host",
    "LiteRT without delegates on at most 64 validation samples, against the same graph with the "
    "file's own weights on real numbers; the rounding of all operators before is in it",
)
KERNELS = Origin(
    "host",
    "exact zeros counted in the kernels after pruning, before anything is shrunk",
)


def validation(samples: int | None) -> Origin:
    """Return the origin of a metric that was taken on the validation set."""
    count = "the" if samples is None else str(samples)
    return Origin("host", f"the model run on {count} validation samples on the machine that built")


_MARK = Markup(
    '<sup><a class="mark" href="#source-{number}" title="{tip}">'
    '<abbr aria-label="{kind}, note {number}">{letter}{number}</abbr></a></sup>'
)


class Footnotes:
    """The footnotes of one page, numbered in the order in which they are first needed."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str], int] = {}

    def mark(self, kind: str, source: str, band: str = "") -> Markup:
        """Return the mark for figures of ``kind`` from ``source``."""
        number = self._numbers.setdefault((kind, source), len(self._numbers) + 1)
        tip = f"{kind}: {source}" + (f"; band {band}" if band else "")
        return _MARK.format(number=number, tip=tip, kind=kind, letter=kind[0].upper())

    def figure(self, quantity: "Quantity", text: str = "", *, of: str = "") -> Markup:
        """Return a figure with its mark, its limit, and its band on a line of its own.

        Args:
            quantity: The figure.
            text: How it is written, where not by its unit alone.
            of: The limit as text, or an empty text.
        """
        words = text or wording.amount(quantity.value, quantity.unit)
        width = wording.band(quantity.low, quantity.high, quantity.unit)
        figure = Markup('<span class="figure">{}{}</span>').format(
            words, self.mark(quantity.kind, quantity.source, width)
        )
        limit = Markup(' <span class="of">of {}</span>').format(of) if of else Markup()
        band = Markup(' <span class="band">{}</span>').format(width) if width else Markup()
        return figure + limit + band

    def notes(self) -> tuple[tuple[int, str, str], ...]:
        """Return number, kind and source of every note so far."""
        return tuple((number, kind, source) for (kind, source), number in self._numbers.items())
