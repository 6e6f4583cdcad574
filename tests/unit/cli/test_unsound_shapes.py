"""A file whose operators give other shapes than it declares: every command says the same."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from operator_graphs import GraphBuilder

from edgekit.cli import edgekit
from edgekit.errors import EdgekitError, UnsupportedModelError
from edgekit.pipeline.hand_over import keep_model
from edgekit.specs import QuantizeSpec

SENTENCE = (
    "tensor 't3' is declared with the shape (1, 4, 4, 2), and its operator gives (2, 4, 2, 2)"
)


def batches() -> bytes:
    """Return SPACE_TO_BATCH_ND by columns, declared with the batch of 1 that it is not."""
    builder = GraphBuilder()
    source = builder.tensor((1, 4, 4, 2))
    block = builder.tensor((2,), "int32", data=[1, 2], scale=None)
    pads = builder.tensor((2, 2), "int32", data=np.zeros((2, 2)), scale=None)
    result = builder.tensor((1, 4, 4, 2))
    builder.operator("SPACE_TO_BATCH_ND", [source, block, pads], [result])
    return builder.build([source], [result])


@pytest.mark.parametrize(
    "arguments",
    [
        ["check"],
        ["check", "--target", "nucleo-l4r5zi"],
        ["check", "--target", "pixel-4"],
        ["emit", "--out", "out"],
        ["emit", "--out", "out", "--vectors", "0"],
        ["explain", "--data", "random"],
        ["shrink", "--out", "out"],
        ["targets", "list", "--fits"],
        ["verify", "--data", "random"],
    ],
    ids=" ".join,
)
def test_all_commands_refuse_it_and_write_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("m.tflite").write_bytes(batches())
    with pytest.raises(EdgekitError) as refused:
        CliRunner().invoke(
            edgekit, [*arguments, "m.tflite"], standalone_mode=False, catch_exceptions=False
        )
    assert (refused.value.message, refused.value.exit_code) == (SENTENCE, 4)
    assert [path.name for path in tmp_path.iterdir()] == ["m.tflite"]


def test_a_build_refuses_what_the_converter_made(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedModelError) as refused:
        keep_model(tmp_path, batches(), QuantizeSpec())
    assert refused.value.message == SENTENCE
    assert not list(tmp_path.iterdir())
