"""What a study says first: the point to take, what it costs, and how to ask for it."""

from typing import TYPE_CHECKING

from edgekit.comparison.grid import PRECISIONS
from edgekit.reports import wording

if TYPE_CHECKING:
    from edgekit.comparison.result import Result
    from edgekit.comparison.study import Study
    from edgekit.finding import Finding

_SHOWN = 3  # limits missed, that are told in a sentence


def headline(study: "Study") -> tuple[str, ...]:
    """Return the verdict in a few plain sentences."""
    real = [item for item in study.results if item.is_built and not item.simulated]
    meeting = sum(item.passed for item in real)
    failed = [item for item in study.results if not item.is_built]
    found = str(meeting) if meeting else "None"
    verb = "meets" if meeting <= 1 else "meet"
    simulated = sum(item.is_built and item.simulated for item in study.results)
    besides = f"; {simulated} simulated beside them" if simulated else ""
    sentences = []
    if real or simulated:
        sentences.append(f"{found} of {_points(len(real))} {verb} every limit{besides}.")
    if study.cheapest is not None:
        sentences.append(f"The cheapest is {study.cheapest.name}: {cost(study, study.cheapest)}.")
    elif study.nearest is not None:
        reasons = missed(study.nearest)
        more = f" and {len(reasons) - _SHOWN} more" if len(reasons) > _SHOWN else ""
        shown = "; ".join(reasons[:_SHOWN])
        sentences.append(f"The nearest is {study.nearest.name}, which misses: {shown}{more}.")
    if failed:
        sentences.append(f"{_points(len(failed))} could not be built.")
    return tuple(sentences)


def cost(study: "Study", result: "Result") -> str:
    """Return what a point takes and gives, in words."""
    parts = []
    flash, arena = study.basis.flash(result), study.basis.arena(result)
    if flash is not None:
        parts.append(f"{wording.amount(flash.value, flash.unit)} {study.basis.title}")
    if arena is not None:
        parts.append(f"{wording.amount(arena.value, arena.unit)} of arena")
    if result.accuracy is not None and result.metric is not None:
        value = wording.metric_value(result.accuracy, result.metric)
        parts.append(f"{value} {wording.title(result.metric)}")
    if result.drop is not None and result.metric is not None:
        parts.append(_against_float(result.drop, result.metric))
    return ", ".join(parts)


def missed(result: "Result") -> tuple[str, ...]:
    """Return the limits that a point misses, with what was found."""
    return tuple(map(_in_words, result.missed))


def limits_in_words(study: "Study") -> str:
    """Return the limits that are set, or that none is."""
    parts = []
    limits = study.limits
    if limits.largest_drop is not None:
        sure = "" if limits.confidence is None else f" with {limits.confidence:.0%} confidence"
        parts.append(f"accuracy drop {wording.step(limits.largest_drop, study.metric or '')}{sure}")
    for title, value, unit in (
        ("flash", limits.flash, "B"),
        ("ram", limits.ram, "B"),
        ("latency", limits.latency, "us"),
    ):
        if value is not None:
            parts.append(f"{title} {wording.amount(value, unit)}")
    return ", ".join(parts) or "none but the targets' memories"


def settings(result: "Result") -> str:
    """Return the lines of ``edgekit.toml`` that make a build of the project this point."""
    scheme, simulation = PRECISIONS[result.precision]
    lines = ["[quantize]", f'scheme = "{scheme}"', f'method = "{result.method}"']
    if simulation is not None:
        lines.append(f'simulate = "{simulation}"')
    if result.calibration is not None:
        lines.append(f'calibration = "{result.calibration}"')
    if result.sparsity == 0:
        lines.append("# and no [prune]")
    elif result.sparsity is not None:
        lines += ["[prune]", f"sparsity = {result.sparsity:g}"]
    return "\n".join(lines)


def _in_words(finding: "Finding") -> str:
    value, limit = finding.value, finding.limit
    if value is None or limit is None:
        return wording.clean(finding.message)
    # A drop is a difference of two values of the metric that its unit names.
    write = wording.step if finding.gate.endswith("_drop") else wording.amount
    where = f" on {finding.target}" if finding.target else ""
    found, asked = write(value.value, value.unit), write(limit, value.unit)
    return f"{wording.title(finding.gate)}{where} {found} of {asked}"


def _points(count: int) -> str:
    return "1 point" if count == 1 else f"{count} points"


def _against_float(drop: float, metric: str) -> str:
    if not drop:
        return "the same as the float model"
    return f"{wording.step(abs(drop), metric)} {'worse' if drop > 0 else 'better'} than float"
