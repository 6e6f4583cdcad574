"""``edgekit shrink`` as people and scripts see it."""

import errno
import importlib
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from graphs import GraphBuilder

from edgekit.cli import run
from edgekit.devices.profile import load_target
from edgekit.model.file import ModelFile
from edgekit.model.reader import read
from edgekit.model.writer import write
from edgekit.shrinking import NotExactError, shrink

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def model(tmp_path: Path) -> Path:
    builder = GraphBuilder((1, 6, 6, 2), seed=1)
    x = builder.conv(builder.input, 8, kernel=3, dead=(1, 2, 5))
    path = tmp_path / "model.tflite"
    path.write_bytes(builder.build(builder.conv(x, 4)))
    return path


def test_json_has_what_outsiders_rely_on(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = model.parent / "new" / "small.tflite"
    assert run(["shrink", str(model), "--out", str(out), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["schema"] == "edgekit.shrink/1"
    assert found["before_bytes"] == model.stat().st_size
    assert found["after_bytes"] == out.stat().st_size
    saved = sum(item["saved_bytes"] for item in found["passes"])
    assert saved == found["before_bytes"] - found["after_bytes"]
    assert found["bit_exact"] is True
    assert found["vectors"] >= 1000
    assert found["arena_after_bytes"] <= found["arena_before_bytes"]
    assert found["macs_after"] < found["macs_before"]


def test_people_get_passes_and_a_map(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = model.with_name("small.tflite")
    before = model.read_bytes()
    assert run(["shrink", str(model), "--out", str(out), "--drop-names"]) == 0
    text = capsys.readouterr().out
    for word in ("flash", "arena", "MACs", "dead channels", "zero points", "same outputs"):
        assert word in text
    assert b"serving_default" not in out.read_bytes()
    assert model.read_bytes() == before


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    code = run(["shrink", *arguments])
    captured = capsys.readouterr()
    assert captured.out == ""
    return code, captured.err


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--ram-budget", "64KiB"], 2, "none is given"),
        (["--ram-budget", "lots", "--target", "nucleo-l4r5zi"], 3, "'lots' is not a size"),
        (["--target", "nucleo-l4r5z"], 3, "did you mean 'nucleo-l4r5zi'?"),
        (["--data", "nowhere.npz"], 3, "nowhere.npz"),
    ],
)
def test_wrong_options_are_told(
    model: Path,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    code: int,
    words: str,
) -> None:
    out = model.with_name("small.tflite")
    found, said = refused([str(model), "--out", str(out), *options], capsys)
    assert (found, words in said) == (code, True)
    assert not out.exists()


def damaged(content: bytes) -> bytes:
    return content[:600]


def of_floats(content: bytes) -> bytes:
    model = read(content)
    graph = model.main
    kernel = graph.operators[0].inputs[1]
    tensors = tuple(
        replace(item, dtype="float32", data=bytes(4 * item.elements))
        if item.index == kernel
        else item
        for item in graph.tensors
    )
    return write(replace(model, graphs=(replace(graph, tensors=tensors),)))


def of_two_graphs(content: bytes) -> bytes:
    model = read(content)
    return write(replace(model, graphs=model.graphs * 2))


def coded(content: bytes) -> bytes:
    del content
    builder = GraphBuilder((1, 64), seed=2)
    x = builder.fully_connected(builder.input, 64)
    index = builder.operators[0].inputs[1]
    builder.set_data(index, np.where(builder.tensors[index].values() > 60, 100, 0).astype(np.int8))
    target = load_target("nucleo-l4r5zi")
    return shrink(ModelFile.of(builder.build(x)), target=target, ram_budget_bytes=2**20).content


@pytest.mark.parametrize(
    ("broken", "code", "words"),
    [
        (damaged, 3, "damaged TFLite file"),
        (of_floats, 4, "not fully integer"),
        (of_two_graphs, 4, "2 subgraphs"),
        (coded, 4, "coded already"),
    ],
)
def test_what_cannot_be_shrunk_is_refused_and_left_as_it_is(
    model: Path,
    capsys: pytest.CaptureFixture[str],
    broken: "Callable[[bytes], bytes]",
    code: int,
    words: str,
) -> None:
    before = broken(model.read_bytes())
    model.write_bytes(before)
    found, said = refused([str(model), "--out", str(model.with_name("small.tflite"))], capsys)
    assert (found, words in said) == (code, True)
    assert "Traceback" not in said
    assert model.read_bytes() == before
    assert [item.name for item in model.parent.iterdir()] == ["model.tflite"]


def test_the_model_itself_is_no_output(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = model.read_bytes()
    code, said = refused([str(model), "--out", str(model)], capsys)
    assert code == 2
    assert "is an input, which stays as it is" in said
    assert model.read_bytes() == before


def test_a_full_disk_is_told_in_a_sentence(
    model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(number: int) -> None:
        del number
        raise OSError(errno.ENOSPC, "No space left on device")

    before = model.read_bytes()
    monkeypatch.setattr("os.fsync", full)
    code, said = refused([str(model), "--out", str(model.with_name("small.tflite"))], capsys)
    assert code == 3
    assert "No space left on device" in said
    assert sorted(item.name for item in model.parent.iterdir()) == ["model.tflite"]
    assert model.read_bytes() == before


def test_a_failed_proof_is_a_bug(
    model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def differ(*_: object, **__: object) -> bool:
        raise NotExactError("the shrunken model gives another output")

    module = importlib.import_module("edgekit.shrinking.certificate")
    monkeypatch.setattr(module, "prove", differ)
    out = model.with_name("small.tflite")
    code, said = refused([str(model), "--out", str(out)], capsys)
    assert code == 70
    assert "Traceback" in said
    assert not out.exists()
