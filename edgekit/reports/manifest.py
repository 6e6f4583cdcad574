"""A run's manifest as frozen values: all that any report is made of."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from edgekit.errors import InputError
from edgekit.finding import Finding
from edgekit.quantity import Quantity
from edgekit.reports.decode import decode
from edgekit.reports.wording import is_fraction

if TYPE_CHECKING:
    from pathlib import Path

FILE_NAME = "manifest.json"
SCHEMA = "edgekit.build/1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """One stage of the build; the seconds it took are known right after the build alone."""

    name: str
    seconds: float | None = None
    reused: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Data:
    """Where the samples came from, their digest, and how many each purpose got."""

    source: str
    sha256: str = ""
    is_random: bool = False
    has_labels: bool | None = None
    train_samples: int | None = None
    calibration_samples: int | None = None
    calibration_indices: tuple[int, ...] = ()
    validation_samples: int | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Inputs:
    """Digests of the model, the project's code and the profiles; and TensorFlow's threads."""

    model: str = ""
    code: str = ""
    targets: Mapping[str, str] | None = None
    threads: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Accuracy:
    """The task's metric after each stage, and the ends of its 95 % intervals by stage.

    ``drop`` is positive where int8 is the worse.
    """

    metric: str
    float_: float | None = None
    pruned: float | None = None
    int8: float | None = None
    drop: float | None = None
    samples: int | None = None
    intervals: Mapping[str, tuple[float, ...]] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerShift:
    """What bias correction moved one layer's channels by, on average, and in steps of its grid."""

    index: int
    op: str
    tensor: str
    mean_shift: float
    steps: float


@dataclass(frozen=True, kw_only=True, slots=True)
class BiasCorrection:
    """The metric in LiteRT without and with bias correction, and the layers left without."""

    metric: str
    before: float
    after: float
    samples: int
    layers: tuple[LayerShift, ...] = ()
    left: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Layer:
    """The fraction of exact zeros asked of a kernel, reached in it, and found in the file."""

    name: str
    reached: float
    asked: float | None = None
    weights: int | None = None
    attribute: str = ""
    in_file: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Operator:
    """One operator of the finished model, in the order of execution."""

    index: int
    op: str
    macs: int = 0
    parameters: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Port:
    """An input or output; ``real = scale * (stored - zero_point)``."""

    name: str
    shape: tuple[int, ...] = ()
    dtype: str = ""
    scale: float | None = None
    zero_point: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class FloatTensor:
    """A float tensor where only integers should be, and the operator beside it."""

    name: str
    dtype: str = ""
    operator: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """The finished model file."""

    bytes: int
    sha256: str = ""
    macs: int | None = None
    parameters: int | None = None
    zero_weight_fraction: float | None = None
    fully_integer: bool | None = None
    float_tensors: tuple[FloatTensor, ...] = ()
    operators: tuple[Operator, ...] = ()
    inputs: tuple[Port, ...] = ()
    outputs: tuple[Port, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Constant:
    """A constant tensor of the file, its bytes, and the operator that reads it."""

    name: str
    bytes: int
    op: str = ""
    zero_fraction: float | None = None
    shape: tuple[int, ...] = ()
    dtype: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """The float model's metric, that the runtimes are held against, and its 95 % interval."""

    metric: str
    value: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DropBound:
    """What the drop does not exceed, and with what confidence: by a paired bootstrap."""

    at_most: float
    confidence: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Runtime:
    """What one runtime made of the validation set; ``low`` to ``high`` is the 95 % interval."""

    runtime: str
    metric: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    drop_bound: DropBound | None = None
    samples: int | None = None
    disagreements: int | None = None
    max_abs_diff: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Verification:
    """The runtimes against the float model."""

    reference: Reference | None = None
    runtimes: tuple[Runtime, ...] = ()
    passed: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ShrinkPass:
    """One lossless pass and the bytes it took off."""

    name: str
    saved_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Shrink:
    """What shrinking took off the file, and on how many vectors the outputs were equal."""

    before_bytes: int
    after_bytes: int
    passes: tuple[ShrinkPass, ...] = ()
    bit_exact: bool | None = None
    vectors: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """The bytes of the arena that are alive while one operator runs."""

    index: int
    op: str
    live_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Allocation:
    """A tensor's place in the arena, from the operator that writes it to the last that reads."""

    name: str
    first: int
    last: int
    offset: int
    bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Arena:
    """The arena over the operators."""

    peak_bytes: int
    peak_operator: int | None = None
    operators: tuple[Step, ...] = ()
    tensors: tuple[Allocation, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Unsupported:
    """An operator that a target's runtime refuses, and why."""

    op: str
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetFit:
    """The model on one device."""

    target: str
    runs: bool
    fits: bool
    unsupported_operators: tuple[Unsupported, ...] = ()
    arena_bytes: Quantity | None = None
    model_bytes: Quantity | None = None
    code_bytes: Quantity | None = None
    flash_bytes: Quantity | None = None
    ram_bytes: Quantity | None = None
    latency_ms: Quantity | None = None
    operator_ms: tuple[float, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Simulated:
    """Weights of a type that the file cannot store, and its bytes if they were packed."""

    precision: str
    packed_bytes: Quantity


@dataclass(frozen=True, kw_only=True, slots=True)
class Noise:
    """Signal-to-quantization-noise ratio of one operator's output; None: no noise."""

    index: int
    op: str
    sqnr_db: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Artifact:
    """A file of the run directory."""

    path: str
    bytes: int
    sha256: str = ""

    def __post_init__(self) -> None:
        path = PurePosixPath(self.path)
        if path.is_absolute() or ".." in path.parts or not path.parts:
            raise ValueError(f"the path {self.path!r} leads out of the run directory")


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """All that a build found out. What is None or empty was not asked or not possible."""

    name: str
    passed: bool
    edgekit: str = ""
    seed: int | None = None
    inputs: Inputs | None = None
    stages: tuple[Stage, ...] = ()
    data: Data | None = None
    accuracy: Accuracy | None = None
    bias_correction: BiasCorrection | None = None
    sparsity: float | None = None
    channels_removed: bool | None = None
    layers: tuple[Layer, ...] = ()
    model: Model | None = None
    tensors: tuple[Constant, ...] = ()
    verification: Verification | None = None
    confusion: tuple[tuple[int, ...], ...] = ()
    labels: tuple[str, ...] = ()
    shrink: Shrink | None = None
    noise: tuple[Noise, ...] = ()
    arena: Arena | None = None
    targets: tuple[TargetFit, ...] = ()
    findings: tuple[Finding, ...] = ()
    simulated: Simulated | None = None
    warnings: tuple[str, ...] = ()
    files: tuple[Artifact, ...] = ()
    versions: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        accuracy, verification = self.accuracy, self.verification
        metric = "" if accuracy is None else accuracy.metric
        if accuracy is not None:
            for value in (accuracy.float_, accuracy.pruned, accuracy.int8):
                _check_score(metric, value, accuracy.samples)
        if verification is not None:
            if verification.reference is not None:
                _check_score(verification.reference.metric, verification.reference.value, None)
            for item in verification.runtimes:
                _check_score(item.metric or metric, item.value, item.samples)


def _check_score(metric: str, value: float | None, samples: int | None) -> None:
    if value is not None and is_fraction(metric) and not 0 <= value <= 1:
        raise ValueError(f"the {metric} is {value:g}, not from 0 to 1")
    if samples is not None and samples < 0:
        raise ValueError(f"the number of samples is {samples}")


def read(manifest: Mapping[str, object]) -> Manifest:
    """Return the JSON object ``manifest`` as a `Manifest`.

    Raises:
        InputError: It is of another schema, or a value in it is missing or of the wrong type.
    """
    schema = manifest.get("schema")
    if schema != SCHEMA:
        raise InputError(f"the manifest's 'schema' is {schema!r}, not '{SCHEMA}'")
    return decode(manifest, Manifest)


def load(run: "Path") -> dict[str, object]:
    """Return the manifest of a run directory, or of the manifest file itself, as JSON values.

    Raises:
        InputError: There is none, or it is not a JSON object.
    """
    path = run / FILE_NAME if run.is_dir() else run
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(
            f"{path}: no such manifest", hint="build a run with: edgekit build PROJECT"
        ) from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path}: is not JSON: {error}",
            hint="give a run's directory, or the manifest.json in it",
        ) from error
    if not isinstance(document, dict):
        raise InputError(f"{path}: is not a JSON object")
    return document
