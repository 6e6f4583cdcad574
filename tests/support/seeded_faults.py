"""A small network for digits, converted by the real converter with one fault at a time.

Everything here runs in a worker of its own, which TensorFlow may fill with noise.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.model.edit import with_main
from edgekit.model.reader import read
from edgekit.model.writer import write
from edgekit.training._tensorflow import tensorflow, tf_keras

if TYPE_CHECKING:
    from edgekit.runtimes.process import Progress

_CALIBRATION = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Seeded:
    """An integer file with a fault, its float file, and the samples it is given."""

    integer: bytes
    floating: bytes
    inputs: np.ndarray
    labels: np.ndarray


def seed_all(progress: "Progress") -> dict[str, Seeded]:
    """Return the healthy model under ``"healthy"``, and one for each fault."""
    del progress
    x, y = _digits()
    x_train, y_train, inputs, labels = x[:1400], y[:1400], x[1400:], y[1400:]
    model = _trained(x_train, y_train)
    calibration = x_train[:_CALIBRATION]
    healthy = _convert(model, calibration)

    floating = _float(model)

    def seeded(integer: bytes, changed: Any = None, given: np.ndarray = inputs) -> Seeded:
        mine = floating if changed is None else _float(changed)
        return Seeded(integer=integer, floating=mine, inputs=given, labels=labels)

    outlier = calibration.copy()
    outlier[7] *= 100
    broken = calibration.copy()
    broken[:, 2, 2] = np.nan  # the converter passes over NaN in single samples
    loud, unlike, dead = _loud_channel(model), _unlike_branches(model, calibration), _dead(model)
    return {
        "healthy": seeded(healthy),
        "input not rescaled": seeded(healthy, given=inputs * 255),
        "calibrated on raw bytes": seeded(_convert(model, calibration * 255)),
        "calibration outlier x100": seeded(_convert(model, outlier)),
        "weight channel x50": seeded(_convert(loud, calibration), loud),
        "weight channel x50, one step": seeded(_convert(loud, calibration, channels=False), loud),
        "saturating activation": seeded(_narrowed(healthy)),
        "add of unlike scales": seeded(_convert(unlike, calibration), unlike),
        "nan in calibration": seeded(_convert(model, broken)),
        "dead channel": seeded(_convert(dead, calibration), dead),
        "too few samples": seeded(_convert(model, calibration[:1])),
    }


def _digits() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    digits = load_digits()
    order = np.random.default_rng(0).permutation(len(digits.target))
    x = (digits.images[order, :, :, np.newaxis] / 16).astype(np.float32)
    return x, digits.target[order]


def _trained(x: np.ndarray, y: np.ndarray) -> Any:
    keras = tf_keras()
    keras.utils.set_random_seed(3)
    layers = keras.layers
    image = layers.Input((8, 8, 1))
    first = layers.Conv2D(8, 3, activation="relu", name="first")(image)
    left = layers.Conv2D(8, 3, padding="same", name="left")(first)
    right = layers.Conv2D(8, 1, name="right")(first)
    both = layers.Add()([left, right])
    last = layers.Conv2D(16, 3, strides=2, activation="relu", name="last")(both)
    scores = layers.Dense(10, activation="softmax", name="scores")(layers.Flatten()(last))
    model = keras.Model(image, scores)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, batch_size=32, epochs=10, verbose=0)
    return model


def _changed(model: Any) -> Any:
    """Return a copy of ``model`` to change."""
    copy = tf_keras().models.clone_model(model)
    copy.set_weights(model.get_weights())
    return copy


def _loud_channel(model: Any) -> Any:
    """Return ``model`` with channel 3 of the first layer x50, which its readers divide by 50."""
    loud = _changed(model)
    kernel, bias = loud.get_layer("first").get_weights()
    kernel[..., 3] *= 50
    bias[3] *= 50
    loud.get_layer("first").set_weights([kernel, bias])
    for name in ("left", "right"):
        kernel, bias = loud.get_layer(name).get_weights()
        kernel[:, :, 3] /= 50
        loud.get_layer(name).set_weights([kernel, bias])
    return loud


def _unlike_branches(model: Any, x: np.ndarray) -> Any:
    """Return ``model`` with a large constant on the right branch; the last layer takes it off."""
    unlike = _changed(model)
    left = tf_keras().Model(model.input, model.get_layer("left").output)
    constant = 40 * float(np.abs(left.predict(x, verbose=0)).max())
    kernel, bias = unlike.get_layer("right").get_weights()
    unlike.get_layer("right").set_weights([kernel, bias + constant])
    kernel, bias = unlike.get_layer("last").get_weights()
    unlike.get_layer("last").set_weights([kernel, bias - constant * kernel.sum(axis=(0, 1, 2))])
    return unlike


def _dead(model: Any) -> Any:
    """Return ``model`` with a channel of the last layer that has no weights."""
    dead = _changed(model)
    kernel, bias = dead.get_layer("last").get_weights()
    kernel[..., 5] = bias[5] = 0
    dead.get_layer("last").set_weights([kernel, bias])
    return dead


def _narrowed(content: bytes) -> bytes:
    """Return the file with an eighth of the range for the left branch, which the Add reads."""
    model = read(content)
    graph = model.main
    add = next(item for item in graph.operators if item.op == "ADD")
    tensors = list(graph.tensors)
    made = tensors[add.inputs[0]].quantization
    assert made is not None
    narrow = replace(made, scales=made.scales / np.float32(8))
    tensors[add.inputs[0]] = replace(tensors[add.inputs[0]], quantization=narrow)
    return write(with_main(model, replace(graph, tensors=tuple(tensors))))


def _convert(model: Any, calibration: np.ndarray, *, channels: bool = True) -> bytes:
    """Return the integer file, as the converter makes it of whatever it is given."""
    tf = tensorflow()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([_function(model)], model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([x[np.newaxis]] for x in calibration)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    converter._experimental_disable_per_channel = not channels
    return bytes(converter.convert())


def _float(model: Any) -> bytes:
    tf = tensorflow()
    return bytes(
        tf.lite.TFLiteConverter.from_concrete_functions([_function(model)], model).convert()
    )


def _function(model: Any) -> Any:
    tf = tensorflow()
    spec = tf.TensorSpec((1, 8, 8, 1), tf.float32)
    return tf.function(model, input_signature=[spec]).get_concrete_function()
