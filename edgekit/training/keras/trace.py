"""From a Keras 3 model to a function of TensorFlow: a batch of 1, as in use, constants inside."""

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from edgekit.errors import InputError, UnsupportedModelError, UsageError
from edgekit.training._tensorflow import keras3, tensorflow
from edgekit.training.keras.freezing import freezing
from edgekit.training.keras.recipes import float_layer_normalization

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgekit.training._tensorflow import Model, Module, Tensor, Tensors


def trace(model: "Model") -> "Module":
    """Return a built Keras 3 ``model`` as a concrete function for the converter.

    It takes one sample of each input, by name, and returns the outputs by name. Dropout and
    augmentation are left out, as in ``model(x, training=False)``; mixed precision is float32.

    Raises:
        InputError: A range of a quantization-aware model was never seen.
        UnsupportedModelError: An input has an open size, or the model's call fails.
        UsageError: Keras runs on another backend than TensorFlow.
    """
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2,
    )

    keras = keras3()
    if keras.backend.backend() != "tensorflow":
        raise UsageError(
            f"a model is traced with Keras on TensorFlow, not on {keras.backend.backend()}",
            hint="set KERAS_BACKEND=tensorflow before Keras is imported",
        )
    tf = tensorflow()
    specs = [_spec(item) for item in model.inputs]
    names = output_names(model)

    def serve(*values: "Tensor") -> "Tensors":
        outputs = model(_arranged(model, values), training=False)
        return dict(zip(names, keras.tree.flatten(outputs), strict=True))

    with freezing() as unseen, _in_float32(model), _without_neg(model):
        try:
            function = tf.function(serve, input_signature=specs, autograph=False)
            concrete = function.get_concrete_function()
        except (TypeError, ValueError, NotImplementedError, tf.errors.OpError) as error:
            raise UnsupportedModelError(
                f"model '{model.name}' cannot be traced: {_first_line(error)}"
            ) from error
    if unseen:
        raise InputError(
            f"no range was ever seen at '{unseen[0]}': the model was not trained after "
            "quantize_aware",
            hint="model.fit(…), or model(samples, training=True) at the least",
        )
    return convert_variables_to_constants_v2(concrete)


def output_names(model: "Model") -> tuple[str, ...]:
    """Return a name for each output: its key in a dict, or that of the layer that makes it."""
    functional = getattr(model, "_functional", None) or model
    structure = getattr(functional, "_outputs_struct", None)
    if isinstance(structure, dict):
        return tuple(sorted(structure))  # the order in which Keras flattens a dict
    names = getattr(model, "output_names", None) or []
    if len(set(names)) == len(model.outputs):
        return tuple(names)
    return tuple(f"output_{number}" for number in range(len(model.outputs)))


def _spec(tensor: "Tensor") -> "Module":
    tf = tensorflow()
    name = str(tensor.name).partition(":")[0]
    shape = tuple(tensor.shape[1:])
    if any(size is None for size in shape):
        raise UnsupportedModelError(
            f"input '{name}' has no fixed shape {shape}",
            hint="make the model with every size of its input given",
        )
    return tf.TensorSpec((1, *shape), str(tensor.dtype), name=name)


def _arranged(model: "Model", values: "tuple[Tensor, ...]") -> "Tensors":
    functional = getattr(model, "_functional", None) or model
    structure = getattr(functional, "_inputs_struct", model.inputs)
    return keras3().tree.pack_sequence_as(structure, list(values))


@contextmanager
def _in_float32(model: "Model") -> "Iterator[None]":
    """Let every layer compute in float32, and give it its own policy back."""
    layers = [item for item in model._flatten_layers() if hasattr(item, "dtype_policy")]  # noqa: SLF001
    before = [layer.dtype_policy for layer in layers]
    mixed = [
        (layer, policy)
        for layer, policy in zip(layers, before, strict=True)
        if policy.compute_dtype != policy.variable_dtype
    ]
    for layer, _ in mixed:
        layer.dtype_policy = "float32"
    try:
        yield
    finally:
        for layer, policy in mixed:
            layer.dtype_policy = policy


@contextmanager
def _without_neg(model: "Model") -> "Iterator[None]":
    """Let layer normalization subtract where Keras adds the negative: NEG has no integer form."""
    layers = [
        layer
        for layer in model._flatten_layers()  # noqa: SLF001
        if type(layer).__name__ == "LayerNormalization" and not layer.rms_scaling
    ]
    for layer in layers:
        layer.call = partial(float_layer_normalization, layer)
    try:
        yield
    finally:
        for layer in layers:
            del layer.call


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines or [type(error).__name__])[0][:300]
