import os
from pathlib import Path

import numpy as np

from edgekit.files.fingerprint import code_of, content_of, fingerprint, samples_digest, versions
from edgekit.pipeline.stages import claimed


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


def test_the_project_file_is_no_part_of_what_a_hook_may_read(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text("a = 1")
    first = fingerprint("model:make", tmp_path)
    (tmp_path / "edgekit.toml").write_text("seed = 1")
    assert fingerprint("model:make", tmp_path) == first


def test_a_folder_is_its_files(tmp_path: Path) -> None:
    (tmp_path / "images" / "cat").mkdir(parents=True)
    (tmp_path / "images" / "cat" / "1.png").write_bytes(b"1")
    first = fingerprint("images", tmp_path)
    (tmp_path / "images" / "cat" / "1.png").rename(tmp_path / "images" / "2.png")
    assert fingerprint("images", tmp_path) != first


def test_versions_name_what_is_installed() -> None:
    assert versions()["numpy"] == np.__version__


def test_what_a_manifest_records_is_the_same_in_a_copy_made_later(tmp_path: Path) -> None:
    digests = set()
    for age, name in enumerate(("first", "second place")):
        folder = tmp_path / name
        (folder / "lib").mkdir(parents=True)
        (folder / "net.h5").write_bytes(b"abc")
        (folder / "data.py").write_text("x = 1")
        (folder / "lib" / "more.py").write_text("y = 2")
        os.utime(folder / "net.h5", (age, age))
        digests.add((content_of("net.h5", folder), code_of(folder), content_of("lib", folder)))
    ((model, code, _),) = digests
    # The SHA-256 of "abc", as FIPS 180-2 gives it and sha256sum prints it.
    assert model == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert content_of("data:load", tmp_path / "first") is None
    (tmp_path / "first" / "lib" / "more.py").write_text("y = 3")
    assert code_of(tmp_path / "first") != code


def test_samples_are_told_apart_by_value_shape_type_and_place() -> None:
    x = np.arange(4, dtype=np.float32)
    same = samples_digest((x, None))
    assert samples_digest((x.copy(), None)) == same
    others = [(None, x), (x.reshape(2, 2), None), (x.astype(np.int32), None), (x[::-1], None)]
    assert same not in {samples_digest(item) for item in others}
    assert len({samples_digest(item) for item in others}) == len(others)
