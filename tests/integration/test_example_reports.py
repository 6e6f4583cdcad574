"""The examples' reports in a real browser: sound at two widths, each figure the manifest's."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import CHROMIUM, Browser, assert_is_sound

pytestmark = [
    pytest.mark.train,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium"),
]
UNITS = {"B": 1, "KiB": 1024, "MiB": 1024**2, "µs": 1e-3, "ms": 1.0, "s": 1e3}
TILES = """Object.fromEntries([...document.querySelectorAll('.tile')].map(tile =>
    [tile.querySelector('dt').innerText.toLowerCase(), tile.querySelector('dd').innerText]))"""
TARGETS = """Object.fromEntries([...document.querySelectorAll('.targets > li')].map(item =>
    [item.querySelector('h3').innerText.split('. ')[1],
     Object.fromEntries([...item.querySelectorAll('dl > div')].map(pair => [
        pair.querySelector('dt').innerText.toLowerCase(), pair.querySelector('dd').innerText
     ]))]))"""
OPERATORS = """[...document.querySelectorAll('#operators table')[0].tBodies[0].rows].map(row =>
    [...row.cells].map(cell => cell.innerText.trim()))"""
FILES = """[...document.querySelectorAll('#build table')].at(-1).innerText"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as opened:
        yield opened


@pytest.fixture(params=["digits", "gestures"])
def run(request: pytest.FixtureRequest) -> Path:
    return request.getfixturevalue(request.param)


def amount(text: str) -> tuple[float, float]:
    """Return the first amount in ``text``, in bytes or milliseconds, and half its last digit."""
    found = re.search(r"([\d,]+(?:\.(\d+))?)\s*(KiB|MiB|B|µs|ms|s)(?![a-z])", text)
    assert found is not None, text
    unit = UNITS[found[3]]
    return float(found[1].replace(",", "")) * unit, 0.5001 * 10 ** -len(found[2] or "") * unit


@pytest.mark.parametrize("width", [1280, 400])
def test_nothing_overflows_and_nothing_is_fetched(browser: Browser, run: Path, width: int) -> None:
    assert_is_sound(browser, run / "report.html", width=width)


def test_each_figure_is_the_manifests(browser: Browser, run: Path) -> None:
    document = json.loads((run / "manifest.json").read_text())
    browser.open(run / "report.html", width=1280)

    tiles = browser.evaluate(TILES)
    value, half = amount(tiles["model file"])
    assert value == pytest.approx(document["model"]["bytes"], abs=half)
    accuracy = float(re.search(r"[\d.]+", tiles["accuracy, int8"])[0])
    assert accuracy == pytest.approx(100 * document["accuracy"]["int8"], abs=0.0501)
    shown = browser.evaluate(TARGETS)
    assert set(shown) == {item["target"] for item in document["targets"]}
    for item in document["targets"]:
        figures = {"flash": "flash_bytes", "arena": "arena_bytes", "latency": "latency_ms"}
        for title, key in figures.items():
            if item[key] is None:
                continue
            line = next(text for name, text in shown[item["target"]].items() if title in name)
            value, half = amount(line)
            assert value == pytest.approx(item[key]["value"], abs=max(half, 0.005 * value)), line
            assert item[key]["kind"][0].upper() in line
    rows = browser.evaluate(OPERATORS)
    noise = {item["index"]: item["sqnr_db"] for item in document["noise"]}
    for row, operator in zip(rows, document["model"]["operators"], strict=True):
        assert row[1] == operator["op"]
        assert operator["index"] in noise or operator["op"] == "QUANTIZE"
        decibels = noise.get(operator["index"])
        assert row[-1] == ("\N{EN DASH}" if decibels is None else f"{decibels:.1f} dB")
    files = browser.evaluate(FILES)
    for item in document["files"]:
        assert re.search(rf"{item['path']}\s+{item['bytes']:,}\s+{item['sha256']}", files)
