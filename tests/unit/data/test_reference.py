from pathlib import Path

import numpy as np
import pytest

from edgekit.data.reference import Vectors, holds_vectors, load_vectors, save_vectors
from edgekit.errors import InputError


def test_vectors_survive_the_file_and_give_the_same_bytes(tmp_path: Path) -> None:
    vectors = Vectors(
        inputs=np.arange(6, dtype=np.float32).reshape(2, 3),
        labels=np.array([1, 0]),
        float_outputs=np.ones((2, 2), np.float32),
    )
    save_vectors(tmp_path / "a.npz", vectors)
    save_vectors(tmp_path / "b.npz", vectors)
    loaded = load_vectors(tmp_path / "a.npz")
    assert np.array_equal(loaded.inputs, vectors.inputs)
    assert loaded.pruned_outputs is None
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_another_npz_is_not_taken_for_vectors(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x_test=np.zeros(3))
    assert not holds_vectors(tmp_path / "a.npz")
    with pytest.raises(InputError, match="holds no inputs"):
        load_vectors(tmp_path / "a.npz")


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04broken"])
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match="damaged .npz"):
        load_vectors(path)


def test_pickled_arrays_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", float_outputs=np.array([{}]), inputs=np.zeros(1))
    with pytest.raises(InputError, match=r"pickled Python objects"):
        load_vectors(tmp_path / "a.npz")
