"""The page of a study in a real browser."""

from pathlib import Path

import pytest
from browser import CHROMIUM, Browser, assert_is_sound
from comparison_points import varied

from edgekit.comparison import page


@pytest.fixture(scope="module")
def browser_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "study.html"
    path.write_text(page.to_html(varied()), encoding="utf-8")
    return path


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium")
def test_in_a_browser_it_fits_and_its_table_is_sorted_by_a_click(browser_page: Path) -> None:
    names = "[...document.querySelectorAll('#points tbody th')].map(cell => cell.dataset.value)"
    click = "document.querySelectorAll('#points thead button')[{}].click()"
    with Browser() as browser:
        for width in (1280, 400):
            assert_is_sound(browser, browser_page, width=width)
        first = browser.evaluate(names)
        assert first[:2] == ["simulated-binary-ptq-s0", "int4-ptq-s0"]
        browser.evaluate(click.format(3))  # accuracy, the best first
        assert browser.evaluate(names)[-1] == "simulated-binary-ptq-s0"
        browser.evaluate(click.format(3))
        assert browser.evaluate(names)[0] == "simulated-binary-ptq-s0"
