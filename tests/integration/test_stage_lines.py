"""Long commands are never silent where standard error is no terminal."""

import re
from pathlib import Path

import numpy as np
import pytest
from graphs import GraphBuilder

from edgekit.cli import run
from edgekit.model.float_twin import float_twin
from edgekit.model.reader import read
from edgekit.model.writer import write

pytestmark = pytest.mark.train

FIRST = ["load", "data", "predict", "convert"]


@pytest.mark.parametrize(
    ("command", "stages"),
    [
        (["build", "--out", "run"], [*FIRST, "shrink", "verify", "emit"]),
        (["convert", "--out", "model.tflite"], FIRST),
        (
            ["compare", "--precision", "int8", "--calibration", "minmax,mse"],
            ["points", "int8-ptq-s0", "int8-ptq-mse-s0"],
        ),
    ],
    ids=lambda item: item[0],
)
def test_each_stage_is_told_as_it_begins_and_with_its_time_as_it_ends(
    command: list[str],
    stages: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    builder = GraphBuilder((1, 8))
    content = builder.build(builder.softmax(builder.fully_connected(builder.input, 3)))
    (tmp_path / "float.tflite").write_bytes(write(float_twin(read(content))))
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "data.npz", x=rng.normal(size=(60, 8)), y=rng.integers(0, 3, 60))
    monkeypatch.chdir(tmp_path)
    name, *options = command
    run([name, "float.tflite", "--data", "data.npz", *options])
    told = capsys.readouterr().err
    for stage in stages:
        assert len(re.findall(rf"^.*\b{stage} \.\.\.$", told, re.MULTILINE)) == 1, told
        assert len(re.findall(rf"^.*\b{stage} took .* m?s$", told, re.MULTILINE)) == 1, told
