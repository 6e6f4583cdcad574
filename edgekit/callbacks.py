"""Keras callbacks for a user's own ``model.fit``, of Keras 3 and tf_keras alike.

They write numbers into ``logs``, and so into TensorBoard and CSVLogger, and print nothing.
"""

import tempfile
import warnings
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from edgekit.data.reference import Vectors
from edgekit.devices.profile import load_target
from edgekit.errors import InputError, suggestion
from edgekit.files.whole_files import write_bytes
from edgekit.fit.check import check
from edgekit.model.file import ModelFile
from edgekit.model.inspection import inspect
from edgekit.model.integer import require_integer
from edgekit.model.writer import write
from edgekit.runtimes import litert
from edgekit.runtimes.known import RUNTIMES
from edgekit.runtimes.process import Worker, silent
from edgekit.shrinking.dead_channels import dead_channels
from edgekit.shrinking.oracle import Oracle
from edgekit.training.converter import convert
from edgekit.training.kernels import Zeros, kernels, zeros_in
from edgekit.training.observer import Observer
from edgekit.training.outputs import check_keras_output
from edgekit.training.pruning.channels import channel_groups
from edgekit.training.pruning.magnitude import MagnitudePruning
from edgekit.verification.verify import verify

if TYPE_CHECKING:
    import numpy.typing as npt

    from edgekit.model.values import Model as TFLiteModel
    from edgekit.record.fit import Fit
    from edgekit.training._tensorflow import Model
    from edgekit.verification.metrics import Score

    Floats = npt.NDArray[np.float32]

__all__ = ["DeviceBudget", "IntegerCheckpoint", "MagnitudePruning"]

_OutOfReach = Literal["warn", "stop", "ignore"]
_OUT_OF_REACH: tuple[str, ...] = get_args(_OutOfReach)
_CALIBRATION_SAMPLES = 8  # the layout of a model does not depend on what they are


class DeviceBudget(Observer):
    """Tells each epoch what the model will take on a device.

    The model is quantized when training begins, and again when channels have been pruned away or
    weights that were all zero, as biases are at first, no longer are: converters leave those out,
    and its layout changes with nothing else. Each epoch these go into ``logs``:
    ``predicted_flash_bytes`` (what `edgekit check` tells of the file: the model, and the runtime's
    code where its size is known), ``predicted_arena_bytes``, ``macs`` and ``sparsity`` (of all
    kernels, where `MagnitudePruning` does not tell that of the pruned ones); the first three
    without the channels that `edgekit shrink` will remove. Where the device's runtime can decode
    weights, ``predicted_coded_flash_bytes`` is the flash with the zeros of now coded as one bit
    each, as `edgekit shrink --ram-budget` can write them.

    Args:
        target: The name of a device profile, or the path of one.
        out_of_reach: What to do when the model cannot fit the device with any weights, all its
            channels kept: a Python warning, the end of the training, or nothing.
    """

    def __init__(self, target: str, *, out_of_reach: _OutOfReach = "warn") -> None:
        if out_of_reach not in _OUT_OF_REACH:
            raise InputError(
                f"out_of_reach is '{out_of_reach}', not one of {', '.join(_OUT_OF_REACH)}",
                hint=suggestion(out_of_reach, _OUT_OF_REACH),
            )
        self._target = load_target(target)
        self._out_of_reach = out_of_reach

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Quantize the model as it is, and plan its arena on the device."""
        del logs
        self._lay_out(_dead_channels(self.model))
        if self._out_of_reach != "ignore" and self._least_excess():
            self._complain()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Write the figures of now into ``logs``."""
        del epoch
        if logs is None:
            return
        dead = _dead_channels(self.model)
        if (dead, _empty_weights(self.model)) != self._laid_out:
            self._lay_out(dead)
        zeros = zeros_in(kernels(self.model, depthwise=True))
        logs["predicted_flash_bytes"] = self._flash_bytes
        if self._target.runtime.decode:
            logs["predicted_coded_flash_bytes"] = self._flash_bytes - self._coding_saves(zeros)
        if self._fit.arena_bytes is not None:
            logs["predicted_arena_bytes"] = float(self._fit.arena_bytes.value)
        logs["macs"] = float(self._macs)
        logs.setdefault("sparsity", zeros.fraction)  # of what is pruned, where that is told

    def _lay_out(self, dead: int) -> None:
        """Quantize the model of now, and plan it without its ``dead`` channels."""
        self._laid_out = dead, _empty_weights(self.model)
        shape = (_CALIBRATION_SAMPLES, *self.model.input_shape[1:])
        samples = np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)
        with Worker("the TFLite converter") as converter:
            file = _as_tflite(self.model, samples, converter)
        whole = _zeros_of(file.model)
        if dead:
            with litert.Session() as runtime:
                file = ModelFile.of(write(dead_channels(file.model, Oracle(runtime))))
        left = _zeros_of(file.model)
        self._removed = Zeros(zeros=whole.zeros - left.zeros, weights=whole.weights - left.weights)
        self._macs = inspect(file.model).macs
        self._fit: Fit = check(file, self._target)
        self._flash_bytes = float(self._fit.known_flash_bytes.value)

    def _coding_saves(self, zeros: Zeros) -> int:
        """Return the bytes saved by a bit for each weight and a byte for each that is left."""
        if not self._target.runtime.decode:
            return 0
        weights = zeros.weights - self._removed.weights
        return max(0, zeros.zeros - self._removed.zeros - weights // 8)

    def _least_excess(self) -> str:
        """Return what is too much whatever the weights become, or nothing."""
        arena, flash = self._fit.arena_bytes, self._target.flash
        if arena is not None and arena.value > self._target.ram.available_bytes:
            available = self._target.ram.available_bytes
            return f"an arena of {arena.value:,.0f} B, there are {available:,} B"
        found = kernels(self.model, depthwise=True)
        weights = sum(kernel.values().size for kernel in found)
        least = self._flash_bytes - self._coding_saves(Zeros(zeros=weights, weights=weights))
        if flash is not None and least > flash.available_bytes:
            return f"{least:,} B of flash at the least, there are {flash.available_bytes:,} B"
        return ""

    def _complain(self) -> None:
        text = f"the model cannot fit {self._target.name}: it needs {self._least_excess()}"
        if self._out_of_reach == "stop":
            self.model.stop_training = True
        warnings.warn(text, stacklevel=2)


class IntegerCheckpoint(Observer):
    """Keeps the epoch whose integer model is best, not the float one.

    Each epoch the model is quantized after training and run on the validation samples; the
    score goes into ``logs`` as ``val_int8_accuracy`` (or the error of the same name) and the
    best model to ``path``, with its float weights beside it as ``.weights.h5``.

    Args:
        path: The ``.tflite`` file to keep.
        validation_data: Inputs as the model takes them, and class numbers, one-hot rows or
            wanted outputs.
        calibration: Inputs that set the ranges of activations; not those of the validation.
        runtime: ``"litert"`` or ``"tflite-micro"``.
        pruning: Of the same training: only epochs at the sparsity that it asks for are kept.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        validation_data: "tuple[Floats, npt.NDArray[np.generic]]",
        calibration: "Floats",
        runtime: str = "litert",
        pruning: MagnitudePruning | None = None,
    ) -> None:
        if runtime not in RUNTIMES:
            raise InputError(
                f"no runtime is called '{runtime}'", hint=suggestion(runtime, RUNTIMES)
            )
        inputs, labels = validation_data
        self._path = Path(path)
        self._vectors = Vectors(inputs=np.asarray(inputs, np.float32), labels=np.asarray(labels))
        self._calibration = np.asarray(calibration, np.float32)
        self._runtime = runtime
        self._pruning = pruning
        self._trained: Model | None = None
        self.best: Score | None = None
        self.best_epoch: int | None = None

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Start the converter's process; another model than before has its own best epoch.

        Raises:
            UnsupportedModelError: The model has several outputs, and a score is of one.
        """
        del logs
        check_keras_output(self.model)
        if self._trained is not self.model:
            self._trained, self.best, self.best_epoch = self.model, None, None
        self._converter = Worker("the TFLite converter")
        weakref.finalize(self, self._converter.close)  # a training may end in an exception

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """End it."""
        del logs
        self._converter.close()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Quantize and run the model of now, and keep it if no epoch before was as good."""
        file = _as_tflite(self.model, self._calibration, self._converter)
        verification = verify(file, self._vectors, runtimes=(self._runtime,))
        score = verification.runtimes[0].score
        assert score is not None  # there are labels
        if logs is not None:
            logs[f"val_int8_{score.metric}"] = score.value
        if self._pruning is not None and not self._pruning.reached:
            return
        if self.best is None or _is_better(score, self.best):
            self.best, self.best_epoch = score, epoch
            write_bytes(self._path, file.content)
            self.model.save_weights(self._path.with_suffix(".weights.h5"))


def _dead_channels(model: "Model") -> int:
    return sum(int((~group.alive()).sum()) for group in channel_groups(model))


def _empty_weights(model: "Model") -> int:
    """Return how many of the model's weights are zero throughout."""
    return sum(not np.any(values) for values in model.get_weights())


def _zeros_of(model: "TFLiteModel") -> Zeros:
    """Return the zeros among the weights in a `.tflite` file."""
    found = [item for item in inspect(model).constants if item.is_kernel]
    sizes = [int(np.prod(item.shape, dtype=np.int64)) for item in found]
    zeros = (item.zero_fraction * size for item, size in zip(found, sizes, strict=True))
    return Zeros(zeros=round(sum(zeros)), weights=sum(sizes))


def _as_tflite(model: "Model", calibration: "Floats", converter: Worker) -> ModelFile:
    """Return the live ``model`` as a fully-integer `.tflite` file."""
    from edgekit.training.files import save_for_conversion

    if any(type(layer).__module__.startswith("edgekit.training.keras.") for layer in model.layers):
        from edgekit.training.keras.convert import convert_aware

        return ModelFile.of(convert_aware(model))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "saved_model"
        save_for_conversion(model, path)
        file = ModelFile.of(converter.call(convert, silent, path, calibration))
    require_integer(file.model)
    return file


def _is_better(score: "Score", best: "Score") -> bool:
    if score.metric == "accuracy":
        return score.value > best.value
    return score.value < best.value
