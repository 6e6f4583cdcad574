"""Read the user's model, whatever Keras wrote it, as a tf_keras model in a file."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from edgekit.errors import InputError, UnsupportedModelError
from edgekit.files.source import is_function, source_kind
from edgekit.model.single_output import check_one_output
from edgekit.project import user_function
from edgekit.training import loss as losses
from edgekit.training._tensorflow import (
    Config,
    Model,
    Module,
    Tensors,
    keras3,
    seed_everything,
    tensorflow,
    tf_keras,
)
from edgekit.training.files import save_model
from edgekit.training.functional_model import require_functional
from edgekit.training.load.bridge import bridge
from edgekit.training.load.foreign_code import OWN_LAYERS, TRUST, refuse_code, refuse_operations
from edgekit.training.load.foreign_files import h5_description, keras_description, keras_records
from edgekit.training.outputs import ONE_OUTPUT, check_keras_output

if TYPE_CHECKING:
    from pathlib import Path

    from edgekit.runtimes.process import Progress

FILE_NAME = "model.h5"
_FILE_SECONDS = 600.0
_FORMS = "a .keras or .h5 file, a SavedModel folder, or module:function"


_HANDING_ON = frozenset({"Cropping1D", "Flatten", "Permute", "RepeatVector", "Reshape"})
"""Layers whose outputs hold the values of their inputs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadedModel:
    """The user's model, ready for the stages.

    Args:
        kind: What ``path`` is. A SavedModel without Keras's own records can only be converted.
        framework: What the model came from.
        input_shape: Without the batch.
        output_shape: Without the batch.
        parameters: The number of weights; 0 where the file does not say.
        layers: The number of layers; 0 where the file does not say.
        loss: The loss that it was compiled with, as `edgekit.training.loss.written`; empty: none.
        ids: How many ids its input can hold: of the smallest embedding that reads it; None: no ids.
        notes: What a user should know.
    """

    kind: Literal["keras", "saved_model"]
    framework: Literal["keras3", "tf_keras", "saved_model"]
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    parameters: int
    layers: int
    loss: str
    ids: int | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Read:
    """A model as its file gives it."""

    model: Model
    loss: str


def patience_seconds(source: str, directory: "Path") -> float | None:
    """Return how long `load` may be silent: a damaged file can be read without an end.

    A function of the user's own may take as long as it likes: None.
    """
    return None if source_kind(source, directory) == "function" else _FILE_SECONDS


def load(
    progress: "Progress",
    source: str,
    *,
    directory: "Path",
    out: "Path",
    seed: int = 0,
    trusted: bool = False,
) -> LoadedModel:
    """Read the model ``source`` and write it to ``out`` as tf_keras's ``model.h5``.

    Args:
        progress: Told what goes on.
        source: A ``.keras`` or ``.h5`` file, a SavedModel folder, or ``module:function`` that
            returns a model of either Keras; relative to ``directory``.
        directory: The project's folder; the user's modules are found from here.
        out: A folder, made if it is not there.
        seed: Of the weights of a model that is made by a function.
        trusted: Whether code in the file may run.

    Raises:
        InputError: No such file, or not a Keras model.
        UnsupportedModelError: A layer that cannot be bridged, code in the file (Lambda), a
            subclassed model, several inputs or outputs, or an input without a fixed shape.
    """
    progress(0, 2, f"reading {source}")
    seed_everything(seed)
    path = directory / source
    if path.is_dir():
        read = _read_saved_model(path, trusted=trusted)
        if read is None:
            return _saved_model(path)
    else:
        read = _read(path, source, directory, trusted=trusted)
    require_functional(read.model)
    is_keras3 = _is_keras3(read.model)
    progress(1, 2, "bridging Keras 3 to tf_keras" if is_keras3 else "rebuilding")
    model = bridge(read.model) if is_keras3 or _has_nested(read.model) else read.model
    _check_shapes(model)
    save_model(model, out / FILE_NAME)
    return LoadedModel(
        kind="keras",
        framework="keras3" if is_keras3 else "tf_keras",
        input_shape=tuple(model.input_shape[1:]),
        output_shape=tuple(model.output_shape[1:]),
        parameters=int(model.count_params()),
        layers=len(model.layers),
        loss=read.loss,
        ids=_ids(model),
    )


def _read(path: "Path", source: str, directory: "Path", *, trusted: bool) -> _Read:
    if source_kind(source, directory) == "function":
        model = user_function.call(source, directory, what="the model")
        if not hasattr(model, "layers"):
            raise InputError(
                f"the model: '{source}' returns a {type(model).__name__}, not a Keras model"
            )
        return _Read(model=model, loss=losses.written(getattr(model, "loss", None)))
    if not path.is_file():
        raise InputError(f"{path}: no such file", hint=_other_form(source))
    with path.open("rb") as stream:
        start = stream.read(8)
    if start.startswith(b"\x89HDF"):
        return _read_h5(path, trusted=trusted)
    if start.startswith(b"PK"):
        return _read_keras(path, trusted=trusted)
    raise InputError(f"{path}: not a Keras model", hint=f"the model is {_FORMS}")


def _other_form(source: str) -> str:
    folder, slash, call = source.rpartition("/")
    if slash and is_function(call):
        return f"a module is found from the project's folder or this one: cd {folder}, then {call}"
    return f"the model is {_FORMS}"


def _read_h5(path: "Path", *, trusted: bool) -> _Read:
    found = h5_description(path)
    if not trusted:
        refuse_code(found.config, path)
    try:
        model = tf_keras().models.load_model(path, compile=False)
    except Exception as first:  # noqa: BLE001  Keras documents no type; Keras 3 may read the file
        try:
            model = keras3().models.load_model(path, compile=False, safe_mode=not trusted)
        except Exception as second:  # nor does Keras 3
            raise _unreadable(path, first) from second
    return _Read(model=model, loss=_written_loss(found.loss, path, trusted=trusted))


def _read_keras(path: "Path", *, trusted: bool) -> _Read:
    found = keras_description(path)
    if not trusted:
        refuse_code(found.config, path)
    library = tf_keras() if found.version.startswith("2.") else keras3()
    try:
        model = library.models.load_model(path, compile=False, safe_mode=not trusted)
    except Exception as error:  # Keras documents no type
        raise _unreadable(path, error) from error
    return _Read(model=model, loss=_written_loss(found.loss, path, trusted=trusted))


def _written_loss(loss: Config, path: "Path", *, trusted: bool) -> str:
    """Return the loss that a file names; Keras writes none that is a function elsewhere."""
    text = losses.written(loss)
    if is_function(text) and not trusted:
        raise UnsupportedModelError(
            f"{path}: is compiled with the loss '{text}', which is code outside of the file",
            hint=f"save it with a loss of Keras; {TRUST}",
        )
    return text


def _read_saved_model(path: "Path", *, trusted: bool) -> _Read | None:
    """Return the Keras model in a SavedModel folder, or None where it holds none."""
    if not (path / "saved_model.pb").is_file():
        raise InputError(
            f"{path}: not a SavedModel (no saved_model.pb)", hint=f"the model is {_FORMS}"
        )
    records = path / "keras_metadata.pb"
    if not trusted:
        refuse_operations((path / "saved_model.pb").read_bytes(), path)
        for record in keras_records(records):
            refuse_code(record, path)
    if not records.is_file():
        return None
    try:
        model = tf_keras().models.load_model(path, compile=False)
    except Exception as error:  # Keras documents no type
        raise _unreadable(path, error) from error
    return _Read(model=model, loss="") if hasattr(model, "_nodes_by_depth") else None


def _saved_model(path: "Path") -> LoadedModel:
    """Return a SavedModel that is no Keras model: post-training quantization alone takes it."""
    try:
        loaded = tensorflow().saved_model.load(str(path))
    except Exception as error:  # TensorFlow documents no type
        raise _unreadable(path, error) from error
    signature = serving_signature(loaded, path)
    (given,) = signature.structured_input_signature[1].values()
    (result,) = signature.structured_outputs.values()
    return LoadedModel(
        kind="saved_model",
        framework="saved_model",
        input_shape=_fixed(given.shape, path),
        output_shape=tuple(int(size or 0) for size in result.shape[1:]),
        parameters=sum(int(item.shape.num_elements()) for item in loaded.variables)
        if hasattr(loaded, "variables")
        else 0,
        layers=0,
        loss="",
        notes=("the SavedModel has no Keras layers: it can be quantized, not pruned or trained",),
    )


def serving_signature(loaded: Module, path: "Path") -> Tensors:
    """Return the function that a SavedModel serves, with one input and one output.

    Raises:
        UnsupportedModelError: It serves none, or one with several inputs or outputs.
    """
    signature = loaded.signatures.get("serving_default")
    if signature is None:
        known = ", ".join(loaded.signatures) or "none"
        raise UnsupportedModelError(f"{path}: has no 'serving_default' signature (it has {known})")
    _check_inputs(len(signature.structured_input_signature[1]))
    served = signature.structured_outputs.items()
    check_one_output([(name, tuple(spec.shape)) for name, spec in served], hint=ONE_OUTPUT)
    return signature


def _ids(model: Model) -> int | None:
    """Return how many ids the input of a tf_keras ``model`` can hold; None where it holds none."""
    given = {id(tensor) for tensor in model.inputs}
    sizes = []
    for layer in model.layers:
        kind = type(layer).__name__
        for node in layer.inbound_nodes:
            if id(node.keras_inputs[0] if node.keras_inputs else node.outputs) not in given:
                continue
            if kind == "Embedding":
                sizes.append(int(layer.input_dim))
            elif kind in _HANDING_ON:
                given.add(id(node.outputs))
    return min(sizes, default=None)


def _check_shapes(model: Model) -> None:
    _check_inputs(len(model.inputs))
    check_keras_output(model)
    _fixed(model.inputs[0].shape, model.name)


def _check_inputs(count: int) -> None:
    if count != 1:
        raise UnsupportedModelError(f"the model has {count} inputs; edgekit builds models with one")


def _fixed(shape: Tensors, where: object) -> tuple[int, ...]:
    sizes = tuple(shape)[1:]
    if any(size is None for size in sizes):
        raise UnsupportedModelError(
            f"{where}: the input has no fixed shape {sizes}",
            hint="build the model with every size of its input given",
        )
    return tuple(int(size) for size in sizes)


def _is_keras3(model: Model) -> bool:
    return any(base.__module__.startswith("keras.") for base in type(model).__mro__)


def _has_nested(model: Model) -> bool:
    return any(hasattr(layer, "layers") and hasattr(layer, "inputs") for layer in model.layers)


def _unreadable(path: "Path", error: Exception) -> UnsupportedModelError:
    text = " ".join(str(error).split())
    unknown = re.search(r"(?:Unknown layer: '?|locate class ')(\w+)", text)
    if unknown:
        return UnsupportedModelError(
            f"{path}: layer '{unknown[1]}' is a custom class that edgekit does not know",
            hint=OWN_LAYERS,
        )
    return UnsupportedModelError(f"{path}: Keras cannot load it: {text[:300]}")
