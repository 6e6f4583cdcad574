"""A study as one HTML page that asks the network for nothing, and its picture as SVG."""

import base64
import hashlib
from typing import TYPE_CHECKING

from edgekit.comparison import verdict
from edgekit.comparison.picture import picture
from edgekit.comparison.text import sort_by_cost
from edgekit.reports import footnotes, wording
from edgekit.reports.jinja_environment import environment
from edgekit.version import __version__

if TYPE_CHECKING:
    from jinja2 import Environment

    from edgekit.comparison.study import Study


def to_html(study: "Study") -> str:
    """Return the study as one HTML page; without scripts its table stands by rising flash."""
    from markupsafe import Markup

    rows = sort_by_cost(study)
    script = _source("sort.js")
    figures = [
        (title, figure)
        for title, figure in (
            ("flash", study.basis.flash),
            ("arena", study.basis.arena),
            ("latency", study.basis.latency),
        )
        if any(figure(item) is not None for item in rows)
    ]
    samples = next((item.samples for item in rows if item.samples is not None), None)
    return (
        _environment()
        .get_template("study.html")
        .render(
            study=study,
            version=__version__,
            verdict=verdict,
            wording=wording,
            notes=footnotes.Footnotes(),
            accuracy_source=footnotes.validation(samples),
            picture=picture(study),
            rows=rows,
            failed=[item for item in study.results if not item.is_built],
            figures=figures,
            metric=study.metric,
            samples=samples,
            has_simulated=any(item.simulated for item in rows),
            script=Markup(script),  # noqa: S704  our own file
            script_hash=_hash(script),
        )
    )


def to_svg(study: "Study") -> str | None:
    """Return the picture of the study as an SVG file, or None where nothing can be drawn."""
    drawn = picture(study)
    if drawn is None:
        return None
    return _environment().get_template("study.svg").render(study=study, picture=drawn)


def _source(name: str) -> str:
    environment = _environment()
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


def _hash(script: str) -> str:
    """Return what a page's policy names the one script by that it may run."""
    digest = hashlib.sha256(script.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def _environment() -> "Environment":
    return environment("edgekit.comparison")
