"""Train, prune, quantize and convert a small network; zeros are counted in the finished file."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.data.samples import load_data, load_held_out
from edgekit.errors import InputError, ToolError, UnsupportedModelError
from edgekit.model.integer import require_integer
from edgekit.model.reader import Model, read
from edgekit.numerics.integers import quantize
from edgekit.runtimes import tflm
from edgekit.runtimes.process import Worker, silent
from edgekit.specs import DataSpec, PruneSpec, QuantizeSpec, TrainSpec
from edgekit.training.aware.quantize import quantize_aware
from edgekit.training.context import TrainingContext
from edgekit.training.converter import convert
from edgekit.training.export import export
from edgekit.training.fit import train
from edgekit.training.load.load import load
from edgekit.training.pruning.prune import prune
from edgekit.training.pruning.sensitivity import SPARSITIES, sensitivity

pytestmark = pytest.mark.train

DATA = DataSpec(source="data.npz")
TRAIN = TrainSpec(epochs=6)


class Desk:
    """A folder with data and models, and the stages called with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.common: dict[str, Any] = {"data": DATA, "directory": folder, "seed": 0}

    def save(self, model: Any, name: str = "model.keras") -> Any:
        model.save(self.folder / name)
        out = self.folder / Path(name).stem
        return load(silent, name, directory=self.folder, out=out)

    def train(self, spec: TrainSpec = TRAIN, loss: str = "") -> Any:
        model, out = self.folder / "model" / "model.h5", self.folder / "trained.h5"
        return train(
            silent, model, out=out, context=TrainingContext(loss=loss, train=spec, **self.common)
        )

    def prune(self, model: str = "trained.h5", **spec: Any) -> Any:
        return prune(
            silent,
            self.folder / model,
            spec=PruneSpec(**{"sparsity": 0.75, "epochs": 3, **spec}),
            out=self.folder / "pruned.h5",
            context=TrainingContext(loss="", train=TRAIN, **self.common),
        )

    def quantize(self, model: str) -> Any:
        return quantize_aware(
            silent,
            self.folder / model,
            spec=QuantizeSpec(method="qat", epochs=1),
            out=self.folder / "saved",
            context=TrainingContext(loss="", train=TRAIN, **self.common),
        )

    def held_out(self, shape: tuple[int, ...]) -> Any:
        common = {key: self.common[key] for key in ("directory", "seed")}
        return load_held_out(silent, DATA, input_shape=shape, output_shape=(4,), **common)


@pytest.fixture(scope="module")
def converter() -> Any:
    with Worker("the TFLite converter") as worker:
        yield worker


@pytest.fixture(scope="module")
def runtime() -> Any:
    with tflm.Session() as session:
        yield session


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, keras3: Any) -> Desk:
    """A trained network that says which quarter of a noisy picture is the brightest."""
    folder = tmp_path_factory.mktemp("desk")
    generator = np.random.default_rng(0)
    labels = np.arange(600) % 4
    images = generator.normal(0, 0.4, (600, 8, 8)).astype(np.float32)
    for image, label in zip(images, labels, strict=True):
        row, column = divmod(label, 2)
        image[4 * row : 4 * row + 4, 4 * column : 4 * column + 4] += 0.7
    np.savez(folder / "data.npz", x=images, y=labels)
    keras3.utils.set_random_seed(0)
    layers = keras3.layers
    model = keras3.Sequential(
        [
            keras3.Input((8, 8, 1)),
            layers.Conv2D(8, 3, padding="same", use_bias=False, name="eye"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.SeparableConv2D(16, 3, padding="same", activation="relu", name="split"),
            layers.DepthwiseConv2D(3, strides=2, activation="relu", name="depth"),
            layers.Flatten(),
            layers.Dense(32, activation="relu", name="hidden"),
            layers.Dense(4, name="scores"),
        ]
    )
    desk = Desk(folder)
    desk.save(model)
    desk.train()
    return desk


def zeros_by_layer(model: Model) -> dict[str, float]:
    """Return the share of zeros in each weight of the file, by the first part of its name."""
    return {
        tensor.name: 1 - np.count_nonzero(tensor.values()) / tensor.elements
        for tensor in model.main.tensors
        if tensor.data is not None and tensor.dtype == "int8"
    }


def test_the_sparsity_asked_is_in_keras_and_in_the_file(
    desk: Desk, converter: Worker, runtime: tflm.Session
) -> None:
    pruned = desk.prune()
    asked = {"eye": 72, "split": 8 * 16, "hidden": 9 * 16 * 32, "scores": 32 * 4}
    assert {layer.name: layer.weights for layer in pruned.layers} == asked
    assert all(layer.reached == pytest.approx(0.75, abs=0.005) for layer in pruned.layers)
    assert pruned.skipped == ("depth",)

    quantized = desk.quantize("pruned.h5")
    assert quantized.sparsity == pytest.approx(0.75, abs=0.005)
    assert quantized.left == ()
    held_out = desk.held_out((8, 8, 1))
    content = converter.call(convert, silent, desk.folder / "saved", held_out.x_calibration)
    model = read(content)
    require_integer(model)
    zeros = zeros_by_layer(model)
    for name in ("eye/", "split_pointwise/", "hidden/", "scores/"):
        (found,) = (share for key, share in zeros.items() if name in key)
        assert found == pytest.approx(0.75, abs=0.005)

    source = model.main.tensors[model.main.inputs[0]]
    assert source.quantization is not None
    stored = quantize(
        held_out.x_validation,
        scale=float(source.quantization.scales[0]),
        zero_point=int(source.quantization.zero_points[0]),
        dtype="int8",
    )
    (outputs,) = runtime.run(content, (stored,))
    assert np.mean(outputs.argmax(axis=1) == held_out.y_validation) > 0.95


def test_the_same_seed_gives_the_same_bytes(desk: Desk, converter: Worker) -> None:
    files = []
    for _ in range(2):
        desk.prune(epochs=1, schedule="constant")
        export(silent, desk.folder / "pruned.h5", out=desk.folder / "same")
        calibration = desk.held_out((8, 8, 1)).x_calibration
        files.append(converter.call(convert, silent, desk.folder / "same", calibration))
    assert files[0] == files[1]


def test_layers_beyond_tfmot_are_left_to_calibration_and_named(
    desk: Desk, keras3: Any, converter: Worker, runtime: tflm.Session
) -> None:
    layers = keras3.layers
    given = keras3.Input((8, 8))
    values = layers.Conv1D(8, 3, padding="same")(given)
    values = layers.BatchNormalization()(values)
    values = layers.PReLU(shared_axes=[1], name="leak")(values)
    values = layers.MaxPooling1D(2)(layers.Conv1D(8, 3, activation="relu")(values))
    values = layers.Multiply(name="gate")([values, values])
    model = keras3.Model(given, layers.Dense(4)(layers.Flatten()(values)))
    desk.save(model, "series.keras")
    quantized = desk.quantize("series/model.h5")
    assert quantized.left == ("leak (PReLU)", "gate (Multiply)")
    calibration = desk.held_out((8, 8)).x_calibration
    content = converter.call(convert, silent, desk.folder / "saved", calibration)
    require_integer(read(content))
    (outputs,) = runtime.run(content, (np.zeros((1, 8, 8), np.int8),))
    assert outputs.shape == (1, 4)


def test_a_model_keeps_its_own_outputs_where_there_are_no_labels(desk: Desk) -> None:
    np.savez(desk.folder / "unlabelled.npz", x=np.load(desk.folder / "data.npz")["x"])
    common = {**desk.common, "data": DataSpec(source="unlabelled.npz")}
    result = prune(
        silent,
        desk.folder / "trained.h5",
        spec=PruneSpec(sparsity=0.5, epochs=1),
        out=desk.folder / "pruned.h5",
        context=TrainingContext(loss="", train=TRAIN, **common),
    )
    assert result.sparsity == pytest.approx(0.5, abs=0.005)
    assert "keep the model's own outputs" in result.notes[0]
    with pytest.raises(InputError, match="has no labels to train with"):
        train(
            silent,
            desk.folder / "trained.h5",
            out=desk.folder / "x.h5",
            context=TrainingContext(loss="", train=TRAIN, **common),
        )


def test_a_training_that_breaks_down_is_told(desk: Desk) -> None:
    with pytest.raises(ToolError, match="the loss is not a number in epoch 1"):
        desk.train(TrainSpec(epochs=2, learning_rate=1e30))


def test_a_model_without_weights_cannot_be_pruned(desk: Desk, keras3: Any) -> None:
    given = keras3.Input((8, 8, 1))
    values = keras3.layers.DepthwiseConv2D(8, depth_multiplier=4)(given)
    desk.save(keras3.Model(given, keras3.layers.Flatten()(values)), "bare.keras")
    with pytest.raises(UnsupportedModelError, match="no layer of the model can be pruned"):
        desk.prune("bare/model.h5")


def test_calibration_is_checked(desk: Desk, converter: Worker) -> None:
    export(silent, desk.folder / "trained.h5", out=desk.folder / "float")
    good = desk.held_out((8, 8, 1)).x_calibration
    bad = {
        "no calibration samples": good[:0],
        "hold NaN": np.where(good > 0, np.nan, good),
        r"have the shape \(8, 8\)": good[..., 0],
    }
    for message, samples in bad.items():
        with pytest.raises(InputError, match=message):
            converter.call(convert, silent, desk.folder / "float", samples)


def test_a_float_operator_that_is_left_is_named(desk: Desk, keras3: Any, converter: Worker) -> None:
    given = keras3.Input((8, 8, 1))
    hidden = keras3.layers.Dense(5)(keras3.layers.Flatten()(given))
    desk.save(keras3.Model(given, keras3.layers.ELU()(hidden)), "elu.keras")
    export(silent, desk.folder / "elu" / "model.h5", out=desk.folder / "elu_saved")
    calibration = desk.held_out((8, 8, 1)).x_calibration
    content = converter.call(convert, silent, desk.folder / "elu_saved", calibration)
    with pytest.raises(UnsupportedModelError, match=r"not fully integer: .* ELU at"):
        require_integer(read(content))


@pytest.mark.parametrize(
    ("scheme", "io", "kind"),
    [("int8", "uint8", "uint8"), ("int8", "float32", "float32"), ("int16x8", "int8", "int16")],
)
def test_other_types_at_the_border(
    desk: Desk, converter: Worker, scheme: Any, io: Any, kind: str
) -> None:
    export(silent, desk.folder / "trained.h5", out=desk.folder / "float")
    calibration = desk.held_out((8, 8, 1)).x_calibration
    content = converter.call(
        convert, silent, desk.folder / "float", calibration, io=io, scheme=scheme
    )
    model = read(content)
    assert model.main.tensors[model.main.inputs[0]].dtype == kind
    require_integer(model, io=io)


def test_auto_meets_the_size_and_spares_what_is_dear(desk: Desk) -> None:
    weights = 72 + 8 * 16 + 9 * 16 * 32 + 32 * 4
    size = 2000
    pruned = desk.prune(sparsity="auto", size=size)
    left = weights - sum(layer.weights * layer.reached for layer in pruned.layers)
    assert left + weights / 8 == pytest.approx(size, abs=10)  # a byte a weight, a bit for each
    shares = {layer.name: layer.reached for layer in pruned.layers}
    assert shares["hidden"] == max(shares.values())  # the one with weights to spare
    with pytest.raises(InputError, match="the size cannot be reached"):
        desk.prune(sparsity="auto", size=100)


def test_the_sensitivity_of_each_layer_is_measured(desk: Desk) -> None:
    before = (desk.folder / "trained.h5").read_bytes()
    found = sensitivity(
        silent,
        desk.folder / "trained.h5",
        spec=PruneSpec(sparsity=0.5),
        context=TrainingContext(loss="", train=TRAIN, **desk.common),
    )
    assert (found.metric, found.samples) == ("accuracy", 120)
    assert found.score > 0.95
    assert [curve.name for curve in found.layers] == ["eye", "split", "hidden", "scores"]
    for curve in found.layers:
        assert [point.sparsity for point in curve.points] == [0, *SPARSITIES]
        assert curve.points[0].score == found.score
        assert curve.points[-1].score <= found.score
    assert (desk.folder / "trained.h5").read_bytes() == before


def test_real_datasets_of_tensorflow_are_drained(tmp_path: Path, tf_keras: Any) -> None:
    del tf_keras  # TensorFlow comes in by its door
    name = f"hook_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(
        """
import numpy as np
import tensorflow as tf

def both():
    x = np.arange(60, dtype=np.float32).reshape(20, 3)
    whole = tf.data.Dataset.from_tensor_slices((x, np.arange(20) % 4))
    return whole.take(12).batch(5), whole.skip(12)

def endless():
    return both()[0].repeat()
"""
    )
    common = {"directory": tmp_path, "input_shape": (3,), "output_shape": (4,), "seed": 0}
    data = load_data(DataSpec(source=f"{name}:both"), **common)
    assert len(data.x_train) + len(data.x_calibration) == 12
    np.testing.assert_array_equal(data.x_validation[:, 0], 3 * np.arange(12, 20))
    np.testing.assert_array_equal(data.y_validation, np.arange(12, 20) % 4)
    with pytest.raises(InputError, match="never ends"):
        load_data(DataSpec(source=f"{name}:endless"), **common)


def small(keras3: Any, **eye: Any) -> Any:
    """Return a network of a convolution and a Dense layer."""
    layers = keras3.layers
    return keras3.Sequential(
        [
            keras3.Input((8, 8, 1)),
            layers.Conv2D(8, 3, activation="relu", name="eye", **eye),
            layers.Flatten(),
            layers.Dense(4, name="scores"),
        ]
    )


def test_more_zeros_than_were_asked_are_fine_and_told(desk: Desk, keras3: Any) -> None:
    model = small(keras3)
    kernel, bias = model.get_layer("eye").get_weights()
    kernel[..., :6], bias[:6] = 0, -1  # dead: no gradient comes through
    model.get_layer("eye").set_weights([kernel, bias])
    desk.save(model, "dead.keras")
    pruned = desk.prune("dead/model.h5", sparsity=0.5)
    assert {layer.name: layer.reached for layer in pruned.layers} == {"eye": 0.75, "scores": 0.5}
    told = "layer 'eye' has 75.0% zeros, more than the 50.0% asked: it had them before"
    assert told in pruned.notes


def test_a_frozen_layer_is_told_and_left_alone(desk: Desk, keras3: Any, tf_keras: Any) -> None:
    model = small(keras3, trainable=False)
    desk.save(model, "frozen.keras")
    pruned = desk.prune("frozen/model.h5", sparsity=0.5)
    assert [layer.name for layer in pruned.layers] == ["scores"]
    assert (pruned.frozen, pruned.skipped) == (("eye",), ("eye",))
    assert "not pruned, for they are frozen: 'eye'" in pruned.notes
    after = tf_keras.models.load_model(desk.folder / "pruned.h5", compile=False)
    for old, new in zip(
        model.get_layer("eye").get_weights(), after.get_layer("eye").get_weights(), strict=True
    ):
        np.testing.assert_array_equal(old, new)
    measured = sensitivity(
        silent,
        desk.folder / "frozen" / "model.h5",
        spec=PruneSpec(sparsity=0.5),
        context=TrainingContext(loss="", train=TRAIN, **desk.common),
    )
    assert [curve.name for curve in measured.layers] == ["scores"]
    assert measured.frozen == ("eye",)
    model.trainable = False
    desk.save(model, "ice.keras")
    with pytest.raises(UnsupportedModelError, match="'eye', 'scores' are frozen"):
        desk.prune("ice/model.h5")


def test_averages_are_those_of_the_pruned_weights(desk: Desk, tf_keras: Any) -> None:
    pruned = desk.prune(epochs=1)
    assert pruned.notes[-1].startswith("averages of 1 BatchNormalization layer estimated again")
    before, after = (float(item) for item in pruned.notes[-1].rpartition("from ")[2].split(" to "))
    assert after <= before
    model = tf_keras.models.load_model(desk.folder / "pruned.h5", compile=False)
    common = {key: desk.common[key] for key in ("directory", "seed")}
    data = load_data(DATA, input_shape=(8, 8, 1), output_shape=(4,), **common)
    seen = np.asarray(tf_keras.Model(model.input, model.get_layer("eye").output)(data.x_train))
    count = len(seen) // 32 * 32  # batches of the training; what fills none is left out
    batches = seen[:count].reshape(-1, 32 * 64, 8)
    _, _, mean, variance = model.layers[2].get_weights()
    np.testing.assert_allclose(mean, batches.mean(axis=(0, 1)), rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(variance, batches.var(axis=1, ddof=1).mean(axis=0), rtol=1e-3)


def test_whole_numbers_are_numbers_from_training_to_sensitivity(
    tmp_path: Path, keras3: Any, tf_keras: Any
) -> None:
    x = np.random.default_rng(0).uniform(0, 1, (200, 6)).astype(np.float32)
    np.savez(tmp_path / "data.npz", x=x, y=np.round(20 * x.mean(axis=1)).astype(int))
    desk = Desk(tmp_path)
    layers = keras3.layers
    hidden = layers.Dense(8, activation="relu", name="hidden")
    model = keras3.Sequential([keras3.Input((6,)), hidden, layers.Dense(1, name="count")])
    desk.save(model)
    trained = desk.train(TrainSpec(epochs=2))
    assert trained.notes[0].startswith("loss: mean_squared_error, chosen to fit")
    assert [epoch.accuracy for epoch in trained.history] == [None, None]
    found = sensitivity(
        silent,
        tmp_path / "trained.h5",
        spec=PruneSpec(sparsity=0.5),
        context=TrainingContext(loss="", train=TRAIN, **desk.common),
    )
    common = {key: desk.common[key] for key in ("directory", "seed")}
    data = load_data(DATA, input_shape=(6,), output_shape=(1,), **common)
    answers = tf_keras.models.load_model(tmp_path / "trained.h5", compile=False)(data.x_validation)
    error = np.mean(np.abs(np.asarray(answers)[:, 0] - data.y_validation))
    assert found.metric == "mean_absolute_error"
    assert found.score == pytest.approx(error, rel=1e-5)


@pytest.mark.parametrize(
    ("labels", "outputs", "activation", "loss"),
    [
        (np.arange(60) % 3, 3, "softmax", "sparse_categorical_crossentropy,"),
        (np.arange(60) % 3, 3, "linear", "sparse_categorical_crossentropy from logits"),
        (np.arange(60) % 3, 3, "sigmoid", "binary_crossentropy,"),
        (np.eye(3)[np.arange(60) % 3], 3, "linear", "categorical_crossentropy from logits"),
        (np.arange(60) % 2, 1, "linear", "binary_crossentropy from logits"),
        (np.arange(60), 1, "linear", "mean_squared_error,"),
        (np.ones((60, 3)) / 3, 3, "softmax", "categorical_crossentropy,"),
        (np.arange(180).reshape(60, 3), 3, "linear", "mean_squared_error,"),
        (np.zeros((60, 3, 3, 1)), (3, 3, 1), "sigmoid", "mean_squared_error,"),
    ],
)
def test_the_loss_that_is_chosen_fits_labels_and_outputs(
    tmp_path: Path, tf_keras: Any, labels: Any, outputs: Any, activation: str, loss: str
) -> None:
    from edgekit.training.fit import fit
    from edgekit.training.loss import objective

    layers = tf_keras.layers
    given = tf_keras.Input((3, 3, 2))
    last = (
        layers.Conv2D(1, 1, activation=activation)(given)
        if isinstance(outputs, tuple)
        else layers.Dense(outputs, activation=activation)(layers.Flatten()(given))
    )
    model = tf_keras.Model(given, last)
    np.savez(tmp_path / "data.npz", x=np.ones((60, 3, 3, 2)), y=labels)
    shape = tuple(model.output_shape[1:])
    common: dict[str, Any] = {"directory": tmp_path, "seed": 0}
    data = load_data(DATA, input_shape=(3, 3, 2), output_shape=shape, **common)
    goal = objective("", model=model, dataset=data, directory=tmp_path)
    assert goal.note.startswith(f"loss: {loss}")
    assert goal.metrics == (("accuracy",) if data.are_classes else ())
    fit(model, data.x_train, goal, epochs=1, learning_rate=1e-3, batch_size=32, progress=silent)
