"""The tables of what goes into a build: model, data, training."""

from dataclasses import dataclass
from typing import Literal

from edgekit.errors import InputError
from edgekit.files.source import RANDOM
from edgekit.specs.checks import check_count, check_fraction, check_named, check_types

Metric = Literal["auto", "accuracy", "mean_absolute_error", "mean_squared_error"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelSpec:
    """Where the model is.

    Args:
        source: A ``.keras`` or ``.h5`` file, a SavedModel folder, ``module:function`` that
            returns a Keras model, or a float ``.tflite``, which is quantized after its training
            alone; relative to the project's folder.
        name: A C identifier; names files and arrays. Empty: taken from the source.
        trusted: Whether Python code in the model's file, such as that of a Lambda layer, may run.
        modules: Of the project's folder, such as ``["net"]`` for ``net.py``: imported before the
            model's file is read, for the custom layers that they register with Keras.
    """

    source: str
    name: str = ""
    trusted: bool = False
    modules: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_types(self, "model")
        check_named("model.source", self.source)
        for module in self.modules:
            if not all(part.isidentifier() for part in module.split(".")):
                raise InputError(
                    f"model.modules names '{module}', which is no module of Python",
                    hint='without its ending: modules = ["net"] for net.py',
                )


@dataclass(frozen=True, kw_only=True, slots=True)
class DataSpec:
    """Where the data are and how they are split.

    Args:
        source: An ``.npz`` file, ``module:function``, a folder of images by class, or
            ``"random"``.
        validation_fraction: Of the samples, taken for validation where the source has no test
            set of its own.
        calibration_samples: Kept out of the training to set the ranges of activations.
        scale: Multiplied with every input value, before ``offset`` is added.
        offset: Added to every scaled input value.
        labels: Names of the classes, in the order of the model's outputs.
        trusted: Whether pickled objects in an ``.npz`` may be loaded, which runs their code.
    """

    source: str
    validation_fraction: float = 0.2
    calibration_samples: int = 200
    scale: float = 1.0
    offset: float = 0.0
    labels: tuple[str, ...] = ()
    trusted: bool = False

    def __post_init__(self) -> None:
        check_types(self, "data")
        check_named("data.source", self.source)
        if self.scale == 0:
            raise InputError("data.scale is 0, which makes all samples the same")
        if len(set(self.labels)) < len(self.labels):
            raise InputError("data.labels names a class twice")
        if not all(label.strip() for label in self.labels):
            raise InputError("data.labels has an empty name")
        check_fraction("data.validation_fraction", self.validation_fraction, example="0.2")
        check_count("data.calibration_samples", self.calibration_samples, least=1)

    @property
    def is_random(self) -> bool:
        """Whether the samples are made, and mean nothing."""
        return self.source == RANDOM


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainSpec:
    """How the model is trained, here and in the fine-tuning of later stages.

    Args:
        epochs: Of the float model before anything else; 0 for a model that is trained.
        batch_size: Samples a step.
        learning_rate: Of Adam; quantization-aware training takes a tenth of it.
        loss: A Keras loss by name, or ``module:function``; empty: the model's own.
    """

    epochs: int = 0
    batch_size: int = 32
    learning_rate: float = 1e-3
    loss: str = ""

    def __post_init__(self) -> None:
        check_types(self, "train")
        check_count("train.epochs", self.epochs, least=0)
        check_count("train.batch_size", self.batch_size, least=1)
        if not self.learning_rate > 0:
            raise InputError(f"train.learning_rate is {self.learning_rate:g}, not above 0")
