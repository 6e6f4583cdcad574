"""What stands in a folder that is emitted to: edgekit's own is replaced, all else is left."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from graphs import GraphBuilder

from edgekit.cli import run
from edgekit.emission.emit import EmulatorSpec, emit
from edgekit.errors import UsageError

RECORD = ".edgekit-emitted.json"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    builder = GraphBuilder((1, 4), seed=0)
    path = tmp_path / "net.tflite"
    path.write_bytes(builder.build(builder.fully_connected(builder.input, 2)))
    return path


@pytest.fixture
def out(model: Path) -> Path:
    """A folder with an emitted cmake project."""
    folder = model.parent / "firmware"
    emit(model, out=folder, format="cmake", arena="9KiB", vectors=0)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def again(model: Path, out: Path, *arguments: str) -> int:
    return run(["emit", str(model), "--out", str(out), "--vectors", "0", *arguments])


def test_the_record_names_each_file_with_its_hash(out: Path) -> None:
    found = contents(out)
    record = json.loads(found.pop(RECORD))
    assert record["schema"] == "edgekit.emitted/1"
    assert record["files"] == {
        path: hashlib.sha256(content).hexdigest() for path, content in found.items()
    }
    assert "README.md" in record["files"]


def test_equal_emissions_leave_equal_records(model: Path, out: Path) -> None:
    before = contents(out)
    emit(model, out=out, format="cmake", arena="9KiB", vectors=0)
    assert contents(out) == before


def test_what_was_emitted_is_replaced_whole(model: Path, out: Path) -> None:
    assert again(model, out) == 0
    assert not (out / "CMakeLists.txt").exists()
    assert {*contents(out)} == {RECORD} | {
        f"net_{part}" for part in ("io.c", "io.h", "model.c", "model.h", "ops.h")
    }


@pytest.mark.parametrize("name", ["README.md", "library.json", "library.properties"])
def test_a_folder_of_somebody_else_is_left(
    model: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    theirs = model.parent / "study"
    (theirs / "build").mkdir(parents=True)
    (theirs / name).write_text("mine")
    (theirs / "build" / "results.csv").write_text("years of work")
    before = contents(theirs)
    for arguments in ((), ("--replace",)):
        assert again(model, theirs, *arguments) == 2
        printed = capsys.readouterr().err
        assert f"holds other files, such as {min(name, 'build')}" in printed
        assert "hint: name an empty or new folder: --out DIR" in printed
        assert contents(theirs) == before


def test_an_edited_file_is_left_and_named(
    model: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (out / "src" / "main.cpp").write_text("my own")
    before = contents(out)
    assert again(model, out) == 2
    printed = capsys.readouterr().err
    assert f"{out / 'src' / 'main.cpp'} was changed after edgekit had written it" in printed
    assert "--replace" in printed
    assert contents(out) == before
    assert again(model, out, "--as", "cmake", "--arena", "9KiB", "--replace") == 0
    assert (out / "src" / "main.cpp").read_text() != "my own"


def test_a_foreign_file_is_left_and_named(
    model: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (out / "src" / "notes.txt").write_text("mine")
    (out / "build").mkdir()
    (out / "build" / "results.csv").write_text("years of work")
    before = contents(out)
    assert again(model, out) == 2
    assert f"{out / 'build' / 'results.csv'} is not edgekit's" in capsys.readouterr().err
    assert contents(out) == before


def test_replace_overwrites_what_edgekit_wrote_and_nothing_else(model: Path, out: Path) -> None:
    mine = {"src/notes.txt": b"mine", "build/results.csv": b"years of work", ".git/HEAD": b"ref"}
    for path, content in mine.items():
        (out / path).parent.mkdir(exist_ok=True)
        (out / path).write_bytes(content)
    (out / "empty").mkdir()
    (out / "cmake" / "boards.cmake").write_text("edited")
    assert again(model, out, "--replace") == 0
    found = contents(out)
    assert {path: found.pop(path) for path in mine} == mine
    assert (out / "empty").is_dir()
    assert not (out / "cmake").exists()  # empty without its files
    record = json.loads(found.pop(RECORD))
    assert {*record["files"]} == {*found}
    assert "CMakeLists.txt" not in found
    assert again(model, out, "--replace") == 0  # and once more


def test_replace_leaves_a_file_that_stands_in_the_way(
    model: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for place in (out / "net_model.c", out / "net_model.h" / "mine.txt"):
        place.parent.mkdir(exist_ok=True)
        place.write_text("mine")
        before = contents(out)
        assert again(model, out, "--replace") == 2
        printed = capsys.readouterr().err
        assert f"{place} is not edgekit's, and stands where a file is to be written" in printed
        assert "hint: move it away" in printed
        assert contents(out) == before
        place.unlink()


def test_links_are_not_followed(model: Path, out: Path) -> None:
    treasure = model.parent / "treasure"
    shutil.copytree(out / "model", treasure)
    shutil.rmtree(out / "model")
    (out / "model").symlink_to(treasure)
    before = contents(treasure)
    with pytest.raises(UsageError, match="model is not edgekit's"):
        emit(model, out=out, vectors=0)
    with pytest.raises(UsageError, match="stands where a file is to be written"):
        emit(model, out=out, format="cmake", arena="9KiB", vectors=0, replace=True)
    emit(model, out=out, vectors=0, replace=True)  # writes nothing there
    assert contents(treasure) == before
    assert (out / "model").is_symlink()


def test_a_record_that_names_files_elsewhere_removes_none(model: Path, out: Path) -> None:
    letter = model.parent / "letter.txt"
    letter.write_text("dear")
    record = json.loads((out / RECORD).read_text())
    record["files"].update({"../letter.txt": "x", str(letter): "x"})
    (out / RECORD).write_text(json.dumps(record))
    (out / "mine.txt").write_text("mine")
    emit(model, out=out, vectors=0, replace=True)
    assert letter.read_text() == "dear"
    assert (out / "mine.txt").read_text() == "mine"


def test_a_folder_of_the_first_edgekit_has_no_record(
    model: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for content in (None, "{", "[]", '{"schema": "edgekit.emitted/9", "files": {}}'):
        (out / RECORD).unlink(missing_ok=True)
        if content is not None:
            (out / RECORD).write_text(content)
        before = contents(out)
        assert again(model, out, "--replace") == 2
        printed = capsys.readouterr().err
        assert "edgekit 0.1 kept no record of what it wrote: remove the folder, or" in printed
        assert contents(out) == before


def test_a_write_that_stopped_half_way_can_be_replaced(
    model: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edgekit.emission import emitted_folder

    (out / "mine.txt").write_text("mine")
    written = []

    def few(path: Path, content: bytes) -> None:
        if len(written) == 2:
            raise OSError(28, "No space left on device", str(path))
        written.append(path)
        path.write_bytes(content)

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left"):
        patch.setattr(emitted_folder, "write_bytes", few)
        emit(model, out=out, vectors=0, replace=True)
    assert all(path.is_file() for path in written)
    emit(model, out=out, vectors=0, replace=True)
    assert {*contents(out)} - {RECORD, "mine.txt"} == {
        f"net_{part}" for part in ("io.c", "io.h", "model.c", "model.h", "ops.h")
    }


class Ran(Exception):  # noqa: N818  no error
    """The emulator would run now."""


@pytest.fixture
def emulator(model: Path, monkeypatch: pytest.MonkeyPatch) -> EmulatorSpec:
    """An emulator that builds and goes no further."""

    def build(project: Path, **_: object) -> None:
        (project / "build").mkdir(exist_ok=True)
        (project / "build" / "net.o").write_text("object")
        raise Ran

    monkeypatch.setattr("edgekit.emission.emit.check_tools", lambda *_: None)
    monkeypatch.setattr("edgekit.emission.emit.emulate", build)
    return EmulatorSpec(tflm=model.parent)


def test_the_build_folder_of_its_own_run_is_replaced(
    model: Path, out: Path, emulator: EmulatorSpec
) -> None:
    for _ in range(2):
        with pytest.raises(Ran):
            emit(model, out=out, format="cmake", arena="9KiB", vectors=0, emulator=emulator)
        assert (out / "build" / "net.o").is_file()
    (out / "mine.txt").write_text("mine")
    emit(model, out=out, vectors=0, replace=True)
    assert not (out / "build").exists()
    assert (out / "mine.txt").is_file()


def test_a_run_does_not_build_in_a_folder_of_somebody_else(
    model: Path, out: Path, emulator: EmulatorSpec
) -> None:
    (out / "build").mkdir()
    (out / "build" / "results.csv").write_text("years of work")
    for replace in (False, True):
        with pytest.raises(UsageError, match=r"build is not edgekit's, and --run builds there"):
            emit(
                model, out=out, format="cmake", arena="9KiB", vectors=0, emulator=emulator,
                replace=replace,
            )  # fmt: skip
    assert (out / "build" / "results.csv").read_text() == "years of work"


def test_a_model_in_the_build_folder_is_not_removed(
    model: Path, out: Path, emulator: EmulatorSpec
) -> None:
    with pytest.raises(Ran):
        emit(model, out=out, format="cmake", arena="9KiB", vectors=0, emulator=emulator)
    inside = out / "build" / "net.tflite"
    shutil.copy(model, inside)
    with pytest.raises(UsageError, match="holds .*net.tflite, which is read and stays as it is"):
        emit(inside, out=out, vectors=0)
    assert inside.read_bytes() == model.read_bytes()
