"""What a model's owner froze stays as it was in quantization-aware training too."""

from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.train


def _moved(model: Any) -> set[str]:
    """Return the names of what four steps of a training change in the aware twin of ``model``."""
    from edgekit.training.aware.quantize import aware_model
    from edgekit.training.load.lower import lower

    aware = aware_model(lower(model).model).model
    aware.compile("sgd", "mse")
    samples = np.random.default_rng(0).normal(size=(32, *model.input_shape[1:]))
    targets = np.ones((32, *model.output_shape[1:]))
    before = {item.name: item.numpy() for item in aware.variables}
    aware.fit(samples, targets, epochs=2, batch_size=16, verbose=0)
    return {
        item.name for item in aware.variables if not np.array_equal(item.numpy(), before[item.name])
    }


def _weights_of(moved: set[str], layer: str) -> set[str]:
    """Return what moved of a layer's kernel, bias and averages, not of its ranges."""
    kinds = ("kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance")
    return {
        name
        for name in moved
        if layer in name and name.partition(":")[0].rpartition("/")[2].endswith(kinds)
    }


def _image_model(tf_keras: Any) -> Any:
    layers = tf_keras.layers
    given = tf_keras.Input((8, 8, 2))
    hidden = layers.Conv2D(4, 3, name="eye")(given)
    hidden = layers.BatchNormalization(name="calm")(hidden)
    hidden = layers.ReLU()(hidden)
    hidden = layers.SeparableConv2D(4, 3, activation="relu", name="parts")(hidden)
    return tf_keras.Model(given, layers.Dense(3, name="scores")(layers.Flatten()(hidden)))


def _sequence_model(tf_keras: Any) -> Any:
    layers = tf_keras.layers
    given = tf_keras.Input((12, 2))
    hidden = layers.Conv1D(4, 3, activation="relu", name="eye")(given)
    hidden = layers.Conv1D(4, 3, activation="relu6", name="parts")(hidden)
    return tf_keras.Model(given, layers.Dense(3, name="scores")(layers.Flatten()(hidden)))


@pytest.mark.parametrize("build", [_image_model, _sequence_model])
@pytest.mark.parametrize("frozen", [("eye", "calm"), ("parts",), ()])
def test_frozen_layers_are_not_trained_with_their_rounding(
    tf_keras: Any, build: Any, frozen: tuple[str, ...]
) -> None:
    model = build(tf_keras)
    names = {layer.name for layer in model.layers} & {"eye", "calm", "parts", "scores"}
    for name in names & set(frozen):
        model.get_layer(name).trainable = False
    moved = _moved(model)
    for name in names:
        assert bool(_weights_of(moved, name)) == (name not in frozen), name


def test_a_model_that_is_frozen_whole_moves_no_weight(tf_keras: Any) -> None:
    model = _image_model(tf_keras)
    for layer in model.layers:
        layer.trainable = False
    moved = _moved(model)
    assert not any(_weights_of(moved, layer.name) for layer in model.layers)
