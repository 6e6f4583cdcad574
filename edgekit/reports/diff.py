"""What changed between two runs, which tensor, operator or option did it, and is it allowed."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

from edgekit.errors import UsageError, suggestion
from edgekit.files.results import few, save_json, told
from edgekit.finding import Finding
from edgekit.quantity import Quantity
from edgekit.reports import footnotes, wording
from edgekit.reports import manifest as facts
from edgekit.reports.diff_causes import ChangedPart, causes
from edgekit.specs import PruneSpec

if TYPE_CHECKING:
    from pathlib import Path

    from edgekit.reports.allowance import Allowance

_SETTINGS = ("edgekit", "inputs", "options", "versions")
"""Keys of a manifest that say what a run was told; its data are added to them."""
_PRUNE = "options.prune."


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One figure in both runs.

    Args:
        measure: ``"accuracy"`` or another metric, ``"model"``, ``"flash"``, ``"arena"``,
            ``"ram"``, ``"latency"``, ``"macs"``, ``"sparsity"``.
        target: The device, or None for the model alone.
        before: In the first run, or None.
        after: In the second run, or None.
    """

    measure: str
    target: str | None
    before: Quantity | None
    after: Quantity | None

    @property
    def difference(self) -> float | None:
        """After minus before."""
        if self.before is None or self.after is None:
            return None
        return self.after.value - self.before.value


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """An option, version or source that differs between the runs; None is absent."""

    key: str
    before: object
    after: object


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """Two runs against each other."""

    before: str
    after: str
    settings: tuple[Setting, ...]
    changes: tuple[Change, ...]
    causes: tuple[ChangedPart, ...]
    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Whether every change is allowed."""
        return all(finding.passed for finding in self.findings)

    def save(self, path: "str | Path") -> None:
        """Write what ``edgekit diff --json`` prints to ``path``."""
        save_json(path, "diff", to_json(self))

    def __repr__(self) -> str:
        changed = [item for item in self.changes if item.difference]
        return told(
            f"Difference of {self.before} and {self.after}: "
            f"{'passed' if self.passed else 'FAILED'}",
            settings=few(item.key for item in self.settings),
            changes=few(f"{item.measure} {item.difference:+,.6g}" for item in changed),
            causes=len(self.causes),
            missed=few(item.message for item in self.findings if not item.passed),
        )


def diff(
    before: Mapping[str, object],
    after: Mapping[str, object],
    *,
    allowances: "tuple[Allowance, ...]" = (),
) -> Difference:
    """Return what changed from one run to another.

    Args:
        before: The manifest of the first run, as JSON values.
        after: That of the second.
        allowances: How far figures may change.

    Raises:
        UsageError: An allowance for a figure that the runs do not both have, or in another unit.
    """
    first, second = facts.read(before), facts.read(after)
    changes = _changes(_figures(first), _figures(second))
    return Difference(
        before=first.name,
        after=second.name,
        settings=settings(before, after),
        changes=changes,
        causes=causes(first, second),
        findings=tuple(
            finding for allowance in allowances for finding in _held(allowance, changes)
        ),
    )


def to_json(difference: Difference) -> dict[str, object]:
    """Return the keys of ``edgekit diff --json``."""
    return {
        **asdict(difference),
        "changes": [{**asdict(item), "difference": item.difference} for item in difference.changes],
        "causes": [{**asdict(item), "difference": item.difference} for item in difference.causes],
        "passed": difference.passed,
    }


def settings(before: Mapping[str, object], after: Mapping[str, object]) -> tuple[Setting, ...]:
    """Return what two manifests say differently of what went into their builds.

    Of ``[prune]`` in one run alone, what stands at its default is left out.
    """
    first, second = dict(_told(before)), dict(_told(after))
    if not any(key.startswith(_PRUNE) for key in first):
        second = _without_defaults(second)
    if not any(key.startswith(_PRUNE) for key in second):
        first = _without_defaults(first)
    return tuple(
        Setting(key=key, before=first.get(key), after=second.get(key))
        for key in sorted({*first, *second})
        if first.get(key) != second.get(key)
    )


def _without_defaults(told: Mapping[str, object]) -> dict[str, object]:
    usual = {f"{_PRUNE}{item.name}": item.default for item in fields(PruneSpec)}
    return {
        key: value
        for key, value in told.items()
        if key not in usual or value != (list(d) if isinstance(d := usual[key], tuple) else d)
    }


def _changes(
    before: dict[tuple[str, str | None], Quantity], after: dict[tuple[str, str | None], Quantity]
) -> tuple[Change, ...]:
    return tuple(
        Change(measure=measure, target=target, before=before.get(key), after=after.get(key))
        for key in dict.fromkeys((*before, *after))
        for measure, target in (key,)
    )


def _figures(run: facts.Manifest) -> dict[tuple[str, str | None], Quantity]:
    """Return every figure that two runs can be compared by."""
    found: dict[tuple[str, str | None], Quantity | None] = {}
    accuracy, model = run.accuracy, run.model
    if accuracy is not None and accuracy.int8 is not None:
        source = footnotes.validation(accuracy.samples)
        found[accuracy.metric, None] = _quantity(accuracy.int8, accuracy.metric, source)
    if model is not None:
        found["model", None] = _quantity(model.bytes, "B", footnotes.FILE)
        if model.macs is not None:
            found["macs", None] = _quantity(model.macs, "MAC", footnotes.MACS)
        if model.zero_weight_fraction is not None:
            # The unit of a fraction that is told in points, as accuracy is.
            found["sparsity", None] = _quantity(
                model.zero_weight_fraction, "sparsity", footnotes.KERNELS
            )
    if run.arena is not None and not run.targets:
        found["arena", None] = _quantity(run.arena.peak_bytes, "B", footnotes.PLAN)
    for fit in run.targets:
        found["flash", fit.target] = fit.flash_bytes or fit.model_bytes
        found["arena", fit.target] = fit.arena_bytes
        found["ram", fit.target] = fit.ram_bytes
        found["latency", fit.target] = fit.latency_ms
    if not run.targets and model is not None:
        found["flash", None] = found["model", None]
    return {key: value for key, value in found.items() if value is not None}


def _quantity(value: float, unit: str, origin: "footnotes.Origin") -> Quantity:
    return Quantity(value=value, unit=unit, kind=origin.kind, source=origin.source)


def _held(allowance: "Allowance", changes: tuple[Change, ...]) -> Iterator[Finding]:
    mine = [item for item in changes if item.measure == allowance.measure]
    if not mine:
        raise UsageError(
            f"neither run has a figure called '{allowance.measure}'",
            hint=suggestion(allowance.measure, {item.measure for item in changes}),
        )
    for change in mine:
        where = f"{change.measure} on {change.target}" if change.target else change.measure
        if change.before is None or change.after is None:
            absent = "first" if change.before is None else "second"
            raise UsageError(
                f"{where} cannot be held: the {absent} run does not have it",
                hint="build both runs for the same targets and data",
            )
        bound = allowance.bound(change.before)
        # A step in the last binary digit is no change: 0.98 - 0.005 is not 0.975.
        slack = 1e-9 * max(1.0, abs(bound))
        value = change.after.value
        passed = value <= bound + slack if allowance.is_rise else value >= bound - slack
        shown = wording.amount(change.before.value, change.before.unit)
        now = wording.amount(value, change.after.unit)
        yield Finding(
            gate=change.measure,
            passed=passed,
            message=f"{where} went from {shown} to {now}; {allowance.text} is allowed",
            value=change.after,
            limit=bound,
            target=change.target,
        )


def _told(manifest: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    for key in _SETTINGS:
        yield from _leaves(key, manifest.get(key))
    data = manifest.get("data")
    yield from _leaves("data", data)


def _leaves(key: str, value: object) -> Iterator[tuple[str, object]]:
    """Yield the dotted keys and values in nested tables."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _leaves(f"{key}.{name}", item)
    elif value is not None:
        yield wording.clean(key), value
