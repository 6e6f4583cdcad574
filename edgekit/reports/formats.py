"""The forms a report takes, by name."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from edgekit.files.whole_files import json_text
from edgekit.reports import github, html, junit, manifest, markdown, text


def _as_json(document: Mapping[str, object]) -> str:
    """Return the manifest itself, once it has been found readable."""
    manifest.read(document)
    return json_text(document)


FORMATS: Mapping[str, Callable[[Mapping[str, object]], str]] = MappingProxyType(
    {
        "text": text.render,
        "html": html.render,
        "json": _as_json,
        "markdown": markdown.render,
        "junit": junit.render,
        "github": github.render,
    }
)
"""Each is a pure function of the manifest's JSON values."""
