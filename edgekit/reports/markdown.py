"""The report as markdown for a comment on a pull request: verdict, limits, the rest folded."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from edgekit.reports import manifest as facts
from edgekit.reports import verdict, wording

if TYPE_CHECKING:
    from edgekit.quantity import Quantity

# What could be markup, a link, a picture or an emoji where a name stands in a text.
_SPECIAL = re.compile(r"[\\`*_{}\[\]<>()#+!|~@&$]|:(?=\S)|(?<=www)\.")
_REFERENCES = ("@", "#")  # of a person or an issue, found by GitHub after markdown is done


def render(manifest: Mapping[str, object]) -> str:
    """Return the report of a run as GitHub-flavoured markdown.

    Args:
        manifest: As JSON values; see `edgekit.reports.manifest`.
    """
    run = facts.read(manifest)
    parts = (
        _verdict(run),
        _limits(run),
        _accuracy(run),
        _targets(run),
        _folded("Stages", _stages(run)),
        _folded("Files", _files(run)),
        _kinds(run),
    )
    return "\n\n".join(part for part in parts if part) + "\n"


def escape(text: str) -> str:
    """Return ``text`` so that markdown shows it as it is: no markup, link or mention."""
    return _SPECIAL.sub(
        lambda match: f"&#{ord(match[0])};" + ("&#8203;" if match[0] in _REFERENCES else ""), text
    )


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; a title that ends in a colon heads a column of numbers.

    Args:
        titles: Of the columns.
        rows: Cells, already escaped.
    """
    head = " | ".join(title.removesuffix(":") for title in titles)
    rule = " | ".join("---:" if title.endswith(":") else "---" for title in titles)
    body = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([f"| {head} |", f"| {rule} |", *body])


def _verdict(run: facts.Manifest) -> str:
    mark = "✅" if run.passed else "❌"
    word = ("passed" if run.passed else "failed") + (
        " on random data" if verdict.is_random(run) else ""
    )
    lines = [f"## {mark} edgekit: {escape(run.name)} {word}", ""]
    lines += [escape(sentence) + "  " for sentence in verdict.headline(run)]
    warnings = [escape(warning) for warning in run.warnings]
    if warnings:
        lines += ["", *(f"> ⚠️ {warning}  " for warning in warnings)]
    return "\n".join(lines).rstrip()


def _limits(run: facts.Manifest) -> str:
    limits = verdict.limits(run)
    if not limits:
        return "No limit was set."
    short = verdict.short_list(limits)
    rest = limits[len(short) :]
    advice = [
        f"- {escape(limit.finding.message)}"
        + (f"  \n  Try: {escape(limit.finding.hint)}" if limit.finding.hint else "")
        for limit in limits
        if not limit.finding.passed
    ]
    parts = [_limit_table(short), "\n".join(advice)]
    if rest:
        parts.append(_folded(f"{len(rest)} more limits that hold", _limit_table(rest)))
    return "\n\n".join(part for part in parts if part)


def _limit_table(limits: Sequence[verdict.Limit]) -> str:
    rows = [
        (
            "✅" if limit.finding.passed else "❌",
            escape(limit.title),
            escape(limit.where),
            _figure(limit.found, limit.finding.value),
            escape(limit.limit),
            escape(limit.margin),
        )
        for limit in limits
    ]
    return table(("", "limit", "where", "found:", "asked:", "margin"), rows)


def _accuracy(run: facts.Manifest) -> str:
    accuracy = run.accuracy
    if accuracy is None or verdict.is_random(run):
        return ""
    stages = (("float", accuracy.float_), ("pruned", accuracy.pruned))
    rows = [
        _score(name, value, accuracy.metric, accuracy.samples, "")
        for name, value in stages
        if value is not None
    ]
    for item in run.verification.runtimes if run.verification else ():
        differ = "" if item.disagreements is None else f"{item.disagreements} of {item.samples}"
        rows.append(
            _score(f"int8, {item.runtime}", item.value, accuracy.metric, item.samples, differ)
        )
    title = wording.title(accuracy.metric)
    return f"### {escape(title).capitalize()}\n\n" + table(
        ("model", f"{title}:", "95 % interval", "differs from float:"), rows
    )


def _score(
    name: str, value: float | None, metric: str, samples: int | None, differ: str
) -> tuple[str, str, str, str]:
    interval = "" if value is None else wording.interval(value, metric, samples)
    shown = wording.metric_value(value, metric)
    return escape(name), f"{shown} <sub>host</sub>", interval or wording.ABSENT, differ


def _targets(run: facts.Manifest) -> str:
    if not run.targets:
        return ""
    rows = []
    for row in verdict.ranked(run):
        fit = row.fit
        figures = (fit.flash_bytes or fit.model_bytes, fit.arena_bytes, fit.latency_ms)
        refused = ", ".join(item.op for item in fit.unsupported_operators)
        state = "fits" if fit.fits else "does not fit" if fit.runs else f"does not run {refused}"
        rows.append(
            (
                "✅" if fit.fits else "❌",
                escape(fit.target),
                escape(state),
                *(
                    _figure(wording.amount(q.value, q.unit), q) if q else wording.ABSENT
                    for q in figures
                ),
            )
        )
    return "### Targets\n\n" + table(("", "target", "", "flash:", "arena:", "latency:"), rows)


def _stages(run: facts.Manifest) -> str:
    rows = [(escape(stage.name), escape("; ".join(stage.notes))) for stage in run.stages]
    return table(("stage", "notes"), rows) if rows else ""


def _files(run: facts.Manifest) -> str:
    rows = [(escape(file.path), wording.number(file.bytes), file.sha256[:12]) for file in run.files]
    return table(("file", "bytes:", "sha256"), rows) if rows else ""


def _folded(title: str, text: str) -> str:
    if not text:
        return ""
    return f"<details><summary>{title}</summary>\n\n{text}\n\n</details>"


def _kinds(run: facts.Manifest) -> str:
    meanings = "; ".join(f"{kind}: {words}" for kind, words in wording.KIND_MEANINGS.items())
    made = f" edgekit {escape(run.edgekit)}." if run.edgekit else ""
    return f"<sub>{meanings}.{made}</sub>"


def _figure(text: str, quantity: "Quantity | None") -> str:
    if quantity is None or not text:
        return escape(text)
    width = wording.band(quantity.low, quantity.high, quantity.unit)
    kind = f"{quantity.kind} {width}" if width else quantity.kind
    return f"{escape(text)} <sub>{escape(kind)}</sub>"
