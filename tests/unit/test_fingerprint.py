from pathlib import Path

import numpy as np

from edgekit.fingerprint import fingerprint, versions
from edgekit.stages import claimed


def test_a_file_is_its_content_wherever_it_lies(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "a" / "d.npz").write_bytes(b"1")
    (tmp_path / "b" / "d.npz").write_bytes(b"1")
    first = fingerprint("d.npz", tmp_path / "a")
    assert first == fingerprint("d.npz", tmp_path / "b")
    (tmp_path / "b" / "d.npz").write_bytes(b"2")
    assert first != fingerprint("d.npz", tmp_path / "b")


def test_a_hook_is_all_that_lies_in_its_project(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "model.py").write_text("a = 1")
    (tmp_path / "lib" / "layers.py").write_text("b = 1")
    (tmp_path / "data.npz").write_bytes(b"1")
    first = fingerprint("model:make", tmp_path)
    assert fingerprint("model:make", tmp_path) == first
    (tmp_path / "lib" / "layers.py").write_text("b = 2")
    second = fingerprint("model:make", tmp_path)
    assert second != first
    (tmp_path / "data.npz").write_bytes(b"12")
    assert fingerprint("model:make", tmp_path) != second


def test_run_directories_and_hidden_files_are_no_part_of_a_project(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text("a = 1")
    first = fingerprint("model:make", tmp_path)
    with claimed(tmp_path / "build" / "net") as run:
        (run / "model.tflite").write_bytes(b"1")
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "x").write_bytes(b"1")
    assert fingerprint("model:make", tmp_path) == first


def test_a_folder_is_its_files(tmp_path: Path) -> None:
    (tmp_path / "images" / "cat").mkdir(parents=True)
    (tmp_path / "images" / "cat" / "1.png").write_bytes(b"1")
    first = fingerprint("images", tmp_path)
    (tmp_path / "images" / "cat" / "1.png").rename(tmp_path / "images" / "2.png")
    assert fingerprint("images", tmp_path) != first


def test_versions_name_what_is_installed() -> None:
    assert versions()["numpy"] == np.__version__
