"""Post-training quantization of Keras 3 models as they are: the files answer as Keras does."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.data.reference import load_vectors
from edgekit.errors import UnsupportedModelError
from edgekit.model.file import ModelFile
from edgekit.model.integer import require_integer
from edgekit.pipeline.keras_stages import stages_to_file
from edgekit.pipeline.stages import Stages, unwatched
from edgekit.project.project import Project
from edgekit.runtimes.process import Worker, silent
from edgekit.runtimes.real import real_outputs
from edgekit.specs import DataSpec, ModelSpec, QuantizeSpec
from edgekit.training.converter import convert
from edgekit.training.keras.keep import CONVERTED, keep
from edgekit.training.load.load import LoadedModel
from edgekit.training.predict import ANSWERS, predict

pytestmark = pytest.mark.train

NET = """
import keras
import numpy as np
from keras import layers, ops

@keras.saving.register_keras_serializable("mine")
class Scale(layers.Layer):
    def build(self, shape):
        spread = keras.initializers.RandomUniform(0.5, 1.5)
        self.gain = self.add_weight(shape=(shape[-1],), initializer=spread, name="gain")

    def call(self, values):
        return ops.relu(values * self.gain)

@keras.saving.register_keras_serializable("mine")
def halved(values):
    return values / 2 - 0.1

@keras.saving.register_keras_serializable("mine")
class Whole(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.first = layers.Conv2D(4, 3, activation="relu")
        self.last = layers.Dense(3)

    def call(self, values):
        return self.last(ops.mean(self.first(values), axis=(1, 2)))

class Unregistered(layers.Layer):
    def call(self, values):
        return values * 3

def _of(*body):
    return keras.Sequential(
        [keras.Input((8, 8, 2)), *body, layers.GlobalAveragePooling2D(), layers.Dense(3)]
    )

def custom():
    return _of(Scale(), layers.Conv2D(4, 3))

def unregistered():
    return _of(Unregistered(), layers.Conv2D(4, 3))

def function():
    return _of(layers.Lambda(halved), layers.Conv2D(4, 3))

def anonymous():
    return _of(layers.Lambda(lambda values: ops.tanh(values)), layers.Conv2D(4, 3))

def augmentation():
    return _of(
        layers.RandomFlip(), layers.RandomRotation(0.2), layers.RandomZoom(0.2),
        layers.Conv2D(4, 3), layers.GaussianNoise(1.0), layers.Dropout(0.5),
    )

def hard_swish():
    given = keras.Input((8, 8, 2))
    x = layers.Conv2D(8, 3, use_bias=False)(given)
    x = layers.Activation("hard_swish")(layers.BatchNormalization()(x))
    gate = layers.GlobalAveragePooling2D(keepdims=True)(x)
    gate = layers.Conv2D(2, 1, activation="relu")(gate)
    gate = layers.Conv2D(8, 1, activation="hard_sigmoid")(gate)
    x = layers.GlobalAveragePooling2D()(x * gate + 0.5)
    return keras.Model(given, layers.Dense(3)(x))

def attention():
    given = keras.Input((8, 8, 2))
    x = layers.Reshape((16, 8))(given)
    x = x + layers.MultiHeadAttention(2, 4)(layers.LayerNormalization()(x), x)
    return keras.Model(given, layers.Dense(3)(layers.GlobalAveragePooling1D()(x)))

def nested():
    inner = keras.Sequential([keras.Input((8, 8, 2)), layers.Conv2D(4, 3), layers.ReLU()])
    given = keras.Input((8, 8, 2))
    x = layers.GlobalAveragePooling2D()(inner(given))
    return keras.Model(given, {"score": layers.Dense(3)(x)})

def subclassed():
    model = Whole()
    model(np.zeros((1, 8, 8, 2), np.float32))
    return model

def recurrent():
    given = keras.Input((8, 8, 2))
    x = layers.Bidirectional(layers.SimpleRNN(4))(layers.Reshape((8, 16))(given))
    x = layers.GRU(4)(layers.Reshape((4, 2))(x))
    return keras.Model(given, layers.Dense(3)(x))

def lstm():
    given = keras.Input((8, 8, 2))
    x = layers.LSTM(4)(Scale()(layers.Reshape((8, 16))(given)))
    return keras.Model(given, layers.Dense(3)(x))

def mixed():
    given = keras.Input((8, 8, 2))
    x = layers.Flatten()(layers.Conv2D(4, 3, dtype="mixed_float16")(given))
    return keras.Model(given, layers.Dense(3)(x))

def ids():
    given = keras.Input((8,), dtype="int32")
    x = layers.GlobalAveragePooling1D()(layers.Embedding(20, 4)(given))
    return keras.Model(given, layers.Dense(3)(x))

class Broken(layers.Layer):
    def compute_output_shape(self, shape):
        return shape

    def call(self, values):
        raise RuntimeError("the moon is not full")

def broken():
    return _of(Broken(name="moon"), layers.Conv2D(4, 3))
"""
KINDS = (
    *("custom", "unregistered", "function", "anonymous", "augmentation", "hard_swish"),
    *("attention", "nested", "subclassed", "recurrent", "lstm", "mixed", "ids"),
)
FILES = (
    *("custom.keras", "function.keras", "augmentation.keras", "attention.keras"),
    *("subclassed.keras", "custom.h5"),
)


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory, keras3: Any) -> tuple[Path, str]:
    """A project's folder and the name of its module."""
    del keras3
    folder = tmp_path_factory.mktemp("ptq")
    name = "net_of_ptq_models"
    (folder / f"{name}.py").write_text(NET)
    return folder, name


@pytest.fixture(scope="module")
def converter() -> Any:
    with Worker("the TFLite converter") as worker:
        yield worker


def kept(
    folder: Path, source: str, monkeypatch: pytest.MonkeyPatch, **rights: Any
) -> tuple[LoadedModel, Any, Path]:
    """Return what `keep` says and the very model that it read, with its folder."""
    from edgekit.training.load import reading

    models = []
    read = reading.read

    def watched(given: Any) -> Any:
        found = read(given)
        assert found is not None
        models.append(found.model)
        return found

    monkeypatch.setattr("edgekit.training.keras.keep.read", watched)
    out = folder / "out" / source.replace(":", "_")
    loaded = keep(silent, source, directory=folder, out=out, **rights)
    return loaded, models[0], out


def samples(loaded: LoadedModel, count: int = 40) -> Any:
    generator = np.random.default_rng(0)
    shape = (count, *loaded.input_shape)
    if loaded.ids is not None:
        return generator.integers(0, loaded.ids, shape).astype(np.float32)
    return generator.uniform(-1, 1, shape).astype(np.float32)


def flat(outputs: Any) -> Any:
    return np.asarray(next(iter(outputs.values())) if isinstance(outputs, dict) else outputs)


def check_file(converter: Worker, model: Any, loaded: LoadedModel, out: Path) -> None:
    """Hold the answers, the float file and the int8 file against Keras's own ``predict``."""
    inputs = samples(loaded)
    expected = flat(model.predict(inputs, verbose=0)).astype(np.float32)
    np.testing.assert_allclose(predict(silent, out / ANSWERS, inputs), expected, atol=1e-5)
    content = converter.call(convert, silent, out / CONVERTED, inputs, scheme="float32")
    found = real_outputs("litert", ModelFile.of(content), inputs)
    halves = any("float16" in str(layer.dtype_policy) for layer in model.layers)
    np.testing.assert_allclose(found, expected, atol=1e-2 if halves else 1e-5)
    file = ModelFile.of(converter.call(convert, silent, out / CONVERTED, inputs))
    require_integer(file.model)
    found = real_outputs("litert", file, inputs)
    # a tenth of the outputs' range: eight bits, up to a dozen operators one after the other
    assert np.abs(found - expected).max() < 0.1 * np.ptp(expected)


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_of_a_function_answers_as_keras_does(
    net: tuple[Path, str], kind: str, converter: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, name = net
    loaded, model, out = kept(folder, f"{name}:{kind}", monkeypatch)
    assert (loaded.kind, loaded.framework) == ("kept", "keras3")
    assert ("step by step" in "".join(loaded.notes)) == (kind == "lstm")
    check_file(converter, model, loaded, out)


@pytest.mark.parametrize("file", FILES)
def test_a_file_with_the_module_that_registers_its_classes(
    net: tuple[Path, str],
    file: str,
    converter: Worker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder, name = net
    _, model, _ = kept(folder, f"{name}:{Path(file).stem}", monkeypatch)
    model.save(folder / file)
    loaded, again, out = kept(folder, file, monkeypatch, modules=(name,))
    assert (loaded.kind, loaded.framework) == ("kept", "keras3")
    inputs = samples(loaded)
    np.testing.assert_array_equal(
        again.predict(inputs, verbose=0), model.predict(inputs, verbose=0)
    )
    check_file(converter, again, loaded, out)


def test_the_layer_whose_call_fails_is_named(
    net: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, name = net
    with pytest.raises(UnsupportedModelError, match=r"'moon' \(Broken\): the moon is not full"):
        kept(folder, f"{name}:broken", monkeypatch)


def test_a_model_of_tf_keras_stays_one(tmp_path: Path, tf_keras: Any) -> None:
    tf_keras.Sequential([tf_keras.Input((4,)), tf_keras.layers.Dense(3)]).save(tmp_path / "m.h5")
    loaded = keep(silent, "m.h5", directory=tmp_path, out=tmp_path / "out")
    assert (loaded.kind, loaded.framework) == ("keras", "tf_keras")
    assert (tmp_path / "out" / "model.h5").is_file()


def test_an_lstm_is_one_operator_of_the_file(
    tmp_path: Path, keras3: Any, converter: Worker
) -> None:
    from edgekit.training.export import export

    layers = keras3.layers
    model = keras3.Sequential([keras3.Input((6, 3)), layers.LSTM(4), layers.Dense(2)])
    model.save(tmp_path / "m.keras")
    loaded = keep(silent, "m.keras", directory=tmp_path, out=tmp_path)
    assert loaded.kind == "keras"
    export(silent, tmp_path / "model.h5", out=tmp_path / "saved")
    content = converter.call(convert, silent, tmp_path / "saved", samples(loaded))
    kinds = [item.op for item in ModelFile.of(content).model.main.operators]
    assert "UNIDIRECTIONAL_SEQUENCE_LSTM" in kinds


@pytest.mark.parametrize(
    "spec",
    [
        QuantizeSpec(method="ptq", calibration="percentile", bias_correction=True),
        QuantizeSpec(method="ptq", scheme="int16x8"),
        QuantizeSpec(method="ptq", scheme="int4"),
        QuantizeSpec(method="ptq", scheme="float16"),
        QuantizeSpec(method="ptq", scheme="dynamic"),
    ],
    ids=lambda spec: f"{spec.scheme}-{spec.calibration}",
)
def test_every_scheme_of_a_model_with_a_custom_layer(
    net: tuple[Path, str], spec: QuantizeSpec, tmp_path: Path
) -> None:
    folder, name = net
    inputs = np.random.default_rng(0).uniform(-1, 1, (120, 8, 8, 2)).astype(np.float32)
    np.savez(folder / "data.npz", x=inputs, y=np.arange(120) % 3)
    project = Project(
        directory=folder,
        model=ModelSpec(source=f"{name}:custom", name="custom"),
        data=DataSpec(source="data.npz", calibration_samples=40),
        quantize=spec,
    )
    handed = stages_to_file(project, Stages(tmp_path, watch=unwatched, fresh=True))
    vectors = load_vectors(handed.vectors_path)
    assert vectors.float_outputs is not None
    found = real_outputs("litert", handed.file, vectors.inputs)
    tolerance = 0.1 if spec.scheme == "int4" else 0.03  # of the outputs' range, in the mean
    assert np.abs(found - vectors.float_outputs).mean() < tolerance * np.ptp(vectors.float_outputs)
    assert (handed.correction is not None) == spec.bias_correction
