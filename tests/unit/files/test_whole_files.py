import errno
from pathlib import Path
from types import SimpleNamespace

import pytest

from edgekit.errors import InputError, ToolError
from edgekit.files.whole_files import is_draft, room_asked, whole_folder, write_bytes, write_text


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.txt"
    write_text(path, "one")
    write_bytes(path, b"two")
    assert path.read_bytes() == b"two"
    assert [item.name for item in path.parent.iterdir()] == ["a.txt"]


def test_a_failed_write_leaves_what_was_there_and_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "one")
    with pytest.raises(TypeError):
        write_bytes(path, "not bytes")  # type: ignore[arg-type]
    assert path.read_text() == "one"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_what_was_there_and_no_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(number: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "a.txt"
    write_text(path, "one")
    monkeypatch.setattr("os.fsync", full)  # where a full disk is noticed at the latest
    with pytest.raises(OSError, match="No space left"):
        write_text(path, "two")
    assert path.read_text() == "one"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_appears_when_its_block_ends_well(tmp_path: Path) -> None:
    target = tmp_path / "stage"
    with whole_folder(target) as draft:
        (draft / "a").write_text("1")
        assert not target.exists()
    assert (target / "a").read_text() == "1"


def test_a_folder_stays_as_it_was_when_its_block_fails(tmp_path: Path) -> None:
    target = tmp_path / "stage"
    with whole_folder(target) as draft:
        (draft / "a").write_text("1")
    with pytest.raises(RuntimeError), whole_folder(target) as draft:
        (draft / "a").write_text("2")
        raise RuntimeError
    assert (target / "a").read_text() == "1"
    assert list(tmp_path.iterdir()) == [target]


def test_a_write_that_fails_names_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(number: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left") as caught:
        write_text(tmp_path / "a.txt", "two")
    assert caught.value.filename == str(tmp_path / "a.txt")


@pytest.mark.parametrize(
    ("error", "free_bytes"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), 2**30),
        (ToolError("TensorFlow failed: RuntimeError: Slist already enabled?"), 0),
    ],
)
def test_a_full_disk_is_told_by_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, free_bytes: int
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=free_bytes))
    with pytest.raises(InputError, match="the disk is full") as caught, room_asked(tmp_path):
        raise error
    assert str(tmp_path) in caught.value.message
    assert "--out DIR" in str(caught.value.hint)


@pytest.mark.parametrize("error", [OSError(errno.EACCES, "no"), ToolError("crashed")])
def test_what_fails_for_another_cause_is_not_laid_on_the_disk(
    tmp_path: Path, error: Exception
) -> None:
    with pytest.raises(type(error)), room_asked(tmp_path):
        raise error


def test_a_full_device_is_told_by_its_folder(tmp_path: Path) -> None:
    """Linux has a device that is always full."""
    with pytest.raises(InputError, match="the disk is full"), room_asked(tmp_path):
        Path("/dev/full").write_bytes(b"x" * 10_000)


def test_drafts_are_told_from_other_hidden_files(tmp_path: Path) -> None:
    names = [".model.tflite.a1b2c3_4", ".edgekit-run", ".gitignore", "model.tflite", ".a.b.toml"]
    for name in names:
        (tmp_path / name).touch()
    assert [name for name in names if is_draft(tmp_path / name)] == [".model.tflite.a1b2c3_4"]
