"""The only door to TensorFlow, tf_keras, Keras 3 and tfmot: they come in quietly and in order."""

import importlib
import os
import sys
from functools import cache
from importlib.util import find_spec
from typing import Any, TypeAlias

from edgekit.errors import MissingDependencyError, UsageError

# The third parties have no types; these names say what is meant where mypy sees Any.
Module: TypeAlias = Any
Model: TypeAlias = Any
Layer: TypeAlias = Any
Node: TypeAlias = Any
Tensor: TypeAlias = Any
Tensors: TypeAlias = Any
Config: TypeAlias = Any

_THREADS = "TF_NUM_INTRAOP_THREADS"  # what TensorFlow reads it from
_USUAL_THREADS = 4


@cache
def tensorflow() -> Module:
    """Return TensorFlow; where it is imported here first, its ``tf.keras`` is tf_keras.

    Raises:
        MissingDependencyError: It is not installed.
    """
    if "tensorflow" not in sys.modules:  # in a user's own training the choice is made already
        os.environ["TF_USE_LEGACY_KERAS"] = "1"  # tfmot knows Keras 2 only
        os.environ.setdefault("KERAS_BACKEND", "tensorflow")
        os.environ[_THREADS] = str(threads())
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # what matters comes as exceptions
    module = _imported("tensorflow", "TensorFlow")
    module.get_logger().setLevel("ERROR")
    return module


def on_tensorflow() -> None:
    """Let Keras 3, which is not imported yet, run on TensorFlow whatever the environment says.

    For the processes of edgekit's own: a file that was saved under torch or jax is read there.
    """
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = "tensorflow"


def threads() -> int:
    """Return how many threads TensorFlow divides an operation among.

    A sum that is divided in another way differs in its last bits, and a trained model more: so
    it is the same number on every machine, unless the user sets ``TF_NUM_INTRAOP_THREADS``.

    Raises:
        UsageError: It is set to something else than a whole number above 0.
    """
    given = os.environ.get(_THREADS)
    if given is None:
        return _USUAL_THREADS
    if not given.isdecimal() or int(given) == 0:
        raise UsageError(
            f"{_THREADS} is '{given}', not a whole number above 0", hint=f"{_THREADS}=4"
        )
    return int(given)


@cache
def tf_keras() -> Module:
    """Return tf_keras, the Keras that tfmot and the converter know best."""
    tensorflow()
    return _imported("tf_keras", "tf_keras")


@cache
def keras3() -> Module:
    """Return Keras 3, on its TensorFlow backend."""
    tensorflow()
    return _imported("keras", "Keras 3")


@cache
def tfmot() -> Module:
    """Return the TensorFlow Model Optimization toolkit."""
    tf_keras()
    return _imported("tensorflow_model_optimization", "tfmot")


def seed_everything(seed: int) -> None:
    """Make what follows in this process give the same numbers for the same ``seed``."""
    tf_keras().utils.set_random_seed(seed)


def _imported(name: str, title: str) -> Module:
    if find_spec(name) is None:
        raise MissingDependencyError(
            f"{title} is not installed", hint='pip install "edgekit[train]"'
        )
    return importlib.import_module(name)
