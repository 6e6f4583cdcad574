"""The report in a real browser: nothing overflows, nothing is fetched, all can be reached."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import report_manifests as manifests
from browser import CHROMIUM, OVERFLOWS, Browser, assert_is_sound

from edgekit.reports import html

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium here: apt-get install chromium"
)

# Words of one colour on another, as WCAG measures contrast; backgrounds with alpha are not used.
CONTRAST = """(() => {
    const channel = value => (value /= 255) <= 0.03928 ? value / 12.92
        : ((value + 0.055) / 1.055) ** 2.4;
    const parse = colour => {
        const canvas = document.createElement('canvas').getContext('2d');
        canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
    const ground = element => {
        for (; element; element = element.parentElement) {
            const found = parse(getComputedStyle(element).backgroundColor);
            if (found[3]) return found;
        }
        return [255, 255, 255, 255];
    };
    const poor = [];
    for (const element of document.querySelectorAll('body *:not(svg *)')) {
        const own = [...element.childNodes].some(
            node => node.nodeType === 3 && node.textContent.trim());
        if (!own || !element.checkVisibility()) continue;
        const [a, b] = [parse(getComputedStyle(element).color), ground(element)].map(light);
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < 4.5) poor.push([element.outerHTML.slice(0, 60), ratio]);
    }
    return poor;
})()"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    found = {name: folder / f"{name}.html" for name in manifests.ALL}
    for name, path in found.items():
        path.write_text(html.render(manifests.ALL[name]()), encoding="utf-8")
    return found


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("name", manifests.ALL)
def test_nothing_overflows_and_nothing_is_fetched(
    browser: Browser, pages: dict[str, Path], name: str, width: int
) -> None:
    assert_is_sound(browser, pages[name], width=width)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["failing", "random_data"])
def test_all_words_stand_out_from_their_ground(
    browser: Browser, pages: dict[str, Path], name: str, scheme: str
) -> None:
    browser.open(pages[name], width=1280, scheme=scheme)

    assert browser.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") is (
        scheme == "dark"
    )
    assert browser.evaluate(CONTRAST) == []


def test_the_pictures_are_as_the_manifest_says(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["passing"], width=1280)
    areas = browser.evaluate(
        "[...document.querySelectorAll('.treemap > svg')].map(cell => {"
        " const box = cell.querySelector('rect').getBoundingClientRect();"
        " return [cell.querySelector('title').textContent, box.width * box.height]; })"
    )
    whole = sum(area for _, area in areas)
    shares = {title.split(":")[0]: area / whole for title, area in areas}
    bars = browser.evaluate(
        "[...document.querySelectorAll('#sparsity .bar')].map(bar =>"
        " bar.querySelector('.value').getBoundingClientRect().width"
        " / bar.querySelector('.track').getBoundingClientRect().width)"
    )

    # 9,216 of the 22,016 bytes are the third convolution's.
    assert shares["conv2d_2/Conv2D"] == pytest.approx(9216 / 22016, rel=0.01)
    assert bars == pytest.approx([0.75, 0.75, 0.7502, 0.75], abs=0.002)


def test_every_control_is_reached_by_tab_and_folds_open_by_key(
    browser: Browser, pages: dict[str, Path]
) -> None:
    browser.open(pages["large"], width=1280)
    controls = browser.evaluate(
        "document.querySelectorAll('a[href], summary, [tabindex=\"0\"]').length"
    )
    hidden = "[...document.querySelectorAll('details:not([open])')].length"
    closed = browser.evaluate(hidden)
    browser.evaluate("document.querySelector('details:not([open]) > summary').focus()")
    for kind in ("keyDown", "keyUp"):
        browser.call("Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", text="\r",
                     windowsVirtualKeyCode=13)  # fmt: skip

    assert controls > 20
    assert browser.evaluate(hidden) == closed - 1
    assert (
        browser.evaluate("document.querySelectorAll('[tabindex]:not([tabindex=\"0\"])').length")
        == 0
    )


def test_a_screen_reader_meets_a_verdict_headings_and_named_pictures(
    browser: Browser, pages: dict[str, Path]
) -> None:
    browser.open(pages["failing"], width=1280)
    nodes = browser.call("Accessibility.getFullAXTree")["nodes"]
    roles = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes]

    assert roles.count(("heading", "digits")) == 1
    assert ("heading", "Limits") in roles
    assert ("navigation", "Contents") in roles
    assert [name for role, name in roles if role in ("image", "region", "link") and not name] == []
    assert any(role == "image" and name.startswith("Treemap of") for role, name in roles)


def test_on_paper_all_is_unfolded_and_nothing_is_cut(
    browser: Browser, pages: dict[str, Path], tmp_path: Path
) -> None:
    browser.open(pages["passing"], width=700)
    browser.call("Emulation.setEmulatedMedia", media="print")
    folded = browser.evaluate(
        "[...document.querySelectorAll('details table')].filter("
        "table => table.getBoundingClientRect().height === 0).length"
    )
    overflows = browser.evaluate(OVERFLOWS.replace(".scroll, ", ""))
    browser.pdf(tmp_path / "report.pdf")

    assert folded == 0
    assert overflows == []
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
