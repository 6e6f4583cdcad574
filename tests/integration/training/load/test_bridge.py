"""Every kind of layer that the bridge knows, against Keras 3's own outputs."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.errors import UnsupportedModelError

pytestmark = pytest.mark.train

IMAGE = (8, 8, 3)
SERIES = (12, 4)

# One entry a kind of layer: its class, its arguments, and the input it is tried on.
LAYERS: list[tuple[str, dict[str, Any], tuple[int, ...]]] = [
    ("Conv1D", {"filters": 5, "kernel_size": 3, "strides": 2, "padding": "same"}, SERIES),
    ("Conv1D", {"filters": 5, "kernel_size": 3, "padding": "causal", "dilation_rate": 2}, SERIES),
    ("Conv1DTranspose", {"filters": 5, "kernel_size": 3, "strides": 2}, SERIES),
    ("Conv2D", {"filters": 6, "kernel_size": 3, "groups": 3, "activation": "relu"}, IMAGE),
    ("Conv2D", {"filters": 6, "kernel_size": (1, 3), "use_bias": False}, IMAGE),
    ("Conv2DTranspose", {"filters": 4, "kernel_size": 3, "strides": 2, "padding": "same"}, IMAGE),
    ("DepthwiseConv1D", {"kernel_size": 3, "depth_multiplier": 2}, SERIES),
    ("DepthwiseConv2D", {"kernel_size": 3, "strides": 2, "padding": "same"}, IMAGE),
    ("SeparableConv1D", {"filters": 5, "kernel_size": 3}, SERIES),
    ("SeparableConv2D", {"filters": 5, "kernel_size": 3, "depth_multiplier": 2}, IMAGE),
    ("Dense", {"units": 7, "activation": "gelu"}, (9,)),
    ("Dense", {"units": 7, "kernel_regularizer": "l2", "kernel_constraint": "max_norm"}, SERIES),
    ("EinsumDense", {"equation": "ab,bc->ac", "output_shape": 7, "bias_axes": "c"}, (9,)),
    ("BatchNormalization", {}, IMAGE),
    ("BatchNormalization", {"scale": False, "center": False}, (9,)),
    ("LayerNormalization", {}, SERIES),
    ("GroupNormalization", {"groups": 3}, IMAGE),
    ("UnitNormalization", {}, (9,)),
    ("Activation", {"activation": "hard_sigmoid"}, (9,)),
    ("Activation", {"activation": "swish"}, (9,)),
    ("ReLU", {"max_value": 6.0}, (9,)),
    ("LeakyReLU", {"negative_slope": 0.2}, (9,)),
    ("PReLU", {"shared_axes": [1, 2]}, IMAGE),
    ("ELU", {"alpha": 0.7}, (9,)),
    ("Softmax", {}, (9,)),
    ("MaxPooling1D", {"pool_size": 3, "strides": 2}, SERIES),
    ("MaxPooling2D", {"pool_size": (2, 3), "padding": "same"}, IMAGE),
    ("AveragePooling1D", {"pool_size": 2}, SERIES),
    ("AveragePooling2D", {"pool_size": 3, "padding": "same"}, IMAGE),
    ("GlobalAveragePooling1D", {}, SERIES),
    ("GlobalAveragePooling2D", {"keepdims": True}, IMAGE),
    ("GlobalMaxPooling1D", {}, SERIES),
    ("GlobalMaxPooling2D", {}, IMAGE),
    ("ZeroPadding1D", {"padding": 2}, SERIES),
    ("ZeroPadding2D", {"padding": ((1, 0), (2, 1))}, IMAGE),
    ("Cropping1D", {"cropping": 2}, SERIES),
    ("Cropping2D", {"cropping": 1}, IMAGE),
    ("UpSampling1D", {"size": 3}, SERIES),
    ("UpSampling2D", {"interpolation": "bilinear"}, IMAGE),
    ("Rescaling", {"scale": 1 / 255, "offset": -0.5}, IMAGE),
    ("Normalization", {"mean": [0.1, 0.2, 0.3], "variance": [1.0, 2.0, 3.0]}, IMAGE),
    ("Dropout", {"rate": 0.3}, (9,)),
    ("SpatialDropout1D", {"rate": 0.3}, SERIES),
    ("SpatialDropout2D", {"rate": 0.3}, IMAGE),
    ("GaussianNoise", {"stddev": 0.3}, (9,)),
    ("GaussianDropout", {"rate": 0.3}, (9,)),
    ("ActivityRegularization", {"l2": 0.1}, (9,)),
    ("Flatten", {}, IMAGE),
    ("Reshape", {"target_shape": (4, 16, 3)}, IMAGE),
    ("Permute", {"dims": (2, 1)}, SERIES),
    ("RepeatVector", {"n": 3}, (9,)),
    ("LSTM", {"units": 5, "return_sequences": True}, SERIES),
    ("GRU", {"units": 5}, SERIES),
    ("GRU", {"units": 5, "reset_after": False}, SERIES),
    ("SimpleRNN", {"units": 5}, SERIES),
]
MERGES = ["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate"]
ACTIVATIONS = [
    *("relu", "relu6", "sigmoid", "tanh", "softmax", "softplus", "softsign", "selu", "elu"),
    *("exponential", "linear", "gelu", "leaky_relu", "silu", "mish", "log_softmax"),
    *("hard_sigmoid", "hard_silu"),
]


def _agree(keras3: Any, layers: Any, shape: tuple[int, ...]) -> None:
    from edgekit.training.load.bridge import bridge

    keras3.utils.set_random_seed(3)
    given = keras3.Input(shape)
    model = keras3.Model(given, layers(given))
    _scramble(model)
    batch = np.random.default_rng(5).normal(size=(6, *shape)).astype(np.float32)
    bridged = bridge(model)
    assert bridged.__module__.startswith("tf_keras")
    np.testing.assert_allclose(
        np.asarray(bridged(batch, training=False)),
        np.asarray(model(batch, training=False)),
        rtol=1e-5,
        atol=1e-5,
    )


def _scramble(model: Any) -> None:
    """Give each weight a value of its own: zeros and ones would hide what is mixed up."""
    generator = np.random.default_rng(1)
    for layer in model.layers:
        layer.set_weights([generator.uniform(0.1, 0.9, w.shape) for w in layer.get_weights()])


@pytest.mark.parametrize(("kind", "arguments", "shape"), LAYERS, ids=lambda item: str(item)[:40])
def test_a_layer_gives_what_it_gives_in_keras_3(
    keras3: Any, kind: str, arguments: dict[str, Any], shape: tuple[int, ...]
) -> None:
    _agree(keras3, getattr(keras3.layers, kind)(**arguments), shape)


@pytest.mark.parametrize("kind", MERGES)
def test_a_merge_of_branches(keras3: Any, kind: str) -> None:
    layers = keras3.layers
    merge = getattr(layers, kind)()
    _agree(keras3, lambda x: merge([layers.Dense(4)(x), layers.Dense(4, "tanh")(x)]), (9,))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation(keras3: Any, name: str) -> None:
    _agree(keras3, keras3.layers.Dense(5, activation=name), (9,))


@pytest.mark.parametrize("inner", ["LSTM", "GRU"])
def test_layers_that_hold_layers(keras3: Any, inner: str) -> None:
    layers = keras3.layers
    _agree(keras3, layers.Bidirectional(getattr(layers, inner)(3, return_sequences=True)), SERIES)
    _agree(keras3, layers.TimeDistributed(layers.Dense(3)), SERIES)


def test_a_normalization_that_was_adapted(keras3: Any) -> None:
    layer = keras3.layers.Normalization()
    layer.adapt(np.random.default_rng(2).normal(3, 2, (50, *IMAGE)).astype(np.float32))
    _agree(keras3, layer, IMAGE)


def test_activations_that_tf_keras_lacks_are_kept_in_the_file(keras3: Any, tmp_path: Path) -> None:
    from edgekit.training.files import read_model, save_model
    from edgekit.training.load.bridge import bridge

    given = keras3.Input((4,))
    model = bridge(keras3.Model(given, keras3.layers.Activation("hard_silu")(given)))
    save_model(model, tmp_path / "model.h5")
    again = read_model(tmp_path / "model.h5")
    # x * relu6(x + 3) / 6 at -4, -1, 1, 4
    expected = [[0.0, -1 * 2 / 6, 1 * 4 / 6, 4.0]]
    np.testing.assert_allclose(again(np.array([[-4.0, -1.0, 1.0, 4.0]])), expected, atol=1e-6)


def test_a_nested_model_is_flattened(keras3: Any) -> None:
    layers = keras3.layers
    block = keras3.Sequential(
        [keras3.Input(IMAGE), layers.Conv2D(3, 3, padding="same"), layers.ReLU()], name="block"
    )

    def twice(x: Any) -> Any:  # the block's weights are used two times
        return layers.Add()([x, block(block(x))])

    _agree(keras3, twice, IMAGE)


def test_a_sequential_model_keeps_its_layers_names(keras3: Any) -> None:
    from edgekit.training.load.bridge import bridge

    layers = keras3.layers
    model = keras3.Sequential(
        [keras3.Input(IMAGE), layers.Conv2D(2, 3, name="eye"), layers.Flatten(name="flat")]
    )
    assert [layer.name for layer in bridge(model).layers][1:] == ["eye", "flat"]


def test_a_layer_of_the_users_own_is_named(keras3: Any) -> None:
    from edgekit.training.load.bridge import bridge

    class Swirl(keras3.layers.Layer):  # type: ignore[misc]
        def call(self, inputs: Any) -> Any:
            return inputs * 2

    given = keras3.Input((4,))
    model = keras3.Model(given, Swirl(name="twist")(given))
    with pytest.raises(UnsupportedModelError, match=r"layer 'twist' \(Swirl\) cannot be rebuilt"):
        bridge(model)


def test_a_layer_whose_outputs_differ_is_named(
    keras3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edgekit.training.load import bridge

    given = keras3.Input((4,))
    hidden = keras3.layers.Dense(4, name="first")(given)
    model = keras3.Model(given, keras3.layers.LeakyReLU(negative_slope=0.2, name="leak")(hidden))
    right = bridge.translated

    def wrong(config: dict[str, Any], kind: str) -> dict[str, Any]:
        words = right(config, kind)
        return {**words, "alpha": 0.9} if kind == "LeakyReLU" else words

    monkeypatch.setattr(bridge, "translated", wrong)
    with pytest.raises(UnsupportedModelError, match=r"layer 'leak' .*outputs differ"):
        bridge.bridge(model)


def test_a_subclassed_model_is_refused(keras3: Any) -> None:
    from edgekit.training.load.bridge import bridge

    class Net(keras3.Model):  # type: ignore[misc]
        def call(self, inputs: Any) -> Any:
            return inputs

    with pytest.raises(UnsupportedModelError, match=r"subclassed \(Net\)"):
        bridge(Net())


# Settings that tf_keras hands back as lists of its own kind, which it tracks.
LISTS: list[tuple[str, dict[str, Any], tuple[int, ...]]] = [
    ("BatchNormalization", {}, IMAGE),
    ("BatchNormalization", {"axis": [2]}, IMAGE),
    ("LayerNormalization", {"axis": [1, 3]}, IMAGE),
    ("UnitNormalization", {"axis": [1, 2]}, IMAGE),
    ("Normalization", {"axis": [-1], "mean": [0.1, 0.2, 0.3], "variance": [1, 2, 3]}, IMAGE),
    ("PReLU", {"shared_axes": [1, 2]}, IMAGE),
    ("Conv2D", {"filters": 4, "kernel_size": [3, 1], "strides": [1, 2]}, IMAGE),
    ("ZeroPadding2D", {"padding": [[1, 0], [2, 1]]}, IMAGE),
    ("Permute", {"dims": [2, 1]}, SERIES),
    ("Reshape", {"target_shape": [4, 16, 3]}, IMAGE),
    ("Softmax", {"axis": [1, 2]}, IMAGE),
]


@pytest.mark.parametrize(("kind", "arguments", "shape"), LISTS, ids=lambda item: str(item)[:40])
def test_settings_that_are_lists_are_rebuilt(
    tf_keras: Any, kind: str, arguments: dict[str, Any], shape: tuple[int, ...]
) -> None:
    from edgekit.training.load.bridge import bridge

    given = tf_keras.Input(shape)
    inner = tf_keras.Model(given, getattr(tf_keras.layers, kind)(**arguments)(given))
    outer = tf_keras.Sequential([tf_keras.Input(shape), inner])
    if kind != "Normalization":
        _scramble(inner)
    batch = np.random.default_rng(5).normal(size=(6, *shape)).astype(np.float32)
    bridged = bridge(outer)
    assert not any(hasattr(layer, "layers") for layer in bridged.layers)
    np.testing.assert_allclose(
        np.asarray(bridged(batch, training=False)),
        np.asarray(outer(batch, training=False)),
        rtol=1e-5,
        atol=1e-5,
    )


@pytest.mark.parametrize("library", ["keras3", "tf_keras"])
def test_what_a_frozen_model_holds_is_frozen_when_it_is_flattened(
    request: pytest.FixtureRequest, library: str
) -> None:
    from edgekit.training.load.bridge import bridge

    keras = request.getfixturevalue(library)
    layers = keras.layers
    inner = keras.Sequential(
        [
            keras.Input(IMAGE),
            layers.Conv2D(4, 3, name="eye"),
            layers.BatchNormalization(name="normal"),
            layers.Conv2D(4, 3, name="ear"),
        ]
    )
    given = keras.Input(IMAGE)
    outer = keras.Model(given, layers.Dense(2, name="scores")(layers.Flatten()(inner(given))))
    inner.trainable = False
    inner.get_layer("ear").trainable = True  # Keras 3 trains it, tf_keras does not
    wanted = {"eye": False, "normal": False, "ear": library == "keras3", "scores": True}
    trained = {
        layer.name: bool(layer.trainable_weights) for layer in bridge(outer).layers if layer.weights
    }
    assert trained == wanted
