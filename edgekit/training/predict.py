"""What a float model answers: the reference that the integer model is held against."""

from typing import TYPE_CHECKING

import numpy as np

from edgekit.training._tensorflow import tensorflow
from edgekit.training.files import read_model

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from edgekit.runtimes.process import Progress

    Floats = npt.NDArray[np.float32]

ANSWERS = "answers"
"""The folder of a kept Keras 3 model, see `edgekit.training.keras.keep.keep`."""
_BATCH = 256


def predict(progress: "Progress", model: "Path", inputs: "Floats") -> "Floats":
    """Return the outputs of the float model in ``model``.

    Args:
        progress: Told what goes on.
        model: An ``.h5`` file of a stage, a SavedModel folder, or the folder `ANSWERS` of a
            Keras 3 model that was kept as it is.
        inputs: float32, shape ``(samples, *input_shape)``.

    Returns:
        float32, shape ``(samples, *output_shape)``.
    """
    progress(0, len(inputs), "float model")
    if model.name == ANSWERS:
        return _answered(model, inputs)
    if model.is_dir():
        return _served(model, inputs)
    return np.asarray(read_model(model).predict(inputs, batch_size=_BATCH, verbose=0))


def _answered(folder: "Path", inputs: "Floats") -> "Floats":
    """Return what a kept model answers, in batches as Keras would; a fixed batch is filled up."""
    from edgekit.training.load.load import serving_signature

    loaded = tensorflow().saved_model.load(str(folder))
    signature = serving_signature(loaded, folder)
    ((name, given),) = signature.structured_input_signature[1].items()
    step = given.shape[0] or _BATCH
    kind = given.dtype.as_numpy_dtype
    found = []
    for start in range(0, len(inputs), step):
        batch = inputs[start : start + step]
        missing = step - len(batch) if given.shape[0] else 0
        filled = np.concatenate([batch, np.repeat(batch[:1], missing, axis=0)]).astype(kind)
        (result,) = signature(**{name: tensorflow().constant(filled)}).values()
        found.append(np.asarray(result)[: len(batch)].astype(np.float32))
    return np.concatenate(found)


def _served(model: "Path", inputs: "Floats") -> "Floats":
    """Return what a SavedModel serves, one sample at a time: its batch may be fixed to 1."""
    from edgekit.training.load.load import serving_signature

    tf = tensorflow()
    loaded = tf.saved_model.load(str(model))
    signature = serving_signature(loaded, model)
    ((name, given),) = signature.structured_input_signature[1].items()

    def answer(sample: object) -> object:
        (result,) = signature(**{name: tf.cast(sample, given.dtype)[tf.newaxis]}).values()
        return tf.cast(result[0], tf.float32)

    mapped = tf.function(lambda values: tf.map_fn(answer, values, fn_output_signature=tf.float32))
    return np.asarray(mapped(tf.constant(inputs)))
