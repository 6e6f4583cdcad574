"""No command writes what it reads: by its name, a symbolic link, a hard link, or a folder of it."""

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import pytest
from graphs import GraphBuilder
from reference_pages import leaves
from report_manifests import passing

import edgekit
from edgekit.cli import run
from edgekit.errors import UsageError
from edgekit.files.fingerprint import RUN_MARKER
from edgekit.files.outputs import check_output_file, check_output_folder

TARGET = "nucleo-l4r5zi"
PROJECT = f'targets = ["{TARGET}"]\n[model]\nsource = "net.keras"\n[data]\nsource = "data.npz"\n'


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with all that commands read; it is the working directory."""
    builder = GraphBuilder((1, 4), seed=0)
    model = builder.build(builder.fully_connected(builder.input, 2))
    (tmp_path / "net.tflite").write_bytes(model)
    (tmp_path / "net.csv").write_bytes(model)
    (tmp_path / "net.keras").write_bytes(b"never read")
    np.savez(tmp_path / "data.npz", x=np.zeros((9, 4)), y=np.zeros(9, int))
    (tmp_path / "board.toml").write_text(f'extends = "{TARGET}"\ntitle = "Ours"\n')
    (tmp_path / "edgekit.toml").write_text(PROJECT)
    a_run(tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def a_run(folder: Path) -> None:
    folder.mkdir()
    (folder / RUN_MARKER).touch()
    manifest = json.loads(json.dumps(passing()))
    for file in manifest["files"]:
        (folder / file["path"]).parent.mkdir(exist_ok=True)
        (folder / file["path"]).write_text("an artifact")
    (folder / "manifest.json").write_text(json.dumps(manifest))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


COMMANDS = {
    "bench": ("bench net.csv --target board.toml --log no.log --out OUT", ["net.csv"]),
    "convert": (
        "convert net.keras --data data.npz --out OUT",
        ["net.keras", "data.npz"],
    ),
    "report": (
        "report run --as json --out OUT",
        ["run/manifest.json", "run/model.tflite"],
    ),
    "sensitivity prune": (
        "sensitivity prune edgekit.toml --plot OUT",
        ["net.keras", "data.npz", "edgekit.toml"],
    ),
    "shrink": (
        "shrink net.tflite --target board.toml --data data.npz --out OUT",
        ["net.tflite", "board.toml", "data.npz"],
    ),
}
FILES = [(line, name) for line, names in COMMANDS.values() for name in names]
FOLDERS = {"build", "compare", "emit", "reproduce"}


def test_every_command_that_writes_is_tried_here() -> None:
    writing = {
        name
        for name, command in leaves()
        for item in command.params
        if isinstance(item, click.Option) and {"--out", "--plot"} & {*item.opts}
    }
    assert writing == {*COMMANDS, *FOLDERS, "targets calibrate"}  # the last replaces nothing


def directly(link: Path, of: Path) -> Path:
    del link
    return of


def symbolic(link: Path, of: Path) -> Path:
    link.symlink_to(of)
    return link


def hard(link: Path, of: Path) -> Path:
    os.link(of, link)
    return link


@pytest.mark.parametrize("how", [directly, symbolic, hard])
@pytest.mark.parametrize(("line", "name"), FILES)
def test_a_file_that_is_read_is_not_written(
    here: Path,
    capsys: pytest.CaptureFixture[str],
    line: str,
    name: str,
    how: Callable[[Path, Path], Path],
) -> None:
    out = how(here / f"link{Path(name).suffix}", here / name)
    before = contents(here)
    assert run(line.replace("OUT", str(out)).split()) == 2
    printed = capsys.readouterr().err
    assert re.search(rf"error: {re.escape(str(out))} is (an|the) input\b.*which stays", printed)
    assert "name another file: --" in printed
    assert contents(here) == before
    assert (here / name).stat().st_nlink == (2 if how is hard else 1)


def test_python_s_shrink_leaves_the_model_alone(here: Path) -> None:
    model = here / "net.tflite"
    before = model.read_bytes()
    with pytest.raises(UsageError, match="is an input, which stays as it is"):
        edgekit.shrink(model, out=model)
    assert model.read_bytes() == before


def test_a_folder_is_no_file(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["shrink", "net.tflite", "--out", str(here / "run")]) == 2
    assert "run is a folder, not a file" in capsys.readouterr().err


@pytest.mark.parametrize("link", [False, True])
def test_a_run_is_not_compared_with_itself(
    here: Path, capsys: pytest.CaptureFixture[str], *, link: bool
) -> None:
    out = here / "run"
    if link:
        out = here / "again"
        out.symlink_to(here / "run")
    run_folder = here / "build" / "run"
    shutil.move(here / "run", run_folder)
    (here / "run").symlink_to(run_folder)
    manifest = json.loads((run_folder / "manifest.json").read_text())
    manifest["options"] = {"model": {"source": "net.keras"}, "data": {"source": "data.npz"}}
    (run_folder / "manifest.json").write_text(json.dumps(manifest))
    before = contents(here)
    for arguments in (
        ["reproduce", "run", "--project", ".", "--out", str(out)],
        ["reproduce", "run/manifest.json", "--project", ".", "--out", str(here / "build")],
    ):
        assert run(arguments) == 2
        printed = capsys.readouterr().err
        assert "stays as it is" in printed
        assert "name another folder: --out DIR" in printed
    assert contents(here) == before


@pytest.mark.parametrize("command", ["build", "compare"])
@pytest.mark.parametrize("name", ["model.tflite", "stages/load/model.h5", "vectors.npz"])
def test_a_run_directory_that_holds_an_input_is_not_built_in(
    here: Path, capsys: pytest.CaptureFixture[str], command: str, name: str
) -> None:
    source = here / "run" / name
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_bytes(b"an input")
    model, data = (here / "net.keras", source) if name.endswith("npz") else (source, "data.npz")
    before = contents(here)
    assert run([command, str(model), "--data", str(data), "--out", str(here / "run")]) == 2
    assert f"run holds {source}, which is read and stays as it is" in capsys.readouterr().err
    assert contents(here) == before


def test_a_part_of_an_input_folder_is_not_written(tmp_path: Path) -> None:
    saved, images = tmp_path / "saved", tmp_path / "images"
    parts = [saved / "saved_model.pb", saved / "variables" / "variables.index"]
    parts += [saved / "variables" / "variables.data-00000-of-00001", images / "cat" / "1.PNG"]
    for part in parts:
        part.parent.mkdir(parents=True, exist_ok=True)
        part.touch()
        with pytest.raises(UsageError, match="is a part of"):
            check_output_file(part, (saved, images))
    (saved / "net.tflite").touch()
    check_output_file(saved / "net.tflite", (saved, images))  # beside them: no part
    check_output_file(images / "cat" / "2.png", (saved, images))  # not there


def test_folders_beside_and_inside_an_input_are_free(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    check_output_folder(tmp_path / "data" / "out", (tmp_path / "data",))
    check_output_folder(tmp_path / "data-out", (tmp_path / "data",))
    check_output_folder(tmp_path / "out", (tmp_path / "nowhere",))
    with pytest.raises(UsageError, match="holds"):
        check_output_folder(tmp_path, (tmp_path / "data",))
