"""The package as it is installed: from a wheel, beside the light packages and no other."""

import json
import os
import re
import subprocess
import sys
import tomllib
import venv
import zipfile
from importlib.metadata import distribution, requires
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from report_manifests import passing

from edgekit.cli import _COMMANDS

ROOT = Path(__file__).parents[2]
LIGHT = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]["light"]
STEPS = LIGHT["steps"][3:]  # what is asked once it is installed
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built without the network."""
    pytest.importorskip("hatchling", reason='pip install -e ".[dev]"')
    out = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (made,) = out.iterdir()
    return made


def needed(lines: list[str]) -> set[str]:
    """Return the packages that the requirements in ``lines`` name, and those that they need."""
    found: set[str] = set()
    while lines:
        requirement = Requirement(lines.pop())
        wanted = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if wanted and requirement.name not in found:
            found.add(requirement.name)
            lines += requires(requirement.name) or []
    return found


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheel; the light packages are those of this one, linked."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    for name in needed(list(PROJECT["project"]["dependencies"])):
        package = distribution(name)
        for top in {file.parts[0] for file in package.files or ()} - {"..", "__pycache__"}:
            if not (packages / top).exists():
                (packages / top).symlink_to(Path(str(package.locate_file(top))))
    install = [sys.executable, "-m", "pip", "--python", str(folder), "install", "--quiet"]
    subprocess.run(
        [*install, "--no-deps", "--no-index", "--no-compile", str(wheel)],
        check=True,
        capture_output=True,
    )
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder but for a model and a run."""
    (tmp_path / "model.tflite").write_bytes((ROOT / LIGHT["env"]["MODEL"]).read_bytes())
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "manifest.json").write_text(json.dumps(passing()))
    return tmp_path


def call(
    environment: Path, command: list[str], folder: Path, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run ``command`` in ``folder`` as a user of ``environment`` alone does."""
    own = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    path = os.pathsep.join([str(environment / "bin"), own["PATH"]])
    return subprocess.run(
        command,
        cwd=folder,
        env={**own, **variables, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def test_all_that_the_package_reads_is_in_the_wheel(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    own = [path for path in (ROOT / "edgekit").rglob("*") if path.is_file()]
    wanted = {str(path.relative_to(ROOT)) for path in own if path.suffix != ".pyc"}
    brought = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert set(brought) == {"constraints.txt", "targets"}
    wanted |= {brought["constraints.txt"]}
    wanted |= {
        f"{brought['targets']}/{path.relative_to(ROOT / 'targets')}"
        for path in ROOT.glob("targets/**/*.toml")
    }
    inside = {name for name in names if ".dist-info/" not in name}
    assert {"edgekit/py.typed", "edgekit/fit/code_size_cortex_m4.csv"} <= inside
    assert inside == wanted


def test_the_environment_has_the_wheel_and_no_tensorflow(environment: Path, folder: Path) -> None:
    script = (
        "import edgekit, importlib.util as util\n"
        "print(edgekit.__file__, util.find_spec('tensorflow'), util.find_spec('pytest'))"
    )
    done = call(environment, ["python", "-c", script], folder)
    place, *others = done.stdout.split()
    assert Path(place).is_relative_to(environment)
    assert others == ["None", "None"]


@pytest.mark.parametrize("step", STEPS, ids=lambda item: item["name"])
def test_a_step_of_the_workflow_holds(
    environment: Path, folder: Path, step: dict[str, str]
) -> None:
    """As GitHub runs it, but in another folder."""
    shell = ["bash", "-eo", "pipefail", "-c", step["run"]]
    done = call(environment, shell, folder, MODEL="model.tflite")
    assert done.returncode == 0, done.stdout + done.stderr


ANSWERS = {
    "bench model.tflite --target nano-33-ble --serial none": 6,  # no board is connected
    "build model.keras --data random": 5,
    "compare model.keras --data random": 5,
    "convert model.keras --data random --out converted.tflite": 5,
    "diff run run": 0,
    "explain model.tflite --data random": 0,
    "init project": 0,
    "report run --as html --out report.html": 0,
    "reproduce run --project project": 3,  # the run is not of this project
    "sensitivity prune project": 5,
    "verify model.tflite --data random": 0,
}
"""A line of each command that the workflow does not ask; 5 where TensorFlow is missing."""


def test_every_command_answers(environment: Path, folder: Path) -> None:
    (folder / "model.keras").touch()
    script = (
        "import json, shlex, sys\nfrom edgekit.cli import run\n"
        "codes = {line: run(shlex.split(line)) for line in sys.argv[1:]}\n"
        "print('\\n' + json.dumps(codes))"
    )
    done = call(environment, ["python", "-c", script, *ANSWERS], folder)
    assert json.loads(done.stdout.splitlines()[-1]) == ANSWERS, done.stderr
    assert "Traceback" not in done.stderr
    missing = [code for code in ANSWERS.values() if code == 5]
    assert done.stderr.count('hint: pip install "edgekit[train]"') == len(missing)
    asked = re.findall(r"^edgekit (\w+)", "\n".join(step["run"] for step in STEPS), re.MULTILINE)
    assert {*asked, *(line.split()[0] for line in ANSWERS)} == set(_COMMANDS)
