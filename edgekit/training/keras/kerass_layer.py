"""Keras's own class of layers, for ours to be made of; TensorFlow comes in before it."""

from edgekit.training._tensorflow import keras3

keras3()

from keras.layers import Layer as KerasLayer  # noqa: E402
from keras.saving import register_keras_serializable as registered  # noqa: E402

__all__ = ["KerasLayer", "registered"]
