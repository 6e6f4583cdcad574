"""From Keras 3 to tf_keras, which tfmot needs: layer by layer, and proved on a batch."""

import inspect
from typing import Any

import numpy as np

from edgekit.errors import UnsupportedModelError
from edgekit.training._tensorflow import Config, Layer, Model, Tensor, Tensors, tf_keras
from edgekit.training.functional_model import Replay, replay, require_functional
from edgekit.training.kernels import trained_in
from edgekit.training.load.activations import own_activations

TOLERANCE = 1e-5  # largest difference of an output, relative to outputs above 1
_BATCH = 4
_ACTIVATIONS = {"activation", "recurrent_activation"}
_STATISTICS = ("mean", "variance")

_DROPPED = frozenset({"quantization_config", "registered_name", "module", "build_config"})
"""Keys of Keras 3 that say nothing in tf_keras."""


def bridge(model: Model) -> Model:
    """Return a tf_keras model that computes what the Keras 3 ``model`` does.

    Nested models are flattened. A tf_keras model may be given as well: it is rebuilt flat.

    Raises:
        UnsupportedModelError: The model is subclassed, a layer cannot be rebuilt, or its
            outputs differ; the message names the layer.
    """
    require_functional(model)
    copy = replay(model, _rebuilt)
    trained = trained_in(model)
    for old, new in copy.pairs:
        _copy_weights(old, new)
        if old.trainable_weights and not any(id(item) in trained for item in old.trainable_weights):
            new.trainable = False  # the model that it was nested in is frozen
    _prove(model, copy)
    return copy.model


def outputs_agree(expected: Tensor, found: Tensor) -> bool:
    """Return whether two outputs are equal to `TOLERANCE`."""
    expected, found = np.asarray(expected), np.asarray(found)
    if expected.shape != found.shape:
        return False
    return bool(np.allclose(expected, found, rtol=TOLERANCE, atol=TOLERANCE))


def trial_batch(model: Model) -> Tensors:
    """Return a random batch that ``model`` takes: an array, or a list of them."""
    generator = np.random.default_rng(0)
    batches = [_trial(item, generator) for item in model.inputs]
    return batches[0] if len(batches) == 1 else batches


def _trial(tensor: Tensor, generator: np.random.Generator) -> Tensor:
    shape = (_BATCH, *(size or _BATCH for size in tensor.shape[1:]))
    dtype = getattr(tensor.dtype, "name", tensor.dtype)
    if str(dtype).startswith(("int", "uint", "bool")):
        return generator.integers(0, 2, shape).astype(str(dtype))
    return generator.uniform(-1, 1, shape).astype(np.float32)


def _rebuilt(layer: Layer, name: str) -> Layer:
    """Return the tf_keras layer of the same class and settings, not built yet."""
    kind = type(layer).__name__
    cls = getattr(tf_keras().layers, kind, None)
    if cls is None or not _is_keras_class(layer):
        raise _cannot(layer, "tf_keras has no such layer")
    try:
        if kind == "Lambda":  # its function is Python, and the same in both
            shape, given = layer._output_shape, layer.arguments  # noqa: SLF001  told nowhere else
            return cls(layer.function, output_shape=shape, arguments=given, name=name)
        config = translated({**layer.get_config(), "name": name}, kind)
        if kind == "Normalization":  # what was learned by `adapt` becomes settings
            config |= {key: np.asarray(getattr(layer, key)).tolist() for key in _STATISTICS}
        return cls.from_config(config)
    except UnsupportedModelError:
        raise
    except (TypeError, ValueError, KeyError, AttributeError, NotImplementedError) as error:
        raise _cannot(layer, str(error).splitlines()[0]) from error


def _is_keras_class(layer: Layer) -> bool:
    """Return whether ``layer`` is Keras's own, not a user's class of the same name."""
    return type(layer).__module__.partition(".")[0] in {"keras", "tf_keras"}


def translated(config: dict[str, Any], kind: str) -> dict[str, Any]:
    """Return a Keras 3 ``config`` of a layer called ``kind`` in the words of tf_keras."""
    words = {key: _translated_value(value) for key, value in config.items() if key not in _DROPPED}
    for key in _ACTIVATIONS & words.keys():
        words[key] = own_activations().get(str(words[key]), words[key])
    if kind == "LeakyReLU" and "negative_slope" in words:
        words["alpha"] = words.pop("negative_slope")
    accepted = _accepted(getattr(tf_keras().layers, kind))
    return {
        key: value for key, value in words.items() if key in accepted or not _says_nothing(value)
    }


def _says_nothing(value: Config) -> bool:
    """Return whether a setting that tf_keras does not know is off, and so may be dropped."""
    return value is None or value is False or value == "channels_last"


def _accepted(cls: type) -> set[str]:
    """Return the names of the arguments of a layer class and of those it builds upon."""
    names = {"name", "trainable", "dtype", "batch_input_shape"}
    for base in inspect.getmro(cls):
        names |= set(inspect.signature(vars(base).get("__init__", _nothing)).parameters)
    return names


def _nothing() -> None:
    """Stand for the initializer of a class that has none of its own."""


def _translated_value(value: Config) -> Config:
    """Return a setting without Keras 3's module paths, policies as names."""
    if isinstance(value, (list, tuple)):  # a list may be one that Keras tracks: of its own kind
        items = [_translated_value(item) for item in value]
        return tuple(items) if isinstance(value, tuple) else items
    if not isinstance(value, dict):
        return value
    if value.get("class_name") == "DTypePolicy":
        return value["config"]["name"]
    if "class_name" not in value:
        return {key: _translated_value(item) for key, item in value.items()}
    config = value.get("config")
    if not isinstance(config, dict):  # a function by name, such as an activation
        return config if config is not None else value["class_name"]
    if hasattr(tf_keras().layers, value["class_name"]):  # a layer in a layer: Bidirectional
        config = translated(config, value["class_name"])
    else:
        config = {
            key: _translated_value(item)
            for key, item in config.items()
            if key not in {"input_axes", "output_axes", *_DROPPED}
        }
    return {"class_name": value["class_name"], "config": config}


def _copy_weights(old: Layer, new: Layer) -> None:
    if type(old).__name__ == "Normalization":
        return  # its settings hold them
    weights = old.get_weights()
    try:
        new.set_weights(weights)
    except ValueError as error:
        raise _cannot(old, "its weights have other shapes in tf_keras") from error


def _prove(model: Model, copy: Replay) -> None:
    """Hold the outputs of both models against each other; on a difference find the layer."""
    batch = trial_batch(model)
    expected, found = _outputs(model, batch), _outputs(copy.model, batch)
    if all(outputs_agree(a, b) for a, b in zip(expected, found, strict=True)):
        return
    for old, new in copy.pairs:
        if not _same_alone(old, new):
            raise _cannot(old, "its outputs differ in tf_keras")
    worst = max(float(np.max(np.abs(a - b))) for a, b in zip(expected, found, strict=True))
    raise UnsupportedModelError(
        f"the outputs of model '{model.name}' differ in tf_keras by {worst:.2g}"
    )


def _outputs(model: Model, batch: Tensors) -> list[Any]:
    result = model(batch, training=False)
    return [
        np.asarray(item) for item in (result if isinstance(result, (list, tuple)) else [result])
    ]


def _same_alone(old: Layer, new: Layer) -> bool:
    """Return whether two layers give the same for the same random input."""
    given = new.input if not isinstance(new.input, (list, tuple)) else list(new.input)
    generator = np.random.default_rng(0)
    if isinstance(given, list):
        batch: Tensors = [_trial(item, generator) for item in given]
    else:
        batch = _trial(given, generator)
    return all(
        outputs_agree(a, b)
        for a, b in zip(_outputs_of(old, batch), _outputs_of(new, batch), strict=True)
    )


def _outputs_of(layer: Layer, batch: Tensors) -> list[Any]:
    parameters = inspect.signature(layer.call).parameters
    result = layer(batch, training=False) if "training" in parameters else layer(batch)
    return [
        np.asarray(item) for item in (result if isinstance(result, (list, tuple)) else [result])
    ]


def _cannot(layer: Layer, reason: str) -> UnsupportedModelError:
    return UnsupportedModelError(
        f"layer '{layer.name}' ({type(layer).__name__}) cannot be rebuilt in tf_keras: {reason}",
        hint='replace the layer, or convert the model as it is: [quantize] method = "ptq", without '
        "[prune] and the epochs of [train]",
    )
