"""The tables of a project file: what each may say, and what it must not."""

from edgekit.specs.checks import (
    check_confidence,
    check_count,
    check_drop,
    check_fraction,
    check_names,
    check_seed,
    check_types,
)
from edgekit.specs.inputs import DataSpec, Metric, ModelSpec, TrainSpec
from edgekit.specs.limits import AccuracyDrop, Limits
from edgekit.specs.pruning import PruneSpec
from edgekit.specs.quantization import (
    INTEGER_SCHEMES,
    SIMULATED_BITS,
    Calibration,
    Converted,
    IoType,
    Method,
    QuantizeSpec,
    Scheme,
    Simulation,
)
from edgekit.specs.study import CompareSpec, PointSpec

__all__ = [
    "INTEGER_SCHEMES",
    "SIMULATED_BITS",
    "AccuracyDrop",
    "Calibration",
    "CompareSpec",
    "Converted",
    "DataSpec",
    "IoType",
    "Limits",
    "Method",
    "Metric",
    "ModelSpec",
    "PointSpec",
    "PruneSpec",
    "QuantizeSpec",
    "Scheme",
    "Simulation",
    "TrainSpec",
    "check_confidence",
    "check_count",
    "check_drop",
    "check_fraction",
    "check_names",
    "check_seed",
    "check_types",
]
