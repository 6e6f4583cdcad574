"""What a reader wants first: does it pass, by how much, and on which device best."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgekit.reports import wording

if TYPE_CHECKING:
    from edgekit.finding import Finding
    from edgekit.quantity import Quantity
    from edgekit.record.fit import Fit
    from edgekit.reports.manifest import Manifest

_HELD_SHOWN = 8
"""Limits that hold and are shown unfolded."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """A finding in words.

    Args:
        finding: What the words are about.
        title: ``"flash"``, ``"accuracy drop"``.
        found: The value as text, or an empty text.
        limit: The limit as text, or an empty text.
        margin: ``"42.5 KiB to spare"``, ``"missed by 1.2 KiB"``, or an empty text.
        used: The value as a fraction of the limit, where the limit is an upper one above 0.
    """

    finding: "Finding"
    title: str
    found: str
    limit: str
    margin: str
    used: float | None

    @property
    def where(self) -> str:
        """The device, or what the value of a limit on the model alone comes from."""
        finding = self.finding
        return finding.target or (finding.value.source if finding.value else wording.ABSENT)


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetFigure:
    """One figure of a model on a device, and the tightest limit that it was held against."""

    title: str
    quantity: "Quantity"
    limit: Limit | None


@dataclass(frozen=True, kw_only=True, slots=True)
class RankedTarget:
    """A device, what the model takes of it, and its tightest limit.

    Args:
        fit: The model on the device.
        figures: Flash, arena, RAM and latency, as far as they are known.
        tightest: The largest fraction of a limit that is used, or None without limits.
    """

    fit: "Fit"
    figures: tuple[TargetFigure, ...]
    tightest: float | None


def limits(manifest: "Manifest") -> tuple[Limit, ...]:
    """Return all limits of a run: missed ones first, the model's own, then the tightest."""
    findings = {
        (item.gate, item.target, item.message): item
        for item in (
            *manifest.findings,
            *(item for target in manifest.targets for item in target.findings),
        )
    }
    return tuple(sorted(map(_limit, findings.values()), key=_order))


def short_list(limits: tuple[Limit, ...]) -> tuple[Limit, ...]:
    """Return those of `limits` that a reader must see: the missed, and some of the tightest."""
    missed = sum(not item.finding.passed for item in limits)
    return limits[: missed + _HELD_SHOWN]


def ranked(manifest: "Manifest") -> tuple[RankedTarget, ...]:
    """Return the targets: those that fit first, and the one with most to spare before others."""
    rows = [
        RankedTarget(
            fit=fit,
            figures=_figures(fit),
            tightest=max(filter(None, (_limit(item).used for item in fit.findings)), default=None),
        )
        for fit in manifest.targets
    ]
    return tuple(
        sorted(rows, key=lambda row: (not row.fit.fits, not row.fit.runs, row.tightest or 0.0))
    )


def headline(manifest: "Manifest") -> tuple[str, ...]:
    """Return the verdict in two to four plain sentences."""
    sentences = [_missed(manifest), _accuracy(manifest), _size(manifest), _targets(manifest)]
    return tuple(item for item in sentences if item)


def is_random(manifest: "Manifest") -> bool:
    """Say whether the run was built on random data, so that no accuracy can be claimed."""
    return manifest.data is not None and manifest.data.is_random


def _order(limit: Limit) -> tuple[bool, bool, float]:
    finding = limit.finding
    return finding.passed, finding.target is not None, -(limit.used or 0.0)


def _limit(finding: "Finding") -> Limit:
    value, limit = finding.value, finding.limit
    found = asked = margin = ""
    used = None
    # A drop is a difference of two values of the metric that its unit names.
    write = wording.step if finding.gate.endswith("_drop") else wording.amount
    if value is not None:
        found = write(value.value, value.unit)
    if value is not None and limit is not None:
        asked = write(limit, value.unit)
        # A limit from above holds where the value is not over it, but for a rounding in binary;
        # a finding that says otherwise is about a limit from below.
        is_upper = (value.value <= limit + 1e-9 * max(1.0, abs(limit))) == finding.passed
        distance = wording.step(abs(limit - value.value), value.unit)
        margin = f"{distance} to spare" if finding.passed else f"missed by {distance}"
        if is_upper and limit > 0:
            used = max(0.0, value.value / limit)
    return Limit(
        finding=finding,
        title=wording.title(finding.gate),
        found=found,
        limit=asked,
        margin=margin,
        used=used,
    )


def _figures(fit: "Fit") -> tuple[TargetFigure, ...]:
    """Return the figures that say something: no sum that is equal to its only known part."""
    ram = None if fit.ram_bytes == fit.arena_bytes else fit.ram_bytes
    candidates = (
        ("Flash, model and code", "flash", fit.flash_bytes),
        ("Flash, the model alone", "flash", None if fit.flash_bytes else fit.model_bytes),
        ("Tensor arena", "ram", fit.arena_bytes),
        ("RAM, arena and interpreter", "ram", ram),
        ("Latency", "latency", fit.latency_ms),
    )
    return tuple(
        TargetFigure(title=title, quantity=quantity, limit=_tightest(fit, gate, quantity))
        for title, gate, quantity in candidates
        if quantity is not None
    )


def _tightest(fit: "Fit", gate: str, quantity: "Quantity") -> Limit | None:
    """Return the limit on ``quantity`` of which most is used."""
    found = [
        _limit(item)
        for item in fit.findings
        if item.gate == gate
        and item.value is not None
        # Flash and RAM are each held in parts and as a whole; a latency is one figure.
        and (gate == "latency" or item.value.value == quantity.value)
    ]
    return max(found, key=lambda item: item.used or 0.0, default=None)


def _missed(manifest: "Manifest") -> str:
    missed = [item for item in limits(manifest) if not item.finding.passed]
    if not missed:
        return "" if manifest.passed else "The verification failed."
    named = (
        item.title + (f" on {item.finding.target}" if item.finding.target else "")
        for item in missed
    )
    names = list(dict.fromkeys(named))  # an accuracy is held on each runtime
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")  # noqa: PLR2004
    total = len(limits(manifest))
    return f"{len(missed)} of {total} limits {'is' if len(missed) == 1 else 'are'} missed: {shown}."


def _accuracy(manifest: "Manifest") -> str:
    if is_random(manifest):
        return "Built on random data: size and fit are real, no accuracy is claimed."
    if manifest.data is not None and manifest.data.has_labels is False:
        return "The data have no labels: no accuracy is claimed."
    accuracy = manifest.accuracy
    if accuracy is None or accuracy.int8 is None:
        return ""
    value = wording.metric_value(accuracy.int8, accuracy.metric)
    text = f"The int8 model reaches {value} {wording.title(accuracy.metric)}"
    if accuracy.drop is None:
        return text + "."
    if not accuracy.drop:
        return text + ", the same as the float model."
    difference = wording.step(abs(accuracy.drop), accuracy.metric)
    direction = "worse" if accuracy.drop > 0 else "better"
    return f"{text}, {difference} {direction} than the float model."


def _size(manifest: "Manifest") -> str:
    if manifest.model is None:
        return ""
    text = f"The file takes {wording.amount(manifest.model.bytes, 'B')}"
    sparsity = manifest.sparsity
    if sparsity and _channels_removed(manifest, sparsity):
        share = wording.percent(sparsity)
        text += f", without the {share} of the weights that pruning set to zero"
    elif sparsity:
        text += f" and {wording.percent(sparsity)} of the pruned weights are zero"
    return text + "."


def _channels_removed(manifest: "Manifest", sparsity: float) -> bool:
    if manifest.channels_removed is not None or manifest.model is None:
        return bool(manifest.channels_removed)
    left = manifest.model.zero_weight_fraction  # manifests of 0.1 do not say it
    return left is not None and left < sparsity / 2


def _targets(manifest: "Manifest") -> str:
    total = len(manifest.targets)
    if not total:
        return ""
    fitting = [item.target for item in manifest.targets if item.fits]
    if total == 1:
        return f"It {'fits' if fitting else 'does not fit'} {manifest.targets[0].target}."
    if len(fitting) == total:
        return f"It fits all {total} targets."
    return f"It fits {len(fitting)} of {total} targets."
