"""What tfmot cannot train is rewritten exactly, and then it can."""

from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.train

IMAGE = (8, 8, 3)
SERIES = (12, 4)
DEFAULT: dict[str, Any] = {}

LAYERS = [
    ("Conv1D", {"filters": 5, "kernel_size": 3, "strides": 2, "padding": "same"}, SERIES),
    ("Conv1D", {"filters": 4, "kernel_size": 3, "padding": "causal", "dilation_rate": 2}, SERIES),
    ("Conv1D", {"filters": 4, "kernel_size": 3, "use_bias": False, "groups": 2}, SERIES),
    ("Conv1DTranspose", {"filters": 5, "kernel_size": 3, "strides": 2}, SERIES),
    ("DepthwiseConv1D", {"kernel_size": 3, "depth_multiplier": 2, "activation": "relu"}, SERIES),
    ("SeparableConv1D", {"filters": 5, "kernel_size": 3, "strides": 2}, SERIES),
    ("SeparableConv1D", {"filters": 5, "kernel_size": 3, "padding": "causal"}, SERIES),
    ("SeparableConv2D", {"filters": 5, "kernel_size": 3, "depth_multiplier": 2}, IMAGE),
    ("SeparableConv2D", {"filters": 5, "kernel_size": 3, "activation": "relu"}, IMAGE),
    ("MaxPooling1D", {"pool_size": 3, "strides": 2, "padding": "same"}, SERIES),
    ("AveragePooling1D", {"pool_size": 2}, SERIES),
    ("BatchNormalization", DEFAULT, IMAGE),
    ("BatchNormalization", {"scale": False}, SERIES),
    ("BatchNormalization", {"center": False}, (9,)),
    ("Rescaling", {"scale": 1 / 255, "offset": -0.5}, IMAGE),
    ("Rescaling", {"scale": [1.0, 2.0, 3.0]}, IMAGE),
    ("Normalization", {"mean": [0.1, 0.2, 0.3], "variance": [1.0, 2.0, 3.0]}, IMAGE),
]


def _scramble(model: Any) -> None:
    generator = np.random.default_rng(1)
    for layer in model.layers:
        layer.set_weights([generator.uniform(0.1, 0.9, w.shape) for w in layer.get_weights()])


def _lowered(tf_keras: Any, layers: Any, shape: tuple[int, ...]) -> Any:
    """Return the rewritten model after its outputs were held against the first one's."""
    from edgekit.training.load.lower import lower

    given = tf_keras.Input(shape)
    values = given
    for layer in layers:
        values = layer(values)
    model = tf_keras.Model(given, values)
    _scramble(model)
    result = lower(model)
    batch = np.random.default_rng(5).normal(size=(6, *shape)).astype(np.float32)
    np.testing.assert_allclose(
        result.model(batch, training=False), model(batch, training=False), rtol=1e-5, atol=1e-5
    )
    return result


def _kinds(model: Any) -> list[str]:
    return [type(layer).__name__ for layer in model.layers[1:]]


@pytest.mark.parametrize(("kind", "arguments", "shape"), LAYERS, ids=lambda item: str(item)[:40])
def test_a_layer_is_rewritten_exactly(
    tf_keras: Any, kind: str, arguments: dict[str, Any], shape: tuple[int, ...]
) -> None:
    from edgekit.training.aware.quantize import supported

    result = _lowered(tf_keras, [getattr(tf_keras.layers, kind)(**arguments)], shape)
    assert kind not in _kinds(result.model)
    assert len(result.changes) == 1
    assert len(supported(result.model)) == len(result.model.layers) - 1  # all but the input


def test_what_tfmot_knows_is_left_as_it_is(tf_keras: Any) -> None:
    layers = tf_keras.layers
    result = _lowered(
        tf_keras, [layers.Conv2D(4, 3), layers.BatchNormalization(), layers.ReLU()], IMAGE
    )
    assert result.changes == ()


def test_an_activation_before_a_normalization_is_kept(tf_keras: Any) -> None:
    # tfmot would train the two as a pair, without the ReLU between them
    layers = tf_keras.layers
    chain = [layers.Conv2D(4, 3, activation="relu"), layers.BatchNormalization(), layers.ReLU()]
    result = _lowered(tf_keras, chain, IMAGE)
    assert _kinds(result.model) == ["Conv2D", "DepthwiseConv2D", "ReLU"]


@pytest.mark.parametrize("kind", ["Conv2D", "DepthwiseConv2D", "Dense"])
@pytest.mark.parametrize("activation", ["linear", "relu", "relu6"])
def test_the_aware_model_computes_nearly_what_the_float_model_does(
    tf_keras: Any, kind: str, activation: str
) -> None:
    from edgekit.training.aware.quantize import aware_model
    from edgekit.training.aware.ranges import set_ranges
    from edgekit.training.load.lower import lower

    layers = tf_keras.layers
    arguments = {"Conv2D": (4, 3), "DepthwiseConv2D": (3,), "Dense": (8,)}[kind]
    given = tf_keras.Input((9,) if kind == "Dense" else IMAGE)
    hidden = getattr(layers, kind)(*arguments, activation=activation)(given)
    hidden = layers.ReLU()(layers.BatchNormalization()(hidden))
    model = tf_keras.Model(given, layers.Dense(3)(layers.Flatten()(hidden)))
    _scramble(model)
    batch = np.random.default_rng(5).normal(size=(64, *given.shape[1:])).astype(np.float32)
    aware = aware_model(lower(model).model).model
    set_ranges(aware, batch)
    expected = np.asarray(model(batch, training=False))
    difference = np.abs(np.asarray(aware(batch, training=False)) - expected).max()
    assert difference < 0.1 * np.ptp(expected)  # eight bits


def test_a_rescaling_goes_into_the_convolution_behind_it(tf_keras: Any) -> None:
    layers = tf_keras.layers
    chain = [layers.Rescaling(1 / 255, offset=-0.5), layers.Conv2D(4, 3, use_bias=False)]
    assert _kinds(_lowered(tf_keras, chain, IMAGE).model) == ["Conv2D"]
    # with padding the border would see the shift: only a pure scale can go in
    padded = [layers.Rescaling(1 / 255, offset=-0.5), layers.Conv2D(4, 3, padding="same")]
    assert _kinds(_lowered(tf_keras, padded, IMAGE).model) == ["DepthwiseConv2D", "Conv2D"]
    scaled = [layers.Rescaling(1 / 255), layers.Conv2D(4, 3, padding="same")]
    assert _kinds(_lowered(tf_keras, scaled, IMAGE).model) == ["Conv2D"]


def test_a_normalization_goes_into_the_dense_layer_behind_it(tf_keras: Any) -> None:
    layers = tf_keras.layers
    chain = [layers.BatchNormalization(), layers.Dense(5, "relu")]
    assert _kinds(_lowered(tf_keras, chain, (9,)).model) == ["Dense"]


@pytest.mark.parametrize("kind", ["Conv1D", "Conv1DTranspose"])
def test_a_normalization_goes_into_the_1d_convolution_before_it(tf_keras: Any, kind: str) -> None:
    layers = tf_keras.layers
    convolution = getattr(layers, kind)(5, 3, use_bias=False)
    chain = [convolution, layers.BatchNormalization(), layers.ReLU()]
    kinds = _kinds(_lowered(tf_keras, chain, SERIES).model)
    assert kinds == ["Reshape", kind.replace("1D", "2D"), "Reshape", "ReLU"]


def test_a_normalization_with_two_readers_stays_whole(tf_keras: Any) -> None:
    layers = tf_keras.layers
    given = tf_keras.Input(IMAGE)
    normal = layers.BatchNormalization()(given)
    left, right = layers.Conv2D(3, 1)(normal), layers.Conv2D(3, 1)(normal)
    model = tf_keras.Model(given, layers.Add()([left, right]))
    _scramble(model)
    from edgekit.training.load.lower import lower

    assert _kinds(lower(model).model) == ["DepthwiseConv2D", "Conv2D", "Conv2D", "Add"]
