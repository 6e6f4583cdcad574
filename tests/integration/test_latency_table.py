"""docs/latency.md and the shipped cost models are what the public rows give."""

import csv
import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

from edgekit.devices.cost_toml import cost_model_toml, cycles_toml

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "latency.md"
pytestmark = pytest.mark.shared


def benchmark(name: str) -> ModuleType:
    folder = str(ROOT / "benchmarks")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return importlib.import_module(name)


@pytest.fixture(scope="module")
def rows() -> ModuleType:
    return benchmark("latency_rows")


@pytest.fixture(scope="module")
def tables() -> ModuleType:
    return benchmark("latency_table")


def number_of_rows(path: Path) -> int:
    with path.open() as stream:
        return sum(1 for _ in csv.DictReader(stream))


def test_every_public_row_is_accounted_for(rows: ModuleType, tables: ModuleType) -> None:
    every = rows.gathered()
    counted = [part.used + part.left_out.total() for part in every]
    assert counted == [
        number_of_rows(rows.MLPERF),
        number_of_rows(rows.OTHER) + number_of_rows(rows.OWN),
    ]
    assert sum(part.used for part in every) == 383
    assert tables.accounts(every) in PAGE.read_text(encoding="utf-8")


def test_the_page_holds_the_table_and_the_bands_hold(rows: ModuleType, tables: ModuleType) -> None:
    groups = tuple(group for part in rows.gathered() for group in part.groups)
    shapes = tables.other_shapes(groups)
    found = tables.leave_one_out(groups, shapes)
    assert len(found) == 383
    assert sum(trial.inside for trial in found) / len(found) >= 0.85
    mean_error = sum(trial.error for trial in found) / len(found)
    assert mean_error < 0.7 * sum(trial.total_error for trial in found) / len(found)
    page = PAGE.read_text(encoding="utf-8")
    assert tables.table(found) in page
    assert tables.families_left_out(groups, shapes) in page


def test_the_shipped_cost_models_are_those_of_the_rows(rows: ModuleType) -> None:
    models = benchmark("latency_models")
    groups = tuple(group for part in rows.gathered() for group in part.groups)
    shipped = {path.stem: path.read_text() for path in models.FOLDER.glob("*.toml")}
    usual = cycles_toml(models.usual_shape(groups), table="cycles")
    assert usual in shipped.pop("usual-shape")
    written = models.cost_models(groups)
    assert set(written) == set(shipped)
    page = PAGE.read_text(encoding="utf-8")
    for name, model in written.items():
        assert shipped[name].endswith(cost_model_toml(model))
        assert f"| `{name}` | {model.points} | x{model.band:.3g} |" in page
    ratios = models.cross_engine(groups)
    assert models.cross_engine_table(ratios) in page
    assert models.tried(groups, ratios[0]) in page


# Multiply-accumulates that others state of the same architectures, in millions: papers and pages
# round or count a little differently. The STM32 model zoo's are counted in the files themselves.
STATED = {
    "MobileNet_V1_1.0_224": 569,
    "mobilenet_v2_1.0_224": 300,
    "mobilenet_v2_1.4_224": 582,
    "mobilenet_v3_large_1.0_224": 217,
    "mobilenet_v3_small_1.0_224": 56,
    "mobilenet_v3_large_minimalistic_224": 209,
    "efficientnet-lite0": 407,
    "efficientnet-lite4": 2640,
    "Inception_V1_quant": 1500,
    "Inception_V3": 5720,
    "Inception_V4": 12270,
    "Inception_ResNet_V2": 13180,
    "NASNet mobile": 564,
}


@pytest.mark.parametrize("name", sorted(STATED))
def test_published_architectures_have_the_work_that_is_stated(name: str) -> None:
    network = benchmark("published_networks").published(name)
    assert network.macs == pytest.approx(STATED[name] * 1e6, rel=0.06)


def test_the_model_zoos_files_have_the_same_work_to_the_last(rows: ModuleType) -> None:
    published = benchmark("published_networks").published
    exact = [
        row
        for row in rows.rows_of(rows.OTHER)
        if row["stack"].startswith("X-CUBE-AI")
        and row["macs"]
        and not row["macs"].endswith("0000")
        and published(row["model"]) is not None
    ]
    assert len(exact) == 22
    for row in exact:
        assert published(row["model"]).macs == int(row["macs"]), row["model"]


def test_the_arithmetic_counts_what_the_files_hold(rows: ModuleType) -> None:
    networks = benchmark("published_networks")
    counted = networks.resnet_v1(1, 10).work  # MLPerf Tiny's ResNet
    assert rows.of_file("ic", 1.0).work == pytest.approx(counted)
