from pathlib import Path

import pytest
from random_graphs import random_graph

from edgekit.errors import InputError
from edgekit.model.file import ModelFile
from edgekit.model.reader import read


def test_a_file_is_its_bytes_and_the_model_in_them(tmp_path: Path) -> None:
    content = random_graph(0)
    (tmp_path / "net.tflite").write_bytes(content)

    found = ModelFile.at(tmp_path / "net.tflite")

    assert found.content == content
    assert found.model.sha256 == ModelFile.of(content).model.sha256 == read(content).sha256


def test_what_is_no_model_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "net.tflite").write_bytes(b"no model at all")

    with pytest.raises(InputError, match=r"net\.tflite: not a TFLite file"):
        ModelFile.at(tmp_path / "net.tflite")
    with pytest.raises(InputError, match="the model: not a TFLite file"):
        ModelFile.of(b"no model at all")
