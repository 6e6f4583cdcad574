"""Models with several outputs: refused by name where a score of one would be given."""

from pathlib import Path

import numpy as np
import pytest
from graphs import GraphBuilder

from edgekit.cli import run
from edgekit.errors import UnsupportedModelError
from edgekit.model.float_twin import float_twin
from edgekit.model.reader import read
from edgekit.model.single_output import check_one_output
from edgekit.model.writer import write

NAMED = "the model has 2 outputs ('tensor_6' (1, 1), 'tensor_10' (1, 2))"


@pytest.fixture
def two_heads(tmp_path: Path) -> Path:
    """A folder with an int8 model of two heads, its float twin, and data."""
    builder = GraphBuilder((1, 8))
    trunk = builder.fully_connected(builder.input, 4)
    number = builder.fully_connected(trunk, 1)
    classes = builder.softmax(builder.fully_connected(trunk, 2))
    content = builder.build(number, classes)
    (tmp_path / "two.tflite").write_bytes(content)
    (tmp_path / "float.tflite").write_bytes(write(float_twin(read(content))))
    rng = np.random.default_rng(3)
    inputs, labels = rng.normal(0, 1, (60, 8)).astype(np.float32), rng.integers(0, 2, 60)
    np.savez(tmp_path / "data.npz", x=inputs, y=labels)
    return tmp_path


@pytest.mark.parametrize(
    "arguments",
    [
        ["verify", "two.tflite", "--data", "data.npz"],
        ["verify", "two.tflite", "--data", "absent.npz"],  # before the data are looked for
        ["explain", "two.tflite", "--data", "data.npz"],
        ["build", "float.tflite", "--data", "data.npz", "--out", "run"],
        ["compare", "float.tflite", "--data", "data.npz", "--out", "study"],
    ],
    ids=lambda arguments: "-".join(arguments[:1]),
)
def test_a_score_of_one_of_several_outputs_is_refused(
    two_heads: Path,
    arguments: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(two_heads)
    assert run(arguments) == 4
    told = capsys.readouterr().err
    assert NAMED in told
    assert "hint: convert the model with the one output that is to be scored" in told
    assert "load ..." not in told  # before any work


@pytest.mark.parametrize(
    "arguments",
    [
        ["inspect", "two.tflite"],
        ["check", "two.tflite", "--target", "nucleo-l4r5zi"],
        ["shrink", "two.tflite", "--out", "small.tflite", "--data", "data.npz"],
        ["emit", "two.tflite", "--as", "c-array", "--out", "c", "--data", "data.npz"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_what_scores_nothing_takes_several_outputs(
    two_heads: Path, arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(two_heads)
    assert run(arguments) == 0


def test_a_long_list_of_outputs_is_cut_and_an_unknown_size_shown() -> None:
    outputs = [(f"o{number}", (None, number)) for number in range(10)]
    with pytest.raises(UnsupportedModelError, match=r"10 outputs \('o0' \(\?, 0\), .*and 2 more\)"):
        check_one_output(outputs, hint="")
