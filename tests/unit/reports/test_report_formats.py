import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import report_manifests as manifests

from edgekit.errors import InputError
from edgekit.reports import github, html, junit, markdown, text
from edgekit.reports.formats import FORMATS

GOLDEN = Path(__file__).parents[2] / "golden" / "report"
VOID = {"meta", "link", "br", "img"}
# Elements and attributes by which a page can ask for more than itself.
ACTIVE = {"script", "iframe", "object", "embed", "img", "form", "base", "video", "audio"}

every_manifest = pytest.mark.parametrize("make", manifests.ALL.values(), ids=manifests.ALL)


class Page(HTMLParser):
    """What stands in a page, and whether its elements are closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@every_manifest
@pytest.mark.parametrize("form", FORMATS)
def test_every_form_of_every_manifest_is_the_same_text_twice(
    form: str, make: Callable[[], manifests.Manifest]
) -> None:
    page = FORMATS[form](make())

    assert page == FORMATS[form](make())
    assert page.endswith("\n")
    page.encode()


@pytest.mark.parametrize("form", FORMATS)
def test_a_broken_manifest_is_refused_in_every_form(form: str) -> None:
    with pytest.raises(InputError, match="has no 'name'"):
        FORMATS[form]({"schema": "edgekit.build/1", "passed": True})


@pytest.mark.parametrize("name", ["passing", "failing", "random_data", "minimal"])
@pytest.mark.parametrize("form", ["text", "markdown", "junit", "github"])
def test_the_text_forms_are_as_they_were_read_and_approved(form: str, name: str) -> None:
    """To approve a change: write the new text into tests/golden/report, and read it."""
    expected = GOLDEN / f"{name}.{form}.txt"

    assert FORMATS[form](manifests.ALL[name]()) == expected.read_text(encoding="utf-8")


@every_manifest
def test_html_is_well_formed_and_leads_to_itself_alone(
    make: Callable[[], manifests.Manifest],
) -> None:
    page = Page(html.render(make()))
    identifiers = [values["id"] for _, values in page.elements if "id" in values]
    references = [
        value
        for tag, values in page.elements
        for name, value in values.items()
        if name in ("href", "src", "action", "data", "srcset") and tag != "meta"
    ]

    assert page.open == []
    assert len(identifiers) == len(set(identifiers))
    assert not ACTIVE & {tag for tag, _ in page.elements}
    assert not [name for _, values in page.elements for name in values if name.startswith("on")]
    for reference in references:
        assert reference is not None
        assert reference == "data:," or reference.removeprefix("#") in identifiers


@every_manifest
def test_each_picture_has_words_for_those_who_do_not_see_it(
    make: Callable[[], manifests.Manifest],
) -> None:
    page = Page(html.render(make()))
    identifiers = {values.get("id") for _, values in page.elements}

    for tag, values in page.elements:
        if tag == "svg" and values.get("role") == "img":
            assert values["aria-labelledby"] in identifiers
        if values.get("class") == "scroll":
            assert values["tabindex"] == "0"
            assert values["aria-label"]


def test_html_says_every_figure_of_the_manifest() -> None:
    words = Page(html.render(manifests.failing())).text

    for figure in (
        "94.7 %",  # int8
        "99.2 %",  # float
        "98.6 %",  # pruned
        "21.5 KiB",  # the file
        "451,904",  # MACs
        "97.6 KiB",  # flash of a target
        "missed by 33.6 KiB",
        "11.4 to 17.8 ms",  # the band of a latency
        "TFLite-Micro has no kernel for it",
        "19",  # disagreements
        "1,237 samples",
        "c0dec0dec0de",  # the code's digest
        "5a5a5a5a5a5a",  # the samples'
        "4 of TensorFlow",
    ):
        assert figure in words
    assert "prune 4 kernels, end step 112" in words


def test_stages_have_their_times_right_after_the_build_alone() -> None:
    manifest = manifests.passing()
    assert " time" not in text.render(manifest)
    manifest["stages"][0] |= {"seconds": 12.4, "reused": False}
    manifest["stages"][1] |= {"seconds": 0.0, "reused": True}
    page = text.render(manifest)
    assert re.search(r"load +12\.4 s", page)
    assert re.search(r"prune +reused", page)


def test_each_kind_of_figure_is_marked_and_its_source_is_named() -> None:
    page = Page(html.render(manifests.passing()))

    marks = {
        values["title"] for _, values in page.elements if (values.get("class") or "") == "mark"
    }
    assert any(mark is not None and mark.startswith("measured: size of the KWS") for mark in marks)
    assert any(
        mark is not None and mark.endswith("CMSIS-NN; band 11.4 to 17.8 ms") for mark in marks
    )
    assert "predicted: cycles per MAC of 18 rows of MLPerf Tiny" in page.text


def test_html_of_random_data_says_so_and_claims_nothing() -> None:
    words = Page(html.render(manifests.random_data())).text

    assert "Random data." in words
    assert "No accuracy is claimed" in words
    assert "95 %" not in words


@pytest.mark.parametrize("form", ["text", "html", "markdown", "github", "junit"])
def test_no_form_claims_an_accuracy_of_random_data(form: str) -> None:
    claimed = manifests.random_data() | {"accuracy": manifests.passing()["accuracy"]}
    page = FORMATS[form](claimed)

    assert "no accuracy is claimed" in page
    assert "98.9 %" not in page
    assert "99.2 %" not in page


def test_html_says_what_to_try() -> None:
    words = Page(html.render(manifests.failing())).text

    assert "replace GELU by ReLU" in words
    assert "take a smaller input" in words
    assert "take a smaller input" not in Page(html.render(manifests.passing())).text


def test_html_says_what_is_absent_and_why() -> None:
    words = Page(html.render(manifests.minimal())).text

    for sentence in (
        "No limit was set",
        "The manifest holds no accuracy",
        "No target was named",
        "The manifest lists no tensors",
        "The model was not pruned",
        "The manifest does not say what is alive at each operator",
        "The manifest lists no operators",
    ):
        assert sentence in words


@every_manifest
@pytest.mark.parametrize("width", [80, 96])
def test_text_fits_the_terminal_and_has_no_controls(
    make: Callable[[], manifests.Manifest], width: int
) -> None:
    page = text.render(make(), width=width)

    assert max(map(len, page.splitlines())) <= width
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", page)


def test_colour_says_no_more_than_the_text_does() -> None:
    coloured = text.render(manifests.failing(), colour=True)

    assert "\x1b[1;31m✗ FAILED" in coloured
    plain = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert [line.rstrip() for line in plain.splitlines()] == text.render(
        manifests.failing()
    ).splitlines()


def test_markdown_leaves_no_name_as_markup() -> None:
    page = markdown.render(manifests.hostile())

    assert "<script" not in page
    assert "@everyone" not in page
    for line in page.splitlines():
        if line.startswith("|"):
            cells = line.count("|") - line.count("\\|")
            assert cells == line.count(" | ") + 2


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a|b", "a&#124;b"),
        ("@user #12", "&#64;&#8203;user &#35;&#8203;12"),
        ("www.example.com", "www&#46;example.com"),
        ("`rm` *_x_*", "&#96;rm&#96; &#42;&#95;x&#95;&#42;"),
        ("https://x", "https&#58;//x"),
        ("[a](b)", "&#91;a&#93;&#40;b&#41;"),
        ("ratio: 3", "ratio: 3"),
    ],
)
def test_markdown_shows_a_name_as_it_is(name: str, shown: str) -> None:
    assert markdown.escape(name) == shown


@every_manifest
def test_junit_counts_its_tests_and_fails_where_the_run_did(
    make: Callable[[], manifests.Manifest],
) -> None:
    manifest = make()
    root = ET.fromstring(junit.render(manifest))
    cases, failures = root.findall(".//testcase"), root.findall(".//failure")

    assert int(root.get("tests", "")) == len(cases)
    assert int(root.get("failures", "")) == len(failures)
    assert bool(failures) is not manifest["passed"]
    assert len({(case.get("classname"), case.get("name")) for case in cases}) == len(cases)


def test_junit_keeps_a_limit_whose_target_the_manifest_does_not_list() -> None:
    gate = manifests.finding("flash", passed=False, message="too large", target="elsewhere")
    page = junit.render(manifests.minimal() | {"passed": False, "findings": [gate]})

    assert [item.get("message") for item in ET.fromstring(page).iter("failure")] == ["too large"]


@pytest.mark.parametrize(
    ("form", "shown"),
    [
        ("junit", '<failure message="the verification failed"'),
        ("github", "::error title=model::the verification failed"),
        ("markdown", "## ❌ edgekit: model failed"),
        ("text", "✗ FAILED  model"),
        ("html", "✗ Failed"),
    ],
)
def test_a_run_that_failed_without_a_missed_limit_is_red_in_every_form(
    form: str, shown: str
) -> None:
    assert shown in FORMATS[form](manifests.minimal() | {"passed": False})


@every_manifest
def test_github_gets_one_command_a_line(make: Callable[[], manifests.Manifest]) -> None:
    lines = github.render(make()).splitlines()

    for line in lines:
        assert re.match(r"::(error|warning|notice) title=[^:,\n]*::.", line)
    assert sum(line.startswith("::notice") for line in lines) == 1


def test_github_escapes_as_its_toolkit_does() -> None:
    warning = manifests.changed(manifests.minimal(), name="a:b,c", warnings=["50 % of it"])

    assert "::warning title=a%3Ab%2Cc::50 %25 of it\n" in github.render(warning)


def test_json_is_the_manifest() -> None:
    assert json.loads(FORMATS["json"](manifests.failing())) == manifests.failing()
