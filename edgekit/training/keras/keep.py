"""Keep a Keras 3 model as it is, where nothing is trained: what converts needs no rebuilding.

It is written as two functions with its constants inside: one of a batch of 1, for the converter,
and one of any batch, which answers as Keras does. No code of the user's runs after that.
"""

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from edgekit.errors import UnsupportedModelError
from edgekit.training._tensorflow import keras3, tensorflow
from edgekit.training.functional_model import require_functional
from edgekit.training.keras.trace import trace, trace_batches
from edgekit.training.load.load import LoadedModel, check_shapes, loaded, rebuilt, saved_model
from edgekit.training.load.reading import Read, Source, read
from edgekit.training.predict import ANSWERS

if TYPE_CHECKING:
    from pathlib import Path

    from edgekit.runtimes.process import Progress
    from edgekit.training._tensorflow import Model, Module, Tensor, Tensors

CONVERTED = "saved_model"
"""The folder that the converter takes."""

_WRITTEN_OUT = "the LSTM is written out step by step: tf_keras lacks other layers of the model"


def keep(
    progress: "Progress",
    source: str,
    *,
    directory: "Path",
    out: "Path",
    seed: int = 0,
    trusted: bool = False,
    modules: tuple[str, ...] = (),
) -> LoadedModel:
    """Read the model ``source`` and write it to ``out`` in the form that nothing trains.

    A Keras 3 model is kept. One of tf_keras becomes ``model.h5``, as by
    `edgekit.training.load.load.load`, and so does one with an LSTM, which the converter knows
    by tf_keras's call of it, where tf_keras has the other layers as well.

    Arguments are those of `edgekit.training.load.load.load`.

    Raises:
        InputError: No such file, or not a Keras model.
        UnsupportedModelError: Code in the file, a call that cannot be traced (the message has
            the layer and Keras's own reason), several inputs or outputs, or an open shape.
    """
    progress(0, 2, f"reading {source}")
    found = Source(source=source, directory=directory, seed=seed, trusted=trusted, modules=modules)
    given = read(found)
    if given is None:
        return saved_model(found.path)
    if not given.is_keras3:
        return rebuilt(given, out)
    if _has_lstm(given.model):
        try:
            return rebuilt(given, out)
        except UnsupportedModelError:
            return replace(_kept(progress, given, out), notes=(_WRITTEN_OUT,))
    return _kept(progress, given, out)


def _kept(progress: "Progress", given: Read, out: "Path") -> LoadedModel:
    model = _with_inputs(given.model)
    check_shapes(model)
    progress(1, 2, "tracing")
    _save(trace(model), out / CONVERTED)
    _save(trace_batches(model), out / ANSWERS)
    return loaded(model, kind="kept", given=given)


def _with_inputs(model: "Model") -> "Model":
    """Return ``model`` with inputs: one that is subclassed has none, and is called by another."""
    if getattr(model, "inputs", None):
        return model
    shape = getattr(model, "_build_shapes_dict", None) or {}
    if type(model).__name__ == "Sequential" or len(shape) != 1 or not model.built:
        require_functional(model)
    keras = keras3()
    (sizes,) = shape.values()
    given = keras.Input(tuple(sizes)[1:], name="input")
    return keras.Model(given, model(given), name=model.name)


def _has_lstm(model: "Model") -> bool:
    return any(type(layer).__name__ == "LSTM" for layer in model._flatten_layers())  # noqa: SLF001


def _save(concrete: "Module", path: "Path") -> None:
    """Write a concrete function to the folder ``path`` as a SavedModel, whole or not at all."""
    tf = tensorflow()
    (given,) = concrete.inputs

    def serve(values: "Tensor") -> "Tensors":
        (result,) = tf.nest.flatten(concrete(values))
        return {"output": result}

    module = tf.Module()
    signature = tf.TensorSpec(given.shape, given.dtype, name="input")
    module.serve = tf.function(serve, input_signature=[signature], autograph=False)
    draft = path.with_name(f".{path.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.parent.mkdir(parents=True, exist_ok=True)
    tf.saved_model.save(module, str(draft), signatures={"serving_default": module.serve})
    shutil.rmtree(path, ignore_errors=True)
    draft.replace(path)
