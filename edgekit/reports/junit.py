"""The limits of a run as JUnit XML, so that a continuous integration shows them as tests."""

from collections.abc import Mapping
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from edgekit.reports import manifest as facts
from edgekit.reports import verdict

if TYPE_CHECKING:
    from edgekit.reports.verdict import Limit


def render(manifest: Mapping[str, object]) -> str:
    """Return the report of a run as JUnit XML: a suite for the model and one for each target.

    A run that failed without a missed limit gets a test ``build`` that fails: no reader sees
    green for a run that is not.

    Args:
        manifest: As JSON values; see `edgekit.reports.manifest`.
    """
    run = facts.read(manifest)
    limits = verdict.limits(run)
    root = ET.Element("testsuites", name=f"edgekit {run.name}")
    named = (*(fit.target for fit in run.targets), *(item.finding.target for item in limits))
    for target in dict.fromkeys((None, *named)):
        mine = [limit for limit in limits if limit.finding.target == target]
        _suite(root, run, target, mine, missed=any(not item.finding.passed for item in limits))
    cases = root.findall("testsuite/testcase")
    root.set("tests", str(len(cases)))
    root.set("failures", str(len(root.findall("testsuite/testcase/failure"))))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def _suite(
    root: ET.Element,
    run: facts.Manifest,
    target: str | None,
    limits: "list[Limit]",
    *,
    missed: bool,
) -> None:
    name = f"{run.name}.{target}" if target else run.name
    suite = ET.SubElement(root, "testsuite", name=name)
    if target is None:
        properties = ET.SubElement(suite, "properties")
        for key, value in _properties(run):
            ET.SubElement(properties, "property", name=key, value=value)
        _verdict(suite, run, missed=missed)
    for limit in limits:
        _case(suite, name, limit)
    fit = next((item for item in run.targets if item.target == target), None)
    if fit is not None and not limits:
        case = ET.SubElement(suite, "testcase", classname=name, name="fits")
        if not fit.fits:
            refused = "; ".join(f"{item.op}: {item.reason}" for item in fit.unsupported_operators)
            ET.SubElement(case, "failure", message=refused or "the model does not fit")
    suite.set("tests", str(len(suite.findall("testcase"))))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))


def _verdict(suite: ET.Element, run: facts.Manifest, *, missed: bool) -> None:
    """Add the test of the build as a whole, which fails where no limit tells of the failure."""
    case = ET.SubElement(suite, "testcase", classname=run.name, name="build")
    if not run.passed and not missed:
        ET.SubElement(case, "failure", message="the verification failed")
    ET.SubElement(case, "system-out").text = "\n".join([*verdict.headline(run), *run.warnings])


def _case(suite: ET.Element, name: str, limit: "Limit") -> None:
    finding = limit.finding
    case = ET.SubElement(suite, "testcase", classname=name, name=limit.title)
    if not finding.passed:
        failure = ET.SubElement(case, "failure", message=finding.message, type=finding.gate)
        failure.text = f"try: {finding.hint}" if finding.hint else None
    words = [finding.message, limit.margin]
    if finding.value is not None:
        words.append(f"{finding.value.kind}: {finding.value.source}")
    ET.SubElement(case, "system-out").text = "\n".join(filter(None, words))


def _properties(run: facts.Manifest) -> list[tuple[str, str]]:
    found = [("edgekit", run.edgekit), *sorted((run.versions or {}).items())]
    if run.model is not None:
        found += [("model.sha256", run.model.sha256), ("model.bytes", str(run.model.bytes))]
    return [(key, value) for key, value in found if value]
