"""The reference pages say what the code does, and each command's help has an example."""

import re
from pathlib import Path

import click
import pytest
from python_page import PYTHON_PAGE, python_page
from reference_pages import (
    COMMANDS_PAGE,
    PROJECT_PAGE,
    commands_page,
    example,
    leaves,
    project_page,
)

from edgekit.cli import _COMMANDS

ROOT = Path(__file__).parents[2]
COMMANDS = dict(leaves())


def test_the_page_of_python_is_the_one_that_the_code_gives() -> None:
    shown = "write it anew: python tests/support/python_page.py"
    assert PYTHON_PAGE.read_text() == python_page(), shown


@pytest.mark.parametrize("page", [COMMANDS_PAGE, PROJECT_PAGE], ids=lambda page: page.name)
def test_a_page_is_the_one_that_the_code_gives(page: Path) -> None:
    made = commands_page() if page == COMMANDS_PAGE else project_page()
    assert page.read_text() == made, "write it anew: python tests/support/reference_pages.py"


def test_every_command_is_there() -> None:
    assert {name.split()[0] for name in COMMANDS} == set(_COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_ends_with_an_example_whose_options_exist(name: str) -> None:
    command = COMMANDS[name]
    lines = example(command).splitlines()
    assert lines
    known = {spelling for item in command.params for spelling in item.opts}
    for line in lines:
        assert line.startswith(f"edgekit {name}"), line
        assert set(re.findall(r"(?<=\s)--?[a-z][a-z-]*", line)) <= known, line


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_says_what_it_is(name: str) -> None:
    options = [item for item in COMMANDS[name].params if isinstance(item, click.Option)]
    assert all(item.help for item in options)


def test_every_file_of_the_code_that_a_page_names_exists() -> None:
    pages = [*ROOT.glob("docs/*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    places = r"\b(?:edgekit|tests|benchmarks)/[\w/.-]+\.\w+"
    named = [(page.name, name) for page in pages for name in re.findall(places, page.read_text())]
    assert len(named) > 20
    assert not [item for item in named if not (ROOT / item[1]).is_file()]
