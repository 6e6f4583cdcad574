"""The verdict as annotations that GitHub Actions shows beside a pull request."""

from collections.abc import Mapping

from edgekit.reports import manifest as facts
from edgekit.reports import verdict


def render(manifest: Mapping[str, object]) -> str:
    """Return workflow commands: an error a missed limit, the warnings, and one notice.

    Args:
        manifest: As JSON values; see `edgekit.reports.manifest`.
    """
    run = facts.read(manifest)
    missed = [limit for limit in verdict.limits(run) if not limit.finding.passed]
    lines = []
    for limit in missed:
        finding = limit.finding
        where = f"{run.name} on {finding.target}" if finding.target else run.name
        text = finding.message + (f"\nTry: {finding.hint}" if finding.hint else "")
        lines.append(_command("error", f"{where}: {limit.title} {limit.margin or 'missed'}", text))
    if not run.passed and not missed:
        lines.append(_command("error", run.name, "the verification failed"))
    lines += [_command("warning", run.name, warning) for warning in run.warnings]
    word = "passed" if run.passed else "failed"
    summary = "\n".join(verdict.headline(run)) or f"the build {word}"
    lines.append(_command("notice", f"edgekit: {run.name} {word}", summary))
    return "\n".join(lines) + "\n"


def _command(level: str, title: str, message: str) -> str:
    return f"::{level} title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    """Return ``text`` with what ends a workflow command escaped, as GitHub's toolkit does."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
