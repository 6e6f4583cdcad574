"""Which tensors, operators and layers of a model changed with its figures between two runs."""

from dataclasses import dataclass

from edgekit.reports import manifest as facts
from edgekit.reports.tensor_names import distinct, short_name


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangedPart:
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


def causes(before: facts.Manifest, after: facts.Manifest) -> tuple[ChangedPart, ...]:
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
            ChangedPart(
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
