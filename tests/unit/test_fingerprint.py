from pathlib import Path

import numpy as np

from edgekit.fingerprint import fingerprint, versions


def test_a_file_is_its_content_wherever_it_lies(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "a" / "d.npz").write_bytes(b"1")
    (tmp_path / "b" / "d.npz").write_bytes(b"1")
    first = fingerprint("d.npz", tmp_path / "a")
    assert first == fingerprint("d.npz", tmp_path / "b")
    (tmp_path / "b" / "d.npz").write_bytes(b"2")
    assert first != fingerprint("d.npz", tmp_path / "b")


def test_a_hook_is_the_code_of_its_project(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text("a = 1")
    (tmp_path / "layers.py").write_text("b = 1")
    first = fingerprint("model:make", tmp_path)
    (tmp_path / "notes.txt").write_text("unrelated")
    assert fingerprint("model:make", tmp_path) == first
    (tmp_path / "layers.py").write_text("b = 2")
    assert fingerprint("model:make", tmp_path) != first


def test_a_folder_is_its_files(tmp_path: Path) -> None:
    (tmp_path / "images" / "cat").mkdir(parents=True)
    (tmp_path / "images" / "cat" / "1.png").write_bytes(b"1")
    first = fingerprint("images", tmp_path)
    (tmp_path / "images" / "cat" / "1.png").rename(tmp_path / "images" / "2.png")
    assert fingerprint("images", tmp_path) != first


def test_versions_name_what_is_installed() -> None:
    assert versions()["numpy"] == np.__version__
