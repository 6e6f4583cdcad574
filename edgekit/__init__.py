"""From a Keras model to verified firmware: prune, quantize, convert, prove that it fits, emit C.

Each command is a function here: ``edgekit.build("examples/digits")``; beside them stand the specs
that they take, the results that they return and the errors that they raise. All are loaded when
they are first used, so that importing edgekit is light.
"""

import importlib
from typing import TYPE_CHECKING

from edgekit.version import __version__ as __version__

if TYPE_CHECKING:
    from edgekit import callbacks as callbacks
    from edgekit import errors as errors
    from edgekit import numerics as numerics
    from edgekit import specs as specs
    from edgekit.api import (
        build,
        check,
        compare,
        diff,
        explain,
        inspect,
        quantize_aware,
        report,
        shrink,
        verify,
    )
    from edgekit.comparison.pruning_study import sensitivity
    from edgekit.comparison.study import Study
    from edgekit.dependencies import Dependency, doctor
    from edgekit.devices.profile import Target
    from edgekit.emission.emit import Emission, EmulatorSpec, emit
    from edgekit.errors import (
        CrashError,
        EdgekitError,
        InputError,
        MissingDependencyError,
        ToolError,
        UnsupportedModelError,
        UsageError,
    )
    from edgekit.explanation.explain import Explanation
    from edgekit.finding import Finding
    from edgekit.fit.profiles import (
        CalibratedTarget,
        calibrate_target,
        lint_targets,
        target,
        targets,
    )
    from edgekit.measurement.measure import Bench, bench
    from edgekit.model.inspection import Inspection
    from edgekit.pipeline.convert import Conversion, convert
    from edgekit.pipeline.plan import Plan
    from edgekit.pipeline.reproduce import Reproduction, reproduce
    from edgekit.pipeline.run import Run
    from edgekit.project.project import Project, load_project
    from edgekit.project.scaffold import init
    from edgekit.quantity import Quantity
    from edgekit.record.fit import Fit
    from edgekit.reports.diff import Difference
    from edgekit.shrinking import NotExactError, Shrunk
    from edgekit.specs import (
        AccuracyDrop,
        CompareSpec,
        DataSpec,
        Limits,
        ModelSpec,
        PointSpec,
        PruneSpec,
        QuantizeSpec,
        TrainSpec,
    )
    from edgekit.training.pruning.sensitivity import Sensitivity
    from edgekit.verification.verify import Verification

__all__ = [
    "AccuracyDrop",
    "Bench",
    "CalibratedTarget",
    "CompareSpec",
    "Conversion",
    "CrashError",
    "DataSpec",
    "Dependency",
    "Difference",
    "EdgekitError",
    "Emission",
    "EmulatorSpec",
    "Explanation",
    "Finding",
    "Fit",
    "InputError",
    "Inspection",
    "Limits",
    "MissingDependencyError",
    "ModelSpec",
    "NotExactError",
    "Plan",
    "PointSpec",
    "Project",
    "PruneSpec",
    "Quantity",
    "QuantizeSpec",
    "Reproduction",
    "Run",
    "Sensitivity",
    "Shrunk",
    "Study",
    "Target",
    "ToolError",
    "TrainSpec",
    "UnsupportedModelError",
    "UsageError",
    "Verification",
    "bench",
    "build",
    "calibrate_target",
    "check",
    "compare",
    "convert",
    "diff",
    "doctor",
    "emit",
    "explain",
    "init",
    "inspect",
    "lint_targets",
    "load_project",
    "quantize_aware",
    "report",
    "reproduce",
    "sensitivity",
    "shrink",
    "target",
    "targets",
    "verify",
]

_HOMES = {
    "edgekit.api": (
        "build",
        "check",
        "compare",
        "diff",
        "explain",
        "inspect",
        "quantize_aware",
        "report",
        "shrink",
        "verify",
    ),
    "edgekit.comparison.pruning_study": ("sensitivity",),
    "edgekit.comparison.study": ("Study",),
    "edgekit.dependencies": ("Dependency", "doctor"),
    "edgekit.devices.profile": ("Target",),
    "edgekit.emission.emit": ("Emission", "EmulatorSpec", "emit"),
    "edgekit.errors": (
        "CrashError",
        "EdgekitError",
        "InputError",
        "MissingDependencyError",
        "ToolError",
        "UnsupportedModelError",
        "UsageError",
    ),
    "edgekit.explanation.explain": ("Explanation",),
    "edgekit.finding": ("Finding",),
    "edgekit.fit.profiles": (
        "CalibratedTarget",
        "calibrate_target",
        "lint_targets",
        "target",
        "targets",
    ),
    "edgekit.measurement.measure": ("Bench", "bench"),
    "edgekit.model.inspection": ("Inspection",),
    "edgekit.pipeline.convert": ("Conversion", "convert"),
    "edgekit.pipeline.plan": ("Plan",),
    "edgekit.pipeline.reproduce": ("Reproduction", "reproduce"),
    "edgekit.pipeline.run": ("Run",),
    "edgekit.project.project": ("Project", "load_project"),
    "edgekit.project.scaffold": ("init",),
    "edgekit.quantity": ("Quantity",),
    "edgekit.record.fit": ("Fit",),
    "edgekit.reports.diff": ("Difference",),
    "edgekit.shrinking": ("NotExactError", "Shrunk"),
    "edgekit.specs": (
        "AccuracyDrop",
        "CompareSpec",
        "DataSpec",
        "Limits",
        "ModelSpec",
        "PointSpec",
        "PruneSpec",
        "QuantizeSpec",
        "TrainSpec",
    ),
    "edgekit.training.pruning.sensitivity": ("Sensitivity",),
    "edgekit.verification.verify": ("Verification",),
}
"""The names above by the module that has them."""

_MODULES = ("callbacks", "errors", "numerics", "specs")
"""Modules that people import from."""


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return importlib.import_module(f"edgekit.{name}")
    home = next((home for home, names in _HOMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module 'edgekit' has no attribute '{name}'")
    return getattr(importlib.import_module(home), name)


def __dir__() -> list[str]:
    own = (name for name in globals() if name.startswith("__"))
    return sorted({*own, *__all__, *_MODULES})
