"""The device profiles: all of them, one, what is wrong with them, and one of your own times."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import overload

from edgekit.devices.cost_toml import cost_model_toml
from edgekit.devices.lint import lint
from edgekit.devices.profile import (
    CostModel,
    Target,
    all_targets,
    is_shipped,
    load_target,
    profile_paths,
)
from edgekit.errors import UsageError
from edgekit.files.results import told
from edgekit.files.whole_files import write_text
from edgekit.fit.check import check_model
from edgekit.fit.latency.measurements import read_measurements
from edgekit.fit.latency.users_board import recalibrate
from edgekit.model.reader import load
from edgekit.model.shapes import check_shapes
from edgekit.record.fit import Fit
from edgekit.specs import Limits, check_names


@dataclass(frozen=True, kw_only=True, slots=True)
class CalibratedTarget:
    """A profile whose latencies come from your own measurements.

    Args:
        path: Where it was written.
        latency: Its cost model.
    """

    path: Path
    latency: CostModel

    def __repr__(self) -> str:
        return told(
            f"CalibratedTarget: {self.path}",
            points=self.latency.points,
            band=f"within a factor of {self.latency.band:.2f}",
            operators=len(self.latency.operators),
        )


@overload
def targets() -> tuple[Target, ...]: ...


@overload
def targets(*, fits: str | Path) -> tuple[Fit, ...]: ...


def targets(*, fits: str | Path | None = None) -> tuple[Target, ...] | tuple[Fit, ...]:
    """Return the devices that edgekit knows.

    Args:
        fits: A `.tflite`: how it fits each device is returned, the best device first.

    Raises:
        EdgekitError: The model cannot be read.
    """
    profiles = all_targets()
    if fits is None:
        return profiles
    parsed = load(Path(fits))
    check_shapes(parsed)
    found = (check_model(parsed, profile, limits=Limits()) for profile in profiles)
    return tuple(sorted(found, key=_rank))


def target(name: str) -> Target:
    """Return the device ``name``: that of a profile, or the path of a ``.toml`` file.

    Raises:
        InputError: There is none, or the file is wrong.
    """
    return load_target(name)


def lint_targets(names: tuple[str, ...] = ()) -> Mapping[str, tuple[str, ...]]:
    """Return what is wrong with profiles, sentences by their names; of a sound one, none.

    Args:
        names: Of devices, or paths of ``.toml`` files; none: all that edgekit has.

    Raises:
        InputError: ``names`` is one text.
    """
    check_names("names", names)
    return {name: lint(name) for name in names or tuple(profile_paths())}


def calibrate_target(
    target: str,
    *,
    measurements: str | Path,
    models: tuple[str | Path, ...] = (),
    version: str = "as measured",
    out: str | Path | None = None,
) -> CalibratedTarget:
    """Write a profile of a device whose latencies come from your own measurements.

    Args:
        target: The device that was measured.
        measurements: A CSV with the columns ``model`` and ``latency_ms``, or the log of an
            emitted project's report.
        models: For a log: the files that may have been flashed.
        version: Of the runtime that was measured.
        out: The new ``.toml`` file; None: ``TARGET-calibrated.toml``.

    Raises:
        EdgekitError: What the user must put right; nothing is written then.
    """
    profile, table = load_target(target), Path(measurements)
    path = Path(f"{profile.name}-calibrated.toml") if out is None else Path(out)
    head = f'extends = "{_base(target, path)}"\n\n'
    flashed = tuple(map(Path, models))
    measured = read_measurements(table, models=flashed, clock_hz=profile.core.clock)
    source = f"own measurements, {table.name}"
    model = recalibrate(profile, measured, version=version, source=source)
    write_text(path, head + cost_model_toml(model, table="latency"))
    return CalibratedTarget(path=path, latency=model)


def _base(target: str, path: Path) -> str:
    """Return what the new profile at ``path`` extends; refuse to write where nothing may be."""
    hint = "choose another file: --out FILE"
    if path.suffix != ".toml":
        raise UsageError(f"{path}: a profile's name ends in .toml", hint=hint)
    if is_shipped(path):
        raise UsageError(f"{path}: lies in edgekit's own folder of profiles", hint=hint)
    if path.exists():
        raise UsageError(f"{path}: is there already", hint=hint)
    if not target.endswith(".toml"):
        return target
    return Path(os.path.relpath(target, path.parent)).as_posix()


def _rank(fit: Fit) -> tuple[object, ...]:
    """Return what sorts the fitting first, of them the fastest known, of these the smallest."""
    fastest = float("inf") if fit.latency_ms is None else fit.latency_ms.value
    return (
        not fit.fits,
        not fit.runs,
        fastest,
        fit.known_flash_bytes.value,
        fit.target,
    )
