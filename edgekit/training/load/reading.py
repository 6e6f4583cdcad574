"""Read the user's model in the Keras that wrote it; code in a file runs where it may alone."""

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from edgekit.errors import InputError, UnsupportedModelError
from edgekit.files.source import is_function, source_kind
from edgekit.project import user_function
from edgekit.training import loss as losses
from edgekit.training._tensorflow import (
    Config,
    Model,
    keras3,
    on_tensorflow,
    seed_everything,
    tf_keras,
)
from edgekit.training.load.foreign_code import OWN_LAYERS, TRUST, refuse_code, refuse_operations
from edgekit.training.load.foreign_files import h5_description, keras_description, keras_records

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_FORMS = "a .keras or .h5 file, a SavedModel folder, or module:function"


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Where a model is, and what may run for it to be read.

    Args:
        source: A ``.keras`` or ``.h5`` file, a SavedModel folder, or ``module:function`` that
            returns a model of either Keras; relative to ``directory``.
        directory: The project's folder; the user's modules are found from here.
        seed: Of the weights of a model that is made by a function.
        trusted: Whether code in the file may run.
        modules: Of the project, imported before a file is read: its custom classes are theirs.
    """

    source: str
    directory: "Path"
    seed: int = 0
    trusted: bool = False
    modules: tuple[str, ...] = ()

    @property
    def path(self) -> "Path":
        """Of the file or folder."""
        return self.directory / self.source


@dataclass(frozen=True, kw_only=True, slots=True)
class Read:
    """A model as its source gives it.

    Args:
        model: Of either Keras.
        loss: The one it was compiled with, as `edgekit.training.loss.written`; empty: none.
    """

    model: Model
    loss: str

    @property
    def is_keras3(self) -> bool:
        """Whether the model is of Keras 3, not of tf_keras."""
        return any(base.__module__.startswith("keras.") for base in type(self.model).__mro__)


def read(source: Source) -> Read | None:
    """Return the model that ``source`` names; None: a SavedModel without Keras's own records.

    Raises:
        InputError: No such file, or not a Keras model; or a module cannot be imported.
        UnsupportedModelError: Keras cannot read it, or there is code in it.
    """
    on_tensorflow()
    seed_everything(source.seed)
    for module in source.modules:
        user_function.import_module(module, source.directory, what="model.modules")
    if source.path.is_dir():
        return _read_saved_model(source)
    if source_kind(source.source, source.directory) == "function":
        return _called(source)
    path = source.path
    if not path.is_file():
        raise InputError(f"{path}: no such file", hint=_other_form(source.source))
    with path.open("rb") as stream:
        start = stream.read(8)
    if start.startswith(b"\x89HDF"):
        return _read_h5(source)
    if start.startswith(b"PK"):
        return _read_keras(source)
    raise InputError(f"{path}: not a Keras model", hint=f"the model is {_FORMS}")


def unreadable(path: "Path", error: Exception) -> UnsupportedModelError:
    """Return what Keras or TensorFlow says in ``error`` of the file ``path``, in a sentence."""
    text = " ".join(str(error).split())
    unknown = re.search(r"(?:Unknown layer: '?|locate (?:class|function) ')([\w>]+)", text)
    if unknown:
        return UnsupportedModelError(
            f"{path}: layer '{unknown[1]}' is a custom class that edgekit does not know",
            hint=OWN_LAYERS,
        )
    return UnsupportedModelError(f"{path}: Keras cannot load it: {text[:300]}")


def _called(source: Source) -> Read:
    model = user_function.call(source.source, source.directory, what="the model")
    if not hasattr(model, "layers"):
        raise InputError(
            f"the model: '{source.source}' returns a {type(model).__name__}, not a Keras model"
        )
    return Read(model=model, loss=losses.written(getattr(model, "loss", None)))


def _other_form(source: str) -> str:
    folder, slash, call = source.rpartition("/")
    if slash and is_function(call):
        return f"a module is found from the project's folder or this one: cd {folder}, then {call}"
    return f"the model is {_FORMS}"


def _read_h5(source: Source) -> Read:
    path, trusted = source.path, source.trusted
    found = h5_description(path)
    if not trusted:
        refuse_code(found.config, path, source.modules)
    ways: list[Callable[[Path], Model]] = [_by_tf_keras, partial(_by_keras3, safe_mode=not trusted)]
    first, second = reversed(ways) if found.version.startswith("3.") else ways
    try:
        model = first(path)
    except Exception as error:  # noqa: BLE001  Keras documents no type; the other may read the file
        try:
            model = second(path)
        except Exception as last:  # nor does the other
            raise unreadable(path, error) from last
    return Read(model=model, loss=_written_loss(found.loss, path, trusted=trusted))


def _by_tf_keras(path: "Path") -> Model:
    return tf_keras().models.load_model(path, compile=False)


def _by_keras3(path: "Path", *, safe_mode: bool) -> Model:
    return keras3().models.load_model(path, compile=False, safe_mode=safe_mode)


def _read_keras(source: Source) -> Read:
    path, trusted = source.path, source.trusted
    found = keras_description(path)
    if not trusted:
        refuse_code(found.config, path, source.modules)
    try:
        if found.version.startswith("2."):
            model = tf_keras().models.load_model(path, compile=False, safe_mode=not trusted)
        else:
            model = _by_keras3(path, safe_mode=not trusted)
    except Exception as error:  # Keras documents no type
        raise unreadable(path, error) from error
    return Read(model=model, loss=_written_loss(found.loss, path, trusted=trusted))


def _written_loss(loss: Config, path: "Path", *, trusted: bool) -> str:
    """Return the loss that a file names; Keras writes none that is a function elsewhere."""
    text = losses.written(loss)
    if is_function(text) and not trusted:
        raise UnsupportedModelError(
            f"{path}: is compiled with the loss '{text}', which is code outside of the file",
            hint=f"save it with a loss of Keras; {TRUST}",
        )
    return text


def _read_saved_model(source: Source) -> Read | None:
    """Return the Keras model in a SavedModel folder, or None where it holds none."""
    path = source.path
    if not (path / "saved_model.pb").is_file():
        raise InputError(
            f"{path}: not a SavedModel (no saved_model.pb)", hint=f"the model is {_FORMS}"
        )
    records = path / "keras_metadata.pb"
    if not source.trusted:
        refuse_operations((path / "saved_model.pb").read_bytes(), path)
        for record in keras_records(records):
            refuse_code(record, path, source.modules)
    if not records.is_file():
        return None
    try:
        model = tf_keras().models.load_model(path, compile=False)
    except Exception as error:  # Keras documents no type
        raise unreadable(path, error) from error
    return Read(model=model, loss="") if hasattr(model, "_nodes_by_depth") else None
