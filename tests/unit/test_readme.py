"""What the README says is what the code does."""

import re
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from edgekit import errors
from edgekit.cli import _COMMANDS, edgekit
from edgekit.devices.profile import load_target
from edgekit.files.toml import decode
from edgekit.project.project import Project

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_the_table_of_exit_codes_is_that_of_the_errors() -> None:
    told = {int(code) for code in re.findall(r"^\| (\d+) \|", README, flags=re.MULTILINE)}
    kinds = [kind.exit_code for kind in errors.EdgekitError.__subclasses__()]
    assert told == {0, 1, *kinds, errors.EdgekitError.exit_code, 130}


def test_every_command_shown_exists_with_its_options() -> None:
    shown = re.findall(r"^edgekit (\w+)(.*)$", "\n".join(blocks("sh")), flags=re.MULTILINE)
    assert len(shown) >= 8
    for command, rest in shown:
        assert command in _COMMANDS
        help_text = CliRunner().invoke(edgekit, [command, "--help"]).output
        for option in re.findall(r"--[a-z]+", rest.split("#")[0]):
            assert option in help_text, f"edgekit {command} has no {option}"


@pytest.mark.parametrize("text", blocks("toml"))
def test_the_project_shown_is_a_project(text: str) -> None:
    table = tomllib.loads(text)
    project = decode(table, Project, where="README", given={"directory": Path()})
    for name in project.targets:
        load_target(name)


def test_links_and_pictures_are_there() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_set_up_commands_are_those_that_ci_runs() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    assert 'pip install -q -c constraints.txt -e ".[dev]"' in script
    for text in (README, (ROOT / "CONTRIBUTING.md").read_text()):
        assert 'pip install -c constraints.txt -e ".[dev]"' in text
    (command,) = re.findall(r"^pytest.*$", script, flags=re.MULTILINE)
    assert f". .venv/bin/activate && {command}\n" in README


def test_the_training_shown_is_that_of_the_manual_which_a_test_runs() -> None:
    (shown,) = blocks("python")
    assert f"```python\n{shown}```" in (ROOT / "docs" / "pruning.md").read_text()


def test_every_installation_in_the_clone_takes_the_tested_versions() -> None:
    for text in re.findall(r"pip install [^`\n]*-e [^`\n]*", README):
        assert text.startswith("pip install -c constraints.txt -e "), text


VALUES = [
    (line, other)
    for line in "".join(blocks("toml")).splitlines()
    for other in re.findall(r'"(\w[\w:]*)"', line.partition("#")[2])
]


def test_values_in_comments_are_taken() -> None:
    (text,) = blocks("toml")
    assert {other for _, other in VALUES} >= {"n_by_m", "block", "int4", "int16x8", "ptq"}
    for line, other in VALUES:
        key = line.partition("=")[0]
        changed = text.replace(line, f'{key}= "{other}"')
        after_training = changed.replace('method = "qat"', 'method = "ptq"')
        alone = re.search(rf'alone.*"{other}"', line) or other in {"random", "ptq"}
        table = tomllib.loads(after_training if alone else changed)
        decode(table, Project, where=f"README, {other}", given={"directory": Path()})


def test_the_build_shown_has_a_latency_for_most_targets() -> None:
    table = README[README.index("\nTargets\n") : README.index("\nStages\n")]
    rows = re.findall(r"^ ✓  (\S+) .* (\S+)$", table, flags=re.MULTILINE)
    assert len(rows) == 4
    assert sum(latency == "p" for _, latency in rows) == 3


def test_every_file_that_a_page_names_is_there() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    named = re.compile(r"\b(?:edgekit|tests|benchmarks|examples)/[\w./-]+\.(?:py|toml|csv|md)\b")
    missing = {
        f"{page.name}: {path}"
        for page in pages
        for path in named.findall(page.read_text())
        if not (ROOT / path).exists()
    }
    assert not missing
