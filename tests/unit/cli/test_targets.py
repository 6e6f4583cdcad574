"""``edgekit targets`` as people and scripts see it."""

import json
from pathlib import Path

import pytest
from graphs import GraphBuilder

from edgekit.cli import run
from edgekit.devices.profile import KINDS, load_target, profile_paths, usual_shape
from edgekit.fit.latency.cost import work
from edgekit.fit.latency.predict import latency
from edgekit.model.reader import load, read
from edgekit.quantity import Quantity


@pytest.fixture
def model(tmp_path: Path) -> Path:
    builder = GraphBuilder((1, 12, 12, 3), seed=1)
    x = builder.conv(builder.conv(builder.input, 8, kernel=3), 16)
    path = tmp_path / "model.tflite"
    path.write_bytes(builder.build(x))
    return path


@pytest.fixture
def table(model: Path) -> Path:
    path = model.with_name("times.csv")
    path.write_text("model,latency_ms\nmodel.tflite,12.5\n")
    return path


def milliseconds(model: Path, target: str | Path) -> Quantity:
    found = latency(load(model), load_target(str(target)))
    assert isinstance(found, Quantity)
    return found


def test_list_names_every_target(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["targets", "list", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["schema"] == "edgekit.targets/1"
    assert [item["name"] for item in found["targets"]] == list(profile_paths())
    assert run(["targets", "list"]) == 0
    assert "nucleo-l4r5zi" in capsys.readouterr().out


def test_list_ranks_for_a_model(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["targets", "list", "--fits", str(model), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["targets"]
    assert {item["target"] for item in found} == set(profile_paths())
    fits = [item["fits"] for item in found]
    assert fits == sorted(fits, reverse=True)
    known = [item["latency_ms"]["value"] for item in found if item["fits"] and item["latency_ms"]]
    assert known == sorted(known)
    assert found[0]["latency_ms"] is not None
    assert run(["targets", "list", "--fits", str(model)]) == 0
    printed = capsys.readouterr().out
    assert "not known" in printed
    assert " ms (" in printed


def test_show_gives_each_figure_its_source(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["targets", "show", "arduino-zero"]) == 0
    printed = capsys.readouterr().out
    for text in ("48 MHz", "32 KiB", "ATSAMD21G18A", "reserved: 8 KiB", "0x2000"):
        assert text in printed
    assert run(["targets", "show", "nucleo-l4r5zi"]) == 0
    assert "within a factor of" in capsys.readouterr().out


def test_lint_of_all_and_of_a_wrong_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["targets", "lint"]) == 0
    capsys.readouterr()
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('extends = "pico"\n[ram]\ntotal = "264"\n')
    assert run(["targets", "lint", "pico", str(wrong)]) == 3
    printed = capsys.readouterr().out
    assert f"{wrong}: ram.total: '264' is not a size" in printed
    assert "1 of 2 profiles are well formed" in printed
    assert run(["targets", "lint", str(wrong), "--json"]) == 3
    found = json.loads(capsys.readouterr().out)["targets"]
    assert len(found[0]["problems"]) == 1


def test_one_measurement_rescales(model: Path, table: Path) -> None:
    before = milliseconds(model, "nucleo-l4r5zi").value
    out = model.with_name("ours.toml")
    command = ["targets", "calibrate", "nucleo-l4r5zi", "--measurements", str(table)]
    assert run([*command, "--out", str(out), "--version", "TFLM of May"]) == 0
    after = milliseconds(model, out)
    assert after.value == pytest.approx(12.5, rel=1e-3)
    assert after.high == pytest.approx(12.5 * 1.5, rel=1e-2)
    assert "TFLM of May" in after.source
    assert "times.csv" in after.source
    old, new = load_target("nucleo-l4r5zi").latency, load_target(str(out)).latency
    assert old is not None
    assert new is not None
    ratio = new.cycles.depthwise / old.cycles.depthwise  # of the shape that was measured before
    assert ratio == pytest.approx(12.5 / before, rel=1e-3)
    assert new.operators == old.operators


def test_several_measurements_of_a_stack_without_a_cost_model(tmp_path: Path) -> None:
    lines = ["model,latency_ms"]
    for size in (6, 9, 12, 15):
        builder = GraphBuilder((1, size, size, 4), seed=size)
        content = builder.build(builder.conv(builder.input, 8, kernel=3))
        (tmp_path / f"{size}.tflite").write_bytes(content)
        amount = work(read(content).main)
        count = sum(2 * getattr(usual_shape(), kind) * amount[kind] for kind in KINDS)
        lines.append(f"{size}.tflite,{1e3 * count / 64e6}")
    table = tmp_path / "times.csv"
    table.write_text("\n".join(lines))
    out = tmp_path / "ours.toml"
    command = ["targets", "calibrate", "nucleo-g0b1re", "--measurements", str(table)]
    assert run([*command, "--out", str(out)]) == 0
    found = load_target(str(out)).latency
    assert found is not None
    assert found.cycles.convolution == pytest.approx(2, rel=1e-3)
    assert found.points == 4
    assert found.band == pytest.approx(1.4)
    assert found.operators == ("CONV_2D",)


def test_the_log_of_a_firmware(model: Path, tmp_path: Path) -> None:
    log = tmp_path / "serial.log"
    log.write_text(
        "boot\n@edgekit begin protocol=1 model=net "
        f"sha256={load(model).sha256} arena_bytes=9000 clock=cycles ticks_per_second=120000000\n"
        "@edgekit arena used_bytes=8000\n"
        "@edgekit total invocations=10 ticks=2400000 least_ticks=2400000 most_ticks=2400000\n"
        "@edgekit end status=ok\n"
    )
    out = tmp_path / "ours.toml"
    command = ["targets", "calibrate", "nucleo-l4r5zi", "--measurements", str(log)]
    assert run([*command, "--out", str(out)]) == 3  # no model was named
    assert not out.exists()
    assert run([*command, "--out", str(out), "--model", str(model)]) == 0
    assert milliseconds(model, out).value == pytest.approx(20, rel=1e-3)  # 2.4 M of 120 M a second
    log.write_text(log.read_text().replace("clock=cycles", "clock=instructions"))
    other = str(tmp_path / "other.toml")
    assert run([*command, "--out", other, "--model", str(model)]) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model,ms\nmodel.tflite,3\n", "no column 'latency_ms'"),
        ("model,latency_ms\n", "no measurement"),
        ("model,latency_ms\nmodel.tflite,fast\n", "latency_ms is 'fast'"),
        ("model,latency_ms\nmodel.tflite,-1\n", "latency_ms is '-1'"),
        ("model,latency_ms\nmodel.tflite\n", "latency_ms is 'None'"),
        ("model,latency_ms\nother.tflite,3\n", "other.tflite: no such file"),
    ],
)
def test_measurements_that_are_wrong(
    table: Path, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    table.write_text(text)
    out = table.with_name("ours.toml")
    command = ["targets", "calibrate", "pico", "--measurements", str(table), "--out", str(out)]
    assert run(command) == 3
    assert message in capsys.readouterr().err
    assert not out.exists()


def test_nothing_is_written_where_it_must_not(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shipped = profile_paths()["pico"].with_name("new.toml")
    for out in (shipped, table, table.with_name("ours.txt")):
        command = ["targets", "calibrate", "pico", "--measurements", str(table), "--out", str(out)]
        assert run(command) == 2
        assert "--out FILE" in capsys.readouterr().err
    assert not shipped.exists()
