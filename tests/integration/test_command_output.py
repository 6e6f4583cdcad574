"""What a person is told: progress where there is no terminal, and figures without their sources."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from graphs import GraphBuilder

from edgekit.cli import run
from edgekit.cli.output import progress_bar, set_quiet


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    builder = GraphBuilder((1, 6, 6, 2), seed=1)
    x = builder.conv(builder.input, 4, kernel=3)
    x = builder.reshape(builder.average_pool(x, size=6), (1, 4))
    content = builder.build(builder.fully_connected(x, 3))
    (tmp_path / "model.tflite").write_bytes(content)
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "data.npz", x=rng.normal(size=(8, 6, 6, 2)), y=rng.integers(0, 3, 8))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lines(*titles: str) -> str:
    """Return the pattern of two lines for each title, the first as it begins."""
    return "".join(rf"{title} \.\.\.\n{title} took [\d.]+ (s|ms|µs)\n" for title in titles)


@pytest.mark.parametrize(
    ("command", "titles"),
    [
        (["verify", "--data", "data.npz"], ("data", "verify")),
        (["explain", "--data", "data.npz"], ("data", "explain")),
        (["shrink", "--out", "small.tflite"], ("shrink",)),
        (["emit", "--out", "c"], ("emit",)),
    ],
    ids=lambda item: item[0],
)
@pytest.mark.usefixtures("folder")
def test_each_stage_has_a_line_at_both_ends_where_there_is_no_terminal(
    command: list[str], titles: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    name, *options = command
    assert run([name, "model.tflite", *options]) == 0
    assert re.fullmatch(lines(*titles), capsys.readouterr().err)


@pytest.mark.usefixtures("folder")
def test_quiet_silences_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", "model.tflite", "--data", "data.npz", "-q"]) == 0
    assert capsys.readouterr().err == ""


def test_the_first_line_is_there_while_the_work_goes_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    set_quiet(value=False)
    with progress_bar("train"):
        assert capsys.readouterr().err == "train ...\n"


def test_a_stage_that_fails_is_not_called_done(capsys: pytest.CaptureFixture[str]) -> None:
    set_quiet(value=False)
    with pytest.raises(KeyError), progress_bar("train"):
        raise KeyError
    assert re.fullmatch(r"train \.\.\.\ntrain stopped after .*\n", capsys.readouterr().err)


@pytest.mark.parametrize("target", ["nucleo-l4r5zi", "pixel-4", "esp32-s3"])
@pytest.mark.usefixtures("folder")
def test_check_tells_value_band_and_kind_and_the_source_when_asked(
    target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["check", "model.tflite", "--target", target]
    assert run([*command, "--json"]) == 0
    (fit,) = json.loads(capsys.readouterr().out)["targets"]
    figures = [
        figure
        for name in ("flash_bytes", "model_bytes", "code_bytes", "arena_bytes", "latency_ms")
        if (figure := fit[name]) is not None
    ]
    assert all(figure["source"] for figure in figures)
    assert run(command) == 0
    told = capsys.readouterr().out
    assert run([*command, "-v"]) == 0
    told_in_full = capsys.readouterr().out
    for figure in figures:
        assert figure["source"] not in told
        assert figure["source"] in told_in_full
        if figure["unit"] == "B":
            band = "" if figure["low"] in (None, figure["high"]) else f"{figure['low']:,.0f} B to "
            assert f"{figure['value']:,.0f} B" in told
            assert band in told
        assert f", {figure['kind']}\n" in told
    assert "where each figure comes from: -v\n" in told


@pytest.mark.usefixtures("folder")
def test_ranked_targets_show_the_kind_of_each_figure(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["targets", "list", "--fits", "model.tflite"]) == 0
    row = next(
        line for line in capsys.readouterr().out.splitlines() if line.startswith("nucleo-l4r5zi")
    )
    assert re.search(r"KiB p +[\d.]+ KiB p ", row)


@pytest.mark.usefixtures("folder")
def test_shrink_tells_where_its_arena_was_measured_when_asked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["shrink", "model.tflite", "--out", "small.tflite"]) == 0
    told = capsys.readouterr().out
    assert "arena on this host, B" in told
    assert "bisection" not in told
    assert run(["shrink", "model.tflite", "--out", "small.tflite", "-v"]) == 0
    assert "bisection" in capsys.readouterr().out
