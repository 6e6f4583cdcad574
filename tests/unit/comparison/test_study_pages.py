"""A study as text, as a page and as a picture."""

import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest
from comparison_points import hopeless, missed, point, study, varied

from edgekit.comparison import page, text
from edgekit.comparison.experiment import SCHEMA
from edgekit.comparison.picture import picture
from edgekit.comparison.study import to_json
from edgekit.specs import Limits

ALL = {
    "varied": varied,
    "hopeless": hopeless,
    "no_limits": lambda: study(point("int8-ptq-s0"), limits=Limits()),
    "random": lambda: study(point("int8-ptq-s0", accuracy=None)),
    "nothing_built": lambda: study(point("a", error="no")),
}
VOID = {"meta", "link", "br", "hr", "img", "input"}


class Pairs(HTMLParser):
    """Every element that is opened is closed, in order; ids are there once."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [value for name, value in attrs if name == "id" and value]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("name", ALL)
def test_the_text_fits_eighty_columns_and_begins_with_the_verdict(name: str) -> None:
    made = ALL[name]()
    lines = text.render(made).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith("✓ FOUND" if made.passed else "✗ NONE FITS")


def test_the_text_names_the_cheapest_and_tells_every_point() -> None:
    shown = text.render(varied())
    assert "★  ●  int4-ptq-s0" in shown
    assert "The cheapest is int4-ptq-s0: 87.9 KiB" in shown
    assert re.search(r"^~ +simulated-binary-ptq-s0 +30.0 %", shown, flags=re.MULTILINE)
    assert "the converter crashed <here> & there" in shown
    assert "int8-ptq-percentile-s0.75" in shown
    assert "predicted, made by hand" in shown
    assert 'scheme = "int4"' in shown


def test_the_text_of_a_hopeless_study_says_what_is_missed_by_the_nearest() -> None:
    shown = " ".join(text.render(hopeless()).split())
    assert "None of 2 points" in shown
    assert "The nearest is int8-ptq-s0, which misses: flash on nano-33-ble 136.7 KiB" in shown


@pytest.mark.parametrize("name", ALL)
def test_the_page_is_sound_and_asks_the_network_for_nothing(name: str) -> None:
    html = page.to_html(ALL[name]())
    pairs = Pairs()
    pairs.feed(html)
    assert pairs.open == []
    assert len(pairs.ids) == len(set(pairs.ids))
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", html)
    assert "default-src 'none'" in html


def test_names_and_reasons_are_escaped() -> None:
    assert "the converter crashed &lt;here&gt; &amp; there" in page.to_html(varied())
    assert "<here>" not in page.to_html(varied())


def test_every_link_to_a_run_is_a_folder_of_the_study() -> None:
    links = re.findall(r'href="(points/[^"]+)"', page.to_html(varied()))
    assert "points/int8-ptq-s0/report.html" in links
    assert len(links) == 6  # all but the one that was not built


@pytest.mark.parametrize("name", ["varied", "hopeless"])
def test_the_picture_is_xml_and_has_a_mark_a_point(name: str) -> None:
    made = ALL[name]()
    svg = page.to_svg(made)
    assert svg is not None
    root = ET.fromstring(svg)
    titles = [item.text or "" for item in root.iter("{http://www.w3.org/2000/svg}title")]
    shown = [item.name for item in made.results if item.is_built and item.targets[0].runs]
    assert [title.split(":")[0] for title in titles[1:]] == shown


def test_without_accuracy_there_is_no_picture() -> None:
    assert page.to_svg(ALL["random"]()) is None
    assert "<figure>" not in page.to_html(ALL["random"]())


def test_places_in_the_picture_are_to_scale() -> None:
    drawn = picture(
        study(
            point("a", 100_000, 0.9),
            point("b", 150_000, 0.95),
            point("c", 200_000, 1.0),
            limits=Limits(),
        )
    )
    assert drawn is not None
    a, b, c = drawn.marks
    assert b.x - a.x == pytest.approx(c.x - b.x)
    assert a.y - b.y == pytest.approx(b.y - c.y)
    assert a.x < b.x
    assert a.y > b.y  # up is better
    # Four lines of a staircase through three points: across, then up.
    assert [(round(x2 - x1, 6) > 0, round(y2 - y1, 6) < 0) for x1, y1, x2, y2 in drawn.front] == [
        (True, False),
        (False, True),
    ] * 2
    (line,) = drawn.rules
    assert line.label == "float"
    assert c.y < line.at < b.y  # 0.98


def test_a_simulation_that_is_far_off_stands_at_the_edge() -> None:
    drawn = picture(varied())
    assert drawn is not None
    assert drawn.outside == 1
    assert [mark.y for mark in drawn.marks if mark.kind == "simulated"] == [100.0]


def test_json_is_the_same_wherever_the_study_lies_and_holds_every_key() -> None:
    document = json.loads(json.dumps({"schema": SCHEMA, **to_json(varied())}, allow_nan=False))
    assert document["schema"] == "edgekit.compare/1"
    assert document["cheapest"] == "int4-ptq-s0"
    # By hand: the one of 110,000 B is best, but misses a limit, and is on the front all the same.
    assert document["pareto"] == ["int4-ptq-s0", "int8-ptq-s0", "int16x8-ptq-s0"]
    assert document["passed"] is True
    chosen = next(item for item in document["points"] if item["name"] == "int4-ptq-s0")
    assert chosen["targets"][0]["flash_bytes"] == {
        "value": 90_000,
        "unit": "B",
        "kind": "predicted",
        "source": "made by hand",
        "low": 90_000,
        "high": 90_000,
    }
    assert chosen["simulated"] is False
    assert chosen["error"] is None
    assert "/project" not in json.dumps(document)


def test_a_limit_that_two_runtimes_miss_is_told_once_and_at_its_worst() -> None:
    twice = (missed("flash", 135_000, 131_072), missed("flash", 140_000, 131_072))
    html = page.to_html(study(point("a", missing=twice)))
    assert html.count("flash on nano-33-ble 136.7 KiB of 128 KiB") == 2  # verdict and list
    assert "131.8 KiB" not in html
    assert "1 missed" in html
