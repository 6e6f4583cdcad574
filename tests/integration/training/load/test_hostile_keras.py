"""Models of strangers: Python code in their files is not run, unless they are trusted."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from edgekit.errors import InputError, UnsupportedModelError
from edgekit.runtimes.process import silent
from edgekit.training.files import read_model
from edgekit.training.load.load import FILE_NAME, LoadedModel, load
from edgekit.training.loss import _named

pytestmark = pytest.mark.train


def _load(folder: Path, source: str, *, trusted: bool = False) -> LoadedModel:
    return load(silent, source, directory=folder, out=folder / "out", trusted=trusted)


def _marking_model(marker: Path, keras: Any) -> Any:
    """Return a model whose Lambda leaves a file behind whenever it is called."""
    given = keras.Input((4,))
    code = f"lambda x: (open({str(marker)!r}, 'w').close(), 2 * x)[1]"
    mark = keras.layers.Lambda(eval(code), name="mark", output_shape=(4,))
    model = keras.Model(given, keras.layers.Dense(3)(mark(given)))
    model(np.ones((1, 4), np.float32))
    return model


def _rewritten(path: Path, old: str, new: str) -> None:
    with h5py.File(path, "r+") as file:
        text = file.attrs["model_config"]
        assert old in text
        file.attrs["model_config"] = text.replace(old, new)


@pytest.mark.parametrize(
    ("library", "name"),
    [
        *(("keras3", "model.keras"), ("keras3", "model.h5")),
        *(("tf_keras", "model.keras"), ("tf_keras", "model.h5"), ("tf_keras", "folder")),
    ],
)
def test_a_lambda_is_not_run(
    request: pytest.FixtureRequest, tmp_path: Path, library: str, name: str
) -> None:
    keras, marker = request.getfixturevalue(library), tmp_path / "ran"
    _marking_model(marker, keras).save(tmp_path / name)
    assert marker.exists()
    marker.unlink()
    with pytest.raises(UnsupportedModelError, match="layer 'mark' is a Lambda") as refused:
        _load(tmp_path, name)
    assert "[model] trusted = true" in str(refused.value.hint)
    assert not marker.exists()


@pytest.mark.parametrize("name", ["model.keras", "model.h5"])
@pytest.mark.parametrize("library", ["keras3", "tf_keras"])
def test_a_trusted_lambda_is_run(
    request: pytest.FixtureRequest, tmp_path: Path, library: str, name: str
) -> None:
    marker = tmp_path / "ran"
    model = _marking_model(marker, request.getfixturevalue(library))
    model.save(tmp_path / name)
    marker.unlink()
    _load(tmp_path, name, trusted=True)
    assert marker.exists()
    x = np.ones((1, 4), np.float32)
    np.testing.assert_allclose(read_model(tmp_path / "out" / FILE_NAME)(x), model(x), rtol=1e-6)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"class_name": "Lambda"', '"class_name": "layers.Lambda"'),
        ('"class_name": "Lambda"', '"class_name": "\\u004cambda"'),
        (
            '"class_name": "Lambda"',
            '"class_name": "X", "registered_name": "Lambda", "module": "keras.src.layers.core"',
        ),
    ],
)
def test_a_lambda_under_another_name_is_not_run(
    old: str, new: str, tmp_path: Path, tf_keras: Any
) -> None:
    marker = tmp_path / "ran"
    _marking_model(marker, tf_keras).save(tmp_path / "model.h5")
    marker.unlink()
    _rewritten(tmp_path / "model.h5", old, new)
    with pytest.raises(UnsupportedModelError):
        _load(tmp_path, "model.h5")
    assert not marker.exists()


def test_a_function_of_python_in_the_place_of_an_activation(tmp_path: Path, tf_keras: Any) -> None:
    """tf_keras would import the module that the file names, and take the function from it."""
    given = tf_keras.Input((4,))
    model = tf_keras.Model(given, tf_keras.layers.Dense(3, activation="relu")(given))
    (tmp_path / "evil_module.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n")
    for module, name in (("evil_module", "f"), ("os", "system"), ("builtins", "exec")):
        model.save(tmp_path / "model.h5")
        call = {"class_name": "function", "config": name, "module": module, "registered_name": name}
        _rewritten(
            tmp_path / "model.h5", '"activation": "relu"', f'"activation": {json.dumps(call)}'
        )
        with pytest.raises(UnsupportedModelError, match=f"names the function '{name}' of {module}"):
            _load(tmp_path, "model.h5")
    assert not (tmp_path / "ran").exists()


def test_a_saved_model_whose_graph_writes_a_file(tmp_path: Path, tf_keras: Any) -> None:
    del tf_keras
    import tensorflow as tf

    module = tf.Module()
    marker = tmp_path / "ran"

    @tf.function(input_signature=[tf.TensorSpec((1, 4), tf.float32)])
    def serve(x: Any) -> Any:
        tf.io.write_file(str(marker), "owned")
        return {"output": x * 2}

    module.serve = serve
    tf.saved_model.save(module, str(tmp_path / "folder"), signatures={"serving_default": serve})
    with pytest.raises(UnsupportedModelError, match="has the operation WriteFile"):
        _load(tmp_path, "folder")
    assert not marker.exists()


def test_a_loss_in_a_file_that_is_code_elsewhere(tmp_path: Path, tf_keras: Any) -> None:
    """A module beside the file would be imported: there is no project that the user wrote."""
    given = tf_keras.Input((4,))
    model = tf_keras.Model(given, tf_keras.layers.Dense(3)(given))
    model.compile(loss="mse")
    model.save(tmp_path / "model.h5")
    (tmp_path / "evil_module.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n")
    with h5py.File(tmp_path / "model.h5", "r+") as file:
        text = file.attrs["training_config"]
        file.attrs["training_config"] = text.replace('"mse"', '"evil_module:loss"')
    with pytest.raises(UnsupportedModelError, match="code outside of the file"):
        _load(tmp_path, "model.h5")
    assert _load(tmp_path, "model.h5", trusted=True).loss == "evil_module:loss"
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("loss", ["os:abort", "subprocess:Popen", "antigravity:fly"])
def test_a_loss_that_a_file_names_is_of_the_project_alone(loss: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no module"):
        _named(loss, tmp_path)


def test_a_loss_that_is_no_loss(tmp_path: Path, tf_keras: Any) -> None:
    del tf_keras
    for name in ("deserialize", "get", "__builtins__"):
        text = json.dumps({"class_name": name, "config": {"identifier": "mse"}})
        with pytest.raises(UnsupportedModelError, match=f"the loss '{name}'"):
            _named(text, tmp_path)
