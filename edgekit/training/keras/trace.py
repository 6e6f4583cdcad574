"""From a Keras 3 model to a function of TensorFlow: a batch of 1, as in use, constants inside."""

import re
from contextlib import ExitStack, contextmanager
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
    _check_backend()
    specs = [_spec(item, batch=1) for item in model.inputs]
    changes = (_in_float32, _without_neg, _unrolled, _plainly_named)
    with freezing() as unseen, ExitStack() as stack:
        for change in changes:
            stack.enter_context(change(model))
        concrete = _concrete(model, specs)
    if unseen:
        raise InputError(
            f"no range was ever seen at '{unseen[0]}': the model was not trained after "
            "quantize_aware",
            hint="model.fit(…), or model(samples, training=True) at the least",
        )
    return _frozen(concrete)


def trace_batches(model: "Model") -> "Module":
    """Return a built Keras 3 ``model`` as a concrete function of whole batches.

    It answers as ``model.predict`` does: in Keras's own arithmetic, with nothing changed in it.

    Raises:
        UnsupportedModelError: An input has an open size, or the model's call fails.
        UsageError: Keras runs on another backend than TensorFlow.
    """
    _check_backend()
    return _frozen(_concrete(model, [_spec(item, batch=item.shape[0]) for item in model.inputs]))


def _check_backend() -> None:
    backend = keras3().backend.backend()
    if backend != "tensorflow":
        raise UsageError(
            f"a model is traced with Keras on TensorFlow, not on {backend}",
            hint="set KERAS_BACKEND=tensorflow before Keras is imported",
        )


def _concrete(model: "Model", specs: "list[Module]") -> "Module":
    tf, keras = tensorflow(), keras3()
    names = output_names(model)

    def serve(*values: "Tensor") -> "Tensors":
        outputs = model(_arranged(model, values), training=False)
        return dict(zip(names, keras.tree.flatten(outputs), strict=True))

    function = tf.function(serve, input_signature=specs, autograph=False)
    try:
        return function.get_concrete_function()
    except Exception as error:  # a layer of the user's own may raise anything
        raise UnsupportedModelError(
            f"model '{model.name}' cannot be traced: {_reason(model, error)}",
            hint="write what the layer computes with keras.ops, and call model(x) to see it fail",
        ) from error


def _frozen(concrete: "Module") -> "Module":
    """Return a concrete function with constants in place of its variables."""
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2,
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


def _spec(tensor: "Tensor", *, batch: int | None) -> "Module":
    tf = tensorflow()
    name = str(tensor.name).partition(":")[0]
    shape = tuple(tensor.shape[1:])
    if any(size is None for size in shape):
        raise UnsupportedModelError(
            f"input '{name}' has no fixed shape {shape}",
            hint="make the model with every size of its input given",
        )
    return tf.TensorSpec((batch, *shape), str(tensor.dtype), name=name)


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


@contextmanager
def _unrolled(model: "Model") -> "Iterator[None]":
    """Let recurrent layers write out their steps: the converter crashes on their loops."""
    layers = [
        layer
        for layer in model._flatten_layers()  # noqa: SLF001
        if isinstance(layer, keras3().layers.RNN) and not layer.unroll
    ]
    for layer in layers:
        layer.unroll = True
    try:
        yield
    finally:
        for layer in layers:
            layer.unroll = False


@contextmanager
def _plainly_named(model: "Model") -> "Iterator[None]":
    """Let operations be called after their layers: Keras opens each scope twice and numbers it."""
    tf = tensorflow()
    layers = [item for item in model._flatten_layers() if hasattr(item, "_open_name_scope")]  # noqa: SLF001
    for layer in layers:
        layer._open_name_scope = partial(_scope, tf, layer.name)  # noqa: SLF001
    try:
        yield
    finally:
        for layer in layers:
            del layer._open_name_scope  # noqa: SLF001


def _scope(tf: "Module", name: str) -> "Module":
    outer = tf.get_current_name_scope()
    return tf.name_scope(f"{outer}/{name}/" if outer else f"{name}/")


def _reason(model: "Model", error: Exception) -> str:
    """Return Keras's own reason, with the layer in front where Keras tells its class."""
    text = re.sub(r"\x1b\[\d*m", "", str(error))
    called = re.match(r"Exception encountered when calling (?:layer )?(\w+)", text)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if called is None or len(lines) == 1:
        return (lines or [type(error).__name__])[0][:300]
    kind = called[1]
    names = [item.name for item in model._flatten_layers() if type(item).__name__ == kind]  # noqa: SLF001
    where = f"layer '{names[0]}' ({kind})" if names else kind
    return f"{where}: {lines[1][:300]}"
