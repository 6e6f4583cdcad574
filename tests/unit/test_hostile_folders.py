"""Symbolic links in output folders are not followed: what they name stays as it is."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from graphs import GraphBuilder
from report_manifests import passing

from edgekit.emission.emit import emit
from edgekit.errors import InputError, UsageError
from edgekit.files.fingerprint import RUN_MARKER
from edgekit.files.whole_files import remove, whole_folder, write_bytes, write_files
from edgekit.pipeline.stages import Stages, claimed, unwatched
from edgekit.reports.manifest import read


@dataclass(frozen=True, kw_only=True)
class Result:
    """What the stage of a test has found out."""

    notes: tuple[str, ...] = ()


@pytest.fixture
def treasure(tmp_path: Path) -> Path:
    """A folder that is not edgekit's, with a file and a hidden one."""
    folder = tmp_path / "treasure"
    folder.mkdir()
    (folder / "letter.txt").write_text("dear")
    (folder / ".hidden").write_text("keep")
    return folder


def untouched(treasure: Path) -> bool:
    found = {path.name: path.read_text() for path in treasure.iterdir()}
    return found == {"letter.txt": "dear", ".hidden": "keep"}


def a_run(folder: Path) -> Path:
    folder.mkdir()
    (folder / RUN_MARKER).touch()
    return folder


def test_a_file_that_is_a_link_is_replaced(tmp_path: Path, treasure: Path) -> None:
    link = tmp_path / "model.tflite"
    link.symlink_to(treasure / "letter.txt")
    write_bytes(link, b"new")
    assert untouched(treasure)
    assert not link.is_symlink()
    assert link.read_bytes() == b"new"


@pytest.mark.parametrize("dangling", [False, True])
def test_a_folder_that_is_a_link_is_replaced(
    tmp_path: Path, treasure: Path, *, dangling: bool
) -> None:
    link = tmp_path / "c"
    link.symlink_to(tmp_path / "nowhere" if dangling else treasure)
    with whole_folder(link) as draft:
        (draft / "a").write_text("ours")
    assert untouched(treasure)
    assert not link.is_symlink()
    assert [path.name for path in link.iterdir()] == ["a"]


def test_of_a_link_the_link_alone_is_removed(tmp_path: Path, treasure: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    for place in (tmp_path / "link", inside / "link"):
        place.symlink_to(treasure)
    remove(tmp_path / "link")
    remove(inside)
    remove(tmp_path / "absent")
    assert untouched(treasure)
    assert not inside.exists()
    assert not (tmp_path / "link").is_symlink()


@pytest.mark.parametrize("name", ["stages", RUN_MARKER, "stages/load"])
def test_a_build_follows_no_link(name: str, tmp_path: Path, treasure: Path) -> None:
    run = a_run(tmp_path / "run")
    place = run / name
    place.parent.mkdir(exist_ok=True)
    place.unlink(missing_ok=True)
    place.symlink_to(treasure / "letter.txt" if name == RUN_MARKER else treasure)
    with pytest.raises(UsageError, match="is a symbolic link, which a build"), claimed(run):
        pass
    assert untouched(treasure)


def test_a_stage_replaces_a_link_that_came_later(tmp_path: Path, treasure: Path) -> None:
    run = a_run(tmp_path / "run")
    with claimed(run):
        (run / "stages").mkdir()
        (run / "stages" / "load").symlink_to(treasure)
        stages = Stages(run / "stages", watch=unwatched, fresh=True)
        stages.run("load", {}, Result, lambda draft, _: (draft / "a").write_text("x") and Result())
    assert untouched(treasure)
    assert (run / "stages" / "load" / "a").is_file()


def test_the_c_files_of_a_run_go_into_it(tmp_path: Path, treasure: Path) -> None:
    run = a_run(tmp_path / "run")
    (run / "c").symlink_to(treasure)
    (run / "model.tflite").symlink_to(treasure / "letter.txt")
    write_files(run, {"model.tflite": b"new", "c/net.c": b"int x;\n"}, anew="c")
    assert untouched(treasure)
    assert (run / "c" / "net.c").read_text() == "int x;\n"


def test_emit_takes_no_folder_with_links_or_pipes(tmp_path: Path, treasure: Path) -> None:
    builder = GraphBuilder((1, 4), seed=0)
    model = tmp_path / "net.tflite"
    model.write_bytes(builder.build(builder.fully_connected(builder.input, 2)))
    out = tmp_path / "out"
    out.mkdir()
    for make in (
        lambda place: place.symlink_to(treasure),
        lambda place: place.symlink_to(treasure / "letter.txt"),
        os.mkfifo,
    ):
        make(out / "README.md")
        with pytest.raises(UsageError, match="holds other files, such as README.md"):
            emit(model, out=out, vectors=0)
        (out / "README.md").unlink()
    assert untouched(treasure)
    emit(model, out=out, vectors=0)
    assert (out / "net_model.c").is_file()


def test_emit_does_not_take_the_place_of_a_folder_called_build(tmp_path: Path) -> None:
    builder = GraphBuilder((1, 4), seed=0)
    model = tmp_path / "net.tflite"
    model.write_bytes(builder.build(builder.fully_connected(builder.input, 2)))
    (tmp_path / "out" / "build").mkdir(parents=True)
    (tmp_path / "out" / "build" / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match="holds other files, such as build"):
        emit(model, out=tmp_path / "out", vectors=0)


@pytest.mark.parametrize("path", ["../../../etc/passwd", "/etc/passwd", "c/../../x", ""])
def test_a_manifest_names_no_file_elsewhere(path: str) -> None:
    manifest = json.loads(json.dumps(passing()))
    manifest["files"][0]["path"] = path
    with pytest.raises(InputError, match="leads out of the run directory"):
        read(manifest)
