"""What changed between two runs, which tensor, operator or option did it, and is it allowed."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from edgekit.errors import UsageError, suggestion
from edgekit.finding import Finding
from edgekit.quantity import Quantity
from edgekit.reports import manifest as facts
from edgekit.reports import sources, wording
from edgekit.reports.names import distinct, short_name

if TYPE_CHECKING:
    from edgekit.reports.allowance import Allowance

_SETTINGS = ("edgekit", "inputs", "options", "versions")
"""Keys of a manifest that say what a run was told; its data are added to them."""


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
class Cause:
    """A part of the model that changed with a measure.

    Args:
        measure: What it had a share in.
        name: Of the tensor, operator or layer; for an accuracy the operators, with the
            signal-to-noise ratio of their outputs.
        before: In the first run, or None where there was no such part.
        after: In the second run, or None.
        unit: Of both.
    """

    measure: str
    name: str
    before: float | None
    after: float | None
    unit: str

    @property
    def difference(self) -> float:
        """After minus before; an absent part counts as nothing."""
        return (self.after or 0.0) - (self.before or 0.0)


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
    causes: tuple[Cause, ...]
    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Whether every change is allowed."""
        return all(finding.passed for finding in self.findings)


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
        causes=_causes(first, second),
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
    """Return what two manifests say differently of what went into their builds."""
    first, second = dict(_told(before)), dict(_told(after))
    return tuple(
        Setting(key=key, before=first.get(key), after=second.get(key))
        for key in sorted({*first, *second})
        if first.get(key) != second.get(key)
    )


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
        source = sources.validation(accuracy.samples)
        found[accuracy.metric, None] = _quantity(accuracy.int8, accuracy.metric, source)
    if model is not None:
        found["model", None] = _quantity(model.bytes, "B", sources.FILE)
        if model.macs is not None:
            found["macs", None] = _quantity(model.macs, "MAC", sources.MACS)
        if model.zero_weight_fraction is not None:
            # The unit of a fraction that is told in points, as accuracy is.
            found["sparsity", None] = _quantity(
                model.zero_weight_fraction, "sparsity", sources.KERNELS
            )
    if run.arena is not None and not run.targets:
        found["arena", None] = _quantity(run.arena.peak_bytes, "B", sources.PLAN)
    for fit in run.targets:
        found["flash", fit.target] = fit.flash_bytes or fit.model_bytes
        found["arena", fit.target] = fit.arena_bytes
        found["ram", fit.target] = fit.ram_bytes
        found["latency", fit.target] = fit.latency_ms
    if not run.targets and model is not None:
        found["flash", None] = found["model", None]
    return {key: value for key, value in found.items() if value is not None}


def _quantity(value: float, unit: str, origin: "sources.Origin") -> Quantity:
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


def _causes(before: facts.Manifest, after: facts.Manifest) -> tuple[Cause, ...]:
    """Return the parts of the model that changed, for each measure the largest change first."""
    parts = (
        ("model", "B", _tensor_bytes(before), _tensor_bytes(after)),
        ("macs", "MAC", _operator_macs(before), _operator_macs(after)),
        ("arena", "B", _live_bytes(before), _live_bytes(after)),
        ("sparsity", "sparsity", _reached(before), _reached(after)),
        (_metric(before), "dB", *_noise(before, after)),
    )
    found = []
    for measure, unit, first, second in parts:
        if not first or not second:
            continue  # one of the runs does not say: that is no change
        changed = [
            Cause(
                measure=measure,
                name=name,
                before=first.get(name),
                after=second.get(name),
                unit=unit,
            )
            for name in dict.fromkeys((*first, *second))
            if first.get(name) != second.get(name)
        ]
        found += sorted(changed, key=lambda item: -abs(item.difference))
    return tuple(found)


def _tensor_bytes(run: facts.Manifest) -> dict[str, float]:
    named = distinct(
        (item.name, short_name(item.name, is_bias=len(item.shape) == 1)) for item in run.tensors
    )
    return {named[item.name]: item.bytes for item in run.tensors}


def _operator_macs(run: facts.Manifest) -> dict[str, float]:
    operators = run.model.operators if run.model else ()
    return {f"{item.index} {item.op}": item.macs for item in operators}


def _live_bytes(run: facts.Manifest) -> dict[str, float]:
    return {
        f"{item.index} {item.op}": item.live_bytes
        for item in (run.arena.operators if run.arena else ())
    }


def _metric(run: facts.Manifest) -> str:
    return run.accuracy.metric if run.accuracy else "accuracy"


def _noise(
    before: facts.Manifest, after: facts.Manifest
) -> tuple[dict[str, float], dict[str, float]]:
    """Return the signal-to-noise ratio of each operator's output, as far as both runs tell it.

    An accuracy that moved did so by what an operator rounds more or less than before.
    """
    if before.accuracy is None or after.accuracy is None:
        return {}, {}
    if before.accuracy.int8 == after.accuracy.int8:
        return {}, {}
    first, second = (
        {f"{item.index} {item.op}": item.sqnr_db for item in run.noise if item.sqnr_db is not None}
        for run in (before, after)
    )
    shared = first.keys() & second.keys()
    return (
        {name: value for name, value in first.items() if name in shared},
        {name: value for name, value in second.items() if name in shared},
    )


def _reached(run: facts.Manifest) -> dict[str, float]:
    return {item.name: item.reached for item in run.layers}


def _told(manifest: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    for key in _SETTINGS:
        yield from _leaves(key, manifest.get(key))
    data = manifest.get("data")
    yield from _leaves("data", data)


def _leaves(key: str, value: object) -> Iterator[tuple[str, object]]:
    """Return the dotted keys and values in nested tables."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _leaves(f"{key}.{name}", item)
    elif value is not None:
        yield wording.clean(key), value
