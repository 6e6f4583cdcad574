"""How well cost models predict latency: the table of docs/latency.md, from published rows.

    python benchmarks/latency_table.py            prints the table
    python benchmarks/latency_table.py --write    also writes targets/cost-models/*.toml

Needs the rows and models of ../shared. For each stack of a core one model after the other is left
out and predicted from the others, and the usual shape it is held to comes from other stacks.
"""

import csv
import math
import sys
from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

from edgekit.artifacts import write_text
from edgekit.fit.calibrate import Calibration, Measurement, calibrate, usual_shape_of
from edgekit.fit.cost import covered_by, work
from edgekit.fit.cost_toml import cost_model_toml, cycles_toml
from edgekit.fit.latency import cycles
from edgekit.flatbuffer.model import load
from edgekit.target import KINDS, CostModel, Cycles

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"
FOLDER = ROOT / "targets" / "cost-models"
MODELS = {
    "ad": "mlperf_tiny/ad01_int8.tflite",
    "ic": "mlperf_tiny/pretrainedResnet_quant.tflite",
    "kws": "mlperf_tiny/kws_ref_model.tflite",
    "vww": "mlperf_tiny/vww_96_int8.tflite",
    "person_detect": "tflite_micro/person_detect.tflite",
}
MAC_KINDS = KINDS[:4]
ROWS = "MLPerf Tiny's closed-division results (github.com/mlcommons/tiny_results_*)"
ESPRESSIF = "Espressif, esp-nn@d45b843:README.md"
# TFLite-Micro's and microTVM's times with CMSIS-NN differ by so much on the Cortex-M33, for which
# there are both: EK-RA6M4 (v0.7, Renesas) and nRF5340 DK (v1.0, OctoML), in cycles, at worst (ic).
RUNTIMES_APART = (246.18 * 200) / (316.16 * 128)
# The kernels that esp-nn's README measured alone, as the work they are.
ESP_KERNELS = {
    "KERNEL conv 1x1 64->64 on 10x10": ("CONV_2D 1x1", "pointwise", 409_600, 10 * 10 * 64),
    "KERNEL conv 1x1 16->16 on 8x8": ("CONV_2D 1x1", "pointwise", 16_384, 8 * 8 * 16),
    "KERNEL conv 3x3 3->64 on 8x8 valid": ("CONV_2D", "convolution", 62_208, 6 * 6 * 64),
    "KERNEL dwconv 3x3x16 on 18x18 valid": ("DEPTHWISE_CONV_2D", "depthwise", 36_864, 4_096),
    "KERNEL dwconv 5x5 4ch mult 8 on 12x12": ("DEPTHWISE_CONV_2D", "depthwise", 115_200, 4_608),
    "KERNEL fully connected 271->3": ("FULLY_CONNECTED", "fully_connected", 813, 3),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """The measurements of one system: a board with one version of one stack."""

    core: str
    stack: str
    system: str
    measurements: tuple[Measurement, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """One model left out: predictions over the truth, and the band that went with them."""

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
    groups = arm_groups()
    shapes = other_shapes(groups)
    leave_one_out = [trial for group in groups for trial in trials(group, shapes, known=3)]
    print(table(leave_one_out))
    print(bands_table(groups, shapes))
    print(unseen(groups))
    if write:
        write_cost_models(groups)


def arm_groups() -> tuple[Group, ...]:
    """Return the systems of MLPerf Tiny that are processors alone, with three rows or more."""
    found: dict[tuple[str, ...], dict[str, Measurement]] = defaultdict(dict)
    with (SHARED / "facts" / "latency_mlperf_tiny.csv").open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            if row["is_mcu_cpu"] != "1" or row["accelerator"] or row["dtype"] != "int8":
                continue
            stack = row["framework"] if row["stack"] == "X-CUBE-AI" else row["stack"]
            key = (row["core"], row["stack"], f"{row['round']} {row['system']} {stack}")
            cost = float(row["latency_ms"]) * 1e3 * float(row["clock_mhz"])
            found[key][row["task"]] = measured(row["task"], cost)
    return tuple(
        Group(core=core, stack=stack, system=system, measurements=tuple(rows.values()))
        for (core, stack, system), rows in found.items()
        if len(rows) > 2  # noqa: PLR2004  what is left when one is left out must tell something
    )


def measured(model: str, cost: float) -> Measurement:
    """Return the measurement of one of `MODELS`, which took ``cost`` cycles."""
    graph = load(SHARED / "models" / MODELS[model]).main
    return Measurement(model=model, work=work(graph), operators=covered_by(graph), cycles=cost)


def other_shapes(groups: tuple[Group, ...]) -> dict[tuple[str, str], Cycles]:
    """Return for each core with a stack the shape that all the others have."""
    pairs = {(group.core, group.stack) for group in groups}
    return {
        pair: usual_shape_of(
            tuple(group.measurements for group in groups if (group.core, group.stack) != pair)
        )
        for pair in pairs
    }


def trials(group: Group, shapes: dict[tuple[str, str], Cycles], *, known: int) -> tuple[Trial, ...]:
    """Predict from every ``known`` of a group's models all its others."""
    shape = shapes[group.core, group.stack]
    found = []
    for chosen in combinations(group.measurements, known):
        calibration = calibrate(chosen, shape=shape)
        scale = scale_of_total(chosen)
        found += [
            Trial(
                group=group,
                model=item.model,
                ratio=cycles(item.work, calibration.cycles) / item.cycles,
                total_ratio=scale * total_macs(item) / item.cycles,
                band=calibration.band,
            )
            for item in group.measurements
            if item not in chosen
        ]
    return tuple(found)


def scale_of_total(chosen: tuple[Measurement, ...]) -> float:
    """Return the cycles of one MAC, whatever its kind: least squares of relative errors."""
    each = [total_macs(item) / item.cycles for item in chosen]
    return sum(each) / sum(value * value for value in each)


def total_macs(item: Measurement) -> float:
    """Return the multiply-accumulates of all kinds."""
    return sum(item.work[kind] for kind in MAC_KINDS)


def table(found: list[Trial]) -> str:
    """Return the errors by core and stack as markdown."""
    by_pair: dict[tuple[str, str], list[Trial]] = defaultdict(list)
    for trial in found:
        by_pair[trial.group.core, trial.group.stack].append(trial)
    lines = [
        "| core | stack | rows | mean | worst | worst row | total MACs: mean | worst | in band |",
        "| --- | --- | ---: | ---: | ---: | --- | ---: | ---: | ---: |",
    ]
    for (core, stack), rows in [*sorted(by_pair.items()), (("all", ""), found)]:
        worst = max(rows, key=lambda trial: trial.error)
        lines.append(
            f"| {core} | {stack} | {len(rows)} | {mean([trial.error for trial in rows]):.0%} "
            f"| {worst.error:.0%} | {worst.model}, {worst.group.system} "
            f"| {mean([trial.total_error for trial in rows]):.0%} "
            f"| {max(trial.total_error for trial in rows):.0%} "
            f"| {mean([float(trial.inside) for trial in rows]):.0%} |"
        )
    return "\n".join(lines) + "\n"


def bands_table(groups: tuple[Group, ...], shapes: dict[tuple[str, str], Cycles]) -> str:
    """Return by number of measured models what the bands hold, as markdown."""
    lines = [
        "| measured models | predictions | mean error | within the factor: 85 % | 90 % | in band |",
        "| ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for known in (1, 2, 3):
        found = [trial for group in groups for trial in trials(group, shapes, known=known)]
        factors = sorted(math.exp(abs(math.log(trial.ratio))) for trial in found)
        at = [factors[math.ceil(share * len(factors)) - 1] for share in (0.85, 0.9)]
        lines.append(
            f"| {known} | {len(found)} | {mean([trial.error for trial in found]):.0%} "
            f"| {at[0]:.2f} | {at[1]:.2f} | {mean([float(trial.inside) for trial in found]):.0%} |"
        )
    return "\n".join(lines) + "\n"


def unseen(groups: tuple[Group, ...]) -> str:
    """Return the error for a model that no stack was measured with, in words."""
    found: list[Trial] = []
    for name in sorted({item.model for group in groups for item in group.measurements}):
        rest = tuple(without(group, name) for group in groups)
        shapes = other_shapes(rest)
        for group in groups:
            shape = shapes[group.core, group.stack]
            known = without(group, name).measurements
            found += [
                trial
                for trial in trials(group, {(group.core, group.stack): shape}, known=len(known))
                if trial.model == name
            ]
    return (
        f"Left out of all stacks at once: mean error {mean([trial.error for trial in found]):.0%}, "
        f"worst {max(trial.error for trial in found):.0%}, "
        f"{mean([float(trial.inside) for trial in found]):.0%} in band."
    )


def without(group: Group, model: str) -> Group:
    """Return ``group`` without the measurements of ``model``."""
    rest = tuple(item for item in group.measurements if item.model != model)
    return replace(group, measurements=rest)


def mean(values: list[float]) -> float:
    """Return the arithmetic mean."""
    return sum(values) / len(values)


def write_cost_models(groups: tuple[Group, ...]) -> None:
    """Write the usual shape and the cost model of each stack that a profile can name."""
    usual = usual_shape_of(tuple(group.measurements for group in groups))
    source = f"{ROWS}: the shape that fits {len(groups)} systems best, each with its own scale"
    text = f'source = "{source}"\n\n{cycles_toml(usual, table="cycles")}'
    write_text(FOLDER / "usual-shape.toml", _HEAD + text)
    for name, model in cost_models(groups, usual).items():
        write_text(FOLDER / f"{name}.toml", _HEAD + cost_model_toml(model))


_HEAD = "# Written by benchmarks/latency_table.py --write. Do not edit.\n"


def cost_models(groups: tuple[Group, ...], usual: Cycles) -> dict[str, CostModel]:
    """Return the cost models by the name under which `edgekit.target` looks for them."""
    m4 = of_stack(groups, "Cortex-M4", "microTVM+CMSIS-NN")
    m33 = of_stack(groups, "Cortex-M33", "TFLM+CMSIS-NN")
    models = {
        "cortex-m4-tflite-micro-cmsis-nn": fitted(
            m4,
            usual,
            version="CMSIS-NN of 2022-2023",
            source=f"{ROWS} v1.0 and v1.1, NUCLEO-L4R5ZI, microTVM with CMSIS-NN, "
            "two submitters. None are of TFLite-Micro itself with it: the band is widened by what "
            "the two runtimes differ on the Cortex-M33",
            widened=RUNTIMES_APART,
        ),
        "cortex-m33-tflite-micro-cmsis-nn": fitted(
            m33,
            usual,
            version="TFLite-Micro with CMSIS-NN of 2022",
            source=f"{ROWS} v0.7, EK-RA6M4",
        ),
    }
    for device, core in (
        ("ESP32", "xtensa-lx6"),
        ("ESP32-S3", "xtensa-lx7"),
        ("ESP32-C3", "esp32-c3-riscv"),
        ("ESP32-P4", "esp32-p4-riscv"),
    ):
        rows = esp_rows(device)
        alone = len(rows) > 1
        models[f"{core}-tflite-micro-esp-nn"] = fitted(
            rows,
            usual,
            version="ESP-NN d45b843",
            source=f"{ESPRESSIF}, {device}: person_detect"
            + (f", and {len(rows) - 1} kernels measured alone" if alone else " sets the scale"),
        )
    return models


def of_stack(groups: tuple[Group, ...], core: str, stack: str) -> tuple[Measurement, ...]:
    """Return all measurements of one stack on one core."""
    return tuple(
        item
        for group in groups
        if (group.core, group.stack) == (core, stack)
        for item in group.measurements
    )


def esp_rows(device: str) -> tuple[Measurement, ...]:
    """Return what esp-nn's README gives of one device with optimised kernels."""
    found = []
    with (SHARED / "facts" / "latency_other.csv").open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            if row["device"] != device:
                continue
            cost = float(row["latency_ms"]) * 1e3 * float(row["clock_mhz"])
            if row["stack"] == "TFLM + ESP-NN" and row["model"].startswith("person_detect"):
                found.append(measured("person_detect", cost))
            elif row["stack"] == "esp-nn kernel optimised":
                found.append(kernel(row["model"], cost))
    return tuple(found)


def kernel(name: str, cost: float) -> Measurement:
    """Return the measurement of one of `ESP_KERNELS`."""
    op, kind, macs, outputs = ESP_KERNELS[name]
    amount = dict.fromkeys(KINDS, 0.0) | {kind: macs, "output_element": outputs, "call": 1}
    return Measurement(model=name, work=amount, operators=frozenset({op}), cycles=cost)


def fitted(
    rows: tuple[Measurement, ...],
    usual: Cycles,
    *,
    version: str,
    source: str,
    widened: float = 1.0,
) -> CostModel:
    """Return the cost model of ``rows``."""
    calibration: Calibration = calibrate(rows, shape=usual)
    return CostModel(
        version=version,
        source=f"{source}; least squares, the band from leaving out one model at a time"
        if calibration.errors
        else source,
        points=len(rows),
        band=calibration.band * widened,
        operators=tuple(sorted(frozenset().union(*(row.operators for row in rows)))),
        cycles=calibration.cycles,
    )


if __name__ == "__main__":
    main(write="--write" in sys.argv[1:])
