"""The tables of a project file: what each may say, and what it must not."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

from edgekit.errors import InputError
from edgekit.toml import Bytes, Microseconds

IoType = Literal["int8", "uint8", "float32"]
Scheme = Literal["int8", "int16x8", "float16", "dynamic"]
Metric = Literal["auto", "accuracy", "mean_absolute_error", "mean_squared_error"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelSpec:
    """Where the model is.

    Args:
        source: A ``.keras`` or ``.h5`` file, a SavedModel folder, or ``module:function`` that
            returns a Keras model; relative to the project's folder.
        name: A C identifier; names files and arrays. Empty: taken from the source.
    """

    source: str
    name: str = ""


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
    """

    source: str
    validation_fraction: float = 0.2
    calibration_samples: int = 200
    scale: float = 1.0
    offset: float = 0.0
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not (math.isfinite(self.scale) and math.isfinite(self.offset)) or self.scale == 0:
            raise InputError(
                f"data.scale is {self.scale:g} and data.offset {self.offset:g}",
                hint="give finite numbers, and a scale other than 0",
            )
        if len(set(self.labels)) < len(self.labels):
            raise InputError("data.labels names a class twice")
        check_fraction("data.validation_fraction", self.validation_fraction, example="0.2")
        check_count("data.calibration_samples", self.calibration_samples, least=1)


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
        check_count("train.epochs", self.epochs, least=0)
        check_count("train.batch_size", self.batch_size, least=1)
        if not self.learning_rate > 0:
            raise InputError(f"train.learning_rate is {self.learning_rate:g}, not above 0")


@dataclass(frozen=True, kw_only=True, slots=True)
class PruneSpec:
    """How small weights are driven to zero; see ``docs/pruning.md``.

    Args:
        sparsity: Fraction of exact zeros asked: of each kernel with the criterion ``"ratio"``,
            of all together with ``"global"``. ``"auto"`` gives each kernel its share by what
            it costs, so that all fit into ``size``.
        schedule: ``"polynomial"`` rises to the sparsity, ``"constant"`` starts with it.
        epochs: Of training under the schedule.
        warmup_epochs: Trained before pruning begins.
        warmup_steps: Trained before pruning begins, after ``warmup_epochs``.
        criterion: Which weights go: the smallest of each kernel (``"ratio"``) or of the network
            (``"global"``), those below ``threshold`` times their kernel's mean magnitude
            (``"threshold"``), or below ``threshold`` itself (``"absolute"``).
        threshold: For the last two criteria.
        granularity: Single weights, blocks of Dense layers, or some of each group of weights.
        block: Rows and columns of a block.
        n_by_m: Zeros in each group of inputs, and the inputs of a group.
        depthwise: Whether depthwise kernels are pruned too.
        skip_first: Whether the first prunable layer is left alone.
        skip_last: Whether the last one is.
        layers: Sparsity of the layers whose name matches a pattern, such as ``"conv*"``; 0
            leaves them alone; the last match counts.
        size: With ``"auto"``: bytes that the pruned kernels may take as one byte for each
            weight that is left, and one bit for each that there was.
    """

    sparsity: float | Literal["auto"] | None = None
    schedule: Literal["polynomial", "constant"] = "polynomial"
    epochs: int = 4
    warmup_epochs: float = 0.0
    warmup_steps: int = 0
    criterion: Literal["ratio", "global", "threshold", "absolute"] = "ratio"
    threshold: float | None = None
    granularity: Literal["unstructured", "block", "n_by_m"] = "unstructured"
    block: tuple[int, ...] = (4, 4)
    n_by_m: tuple[int, ...] = (2, 4)
    depthwise: bool = False
    skip_first: bool = False
    skip_last: bool = False
    layers: Mapping[str, float] = field(default_factory=dict)
    size: Bytes | None = None

    def __post_init__(self) -> None:
        check_count("prune.epochs", self.epochs, least=1)
        check_count("prune.warmup_steps", self.warmup_steps, least=0)
        if not 0 <= self.warmup_epochs < self.epochs:
            raise InputError(
                f"prune.warmup_epochs is {self.warmup_epochs:g} and prune.epochs {self.epochs}: "
                "the sparsity cannot be reached",
                hint="raise prune.epochs above the warm-up",
            )
        for pattern, sparsity in self.layers.items():
            if not 0 <= sparsity < 1:
                raise InputError(f"prune.layers.{pattern} is {sparsity:g}, not from 0 to below 1")
        self._check_amount()
        self._check_granularity()

    def override(self, layer: str) -> float | None:
        """Return what the last pattern that matches ``layer`` says, or None."""
        matching = [value for pattern, value in self.layers.items() if fnmatchcase(layer, pattern)]
        return matching[-1] if matching else None

    def _check_amount(self) -> None:
        if self.size is not None and self.sparsity != "auto":
            raise InputError('prune.size has a meaning for sparsity = "auto" alone')
        if self.criterion in {"threshold", "absolute"}:
            if self.threshold is None or self.threshold <= 0:
                raise InputError(f"prune.threshold is missing for the criterion '{self.criterion}'")
            if self.sparsity is not None:
                raise InputError("prune.sparsity and prune.threshold cannot both be given")
        elif self.threshold is not None:
            raise InputError(
                f"prune.threshold has no meaning for the criterion '{self.criterion}'",
                hint='set criterion = "threshold" or "absolute"',
            )
        elif self.sparsity == "auto":
            self._check_auto()
        elif self.granularity != "n_by_m":
            if self.sparsity is None:
                raise InputError("'prune.sparsity' is missing", hint="such as 0.75")
            check_fraction("prune.sparsity", self.sparsity, example="0.75")

    def _check_auto(self) -> None:
        if self.size is None:
            raise InputError(
                'prune.size is missing for sparsity = "auto"', hint='such as size = "20KiB"'
            )
        if (self.criterion, self.granularity) != ("ratio", "unstructured"):
            raise InputError('prune.sparsity = "auto" is for single weights by ratio alone')

    def _check_granularity(self) -> None:
        if self.granularity == "block" and (len(self.block) != 2 or min(self.block) < 1):  # noqa: PLR2004
            raise InputError(f"prune.block is {list(self.block)}, not rows and columns")
        if self.granularity != "n_by_m":
            return
        if len(self.n_by_m) != 2 or not 0 < self.n_by_m[0] < self.n_by_m[1]:  # noqa: PLR2004
            raise InputError(f"prune.n_by_m is {list(self.n_by_m)}, not such as [2, 4]")
        zeros, group = self.n_by_m
        if self.criterion != "ratio" or self.sparsity not in {None, zeros / group}:
            raise InputError(
                f"{zeros} zeros in each {group} weights are a sparsity of {zeros / group:g}",
                hint="take prune.sparsity and prune.criterion away",
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class QuantizeSpec:
    """How the model becomes integer.

    Args:
        method: ``"qat"`` trains with quantization in mind, ``"ptq"`` only calibrates.
        epochs: Of quantization-aware training.
        scheme: ``"int8"`` all integer; ``"int16x8"`` 16-bit activations, 8-bit weights;
            ``"float16"`` and ``"dynamic"`` are for phones, not for microcontrollers.
        io: Type of the model's inputs and outputs.
    """

    method: Literal["qat", "ptq"] = "ptq"
    epochs: int = 2
    scheme: Scheme = "int8"
    io: IoType = "int8"

    def __post_init__(self) -> None:
        check_count("quantize.epochs", self.epochs, least=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What the finished model must hold; None asks nothing.

    Args:
        accuracy_drop: Largest loss of the metric against the float model, in the metric's own
            unit (0.01 is one point of accuracy).
        flash: Bytes of flash that the model takes.
        ram: Bytes of the tensor arena.
        latency: Of one invocation, on each target that has a sourced estimate.
    """

    accuracy_drop: float | None = None
    flash: Bytes | None = None
    ram: Bytes | None = None
    latency: Microseconds | None = None

    def __post_init__(self) -> None:
        drop = self.accuracy_drop
        if drop is not None and not 0 <= drop < math.inf:
            raise InputError(f"limits.accuracy_drop is {drop:g}, not 0 or more")
        for key in ("flash", "ram", "latency"):
            if getattr(self, key) == 0:
                raise InputError(f"limits.{key} is 0, which nothing can hold")


def check_fraction(key: str, value: float, *, example: str) -> None:
    """Refuse a value that is no fraction between 0 and 1.

    Raises:
        InputError: It is not; the message has the dotted ``key`` and the hint the ``example``.
    """
    if not 0 < value < 1:
        raise InputError(
            f"{key} is {value:g}, not a fraction between 0 and 1", hint=f"such as {example}"
        )


def check_count(key: str, value: int, *, least: int) -> None:
    """Refuse a value below ``least``.

    Raises:
        InputError: It is; the message has the dotted ``key``.
    """
    if value < least:
        raise InputError(f"{key} is {value}, not {least} or more")
