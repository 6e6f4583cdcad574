"""docs/latency.md and the shipped cost models are what the published rows give."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from edgekit.fit.calibrate import usual_shape_of
from edgekit.fit.cost_toml import cost_model_toml, cycles_toml

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    path = ROOT / "benchmarks" / "latency_table.py"
    spec = importlib.util.spec_from_file_location("latency_table", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["latency_table"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_the_page_holds_the_table_and_the_bands_hold(benchmark: ModuleType) -> None:
    groups = benchmark.arm_groups()
    shapes = benchmark.other_shapes(groups)
    found = [trial for group in groups for trial in benchmark.trials(group, shapes, known=3)]
    assert len(found) == 180
    assert sum(trial.inside for trial in found) / len(found) >= 0.85
    mean_error = sum(trial.error for trial in found) / len(found)
    assert mean_error < 0.7 * sum(trial.total_error for trial in found) / len(found)
    page = (ROOT / "docs" / "latency.md").read_text(encoding="utf-8")
    assert benchmark.table(found) in page


def test_the_shipped_cost_models_are_those_of_the_rows(benchmark: ModuleType) -> None:
    groups = benchmark.arm_groups()
    usual = usual_shape_of(tuple(group.measurements for group in groups))
    shipped = {path.stem: path.read_text() for path in benchmark.FOLDER.glob("*.toml")}
    assert cycles_toml(usual, table="cycles") in shipped.pop("usual-shape")
    models = benchmark.cost_models(groups, usual)
    assert set(models) == set(shipped)
    for name, model in models.items():
        assert shipped[name].endswith(cost_model_toml(model))
