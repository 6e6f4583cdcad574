"""How well cost models predict latency: the tables of docs/latency.md, from all public rows.

    python benchmarks/latency_table.py            prints the tables
    python benchmarks/latency_table.py --write    also writes targets/cost-models/*.toml

Needs the rows and models of ../shared. In each system one model after the other is left out and
predicted from the system's others; the usual shape that it is held to comes from other stacks.
"""

import math
import sys
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import combinations

from latency_models import cross_engine, cross_engine_table, tried, write_cost_models
from latency_rows import Gathered, Group, family, gathered

from edgekit.devices.profile import Cycles
from edgekit.fit.latency.cost import total_macs
from edgekit.fit.latency.cost_fit import Measurement, calibrate, usual_shape_of
from edgekit.fit.latency.predict import cycles

Shapes = dict[tuple[str, str, bool], Cycles]


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """One row left out: predictions over the truth, and the band that went with them."""

    group: Group
    model: str
    ratio: float
    total_ratio: float
    band: float

    @property
    def error(self) -> float:
        """The relative error."""
        return abs(self.ratio - 1)

    @property
    def total_error(self) -> float:
        """The relative error of the model of total multiply-accumulates."""
        return abs(self.total_ratio - 1)

    @property
    def inside(self) -> bool:
        """Whether the truth lies inside the band."""
        return 1 / self.band <= self.ratio <= self.band


def main(*, write: bool) -> None:
    """Print the tables, and write the cost models where asked."""
    every = gathered()
    groups = tuple(group for rows in every for group in rows.groups)
    shapes = other_shapes(groups)
    print(accounts(every))
    print(table(leave_one_out(groups, shapes)))
    print(families_left_out(groups, shapes))
    print(bands_table(of_four(groups), shapes))
    print(unseen(of_four(groups)))
    ratios = cross_engine(groups)
    print(cross_engine_table(ratios))
    print(tried(groups, ratios[0]))
    if write:
        write_cost_models(groups)


def accounts(every: tuple[Gathered, ...]) -> str:
    """Return what became of every public row, as markdown."""
    lines = ["| rows of | | number |", "| --- | --- | ---: |"]
    for rows in every:
        total = rows.used + sum(rows.left_out.values())
        lines.append(f"| {rows.title} | all | {total} |")
        lines.append(f"| | **evaluated**, in {len(rows.groups)} systems | **{rows.used}** |")
        lines += [f"| | {reason} | {count} |" for reason, count in rows.left_out.most_common()]
    return "\n".join(lines) + "\n"


def of_four(groups: tuple[Group, ...]) -> tuple[Group, ...]:
    """Return the microcontrollers that were measured with MLPerf Tiny's four models."""
    wanted = {"ad", "ic", "kws", "vww"}
    return tuple(
        group
        for group in groups
        if {item.model for item in group.measurements} == wanted and not group.application
    )


def other_shapes(groups: tuple[Group, ...]) -> Shapes:
    """Return for each core with a stack the shape that all others of its kind have.

    Microcontrollers and processors with an operating system are two kinds: these have caches,
    wide vectors and several cores.
    """
    pairs = {(group.core, group.stack, group.application) for group in groups}
    return {
        (core, stack, application): usual_shape_of(
            tuple(
                group.measurements
                for group in groups
                if group.application == application and (group.core, group.stack) != (core, stack)
            )
        )
        for core, stack, application in pairs
    }


def shape_of(group: Group, shapes: Shapes) -> Cycles:
    """Return the shape of ``group`` among ``shapes``."""
    return shapes[group.core, group.stack, group.application]


def leave_one_out(
    groups: tuple[Group, ...], shapes: Shapes, *, name: Callable[[str], str] = str
) -> list[Trial]:
    """Predict each model, or what ``name`` makes one of several, from the rest of its system."""
    found = []
    for group in groups:
        names = sorted({name(item.model) for item in group.measurements})
        for left_out in names if len(names) > 1 else ():
            chosen = [item for item in group.measurements if name(item.model) != left_out]
            renamed = tuple(replace(item, model=name(item.model)) for item in chosen)
            found += predicted(group, renamed, shape_of(group, shapes), {left_out}, name)
    return found


def predicted(
    group: Group,
    chosen: tuple[Measurement, ...],
    shape: Cycles,
    wanted: set[str],
    name: Callable[[str], str] = str,
) -> list[Trial]:
    """Predict from the ``chosen`` measurements those that are called one of ``wanted``."""
    calibration = calibrate(chosen, shape=shape)
    scale = scale_of_total(chosen)
    return [
        Trial(
            group=group,
            model=item.model,
            ratio=cycles(item.work, calibration.cycles) / item.cycles,
            total_ratio=scale * total_macs(item.work) / item.cycles,
            band=calibration.band,
        )
        for item in group.measurements
        if name(item.model) in wanted
    ]


def scale_of_total(chosen: tuple[Measurement, ...]) -> float:
    """Return the cycles of one MAC, whatever its kind: least squares of relative errors."""
    each = [total_macs(item.work) / item.cycles for item in chosen]
    return sum(each) / sum(value * value for value in each)


def table(found: list[Trial]) -> str:
    """Return the errors by core and stack as markdown."""
    by_pair: dict[tuple[str, str], list[Trial]] = defaultdict(list)
    for trial in found:
        by_pair[trial.group.core, trial.group.stack].append(trial)
    phones = [trial for trial in found if trial.group.application]
    boards = [trial for trial in found if not trial.group.application]
    lines = [
        "| core | stack | rows | mean | worst | worst row | total MACs: mean | worst | in band |",
        "| --- | --- | ---: | ---: | ---: | --- | ---: | ---: | ---: |",
    ]
    sums = (
        ("all microcontrollers", boards),
        ("all with Linux, Android, iOS", phones),
        ("all", found),
    )
    for (core, stack), rows in [
        *sorted(by_pair.items()),
        *(((f"**{what}**", ""), rows) for what, rows in sums),
    ]:
        worst = max(rows, key=lambda trial: trial.error)
        lines.append(
            f"| {core} | {stack} | {len(rows)} | {mean([trial.error for trial in rows]):.0%} "
            f"| {worst.error:.0%} | {worst.model}, {worst.group.system} "
            f"| {mean([trial.total_error for trial in rows]):.0%} "
            f"| {max(trial.total_error for trial in rows):.0%} | {in_band(rows):.0%} |"
        )
    return "\n".join(lines) + "\n"


def families_left_out(groups: tuple[Group, ...], shapes: Shapes) -> str:
    """Return in words what a whole architecture left out gives, where there are several."""
    several = tuple(
        group
        for group in groups
        if group not in of_four(groups)
        and len({family(item.model) for item in group.measurements}) > 1
    )
    found = leave_one_out(several, shapes, name=family)
    worst = max(found, key=lambda trial: trial.error)
    return (
        f"Whole architectures left out ({len(found)} rows of {len(several)} systems that have "
        f"several): mean error {mean([trial.error for trial in found]):.0%}, worst "
        f"{worst.error:.0%} ({worst.model}, {worst.group.system}), {in_band(found):.0%} in band.\n"
    )


def bands_table(groups: tuple[Group, ...], shapes: Shapes) -> str:
    """Return by number of measured models what the bands hold, as markdown."""
    lines = [
        "| measured models | predictions | mean error | within the factor: 85 % | 90 % | in band |",
        "| ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for known in (1, 2, 3):
        found = [trial for group in groups for trial in from_some(group, shapes, known=known)]
        factors = sorted(math.exp(abs(math.log(trial.ratio))) for trial in found)
        at = [factors[math.ceil(share * len(factors)) - 1] for share in (0.85, 0.9)]
        lines.append(
            f"| {known} | {len(found)} | {mean([trial.error for trial in found]):.0%} "
            f"| {at[0]:.2f} | {at[1]:.2f} | {in_band(found):.0%} |"
        )
    return "\n".join(lines) + "\n"


def from_some(group: Group, shapes: Shapes, *, known: int) -> list[Trial]:
    """Predict from every ``known`` of a group's models all its others."""
    names = {item.model for item in group.measurements}
    found = []
    for chosen_names in combinations(sorted(names), known):
        chosen = tuple(item for item in group.measurements if item.model in chosen_names)
        found += predicted(group, chosen, shape_of(group, shapes), names - set(chosen_names))
    return found


def unseen(groups: tuple[Group, ...]) -> str:
    """Return the error for a model that no stack was measured with, in words."""
    found: list[Trial] = []
    for name in sorted({item.model for group in groups for item in group.measurements}):
        shapes = other_shapes(tuple(without(group, name) for group in groups))
        for group in groups:
            known = without(group, name).measurements
            found += predicted(group, known, shape_of(group, shapes), {name})
    return (
        f"Left out of all stacks at once: mean error {mean([trial.error for trial in found]):.0%}, "
        f"worst {max(trial.error for trial in found):.0%}, {in_band(found):.0%} in band.\n"
    )


def without(group: Group, model: str) -> Group:
    """Return ``group`` without the measurements of ``model``."""
    rest = tuple(item for item in group.measurements if item.model != model)
    return replace(group, measurements=rest)


def in_band(found: list[Trial]) -> float:
    """Return the share of rows that lie in their bands."""
    return mean([float(trial.inside) for trial in found])


def mean(values: list[float]) -> float:
    """Return the arithmetic mean."""
    return sum(values) / len(values)


if __name__ == "__main__":
    main(write="--write" in sys.argv[1:])
