"""The only door to TensorFlow, tf_keras, Keras 3 and tfmot: they come in quietly and in order."""

import importlib
import os
import sys
from functools import cache
from importlib.util import find_spec
from typing import Any, TypeAlias

from edgekit.errors import MissingDependencyError

# The third parties have no types; these names say what is meant where mypy sees Any.
Module: TypeAlias = Any
Model: TypeAlias = Any
Layer: TypeAlias = Any
Node: TypeAlias = Any
Tensor: TypeAlias = Any
Tensors: TypeAlias = Any
Config: TypeAlias = Any


@cache
def tensorflow() -> Module:
    """Return TensorFlow; where it is imported here first, its ``tf.keras`` is tf_keras.

    Raises:
        MissingDependencyError: It is not installed.
    """
    if "tensorflow" not in sys.modules:  # in a user's own training the choice is made already
        os.environ["TF_USE_LEGACY_KERAS"] = "1"  # tfmot knows Keras 2 only
        os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # what matters comes as exceptions
    module = _imported("tensorflow", "TensorFlow")
    module.get_logger().setLevel("ERROR")
    return module


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
