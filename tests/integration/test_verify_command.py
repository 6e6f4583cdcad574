"""`edgekit verify` on a small model, in both runtimes."""

import json
from pathlib import Path

import numpy as np
import pytest
from graphs import GraphBuilder

from edgekit.cli import run


@pytest.fixture
def model(tmp_path: Path) -> Path:
    builder = GraphBuilder((1, 6, 6, 2), seed=1)
    path = tmp_path / "model.tflite"
    path.write_bytes(builder.build(builder.conv(builder.input, 4, kernel=3)))
    return path


def test_verify_says_that_both_runtimes_ran(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["verify", str(model), "--data", "random", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["passed"] is True
    assert [item["runtime"] for item in document["runtimes"]] == ["litert", "tflite-micro"]
    assert document["reference"] is None


def test_verify_refuses_data_that_do_not_fit(
    model: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    np.savez(tmp_path / "d.npz", x=np.zeros((9, 5, 5, 2)), y=np.zeros(9, int))
    assert run(["verify", str(model), "--data", str(tmp_path / "d.npz")]) == 3
    assert "(5, 5, 2)" in capsys.readouterr().err
