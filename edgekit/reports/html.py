"""The report as one HTML file that asks the network for nothing: verdict, margins, pictures."""

from typing import TYPE_CHECKING

from edgekit.reports import footnotes, verdict, wording
from edgekit.reports import manifest as facts
from edgekit.reports.jinja_environment import environment
from edgekit.reports.operators import operator_table
from edgekit.reports.pictures.accuracy import accuracy_picture
from edgekit.reports.pictures.arena import arena_picture
from edgekit.reports.pictures.confusion import confusion_picture
from edgekit.reports.pictures.treemap import parts, treemap

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgekit.record.fit import Fit

SHORT_TABLE = 16
"""Rows that a long table shows before the rest is folded away."""


def render(manifest: "Mapping[str, object]") -> str:
    """Return the report of a run as one HTML page.

    Args:
        manifest: As JSON values; see `edgekit.reports.manifest`.
    """
    run = facts.read(manifest)
    notes = footnotes.Footnotes()
    areas = parts(run)
    return (
        environment()
        .get_template("report.html")
        .render(
            run=run,
            version=run.edgekit,
            verdict=verdict,
            wording=wording,
            footnotes=footnotes,
            notes=notes,
            short=SHORT_TABLE,
            limits=verdict.limits(run),
            targets=verdict.ranked(run),
            accuracy=None if verdict.is_random(run) else accuracy_picture(run),
            confusion=None if verdict.is_random(run) else confusion_picture(run),
            verification_source=footnotes.RUNTIMES,
            accuracy_source=footnotes.validation(run.accuracy.samples if run.accuracy else None),
            coded=_with_code(run),
            parts=areas,
            cells=treemap(areas),
            operators=operator_table(run),
            arena=arena_picture(run.arena) if run.arena else None,
            is_random=verdict.is_random(run),
        )
    )


def _with_code(run: facts.Manifest) -> "Fit | None":
    """Return the target that fits best of those that know the size of the runtime's code."""
    return next((row.fit for row in verdict.ranked(run) if row.fit.code_bytes is not None), None)
