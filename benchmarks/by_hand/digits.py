"""What `edgekit build examples/digits` trains and converts, written by hand with tfmot.

Float training, pruning, quantization-aware training that keeps the zeros, conversion to int8:
the same network, data, epochs, batch size and learning rates. No verification, no fit, no C.
"""

import os
import sys
from pathlib import Path

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"

import numpy as np
import tensorflow as tf
import tensorflow_model_optimization as tfmot
import tf_keras as keras
from sklearn.datasets import load_digits

BATCH_SIZE = 32
CALIBRATION, VALIDATION = 144, 359  # as edgekit splits the 1,797 samples


def network() -> keras.Model:
    """Return the network of examples/digits/model.py, in tf_keras."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(16, 3, padding="same"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv2D(32, 3, padding="same"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.AveragePooling2D(),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(10, activation="softmax"),
        ]
    )


def fit(
    model: keras.Model,
    x: np.ndarray,
    y: np.ndarray,
    epochs: int,
    rate: float,
    callbacks: tuple = (),
) -> None:
    """Train ``model``."""
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", ["accuracy"])
    model.fit(x, y, batch_size=BATCH_SIZE, epochs=epochs, verbose=0, callbacks=list(callbacks))


def prune(model: keras.Model, x: np.ndarray, y: np.ndarray, epochs: int) -> keras.Model:
    """Return ``model`` with three quarters of each kernel driven to zero."""
    steps = -(-len(x) // BATCH_SIZE) * epochs
    schedule = tfmot.sparsity.keras.PolynomialDecay(0.0, 0.75, 0, steps // 2, frequency=10)
    wrapped = tfmot.sparsity.keras.prune_low_magnitude(model, schedule)
    fit(wrapped, x, y, epochs, 1e-3, (tfmot.sparsity.keras.UpdatePruningStep(),))
    return tfmot.sparsity.keras.strip_pruning(wrapped)


def quantize(model: keras.Model, x: np.ndarray, y: np.ndarray, epochs: int) -> keras.Model:
    """Return ``model`` trained with quantization in mind and its zeros kept."""
    annotated = tfmot.quantization.keras.quantize_annotate_model(model)
    scheme = tfmot.experimental.combine.Default8BitPrunePreserveQuantizeScheme()
    aware = tfmot.quantization.keras.quantize_apply(annotated, scheme)
    fit(aware, x, y, epochs, 1e-4)
    return aware


def convert(model: keras.Model, calibration: np.ndarray) -> bytes:
    """Return ``model`` as a fully-integer TFLite file."""
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([row[None]] for row in calibration)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    return converter.convert()


def main(out: Path) -> None:
    """Train, prune, quantize and convert, and write the file to ``out``."""
    keras.utils.set_random_seed(0)
    images, digits = load_digits(return_X_y=True)
    images = (images / 16).reshape(-1, 8, 8, 1).astype(np.float32)
    order = np.random.default_rng(0).permutation(len(images))
    train = order[VALIDATION + CALIBRATION :]
    x, y = images[train], digits[train]
    model = network()
    fit(model, x, y, 30, 1e-3)
    model = quantize(prune(model, x, y, 10), x, y, 4)
    out.write_bytes(convert(model, images[order[VALIDATION : VALIDATION + CALIBRATION]]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
