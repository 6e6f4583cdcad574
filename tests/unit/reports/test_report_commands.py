import json
from pathlib import Path

import pytest
import report_manifests as manifests

from edgekit.cli import run
from edgekit.reports.formats import FORMATS


@pytest.fixture
def built(tmp_path: Path) -> Path:
    return written(tmp_path / "run", manifests.failing())


def written(folder: Path, manifest: manifests.Manifest) -> Path:
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


@pytest.mark.parametrize("form", FORMATS)
def test_report_prints_each_form(
    built: Path, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["report", str(built), "--as", form]) == 0
    assert capsys.readouterr().out == FORMATS[form](manifests.failing())


def test_report_writes_a_file_and_prints_nothing(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "deep" / "junit.xml"

    assert run(["report", str(built), "--as", "junit", "--out", str(out)]) == 0
    assert out.read_text(encoding="utf-8") == FORMATS["junit"](manifests.failing())
    assert capsys.readouterr().out == ""


def test_report_says_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["report", str(tmp_path)]) == 3
    error = capsys.readouterr().err
    assert "no such manifest" in error
    assert "edgekit build" in error


def test_diff_fails_when_a_change_goes_too_far(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = written(tmp_path / "before", manifests.passing())

    assert run(["diff", str(before), str(built)]) == 0
    assert run(["diff", str(before), str(built), "--fail-on", "accuracy:-5pt"]) == 0
    assert run(["diff", str(before), str(built), "--fail-on", "accuracy:-1pt"]) == 1
    assert "98.9 % to 94.7 %" in capsys.readouterr().out


def test_diff_prints_one_json_object(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = written(tmp_path / "before", manifests.passing())

    assert run(["diff", str(before), str(built), "--json", "--fail-on", "accuracy:-1pt"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "edgekit.diff/1"
    assert document["passed"] is False


@pytest.mark.parametrize("limits", ["accuracy", "acuracy:-1pt", "accuracy:-1KiB"])
def test_diff_refuses_a_limit_it_cannot_hold(
    built: Path, limits: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["diff", str(built), str(built), "--fail-on", limits]) == 2
    assert "error:" in capsys.readouterr().err
