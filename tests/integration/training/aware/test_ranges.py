"""What tfmot's ranges would do to short trainings and to channels that were pruned away."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.model.reader import read
from edgekit.runtimes.process import Worker, silent
from edgekit.training.converter import convert

pytestmark = pytest.mark.train


def _aware(tf_keras: Any) -> tuple[Any, Any]:
    """Return a network whose second channel is empty but for its bias, and its aware twin."""
    from edgekit.training.aware.quantize import aware_model

    layers = tf_keras.layers
    tf_keras.utils.set_random_seed(0)
    given = tf_keras.Input((6, 6, 2))
    hidden = layers.Conv2D(4, 3, activation="relu", name="eye")(given)
    hidden = layers.Dropout(0.5)(layers.Flatten()(hidden))
    model = tf_keras.Model(given, layers.Dense(3, name="scores")(hidden))
    kernel, _ = model.get_layer("eye").get_weights()
    kernel[..., 1] = 0
    model.get_layer("eye").set_weights([kernel, np.array([0.1, 0.7, -0.1, 0.2])])
    return model, aware_model(model).model


def _samples() -> Any:
    return np.random.default_rng(0).uniform(-2, 3, (64, 6, 6, 2)).astype(np.float32)


def test_ranges_are_those_of_the_samples_and_nothing_else_moves(tf_keras: Any) -> None:
    from edgekit.training.aware.ranges import set_ranges

    model, aware = _aware(tf_keras)
    weights = {item.name: item.numpy() for item in aware.trainable_variables}
    samples = _samples()
    set_ranges(aware, samples)
    found = {item.name: float(item) for item in aware.variables if item.shape == ()}
    # the layer's name is numbered where this process has built others before
    of_input = [
        value
        for name, value in found.items()
        if name.startswith("quantize_layer") and name.endswith(("_min:0", "_max:0"))
    ]
    assert sorted(of_input) == pytest.approx([samples.min(), samples.max()])
    relu = np.asarray(tf_keras.Model(model.input, model.get_layer("eye").output)(samples))
    assert found["quant_eye/post_activation_min:0"] == 0
    # the weights are rounded to 8 bits meanwhile
    assert found["quant_eye/post_activation_max:0"] == pytest.approx(relu.max(), rel=0.02)
    for item in aware.trainable_variables:
        np.testing.assert_array_equal(item.numpy(), weights[item.name])
    assert [layer.layer.rate for layer in aware.layers if "dropout" in layer.name] == [0.5]


def test_the_bias_of_an_empty_channel_is_right_in_the_file(tf_keras: Any, tmp_path: Path) -> None:
    from edgekit.training.aware.ranges import set_ranges, widen_empty_channels
    from edgekit.training.files import save_for_conversion

    _, aware = _aware(tf_keras)
    set_ranges(aware, _samples())
    widen_empty_channels(aware)
    save_for_conversion(aware, tmp_path / "saved")
    with Worker("the TFLite converter") as converter:
        content = converter.call(convert, silent, tmp_path / "saved", _samples())
    graph = read(content).main
    (convolution,) = (item for item in graph.operators if item.op == "CONV_2D")
    kernel, bias = (graph.tensors[index] for index in convolution.inputs[1:])
    assert not kernel.values()[1].any()
    assert bias.quantization is not None
    real = bias.values() * bias.quantization.scales
    np.testing.assert_allclose(real, [0.1, 0.7, -0.1, 0.2], atol=1e-3)


def test_statistics_are_those_of_the_samples_and_nothing_drops_out(tf_keras: Any) -> None:
    from edgekit.training.aware.ranges import set_statistics

    layers = tf_keras.layers
    given = tf_keras.Input((6, 6, 2))
    hidden = layers.BatchNormalization(name="first")(layers.Dropout(0.5)(given))
    model = tf_keras.Model(given, layers.BatchNormalization(name="second")(layers.ReLU()(hidden)))
    samples = _samples()
    assert set_statistics(model, samples, batch_size=64) == ("first", "second")
    mean, variance = (item.numpy() for item in model.get_layer("first").non_trainable_weights)
    assert mean == pytest.approx(samples.mean(axis=(0, 1, 2)), rel=1e-5)
    assert variance == pytest.approx(samples.var(axis=(0, 1, 2), ddof=1), rel=1e-4)
    # What the second sees is the positive part of numbers with mean 0 and variance 1.
    unit = (samples - mean) / np.sqrt(variance + 1e-3)
    mean, _ = (item.numpy() for item in model.get_layer("second").non_trainable_weights)
    assert mean == pytest.approx(np.maximum(unit, 0).mean(axis=(0, 1, 2)), rel=1e-3)
    assert model.layers[1].rate == 0.5
    assert model.get_layer("first").momentum == 0.99


def test_statistics_are_the_mean_over_batches_and_frozen_layers_keep_theirs(tf_keras: Any) -> None:
    from edgekit.training.aware.ranges import set_statistics

    layers = tf_keras.layers
    given = tf_keras.Input((6, 6, 2))
    noisy = layers.GaussianNoise(9.0)(layers.RandomFlip()(given))
    free, frozen = layers.BatchNormalization(), layers.BatchNormalization(trainable=False)
    model = tf_keras.Model(given, layers.Add()([free(noisy), frozen(noisy)]))
    samples = _samples()
    names = set_statistics(model, samples, batch_size=20)  # the last 4 fill no batch
    assert names == (free.name,)
    mean, variance = (item.numpy() for item in free.non_trainable_weights)
    batches = samples[:60].reshape(3, 20, 6, 6, 2)
    assert mean == pytest.approx(batches.mean(axis=(0, 1, 2, 3)), rel=1e-4)
    variances = batches.var(axis=(1, 2, 3), ddof=1)
    assert variance == pytest.approx(variances.mean(axis=0), rel=1e-4)
    np.testing.assert_array_equal(frozen.get_weights()[2], np.zeros(2))
    again = [item.numpy() for item in free.non_trainable_weights]
    set_statistics(model, samples, batch_size=20)
    for one, other in zip(again, free.non_trainable_weights, strict=True):
        np.testing.assert_array_equal(one, other.numpy())
