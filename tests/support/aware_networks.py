"""Small networks of Keras 3 on scikit-learn's digits, each with what is hard to round."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from edgekit.model.reader import read
from edgekit.runtimes.tflm import Session

Floats = npt.NDArray[np.float32]
Split = tuple[Floats, npt.NDArray[np.int64], Floats, npt.NDArray[np.int64]]


def digits(seed: int = 0) -> Split:
    """Return 1,400 digits to train with and 397 to validate, with their labels."""
    from sklearn.datasets import load_digits

    found = load_digits()
    order = np.random.default_rng(seed).permutation(len(found.target))
    images = (found.images / 16).astype(np.float32)[order, ..., None]
    labels = found.target[order]
    return images[:1400], labels[:1400], images[1400:], labels[1400:]


def residual(keras: Any) -> Any:
    layers = keras.layers
    given = keras.Input((8, 8, 1), name="image")
    x = layers.Conv2D(8, 3, padding="same", use_bias=False, name="first")(given)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    y = layers.BatchNormalization()(layers.Conv2D(8, 3, padding="same", name="second")(x))
    x = layers.MaxPooling2D()(layers.Activation("relu")(x + y))
    x = layers.Dropout(0.1)(layers.Flatten()(x))
    return keras.Model(given, layers.Dense(10, activation="softmax", name="scores")(x))


def squeeze_excite(keras: Any) -> Any:
    layers = keras.layers
    given = keras.Input((8, 8, 1))
    x = layers.BatchNormalization()(layers.Conv2D(16, 3, padding="same")(given))
    x = layers.Activation("hard_swish")(x)
    gate = layers.Dense(4, activation="relu")(layers.GlobalAveragePooling2D()(x))
    gate = layers.Dense(16, activation="hard_sigmoid")(gate)
    x = layers.Multiply()([x, layers.Reshape((1, 1, 16))(gate)])
    x = layers.Conv2D(16, 3, strides=2, activation="hard_swish")(x)
    return keras.Model(given, layers.Dense(10, activation="softmax")(layers.Flatten()(x)))


def attention(keras: Any) -> Any:
    layers = keras.layers
    given = keras.Input((8, 8, 1))
    x = layers.Dense(16)(layers.Reshape((8, 8))(given))
    x = layers.LayerNormalization()(x + layers.MultiHeadAttention(2, 8)(x, x))
    y = layers.Dense(16)(layers.Dense(32, activation="relu")(x))
    x = layers.LayerNormalization()(layers.Add()([x, y]))
    return keras.Model(given, layers.Dense(10, activation="softmax")(layers.Flatten()(x)))


def inverted(keras: Any, channels: int) -> Any:
    """Return a block of a MobileNetV2 as a model."""
    layers = keras.layers
    given = x = keras.Input((8, 8, channels))
    for layer in (
        layers.Conv2D(3 * channels, 1, use_bias=False),
        layers.DepthwiseConv2D(3, padding="same", use_bias=False),
    ):
        x = layers.ReLU(6.0)(layers.BatchNormalization()(layer(x)))
    x = layers.BatchNormalization()(layers.Conv2D(channels, 1, use_bias=False)(x))
    return keras.Model(given, layers.Add()([given, x]))


def nested(keras: Any) -> Any:
    layers = keras.layers
    head = [layers.AveragePooling2D(2), layers.Flatten(), layers.Dense(10)]
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(8, 3, padding="same", activation="relu6"),
            inverted(keras, 8),
            keras.Sequential(head),
            layers.Softmax(name="scores"),
        ]
    )


def orders(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Flatten(),
            layers.Dense(32),
            layers.Activation("relu"),
            layers.BatchNormalization(),
            layers.Dense(24, use_bias=False),
            layers.BatchNormalization(),
            layers.Activation("relu"),
            layers.Dense(16, activation="relu"),
            layers.BatchNormalization(),
            layers.Dense(10, activation="softmax"),
        ]
    )


def separable(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(8, 3, padding="same", activation="relu6"),
            layers.SeparableConv2D(16, 3, padding="same"),
            layers.BatchNormalization(),
            layers.ReLU(6.0),
            layers.DepthwiseConv2D(3, depth_multiplier=2, activation="relu"),
            layers.AveragePooling2D(2),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )


def branches(keras: Any) -> Any:
    layers = keras.layers
    given = keras.Input((8, 8, 1))
    kinds = (("relu", 3), ("tanh", 1), ("sigmoid", 5), ("linear", 3))
    found = [layers.Conv2D(4, size, padding="same", activation=kind)(given) for kind, size in kinds]
    x = layers.Conv2D(8, 3)(layers.Concatenate()(found))
    return keras.Model(given, layers.Dense(10, activation="softmax")(layers.Flatten()(x)))


NETWORKS: dict[str, Callable[[Any], Any]] = {
    "residual": residual,
    "squeeze_excite": squeeze_excite,
    "attention": attention,
    "nested": nested,
    "orders": orders,
    "separable": separable,
    "branches": branches,
}


def micro_outputs(content: bytes, images: Floats) -> npt.NDArray[np.generic]:
    """Return the stored values that TFLite-Micro answers."""
    graph = read(content).main
    given = graph.tensors[graph.inputs[0]]
    assert given.quantization is not None
    kind = np.iinfo(given.dtype)
    stored = np.round(images / given.quantization.scales[0]) + given.quantization.zero_points[0]
    with Session() as session:
        (found,) = session.run(content, (np.clip(stored, kind.min, kind.max).astype(given.dtype),))
    return found
