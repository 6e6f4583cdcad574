"""docs/tutorial.md, walked from an empty folder: its files written, its commands run in order."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from firmware_tools import need

pytestmark = pytest.mark.train
PAGE = (Path(__file__).parents[2] / "docs" / "tutorial.md").read_text()
_FILE = r"`(?P<name>[\w.]+)`:\n\n```(?:python|toml)\n(?P<text>.*?)```"
_SHELL = r"```sh\n(?P<commands>.*?)```"


def steps() -> list[tuple[str, str]]:
    """Return files to write, by name, and commands to run, under no name, in the page's order."""
    found = re.finditer(f"{_FILE}|{_SHELL}", PAGE, flags=re.DOTALL)
    return [(item["name"] or "", item["text"] or item["commands"]) for item in found]


def test_every_step_of_the_tutorial_works(tmp_path: Path) -> None:
    need("cmake", "arm-none-eabi-gcc", "qemu-system-arm")
    here = str(Path(sys.executable).parent)
    environment = {**os.environ, "PATH": os.pathsep.join([here, os.environ["PATH"]])}
    for name, text in steps():
        if name:
            (tmp_path / name).write_text(text)
            continue
        done = subprocess.run(
            ["bash", "-ec", text],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{text}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    assert "100% tests passed" in done.stdout  # the last of them is ctest
    assert (tmp_path / "build/small/report.html").is_file()


def test_the_page_has_the_steps_it_should() -> None:
    """Else a slip of the patterns above would run nothing."""
    names = [name for name, _ in steps()]
    assert [name for name in names if name] == ["train.py", "edgekit.toml", "small.toml"]
    assert names.count("") == PAGE.count("```sh")
