"""tf_keras models as files between the stages: ``.h5``, or a SavedModel for the converter."""

import shutil
from typing import TYPE_CHECKING

from edgekit.training._tensorflow import Model, Tensors, tensorflow, tf_keras
from edgekit.training.load.activations import own_activations

if TYPE_CHECKING:
    from pathlib import Path


def save_model(model: Model, path: "Path") -> None:
    """Write a tf_keras ``model`` to the ``.h5`` file ``path``, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.stem}.draft.h5")
    model.save(draft, save_format="h5", include_optimizer=False)
    draft.replace(path)


def read_model(path: "Path") -> Model:
    """Return the tf_keras model that a stage wrote to ``path``."""
    own_activations()  # so that layers with them can be read
    return tf_keras().models.load_model(path, compile=False)


def save_for_conversion(model: Model, path: "Path") -> None:
    """Write ``model``, of either Keras, to the folder ``path`` as a SavedModel, batch of 1.

    It holds one function, and nothing else of Keras; calls in it stay calls, for the converter
    knows an LSTM by its call.
    """
    tf = tensorflow()
    signature = tf.TensorSpec((1, *model.input_shape[1:]), model.inputs[0].dtype, name="input")

    def serve(values: Tensors) -> Tensors:
        return {"output": model(values, training=False)}

    module = tf.Module()
    module.held = [item if callable(item.value) else item.value for item in model.variables]
    module.serve = tf.function(serve, input_signature=[signature])
    draft = path.with_name(f".{path.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.parent.mkdir(parents=True, exist_ok=True)
    tf.saved_model.save(module, str(draft), signatures={"serving_default": module.serve})
    shutil.rmtree(path, ignore_errors=True)
    draft.replace(path)
