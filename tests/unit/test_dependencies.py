"""The versions that were tested together, and which of them an installation has."""

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from edgekit import dependencies
from edgekit.cli import run

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture
def two_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install ``edgekit-first`` 1.5 and ``edgekit_second`` 2.0; write what was tested with."""
    for name, version in (("edgekit_first", "1.5"), ("edgekit_second", "2.0")):
        folder = tmp_path / f"{name}-{version}.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Name: {name}\nVersion: {version}\n")
    path = tmp_path / "constraints.txt"
    path.write_text("# tested\nedgekit-first==1.4\n\nedgekit_second==2.0\nedgekit-absent==3.0\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(dependencies, "constraints_path", lambda: path)
    return path


def test_a_package_differs_where_it_is_installed_in_another_version(two_packages: Path) -> None:
    (found,) = dependencies.differences()
    assert (found.name, found.version, found.tested) == ("edgekit-first", "1.5", "1.4")


def test_doctor_names_what_differs_and_the_line_that_mends_it(
    two_packages: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["doctor"]) == 0
    *_, differs, line = capsys.readouterr().out.splitlines()
    assert differs.split() == ["differs", "edgekit-first", "1.5,", "tested:", "1.4"]
    assert line == f"the tested versions: pip install -c {two_packages} edgekit-first"


def requirements() -> list[Requirement]:
    project = PROJECT["project"]
    extras = project["optional-dependencies"].values()
    lines = [*project["dependencies"], *(line for extra in extras for line in extra)]
    return [found for line in lines if (found := Requirement(line)).name != "edgekit"]


@pytest.mark.parametrize("wanted", requirements(), ids=lambda item: item.name)
def test_what_is_required_has_a_tested_version(wanted: Requirement) -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    tested = {canonicalize_name(each.name): each.specifier for each in map(Requirement, lines)}
    (pin,) = tested[canonicalize_name(wanted.name)]
    assert pin.operator == "=="
    assert wanted.specifier.contains(pin.version, prereleases=True)


def test_the_wheel_has_the_tested_versions_beside_its_modules() -> None:
    shipped = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert shipped["constraints.txt"] == "edgekit/constraints.txt"
    assert dependencies.constraints_path() == ROOT / "constraints.txt"
