"""Measured times become cycles of the core, at whatever clock they were taken."""

from pathlib import Path

import pytest
from graphs import GraphBuilder

from edgekit.errors import InputError
from edgekit.fit.latency.measurements import read_measurements
from edgekit.model.reader import load

PROFILE_HZ = 120_000_000


@pytest.fixture
def model(tmp_path: Path) -> Path:
    builder = GraphBuilder((1, 8, 8, 3), seed=1)
    path = tmp_path / "model.tflite"
    path.write_bytes(builder.build(builder.conv(builder.input, 4, kernel=3)))
    return path


def cycles(path: Path, model: Path) -> list[float]:
    found = read_measurements(path, models=(model,), clock_hz=PROFILE_HZ)
    return [item.cycles for item in found]


def test_a_row_counts_at_its_own_clock_or_the_profiles(model: Path, tmp_path: Path) -> None:
    table = tmp_path / "times.csv"
    table.write_text(
        "model,latency_ms,clock_hz,source\n"
        "model.tflite,300,4000000,after reset\n"  # 0.3 s of 4 MHz
        "model.tflite,10,,a phone\n"  # 0.01 s of the profile's 120 MHz
    )
    assert cycles(table, model) == pytest.approx([1_200_000, 1_200_000])


@pytest.mark.parametrize("clock", ["0", "-4", "4 MHz", "inf"])
def test_a_clock_that_is_none(model: Path, tmp_path: Path, clock: str) -> None:
    table = tmp_path / "times.csv"
    table.write_text(f"model,latency_ms,clock_hz\n{model.name},300,{clock}\n")
    with pytest.raises(InputError, match=rf"times.csv:2: clock_hz is '{clock}'"):
        cycles(table, model)


def log(model: Path, path: Path, *, clock: str, hertz: int, ticks: int) -> Path:
    path.write_text(
        f"@edgekit begin protocol=1 model=net sha256={load(model).sha256} arena_bytes=9000 "
        f"clock={clock} ticks_per_second={hertz}\n"
        "@edgekit arena used_bytes=8000\n"
        f"@edgekit total invocations=9 ticks={ticks} least_ticks={ticks} most_ticks={ticks}\n"
        "@edgekit end status=ok\n"
    )
    return path


def test_a_log_of_cycles_needs_no_clock(model: Path, tmp_path: Path) -> None:
    recorded = log(model, tmp_path / "a.log", clock="cycles", hertz=4_000_000, ticks=1_200_000)
    assert cycles(recorded, model) == [1_200_000]


def test_a_log_of_microseconds_takes_the_profiles_clock(model: Path, tmp_path: Path) -> None:
    recorded = log(model, tmp_path / "a.log", clock="microseconds", hertz=1_000_000, ticks=10_000)
    assert cycles(recorded, model) == pytest.approx([1_200_000])


def test_a_garbled_report_is_passed_over(model: Path, tmp_path: Path) -> None:
    whole = log(model, tmp_path / "a.log", clock="cycles", hertz=4_000_000, ticks=1_200_000)
    text = whole.read_text()
    whole.write_text(text.replace("ticks=1200000", "ticks=12x0000") + text)
    assert cycles(whole, model) == [1_200_000]


def test_a_log_without_time(model: Path, tmp_path: Path) -> None:
    recorded = log(model, tmp_path / "a.log", clock="microseconds", hertz=1_000_000, ticks=0)
    with pytest.raises(InputError, match="took no tick"):
        cycles(recorded, model)
