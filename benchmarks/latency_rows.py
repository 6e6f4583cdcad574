"""All public rows of latency that are at hand: those that can be evaluated, and why others cannot.

The rows lie in ../shared/facts, and, as they were published too, in benchmarks/public_rows.csv.
"""

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from published_networks import published

from edgekit.fit.latency.cost import covered_by, work
from edgekit.fit.latency.cost_fit import Measurement
from edgekit.model.reader import load

if TYPE_CHECKING:
    from edgekit.model.reader import Graph

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"
MLPERF = SHARED / "facts" / "latency_mlperf_tiny.csv"
OTHER = SHARED / "facts" / "latency_other.csv"
OWN = ROOT / "benchmarks" / "public_rows.csv"
MODELS = {
    "ad": "mlperf_tiny/ad01_int8.tflite",
    "ic": "mlperf_tiny/pretrainedResnet_quant.tflite",
    "kws": "mlperf_tiny/kws_ref_model.tflite",
    "vww": "mlperf_tiny/vww_96_int8.tflite",
    "person_detect 96x96x1": "tflite_micro/person_detect.tflite",
}
LEAST_MODELS = 3  # of a stack: what is left when one is left out must tell something
# Systems of fewer rows than that, with the other submission of the same board and stack.
TOGETHER = {
    "v1.1 NUCLEO-L4R5ZI_MicroTVM_CMSIS_NN": "v1.1 NUCLEO-L4R5ZI_MICROTVM-CMSIS-NN",
    "v1.1 NUCLEO-L4R5ZI_MicroTVM_Native": "v1.1 NUCLEO-L4R5ZI_MICROTVM-NATIVE",
}
# ESP-NN's kernels measured alone, and in TFLite-Micro.
SAME_STACK = {"TFLM + ESP-NN": "ESP-NN", "esp-nn kernel optimised": "ESP-NN"}
# Where the rows call one processor by two names, or do not say it at all.
PHONES = {
    "Pixel 1": "Snapdragon 821",
    "Pixel XL": "Snapdragon 821",
    "Pixel 2": "Snapdragon 835",
    "Pixel 3": "Snapdragon 845",
    "Pixel 3a": "Snapdragon 670",
    "Pixel 4": "Snapdragon 855",
    "iPhone XS": "Apple A12",
}
FAMILIES = re.compile(
    r"mobilenet_?v[123]|efficientnet|inception|nasnet|resnet_v[12]|squeezenet|miniresnet|yamnet"
)
NOMINAL_HZ = 1e9  # of phones in the evaluation, which is relative; cost models have their clock


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """The measurements of one system: a board or phone with one version of one stack.

    Args:
        core: Its processor.
        stack: Engine and kernels, without the version where MLPerf's names go without.
        system: Submission, board, version, threads and type: what the rows share.
        measurements: Of at least `LEAST_MODELS` models.
        application: Whether it runs an operating system: a phone, or a board with Linux.
    """

    core: str
    stack: str
    system: str
    measurements: tuple[Measurement, ...]
    application: bool = False


@dataclass(kw_only=True, slots=True)
class Gathered:
    """What became of the rows of some files.

    Args:
        title: Of the files, for people.
        groups: What is evaluated.
        left_out: Reasons, each with its number of rows.
    """

    title: str
    groups: list[Group] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def used(self) -> int:
        """How many rows are evaluated."""
        return sum(len(group.measurements) for group in self.groups)


def gathered() -> tuple[Gathered, ...]:
    """Return all rows: MLPerf Tiny's, and those of model zoos, phones and libraries."""
    return _mlperf(), _others()


def family(model: str) -> str:
    """Return the architecture that ``model`` is a size of; MLPerf's models are one each."""
    match = FAMILIES.match(model.lower())
    return match[0] if match else model


def of_file(model: str, cost: float) -> Measurement:
    """Return the measurement of one of `MODELS`, which took ``cost`` cycles."""
    graph = _graph(model)
    return Measurement(model=model, work=work(graph), operators=covered_by(graph), cycles=cost)


@cache
def _graph(model: str) -> "Graph":
    return load(SHARED / "models" / MODELS[model]).main


def measurement(model: str, cost: float) -> Measurement | None:
    """Return the measurement of ``model``, of a file or a published architecture."""
    if model in MODELS:
        return of_file(model, cost)
    network = published(model)
    if network is None:
        return None
    return Measurement(
        model=model, work=network.work, operators=frozenset(network.operators), cycles=cost
    )


def rows_of(path: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of a table."""
    with path.open(encoding="utf-8") as stream:
        yield from csv.DictReader(stream)


def cycles_of(row: dict[str, str], clock_hz: float | None = None) -> float:
    """Return the cycles of one row, at its own clock unless one is given."""
    stated = float(row["clock_mhz"]) * 1e6 if row["clock_mhz"] else NOMINAL_HZ
    return float(row["latency_ms"]) * 1e-3 * (clock_hz or stated)


def _mlperf() -> Gathered:
    found = Gathered(title="`latency_mlperf_tiny.csv`: MLPerf Tiny's results, v0.5 to v1.1")
    systems: dict[tuple[str, ...], list[Measurement]] = defaultdict(list)
    for row in rows_of(MLPERF):
        reason = _unfit(row)
        if reason:
            found.left_out[reason] += 1
            continue
        stack = row["framework"] if row["stack"] == "X-CUBE-AI" else row["stack"]
        system = f"{row['round']} {row['system']}"
        name = f"{TOGETHER.get(system, system)} {stack}"
        if row["dtype"] != "int8":
            name += f", {row['dtype']}"
        systems[row["core"], row["stack"], name].append(of_file(row["task"], cycles_of(row)))
    _sort_out(found, systems, "one or two models of that core and stack")
    return found


def _unfit(row: dict[str, str]) -> str:
    """Return why a row of MLPerf says nothing of a processor with a known model, if so."""
    if row["accelerator"]:
        return "an accelerator or FPGA computes, no processor"
    if row["division"] == "open":
        return "open division: the models may be others"
    return ""


def _others() -> Gathered:
    found = Gathered(title="`latency_other.csv`, and `benchmarks/public_rows.csv` of READMEs")
    systems: dict[tuple[str, ...], list[Measurement]] = defaultdict(list)
    for row in chain(rows_of(OTHER), rows_of(OWN)):
        if "NPU" in row["core"]:
            found.left_out["an accelerator computes, no processor"] += 1
            continue
        if row["model"].startswith("KERNEL"):
            found.left_out["one kernel, no model; the ESP32-S3's are in its cost model"] += 1
            continue
        item = measurement(row["model"], cycles_of(row))
        if item is None:
            found.left_out[_unknown(row["model"])] += 1
            continue
        systems[_system(row)].append(item)
    _sort_out(found, systems, "one or two models of that device and stack")
    return found


def _unknown(model: str) -> str:
    if re.search("squeezenet|densenet|inception", model.lower()):
        return "it is not said which version of SqueezeNet, DenseNet or Inception V2 was measured"
    return (
        "neither model file nor architecture is at hand (GMP, IGN, hand posture, ST MNIST in float)"
    )


def _system(row: dict[str, str]) -> tuple[str, ...]:
    """Return core, stack and system of a row of devices, 8-bit types together."""
    core = PHONES.get(row["device"], row["core"])
    stack = SAME_STACK.get(row["stack"].strip(), row["stack"].strip())
    dtype = "float32" if row["dtype"] == "float32" else "8-bit"
    threads = f", {row['threads']} threads" if row["threads"] != "1" else ""
    phone = row["device"] in PHONES
    where = core if phone else row["device"]
    if stack.startswith("X-CUBE-AI"):  # the version is the stack's; the core is ST's own name
        return core, "X-CUBE-AI", f"{where}, {stack}{threads}", ""
    applies = "application" if phone or "TFLite" in stack or stack == "XNNPACK" else ""
    return core, f"{stack}, {dtype}" if applies else stack, f"{where}{threads}", applies


def _sort_out(
    found: Gathered, systems: dict[tuple[str, ...], list[Measurement]], too_few: str
) -> None:
    """Make groups of the systems that have enough models, and count the others."""
    for (core, stack, system, *rest), rows in systems.items():
        if len({row.model for row in rows}) < LEAST_MODELS:
            found.left_out[too_few] += len(rows)
            continue
        application = bool(rest and rest[0]) or core == "Cortex-A72"
        found.groups.append(
            Group(
                core=core,
                stack=stack,
                system=system,
                measurements=tuple(rows),
                application=application,
            )
        )
