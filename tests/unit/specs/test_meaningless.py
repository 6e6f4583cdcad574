"""Values that mean nothing are refused where they are given, in files and in Python alike."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from graphs import GraphBuilder

import edgekit
from edgekit.callbacks import DeviceBudget
from edgekit.cli import run
from edgekit.comparison.grid import points
from edgekit.devices.profile import Core, Memory
from edgekit.errors import EdgekitError, InputError, UsageError
from edgekit.project.project import Project, load_project
from edgekit.specs import (
    AccuracyDrop,
    CompareSpec,
    DataSpec,
    Limits,
    ModelSpec,
    PointSpec,
    PruneSpec,
    QuantizeSpec,
    TrainSpec,
)

LEAST = '[model]\nsource = "net.keras"\n[data]\nsource = "random"\n'
THRESHOLD = {"criterion": "threshold", "sparsity": None}


def project(**values: object) -> Project:
    given = {
        "directory": Path(),
        "model": ModelSpec(source="net.keras"),
        "data": DataSpec(source="random"),
    }
    return Project(**(given | values))  # type: ignore[arg-type]


def prune(**values: object) -> PruneSpec:
    return PruneSpec(**({"sparsity": 0.5} | values))  # type: ignore[arg-type]


def data(**values: object) -> DataSpec:
    return DataSpec(**({"source": "random"} | values))  # type: ignore[arg-type]


NUMBERS: list[tuple[Callable[..., object], str]] = [
    (Limits, "accuracy_drop"), (Limits, "latency"), (TrainSpec, "learning_rate"),
    (prune, "sparsity"), (prune, "warmup_epochs"), (data, "scale"), (data, "offset"),
    (data, "validation_fraction"), (PointSpec, "sparsity"),
]  # fmt: skip
COUNTS: list[tuple[Callable[..., object], str]] = [
    (Limits, "flash"), (Limits, "ram"), (TrainSpec, "epochs"), (TrainSpec, "batch_size"),
    (prune, "epochs"), (prune, "warmup_steps"), (prune, "size"), (data, "calibration_samples"),
    (QuantizeSpec, "epochs"), (project, "seed"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "key"), [*NUMBERS, *COUNTS])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, True, "1"])
def test_what_is_no_number_is_refused_by_its_key(
    make: Callable[..., object], key: str, value: object
) -> None:
    with pytest.raises(InputError, match=rf"{key} is {value!r}, not "):
        make(**{key: value})


@pytest.mark.parametrize(
    ("make", "key"), [item for item in (*NUMBERS, *COUNTS) if item[1] not in ("scale", "offset")]
)
def test_nothing_of_these_is_negative(make: Callable[..., object], key: str) -> None:
    with pytest.raises(InputError, match=rf"{key} is -1"):
        make(**{key: -1})


@pytest.mark.parametrize(("make", "key"), COUNTS)
def test_a_count_is_whole(make: Callable[..., object], key: str) -> None:
    with pytest.raises(InputError, match=rf"{key} is 1.5, not a whole number"):
        make(**{key: 1.5})


@pytest.mark.parametrize(
    ("make", "values", "message"),
    [
        (prune, THRESHOLD | {"threshold": math.nan}, "prune.threshold is nan, not a finite"),
        (prune, THRESHOLD | {"threshold": math.inf}, "prune.threshold is inf, not a finite"),
        (prune, {"layers": {"conv*": math.nan}}, "prune.layers is .*nan"),
        (prune, {"block": (8, 8)}, "prune.block is .8, 8., which has no meaning for the granular"),
        (prune, {"n_by_m": (1, 4)}, "prune.n_by_m is .1, 4., which has no meaning for the gran"),
        (prune, {"schedule": "linear"}, "prune.schedule is 'linear', not one of polynomial, con"),
        (prune, {"size": 0, "sparsity": "auto"}, "prune.size is 0"),
        (AccuracyDrop, {"max": math.nan, "confidence": 0.9}, "accuracy_drop.max is nan"),
        (AccuracyDrop, {"max": 0.1, "confidence": 1.5}, "confidence is 1.5, not from 0.5"),
        (QuantizeSpec, {"scheme": "int9"}, "quantize.scheme is 'int9', not one of int8, int16x8"),
        (QuantizeSpec, {"io": "uint8", "scheme": "int16x8"}, 'io = "uint8" has no meaning for'),
        (QuantizeSpec, {"io": "uint8", "scheme": "float16"}, 'io = "uint8" has no meaning for'),
        (QuantizeSpec, {"io": "uint8", "scheme": "dynamic"}, 'io = "uint8" has no meaning for'),
        (QuantizeSpec, {"io": "uint8", "simulate": "fp8"}, 'io = "uint8" has no meaning for'),
        (QuantizeSpec, {"bias_correction": 1}, "bias_correction is 1, not true or false"),
        (data, {"labels": ("no", "")}, "data.labels has an empty name"),
        (data, {"labels": "yes"}, "data.labels is 'yes', not a tuple"),
        (data, {"source": ""}, "data.source is empty"),
        (data, {"scale": 0}, "data.scale is 0"),
        (ModelSpec, {"source": " "}, "model.source is empty"),
        (
            CompareSpec,
            {"sparsity": (0.5, math.nan)},
            "compare.sparsity holds nan, not a finite number",
        ),
        (CompareSpec, {"method": ("qta",)}, "compare.method holds 'qta', not one of qat, ptq"),
        (prune, {"warmup_epochs": -1}, "prune.warmup_epochs is -1, not 0 or more"),
        (prune, {"warmup_epochs": 4}, "the sparsity cannot be reached"),
        (CompareSpec, {"precision": "int8"}, "compare.precision is 'int8', not a tuple"),
        (project, {"targets": "pico"}, "targets is 'pico', not a tuple"),
        (project, {"seed": 2**32}, "seed is 4294967296, beyond 4294967295"),
        (project, {"metric": "accurracy"}, "metric is 'accurracy', not one of auto, accuracy"),
        (Memory, {"total": 0, "source": "s"}, "a memory of 0 B"),
        (Memory, {"total": 9, "reserved": -1, "source": "s"}, "-1 B of it reserved"),
        (Core, {"name": "c", "clock": -1, "source": "s"}, "core.clock is -1 Hz"),
    ],
)
def test_what_means_nothing_is_refused(
    make: Callable[..., object], values: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        make(**values)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[limits]\naccuracy_drop = -1\n", "limits.accuracy_drop is -1, not 0 or more"),
        ("[limits]\naccuracy_drop = nan\n", "limits.accuracy_drop is nan"),
        ('[prune]\ncriterion = "threshold"\nthreshold = nan\n', "prune.threshold is nan"),
        ('[quantize]\nscheme = "int16x8"\nio = "uint8"\n', 'io = "uint8" has no meaning'),
        ("[train]\nlearning_rate = inf\n", "train.learning_rate is inf"),
    ],
)
def test_a_project_file_says_where(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "edgekit.toml"
    path.write_text(LEAST + text)
    with pytest.raises(InputError, match=message) as caught:
        load_project(path)
    assert caught.value.message.startswith(f"{path}: ")


def test_a_grid_leaves_uint8_away_where_it_has_no_meaning() -> None:
    wished = project(quantize=QuantizeSpec(io="uint8"))
    made = points(wished, CompareSpec(precision=("int8", "int4", "int16x8", "float16")))
    found = {point.precision: point.project.quantize.io for point in made if point.project}
    assert found == {"int8": "uint8", "int4": "uint8", "int16x8": "int8", "float16": "int8"}


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    builder = GraphBuilder((1, 4), seed=0)
    path = tmp_path / "net.tflite"
    path.write_bytes(builder.build(builder.fully_connected(builder.input, 2)))
    np.savez(tmp_path / "data.npz", x_test=np.zeros((3, 4)), y_test=np.zeros(3, int))
    (tmp_path / "net.map").touch()
    monkeypatch.chdir(tmp_path)
    return path


@pytest.mark.parametrize(
    ("function", "values", "message"),
    [
        ("verify", {"data": "data.npz", "confidence": 1.5}, "confidence is 1.5, not from 0.5"),
        ("verify", {"data": "data.npz", "confidence": math.nan}, "confidence is nan"),
        ("verify", {"data": "data.npz", "seed": -1}, "seed is -1, not 0 or more"),
        ("verify", {"data": "data.npz", "scale": math.nan}, "data.scale is nan"),
        ("verify", {"data": "data.npz", "runtimes": "litert"}, "runtimes is 'litert', not a tup"),
        ("verify", {"data": ""}, "data.source is empty"),
        ("explain", {"data": "data.npz", "samples": 0}, "samples is 0, not 1 or more"),
        ("explain", {"data": "data.npz", "seed": -1}, "seed is -1"),
        (
            "verify",
            {"data": "data.npz", "runtimes": ("litert", "litert")},
            "the runtime 'litert' is named twice",
        ),
        ("emit", {"out": "c", "vectors": -1}, "vectors is -1, not 0 or more"),
        ("emit", {"out": "c", "seed": -1}, "seed is -1"),
        ("emit", {"out": "c", "vectors": 0, "data": "data.npz"}, "data are for golden vectors"),
        ("check", {"map_file": Path("net.map")}, "a linker map is of one firmware"),
        (
            "check",
            {"map_file": Path("net.map"), "targets": ("pico", "pico-2")},
            "a linker map is of one firmware",
        ),
        ("check", {"targets": "pico"}, "targets is 'pico', not a tuple of names"),
        (
            "shrink",
            {"out": "s.tflite", "target": "nucleo-l4r5zi", "ram_budget_bytes": 0},
            "an arena within 0 B holds no tensor",
        ),
        (
            "shrink",
            {"out": "s.tflite", "target": "nucleo-l4r5zi", "ram_budget_bytes": math.nan},
            "an arena within nan B holds no tensor",
        ),
        ("bench", {"target": "pico", "serial": "p", "baud": 0}, "baud is 0, not 1 or more"),
        (
            "bench",
            {"target": "pico", "serial": "p", "timeout_seconds": math.inf},
            "a time-out of inf s",
        ),
        ("convert", {"data": "data.npz", "out": Path("o"), "seed": -1}, "seed is -1"),
        ("convert", {"data": "data.npz", "out": Path("o"), "scheme": "int9"}, "is 'int9'"),
        ("build", {"data": "data.npz", "targets": "pico"}, "targets is 'pico', not a tuple"),
        ("compare", {"data": "data.npz", "jobs": 0}, "jobs is 0, not 1 or more"),
    ],
)
def test_a_function_refuses_what_means_nothing(
    model: Path, function: str, values: dict[str, object], message: str
) -> None:
    with pytest.raises(EdgekitError, match=message):
        getattr(edgekit, function)(str(model), **values)
    assert {path.name for path in model.parent.iterdir()} == {"net.tflite", "data.npz", "net.map"}


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        ("verify net.tflite --data data.npz --accuracy-drop -1", 3, "--accuracy-drop is -1"),
        ("verify net.tflite --data data.npz --accuracy-drop nan", 3, "--accuracy-drop is nan"),
        ("verify net.tflite --data data.npz --seed -1", 3, "seed is -1, not 0 or more"),
        ("explain net.tflite --data data.npz --seed -1", 3, "seed is -1, not 0 or more"),
        ("emit net.tflite --out c --seed -1", 3, "seed is -1, not 0 or more"),
        ("emit net.tflite --out c --tflm .", 2, "--tflm is for --run, which is not given"),
        ("emit net.tflite --out c --board microbit", 2, "--board is for --run"),
        ("check net.tflite --map net.map", 2, "a linker map is of one firmware"),
    ],
)
def test_a_command_refuses_what_means_nothing(
    model: Path, capsys: pytest.CaptureFixture[str], line: str, code: int, message: str
) -> None:
    assert run(line.split()) == code
    assert message in capsys.readouterr().err
    assert not (model.parent / "c").exists()


def test_a_budget_knows_three_ways_to_go_on() -> None:
    with pytest.raises(InputError, match="out_of_reach is 'stopp', not one of warn, stop") as found:
        DeviceBudget("pico", out_of_reach="stopp")  # type: ignore[arg-type]
    assert found.value.hint == "did you mean 'stop'?"


def test_values_that_mean_something_pass() -> None:
    Limits(accuracy_drop=0, flash=1, latency=0.5)
    prune(layers={"conv*": 0.0}, warmup_epochs=1)
    prune(granularity="block", block=(8, 8))
    prune(granularity="n_by_m", n_by_m=(1, 4), sparsity=None)
    QuantizeSpec(io="float32", scheme="int16x8")
    project(seed=2**32 - 1, targets=["pico"])
    with pytest.raises(UsageError):
        edgekit.check("net.tflite", map_file=Path("net.map"))
