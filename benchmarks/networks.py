"""The networks of the pruning benchmark, the same in Keras 3 and in tf_keras."""

from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from keras import Model


def _mnist(keras: ModuleType) -> "Model":
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(8, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(16, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(48, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def _digits(keras: ModuleType) -> "Model":
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )


def mnist_keras3() -> "Model":
    """Return the network for MNIST in Keras 3."""
    import keras

    return _mnist(keras)


def mnist_tf_keras() -> "Model":
    """Return the network for MNIST in tf_keras."""
    import tf_keras

    return _mnist(tf_keras)


def digits_keras3() -> "Model":
    """Return the network for scikit-learn's digits in Keras 3."""
    import keras

    return _digits(keras)


def digits_tf_keras() -> "Model":
    """Return the network for scikit-learn's digits in tf_keras."""
    import tf_keras

    return _digits(tf_keras)


def digits_data() -> "tuple[np.ndarray, np.ndarray]":
    """Return scikit-learn's 1,797 images of 8x8 pixels, 0 to 16, and their digits."""
    from sklearn.datasets import load_digits

    data = load_digits()
    return data.images, data.target
