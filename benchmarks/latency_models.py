"""The shipped cost models, targets/cost-models/*.toml, from the public rows."""

import math
import re
from collections import defaultdict
from dataclasses import dataclass, replace

from latency_rows import OTHER, OWN, ROOT, Group, cycles_of, family, measurement, of_file, rows_of

from edgekit.devices.cost_toml import cost_model_toml, cycles_toml
from edgekit.devices.profile import KINDS, CostModel, Cycles, load_target
from edgekit.files.whole_files import write_text
from edgekit.fit.latency.cost import total_macs
from edgekit.fit.latency.cost_fit import Measurement, calibrate, usual_shape_of

FOLDER = ROOT / "targets" / "cost-models"
ROWS = "MLPerf Tiny's closed-division results (github.com/mlcommons/tiny_results_*)"
ESPRESSIF = "Espressif, esp-nn@d45b843:README.md"
HOSTED = "TensorFlow's pages of hosted models and benchmarks"
SLIM = "TF-Slim's mobilenet/README.md (tensorflow/models@0ba83cf) and TensorFlow's benchmarks page"
LITE = "tensorflow/tpu@07e173c:models/official/efficientnet/lite/README.md, TensorFlow's benchmarks"
# TFLite-Micro's and microTVM's times with CMSIS-NN differ by so much on the Cortex-M33, for which
# there are both: EK-RA6M4 (v0.7, Renesas) and nRF5340 DK (v1.0, OctoML), in cycles, at worst (ic).
RUNTIMES_APART = (246.18 * 200) / (316.16 * 128)
# TFLite with its own kernels took so much longer than XNNPACK alone, at worst of the seven float
# models measured with both on one core of a Snapdragon 821 or 835: MobileNet V2 on the 821.
XNNPACK_APART = 73.8 / 49
ENGINES = ("X-CUBE-AI", "Plumerai", "Bosch HALE")  # measured on the Cortex-M4, M33 and M7


@dataclass(frozen=True, kw_only=True, slots=True)
class Ratio:
    """How many times the cycles of a Cortex-M4 another core takes, by engine and model."""

    core: str
    by_engine: dict[str, dict[str, float]]

    def mean(self, *, without: str = "") -> float:
        """Return the geometric mean over engines and models."""
        logs = [
            math.log(value)
            for engine, values in self.by_engine.items()
            if engine != without
            for value in values.values()
        ]
        return math.exp(sum(logs) / len(logs))

    def worst(self) -> float:
        """Return the factor by which an engine's row is missed, at worst, by the other engines."""
        return max(
            math.exp(abs(math.log(value / self.mean(without=engine))))
            for engine, values in self.by_engine.items()
            for value in values.values()
        )


def cross_engine(groups: tuple[Group, ...]) -> tuple[Ratio, ...]:
    """Return how the Cortex-M33 and M7 compare to the M4, in engines measured on all three."""
    return tuple(
        Ratio(
            core=core,
            by_engine={engine: _compared(groups, core, engine) for engine in ENGINES},
        )
        for core in ("Cortex-M33", "Cortex-M7")
    )


def _compared(groups: tuple[Group, ...], core: str, engine: str) -> dict[str, float]:
    """Return a core's cycles over the Cortex-M4's by model, versions and boards averaged."""
    here, there = _logs(groups, core, engine), _logs(groups, "Cortex-M4", engine)
    return {
        name: math.exp(
            mean(
                [
                    mean(here[release, name]) - mean(there[release, name])
                    for release, known in here
                    if known == name and (release, name) in there
                ]
            )
        )
        for name in ("ad", "ic", "kws", "vww")
    }


def _logs(
    groups: tuple[Group, ...], core: str, engine: str
) -> dict[tuple[tuple[str, ...], str], list[float]]:
    """Return the logarithms of cycles by release and model."""
    found = defaultdict(list)
    for group in groups:
        if (group.core, group.stack) != (core, engine) or not group.system.startswith("v"):
            continue
        words = group.system.split()
        release = (words[0], *(word for word in words[1:] if re.fullmatch(r"v\d[\d.]+", word)))
        for item in group.measurements:
            found[release, item.model].append(math.log(item.cycles))
    return found


def mean(values: list[float]) -> float:
    """Return the arithmetic mean."""
    return sum(values) / len(values)


def tried(groups: tuple[Group, ...], ratio: Ratio) -> str:
    """Return how the way to another core does where its truth is known, in words."""
    truth = _compared_stacks(groups, ratio.core)
    worst = max(math.exp(abs(math.log(value / ratio.mean()))) for value in truth.values())
    each = ", ".join(f"{name} {value:.2f}" for name, value in truth.items())
    return (
        f"Tried on the {ratio.core}, whose rows of microTVM with CMSIS-NN take {each} of the "
        f"Cortex-M4's cycles: {ratio.mean():.2f} misses them by x{worst:.2f} at worst.\n"
    )


def _compared_stacks(groups: tuple[Group, ...], core: str) -> dict[str, float]:
    stack = "microTVM+CMSIS-NN"
    here, there = of_stack(groups, core, stack), of_stack(groups, "Cortex-M4", stack)
    return {
        name: math.exp(
            mean([math.log(item.cycles) for item in here if item.model == name])
            - mean([math.log(item.cycles) for item in there if item.model == name])
        )
        for name in ("ad", "ic", "kws", "vww")
    }


def cross_engine_table(ratios: tuple[Ratio, ...]) -> str:
    """Return the ratios as markdown, with how far the engines are apart."""
    lines = [
        "| core | engine | ad | ic | kws | vww | the other engines' mean |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for ratio in ratios:
        for engine, values in ratio.by_engine.items():
            each = " | ".join(f"{values[name]:.2f}" for name in ("ad", "ic", "kws", "vww"))
            others = ratio.mean(without=engine)
            lines.append(f"| {ratio.core} | {engine} | {each} | {others:.2f} |")
        lines.append(
            f"| {ratio.core} | mean {ratio.mean():.2f} | | | | | worst x{ratio.worst():.2f} |"
        )
    return "\n".join(lines) + "\n"


def write_cost_models(groups: tuple[Group, ...]) -> None:
    """Write the usual shape and the cost model of each stack that a profile can name."""
    boards = tuple(group for group in groups if not group.application)
    source = f"{ROWS}, model zoos: the shape that fits {len(boards)} systems best, scaled each"
    text = f'source = "{source}"\n\n{cycles_toml(usual_shape(groups), table="cycles")}'
    write_text(FOLDER / "usual-shape.toml", HEAD + text)
    for name, model in cost_models(groups).items():
        write_text(FOLDER / f"{name}.toml", HEAD + cost_model_toml(model))


HEAD = "# Written by benchmarks/latency_table.py --write. Do not edit.\n"


def usual_shape(groups: tuple[Group, ...], *, application: bool = False) -> Cycles:
    """Return the shape of all microcontrollers, or of all processors with an operating system."""
    return usual_shape_of(
        tuple(group.measurements for group in groups if group.application == application)
    )


def cost_models(groups: tuple[Group, ...]) -> dict[str, CostModel]:
    """Return the cost models by the name under which `edgekit.devices.profile` looks for them."""
    usual = usual_shape(groups)
    m4 = fitted(
        of_stack(groups, "Cortex-M4", "microTVM+CMSIS-NN"),
        usual,
        version="CMSIS-NN of 2022-2023",
        source=f"{ROWS} v1.0 and v1.1, NUCLEO-L4R5ZI, microTVM with CMSIS-NN, three submitters. "
        "None are of TFLite-Micro itself with it: the band is widened by what the two runtimes "
        "differ on the Cortex-M33",
        widened=RUNTIMES_APART,
    )
    m33 = fitted(
        of_stack(groups, "Cortex-M33", "TFLM+CMSIS-NN"),
        usual,
        version="TFLite-Micro with CMSIS-NN of 2022",
        source=f"{ROWS} v0.7, EK-RA6M4",
    )
    return {
        "cortex-m4-tflite-micro-cmsis-nn": m4,
        "cortex-m33-tflite-micro-cmsis-nn": m33,
        "cortex-m7-tflite-micro-cmsis-nn": of_another_core(m4, cross_engine(groups)[1]),
        **esp_models(usual),
        **application_models(usual_shape(groups, application=True)),
    }


def of_another_core(known: CostModel, ratio: Ratio) -> CostModel:
    """Return the cost model of a core that only other engines were measured on."""
    scale = ratio.mean()
    return replace(
        known,
        source=f"the Cortex-M4's cost model times {scale:.2f}, which is what X-CUBE-AI, Plumerai "
        f"and Bosch HALE take of its cycles on the {ratio.core} ({ROWS}); the band is that one's "
        f"times {ratio.worst():.2f}, by which one engine was missed by the others. For memory in "
        "the chip",
        band=known.band * ratio.worst(),
        cycles=Cycles(**{kind: scale * getattr(known.cycles, kind) for kind in KINDS}),
    )


def esp_models(usual: Cycles) -> dict[str, CostModel]:
    """Return the cost models of Espressif's chips with ESP-NN."""
    models = {}
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    """A phone or board with Linux, and the rows that are of it.

    Args:
        target: Whose clock turns milliseconds into cycles, and whose core has the cost model.
        names: In the rows.
        threads: In the rows.
        version: Of the runtime, without type and threads.
        source: Of the rows.
        widened: By how much the band, where the rows are of other kernels than the profile's.
        core: In the rows, where one device stands for two.
    """

    target: str
    names: tuple[str, ...]
    threads: str
    version: str
    source: str
    widened: float = 1.0
    core: str = ""


OWN_KERNELS = "TFLite's kernels of 2018-2020, before XNNPACK was its default"
XNNPACK_README = "google/XNNPACK@0085ae3:README.md"
PI = Device(
    target="raspberry-pi-4",
    names=("Raspberry Pi 4",),
    threads="4",
    version="XNNPACK of February 2022",
    source="google/XNNPACK:README.md, Raspberry Pi 4, 64-bit",
    core="Cortex-A72, 64-bit",
)
INT8 = (
    Device(target="pixel-1", names=("Pixel 1", "Pixel XL"), threads="1", version=OWN_KERNELS,
           source=SLIM, widened=XNNPACK_APART),
    Device(target="pixel-2", names=("Pixel 2",), threads="1", version=OWN_KERNELS, source=SLIM,
           widened=XNNPACK_APART),
    Device(target="pixel-3", names=("Pixel 3",), threads="4", version=OWN_KERNELS, source=HOSTED,
           widened=XNNPACK_APART),
    Device(target="pixel-4", names=("Pixel 4",), threads="4", version=OWN_KERNELS, source=LITE,
           widened=XNNPACK_APART),
    Device(target="iphone-xs", names=("iPhone XS",), threads="2", version=OWN_KERNELS,
           source="TensorFlow's benchmarks page", widened=XNNPACK_APART),
    PI,
    Device(target="stm32mp135f-dk", names=("STM32MP135F-DK2",), threads="1",
           version="TFLite 2.11 of X-LINUX-AI 5.1",
           source="STMicroelectronics/stm32ai-modelzoo@6f10965, MobileNet V1"),
)  # fmt: skip
FLOAT32 = (
    Device(target="pixel-1", names=("Pixel 1",), threads="1", version="XNNPACK of March 2020",
           source=XNNPACK_README),
    Device(target="pixel-2", names=("Pixel 2",), threads="1", version="XNNPACK of March 2020",
           source=XNNPACK_README),
    *(replace(device, source=source) for device, source in (
        (INT8[2], HOSTED), (INT8[3], LITE), (INT8[4], INT8[4].source), (PI, PI.source))),
)  # fmt: skip


def application_models(usual: Cycles) -> dict[str, CostModel]:
    """Return the cost models of phones and boards with Linux, of 8-bit and of float models.

    The band is from leaving out one architecture at a time: sizes of one say little of another.
    """
    models = {}
    for devices, dtype, suffix in ((INT8, "8-bit", ""), (FLOAT32, "float32", "-float32")):
        for device in devices:
            threads = f"{device.threads} thread{'s' * (device.threads != '1')}"
            apart = "; the band is widened by what XNNPACK was faster by in float"
            core = load_target(device.target).core.name
            models[f"{core}-litert-xnnpack{suffix}"] = from_a_tenth(
                device_rows(device, is_float=dtype == "float32"),
                usual,
                version=f"{device.version}, {dtype}, {threads}",
                source=device.source + (apart if device.widened > 1 else ""),
                widened=device.widened,
            )
    return models


def from_a_tenth(
    rows: tuple[Measurement, ...], usual: Cycles, *, version: str, source: str, widened: float = 1.0
) -> CostModel:
    """Return the cost model of ``rows``, for models down to a tenth of the smallest measured.

    What an operator costs however small it is, the rows of large models do not tell. Predicted from
    models ten times as large and more, 8-bit rows were missed by a factor of 1.9 at worst.
    """
    model = fitted(rows, usual, version=version, source=source, widened=widened)
    return replace(model, least_macs=int(min(total_macs(row.work) for row in rows) / 10))


def device_rows(device: Device, *, is_float: bool) -> tuple[Measurement, ...]:
    """Return the rows of ``device`` in cycles of its clock, each under its architecture's name."""
    clock_hz = load_target(device.target).core.clock
    xnnpack = device.version.startswith("XNNPACK")
    found = []
    for row in (*rows_of(OTHER), *rows_of(OWN)):
        if row["device"] not in device.names or row["threads"] != device.threads:
            continue
        if (row["dtype"] == "float32") != is_float or (row["stack"] == "XNNPACK") != xnnpack:
            continue
        item = measurement(row["model"], cycles_of(row, clock_hz))
        if item is not None and device.core in ("", row["core"]):
            found.append(replace(item, model=family(item.model)))
    return tuple(found)


def of_stack(groups: tuple[Group, ...], core: str, stack: str) -> tuple[Measurement, ...]:
    """Return all measurements of one stack on one core."""
    return tuple(
        item
        for group in groups
        if (group.core, group.stack) == (core, stack)
        for item in group.measurements
    )


def esp_rows(device: str) -> tuple[Measurement, ...]:
    """Return what esp-nn's README gives of one device with optimised kernels, in the chip."""
    found = []
    for row in rows_of(OTHER):
        if row["device"] != device or "external" in row["note"]:
            continue
        if row["stack"] == "TFLM + ESP-NN":
            found.append(of_file(row["model"], cycles_of(row)))
        elif row["stack"] == "esp-nn kernel optimised":
            item = measurement(row["model"], cycles_of(row))
            assert item is not None
            found.append(item)
    return tuple(found)


def fitted(
    rows: tuple[Measurement, ...],
    usual: Cycles,
    *,
    version: str,
    source: str,
    widened: float = 1.0,
) -> CostModel:
    """Return the cost model of ``rows``."""
    calibration = calibrate(rows, shape=usual)
    how = "; least squares, the band from leaving out one model at a time"
    return CostModel(
        version=version,
        source=source + (how if calibration.errors else ""),
        points=len(rows),
        band=calibration.band * widened,
        operators=tuple(sorted(frozenset().union(*(row.operators for row in rows)))),
        cycles=calibration.cycles,
    )
