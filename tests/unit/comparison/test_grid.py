"""Which points a study has, what each changes, and what is refused."""

import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from comparison_points import project

from edgekit.comparison.grid import PRECISIONS, asked, points
from edgekit.errors import InputError
from edgekit.files.toml import decode
from edgekit.project.project import Project, load_project
from edgekit.specs import Calibration, CompareSpec, Method, PointSpec, PruneSpec, QuantizeSpec


def names(made: Project, spec: CompareSpec) -> list[str]:
    return [point.name for point in points(made, spec)]


def test_a_grid_is_every_combination_and_neighbours_differ_in_what_is_trained() -> None:
    spec = CompareSpec(precision=("int8", "int16x8"), sparsity=(0, 0.5, 0.75))
    assert names(project(), spec) == [
        "int8-ptq-s0",
        "int8-ptq-s0.5",
        "int8-ptq-s0.75",
        "int16x8-ptq-s0",
        "int16x8-ptq-s0.5",
        "int16x8-ptq-s0.75",
    ]


def test_nothing_asked_is_what_microcontrollers_run_with_the_zeros_of_the_project() -> None:
    assert names(project(), CompareSpec()) == ["int8-ptq-s0", "int4-ptq-s0", "int16x8-ptq-s0"]
    pruned = replace(project(), prune=PruneSpec(sparsity=0.75))
    assert names(pruned, CompareSpec(precision=("int8",))) == ["int8-ptq-s0", "int8-ptq-s0.75"]


def test_a_point_is_the_project_with_its_values_replaced() -> None:
    made = replace(
        project(),
        prune=PruneSpec(sparsity=0.9, epochs=7, skip_first=True),
        quantize=QuantizeSpec(method="qat", epochs=3),
        compare=CompareSpec(precision=("int8",)),
    )
    spec = CompareSpec(precision=("simulated-int2",), sparsity=(0.5, 0))
    half, none = points(made, spec)
    assert half.project == replace(
        made,
        prune=PruneSpec(sparsity=0.5, epochs=7, skip_first=True),
        quantize=QuantizeSpec(method="qat", epochs=3, simulate="int2"),
        compare=None,
    )
    assert half.is_simulated
    assert none.project is not None
    assert none.project.prune is None


def test_what_has_no_meaning_for_a_precision_makes_no_point_of_its_own() -> None:
    spec = CompareSpec(
        precision=("int8", "int16x8", "float16", "simulated-fp8"),
        method=("ptq", "qat"),
        calibration=("minmax", "mse"),
        sparsity=(0,),
    )
    assert names(project(), spec) == [
        "int8-ptq-s0",
        "int8-ptq-mse-s0",
        "int8-qat-s0",
        "int16x8-ptq-s0",
        "float16-ptq-s0",
        "simulated-fp8-ptq-s0",
    ]
    assert all(point.project is not None for point in points(project(), spec))


def test_the_projects_own_calibration_is_left_away_where_it_has_no_meaning() -> None:
    made = replace(project(), quantize=QuantizeSpec(calibration="entropy", bias_correction=True))
    eight, sixteen = points(made, CompareSpec(precision=("int8", "int16x8")))
    assert eight.project is not None
    assert sixteen.project is not None
    assert eight.name == "int8-ptq-entropy-s0"
    assert eight.project.quantize == made.quantize
    assert sixteen.project.quantize == QuantizeSpec(scheme="int16x8")


def test_pruning_that_is_not_one_number_is_kept_or_refused() -> None:
    made = replace(project(), prune=PruneSpec(criterion="threshold", threshold=0.5))
    spec = CompareSpec(precision=("int8",))
    assert names(made, spec) == ["int8-ptq-s0", "int8-ptq-pruned"]
    none, half = points(made, replace(spec, sparsity=(0, 0.5)))
    assert none.project is not None
    assert half.project is None
    assert half.refusal is not None
    assert "prune.threshold" in half.refusal
    with pytest.raises(InputError, match="no point of the study can be built: prune.sparsity"):
        points(made, replace(spec, sparsity=(0.5,)))


def test_named_points_stand_for_themselves() -> None:
    spec = CompareSpec(
        points=(PointSpec(), PointSpec(precision="int4", sparsity=0.5), PointSpec(method="qat"))
    )
    assert names(project(), spec) == ["int8-ptq-s0", "int4-ptq-s0.5", "int8-qat-s0"]


def test_lists_given_replace_those_of_the_project_file_and_named_points() -> None:
    made = replace(project(), compare=CompareSpec(precision=("int4",), sparsity=(0.5,)))
    assert asked(made) == made.compare
    assert asked(made, precision=("int8",)) == CompareSpec(precision=("int8",), sparsity=(0.5,))
    named = replace(project(), compare=CompareSpec(points=(PointSpec(),)))
    assert asked(named, method=("qat",)) == CompareSpec(method=("qat",))


def test_an_unknown_precision_is_told_with_the_nearest() -> None:
    with pytest.raises(InputError, match="compare.precision is 'itn8'") as caught:
        points(project(), CompareSpec(precision=("itn8",)))
    assert caught.value.hint == "did you mean 'int8'?"


def test_every_precision_is_a_name_for_a_folder_and_for_a_project() -> None:
    for name, (scheme, simulation) in PRECISIONS.items():
        assert re.fullmatch(r"[a-z0-9-]+", name)
        QuantizeSpec(scheme=scheme, simulate=simulation)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("sparsity = [1.5]", "compare.sparsity is 1.5"),
        ("precison = []", "unknown key 'compare.precison'"),
        ('method = ["qta"]', "compare.method[0] is 'qta'"),
        ('calibration = ["max"]', "compare.calibration[0] is 'max'"),
        ("points = [{sparsity = -1}]", "compare.points.sparsity is -1"),
        ('precision = ["int8"]\npoints = [{sparsity = 0}]', "compare.points stands beside lists"),
    ],
)
def test_the_table_of_a_project_file_is_checked(tmp_path: Path, table: str, message: str) -> None:
    path = tmp_path / "edgekit.toml"
    path.write_text(f'[model]\nsource = "m:m"\n[data]\nsource = "d:d"\n[compare]\n{table}\n')
    with pytest.raises(InputError) as caught:
        load_project(path)
    assert message in caught.value.message


def test_a_study_in_the_project_file_is_no_option_of_a_build(tmp_path: Path) -> None:
    from edgekit.pipeline.manifest import options

    path = tmp_path / "edgekit.toml"
    text = '[model]\nsource = "m:m"\n[data]\nsource = "d:d"\n'
    path.write_text(text)
    plain = options(load_project(path))
    path.write_text(text + '[compare]\nprecision = ["int8"]\n')
    assert options(load_project(path)) == plain


def test_the_manual_names_every_value_and_its_table_is_one() -> None:
    manual = (Path(__file__).parents[3] / "docs" / "compare.md").read_text()
    (block,) = re.findall(r"```toml\n(.*?)```", manual, flags=re.DOTALL)
    spec = decode(tomllib.loads(block)["compare"], CompareSpec, where="compare.md")
    assert names(project(), spec) == ["int8-ptq-s0.75", "int4-qat-s0"]
    told = manual.replace("`-", "`simulated-")
    for name in (*PRECISIONS, *get_args(Method), *get_args(Calibration)):
        assert f"`{name}`" in told, name
