from pathlib import Path

import pytest

from edgekit.errors import EdgekitError
from edgekit.project.project import load_project, resolve

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


def a_project(folder: Path) -> Path:
    folder.mkdir()
    path = folder / "edgekit.toml"
    path.write_text(
        'seed = 3\ntargets = ["nucleo-l4r5zi"]\n[model]\nsource = "net.keras"\n'
        '[data]\nsource = "data.npz"\nscale = 0.5\n'
    )
    return path


@pytest.mark.parametrize("form", ["folder", "file", "project"])
def test_what_is_given_replaces_what_the_project_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    path = a_project(tmp_path / "net")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    source = {"folder": path.parent, "file": path, "project": load_project(path)}[form]
    plain = resolve(source)
    assert plain == load_project(path)
    found = resolve(source, data="other.npz", targets=("pixel-4",), seed=7)
    assert (found.directory / found.data.source).resolve() == Path.cwd() / "other.npz"
    assert (found.targets, found.seed, found.data.scale) == (("pixel-4",), 7, 0.5)
    assert (found.model, found.directory) == (plain.model, plain.directory)
    for data in ("random", "data:load"):
        assert resolve(source, data=data).data.source == data
    assert resolve(source, seed=0).seed == 0


def test_build_and_compare_take_what_is_given_with_a_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import edgekit

    project = load_project(a_project(tmp_path / "net"))
    asked = []
    monkeypatch.setattr("edgekit.pipeline.build.build", lambda project, **_: asked.append(project))
    monkeypatch.setattr(
        "edgekit.comparison.experiment.conduct", lambda project, *_, **__: asked.append(project)
    )
    for function in (edgekit.build, edgekit.compare):
        function(project, data="random", targets=("pixel-4",), seed=7)
    for found in asked:
        assert (found.data.source, found.targets, found.seed) == ("random", ("pixel-4",), 7)
    assert len(asked) == 2


def test_a_model_s_folder_stays_a_model(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").touch()
    (tmp_path / "edgekit.toml").write_text(LEAST)
    assert resolve(tmp_path, data="random").model.source == str(tmp_path)


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
