from pathlib import Path

import pytest

from edgekit.errors import EdgekitError
from edgekit.project import load_project, resolve

LEAST = '[model]\nsource = "net.keras"\n[data]\nsource = "random"\n'


@pytest.mark.parametrize(
    ("addition", "message", "hint"),
    [
        ("[prun]\n", "unknown key 'prun'", "did you mean 'prune'?"),
        ("[prune]\nsparsty = 0.5\n", "unknown key 'prune.sparsty'", "did you mean 'sparsity'?"),
        ("[prune]\nsparsity = 75\n", "prune.sparsity is 75, not a fraction", "such as 0.75"),
        ("[limits]\nflash = 256\n", "flash is 256, not a text with a unit", 'such as "256KiB"'),
        ("[limits]\nflash = '256 Kib'\n", "'256 Kib' is not a size", "256KiB"),
        ("[quantize]\nmethod = 'qta'\n", "quantize.method is 'qta'", "did you mean 'qat'?"),
        ("[train]\nepochs = -1\n", "train.epochs is -1, not 0 or more", None),
        ("[train]\nepochs = 1.5\n", "train.epochs is 1.5, not a whole number", None),
    ],
)
def test_a_wrong_project_is_refused_by_file_and_key(
    tmp_path: Path, addition: str, message: str, hint: str | None
) -> None:
    path = tmp_path / "edgekit.toml"
    path.write_text(LEAST + addition)
    with pytest.raises(EdgekitError) as caught:
        load_project(path)
    assert str(path) in caught.value.message
    assert message in caught.value.message
    assert hint is None or hint in str(caught.value.hint)
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    ("source", "name"),
    [("my-net.keras", "my_net"), ("model:make", "model"), ("a/b/Net2.h5", "Net2")],
)
def test_the_name_comes_from_the_source(source: str, name: str) -> None:
    assert resolve(source, data="random").name == name


def test_a_name_that_is_no_identifier_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "edgekit.toml"
    path.write_text(LEAST.replace("[data]", 'name = "9lives"\n[data]'))
    with pytest.raises(EdgekitError, match="'9lives', not a C identifier"):
        load_project(path)


def test_a_folder_and_a_pyproject_are_projects(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[tool.edgekit.model]\nsource = "net.keras"\n[tool.edgekit.data]\nsource = "random"\n'
    )
    assert load_project(tmp_path).name == "net"
    (tmp_path / "edgekit.toml").write_text(LEAST + "[prune]\nsparsity = 0.5\n")
    assert load_project(tmp_path).prune is not None  # its own file comes first


def test_a_model_without_data_is_told_how(tmp_path: Path) -> None:
    path = tmp_path / "net.keras"
    path.touch()
    with pytest.raises(EdgekitError, match="a model needs data") as caught:
        resolve(str(path))
    assert (caught.value.exit_code, str(caught.value.hint).endswith("--data random")) == (2, True)


def test_a_missing_project_is_told_how_to_start(tmp_path: Path) -> None:
    with pytest.raises(EdgekitError, match="no such project file") as caught:
        load_project(tmp_path)
    assert caught.value.hint == "write one with: edgekit init"
