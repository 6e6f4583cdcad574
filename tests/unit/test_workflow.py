"""The workflow of our own: its commands exist, and it runs on the Pythons that edgekit takes."""

import os
import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest
import yaml
from reference_pages import leaves

ROOT = Path(__file__).parents[2]
WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
JOBS = WORKFLOW["jobs"]
COMMANDS = dict(leaves())
LINES = [
    line
    for job in JOBS.values()
    for step in job["steps"]
    for line in step.get("run", "").splitlines()
]


@pytest.mark.skipif(not (ROOT / ".ci").is_dir(), reason="a source distribution has no .ci")
def test_one_job_calls_what_a_clone_calls() -> None:
    assert ".ci/run" in LINES
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_the_light_install_is_tried_on_every_python() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    taken = re.findall(r"Python :: (3\.\d+)", "\n".join(project["classifiers"]))
    assert JOBS["light"]["strategy"]["matrix"]["python"] == taken
    assert project["requires-python"] == f">={taken[0]}"
    assert "pip install -c constraints.txt ." in LINES


@pytest.mark.parametrize("line", [line for line in LINES if line.startswith("edgekit")])
def test_its_commands_and_their_options_exist(line: str) -> None:
    words = shlex.split(line)[1:]
    if words == ["--help"]:
        return
    name = next(name for name in COMMANDS if words[: len(name.split())] == name.split())
    known = {spelling for item in COMMANDS[name].params for spelling in item.opts}
    assert {word for word in words if word.startswith("-")} <= known
    required = [item for item in COMMANDS[name].params if isinstance(item, click.Argument)]
    assert len(words) > len(name.split()) or not any(item.required for item in required)


def test_the_light_install_is_asked_of_every_kind_of_answer() -> None:
    asked = {line.split()[1] for line in LINES if line.startswith("edgekit")}
    assert {"--help", "doctor", "inspect", "check", "emit"} <= asked


def test_its_model_is_there() -> None:
    assert (ROOT / JOBS["light"]["env"]["MODEL"]).is_file()
