"""Models of every origin are read, and what is no model is refused in a sentence."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from edgekit.errors import EdgekitError, InputError, MissingDependencyError, UnsupportedModelError
from edgekit.runtimes.process import silent
from edgekit.training.load.load import LoadedModel, load

pytestmark = pytest.mark.train


def _load(folder: Path, source: str) -> LoadedModel:
    return load(silent, source, directory=folder, out=folder / "out")


def _small(library: Any) -> Any:
    layers = library.layers
    return library.Sequential(
        [library.Input((6,)), layers.Dense(5, activation="relu"), layers.Dense(3)]
    )


def _outputs_of_file(folder: Path, batch: Any) -> Any:
    from edgekit.training.predict import predict

    return predict(silent, folder / "out" / "model.h5", batch)


@pytest.mark.parametrize("name", ["model.keras", "model.h5"])
@pytest.mark.parametrize("library", ["keras3", "tf_keras"])
def test_a_file_of_either_keras(
    request: pytest.FixtureRequest, tmp_path: Path, library: str, name: str
) -> None:
    keras = request.getfixturevalue(library)
    model = _small(keras)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer="adam", loss=loss)
    model.save(tmp_path / name)
    loaded = _load(tmp_path, name)
    assert (loaded.input_shape, loaded.output_shape) == ((6,), (3,))
    assert loaded.parameters == 6 * 5 + 5 + 5 * 3 + 3
    assert json.loads(loaded.loss)["class_name"] == "SparseCategoricalCrossentropy"
    assert json.loads(loaded.loss)["config"]["from_logits"] is True
    batch = np.random.default_rng(0).normal(size=(4, 6)).astype(np.float32)
    np.testing.assert_allclose(
        _outputs_of_file(tmp_path, batch), np.asarray(model(batch)), rtol=1e-5, atol=1e-6
    )


def test_a_saved_model_with_keras_records_can_be_trained(tmp_path: Path, tf_keras: Any) -> None:
    _small(tf_keras).save(tmp_path / "saved", save_format="tf")
    loaded = _load(tmp_path, "saved")
    assert loaded.kind == "keras"
    assert loaded.parameters == 53


def test_a_saved_model_without_them_can_be_converted(tmp_path: Path, keras3: Any) -> None:
    model = _small(keras3)
    model.export(tmp_path / "served", verbose=False)
    loaded = _load(tmp_path, "served")
    assert (loaded.kind, loaded.input_shape, loaded.output_shape) == ("saved_model", (6,), (3,))
    assert "not pruned or trained" in loaded.notes[0]
    from edgekit.training.predict import predict

    batch = np.random.default_rng(0).normal(size=(4, 6)).astype(np.float32)
    np.testing.assert_allclose(
        predict(silent, tmp_path / "served", batch), np.asarray(model(batch)), rtol=1e-5, atol=1e-6
    )


HOOK = """
import {library} as keras

def own_loss(true, predicted):
    return (true - predicted) ** 2

def make():
    layers = keras.layers
    model = keras.Sequential([keras.Input((6,)), layers.Dense(3, activation="softmax")])
    model.compile(loss={loss})
    return model

def nothing():
    return 5
"""


@pytest.mark.parametrize(
    ("library", "loss", "written"),
    [
        ("keras", "'mse'", "mse"),
        ("tf_keras", "own_loss", "{name}:own_loss"),
        ("keras", "own_loss", "{name}:own_loss"),
        ("tf_keras", "keras.losses.categorical_crossentropy", "categorical_crossentropy"),
    ],
)
def test_a_function_that_makes_a_model(
    tmp_path: Path, library: str, loss: str, written: str
) -> None:
    name = f"net_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(HOOK.format(library=library, loss=loss))
    assert _load(tmp_path, f"{name}:make").loss == written.format(name=name)
    with pytest.raises(InputError, match="returns a int, not a Keras model"):
        _load(tmp_path, f"{name}:nothing")


def test_the_seed_decides_the_weights_of_a_new_model(tmp_path: Path) -> None:
    name = f"net_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(HOOK.format(library="keras", loss="'mse'"))
    batch = np.ones((1, 6), np.float32)
    outputs = []
    for seed in (3, 3, 4):
        load(silent, f"{name}:make", directory=tmp_path, out=tmp_path / "out", seed=seed)
        outputs.append(_outputs_of_file(tmp_path, batch))
    np.testing.assert_array_equal(outputs[0], outputs[1])
    assert not np.array_equal(outputs[0], outputs[2])


def _refused(folder: Path, source: str, kind: type[EdgekitError], message: str) -> None:
    with pytest.raises(kind, match=message):
        _load(folder, source)


def test_what_is_no_model_file(tmp_path: Path) -> None:
    (tmp_path / "notes.keras").write_text("no model")
    (tmp_path / "cut.keras").write_bytes(b"PK\x03\x04")
    (tmp_path / "cut.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    (tmp_path / "folder").mkdir()
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        file["kernel"] = np.ones(3)
    _refused(tmp_path, "absent.h5", InputError, "absent.h5: no such file")
    _refused(tmp_path, "notes.keras", InputError, "not a Keras model")
    _refused(tmp_path, "cut.keras", InputError, "not a Keras model")
    _refused(tmp_path, "cut.h5", InputError, r"damaged \.h5 file")
    _refused(tmp_path, "folder", InputError, "not a SavedModel")
    _refused(tmp_path, "weights.h5", InputError, "holds weights only")


@pytest.mark.parametrize("name", ["model.keras", "model.h5"])
@pytest.mark.parametrize("library", ["keras3", "tf_keras"])
def test_code_in_a_file_is_not_run(
    request: pytest.FixtureRequest, tmp_path: Path, library: str, name: str
) -> None:
    keras = request.getfixturevalue(library)
    given = keras.Input((6,))
    model = keras.Model(given, keras.layers.Lambda(lambda x: x * 2, name="twice")(given))
    model.save(tmp_path / name)
    _refused(tmp_path, name, UnsupportedModelError, "layer 'twice' is a Lambda")


def test_a_custom_layer_in_a_file_is_named(tmp_path: Path, keras3: Any) -> None:
    class Swirl(keras3.layers.Layer):  # type: ignore[misc]
        def call(self, inputs: Any) -> Any:
            return inputs

    given = keras3.Input((6,))
    keras3.Model(given, Swirl()(given)).save(tmp_path / "own.keras")
    _refused(tmp_path, "own.keras", UnsupportedModelError, "'Swirl' is a custom class")


def test_models_that_cannot_be_built_are_refused(tmp_path: Path, keras3: Any) -> None:
    layers = keras3.layers
    two = [keras3.Input((6,)), keras3.Input((6,))]
    keras3.Model(two, layers.Add()(two)).save(tmp_path / "two.keras")
    _refused(tmp_path, "two.keras", UnsupportedModelError, "has 2 inputs and 1 outputs")
    free = keras3.Input((None, 3))
    keras3.Model(free, layers.Conv1D(2, 1)(free)).save(tmp_path / "free.keras")
    _refused(tmp_path, "free.keras", UnsupportedModelError, r"no fixed shape \(None, 3\)")
    keras3.Sequential([layers.Dense(3)]).save(tmp_path / "unbuilt.keras")
    _refused(tmp_path, "unbuilt.keras", UnsupportedModelError, "was never built")


def test_without_tensorflow_the_install_line_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    from edgekit.training import _tensorflow

    monkeypatch.setattr(_tensorflow, "find_spec", lambda _: None)
    with pytest.raises(MissingDependencyError, match="TensorFlow is not installed") as refusal:
        _tensorflow.tensorflow.__wrapped__()
    assert refusal.value.hint == 'pip install "edgekit[train]"'
