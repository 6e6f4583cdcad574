"""A run's manifest as frozen values: what a build writes, and all that any report is made of."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from edgekit.errors import InputError
from edgekit.finding import Finding
from edgekit.record.arena import Step
from edgekit.record.build import Inputs, Stage
from edgekit.record.encode import encode
from edgekit.record.fit import Fit
from edgekit.record.model import Constant, FloatTensor, OperatorSummary, Port
from edgekit.record.quantization import BiasCorrection, Simulated
from edgekit.record.shrinking import Shrink
from edgekit.record.verification import DropBound, Noise
from edgekit.reports.decode import decode
from edgekit.reports.wording import is_fraction

if TYPE_CHECKING:
    from pathlib import Path

FILE_NAME = "manifest.json"
SCHEMA = "edgekit.build/1"


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
    overlaps: tuple[str, ...] = ()
    task: str | None = None


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
    runtime: str | None = None


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
class ModelSummary:
    """The finished model file."""

    bytes: int
    sha256: str = ""
    macs: int | None = None
    parameters: int | None = None
    zero_weight_fraction: float | None = None
    fully_integer: bool | None = None
    float_tensors: tuple[FloatTensor, ...] = ()
    operators: tuple[OperatorSummary, ...] = ()
    inputs: tuple[Port, ...] = ()
    outputs: tuple[Port, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """The float model's metric, that the runtimes are held against, and its 95 % interval."""

    metric: str
    value: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Runtime:
    """What one runtime made of the validation set; ``low`` to ``high`` is the 95 % interval."""

    runtime: str
    metric: str | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    drop_bound: DropBound | None = None
    samples: int | None = None
    disagreements: int | None = None
    max_abs_diff: float | None = None
    refusal: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class VerificationSummary:
    """The runtimes against the float model."""

    reference: Reference | None = None
    runtimes: tuple[Runtime, ...] = ()
    passed: bool | None = None


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
    model: ModelSummary | None = None
    tensors: tuple[Constant, ...] = ()
    verification: VerificationSummary | None = None
    confusion: tuple[tuple[int, ...], ...] = ()
    labels: tuple[str, ...] = ()
    shrink: Shrink | None = None
    noise: tuple[Noise, ...] = ()
    arena: Arena | None = None
    targets: tuple[Fit, ...] = ()
    findings: tuple[Finding, ...] = ()
    simulated: Simulated | None = None
    warnings: tuple[str, ...] = ()
    files: tuple[Artifact, ...] = ()
    versions: Mapping[str, str] | None = None
    options: Mapping[str, object] | None = None

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


def written(manifest: Manifest) -> dict[str, object]:
    """Return ``manifest`` as the JSON object that `read` reads."""
    document = encode(manifest)
    assert isinstance(document, dict)
    # What is not the same in two builds alike stands in timings.json.
    stages = [{"name": stage.name, "notes": list(stage.notes)} for stage in manifest.stages]
    confusion = document["confusion"] or None
    return {"schema": SCHEMA, **document, "stages": stages, "confusion": confusion}


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
