"""A small convolutional network for ten seconds of a watch's six motion axes, in Keras 3."""

import keras


def make() -> keras.Model:
    """Return the network, compiled and not yet trained."""
    model = keras.Sequential(
        [
            keras.Input((100, 6)),
            keras.layers.Conv1D(16, 5, strides=2, padding="same", activation="relu"),
            keras.layers.Conv1D(24, 5, strides=2, padding="same", activation="relu"),
            keras.layers.Conv1D(32, 3, strides=2, padding="same", activation="relu"),
            keras.layers.GlobalAveragePooling1D(),
            keras.layers.Dense(4, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
