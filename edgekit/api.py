"""The public functions: one for each command, of the same name and with the same defaults."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.comparison.pruning_study import sensitivity
from edgekit.dependencies import doctor
from edgekit.emission.emit import emit
from edgekit.errors import UsageError
from edgekit.measurement.measure import bench
from edgekit.pipeline.build import Run
from edgekit.pipeline.build import build as build_project
from edgekit.pipeline.convert import convert
from edgekit.pipeline.reproduce import checked, reproduce
from edgekit.pipeline.stages import Watch, unwatched
from edgekit.project.project import Project, resolve
from edgekit.project.scaffold import init
from edgekit.specs import (
    Calibration,
    DataSpec,
    Method,
    check_confidence,
    check_count,
    check_names,
    check_seed,
)

if TYPE_CHECKING:
    from edgekit.comparison.study import Study
    from edgekit.explanation.explain import Explanation
    from edgekit.fit.check import Fit
    from edgekit.model.inspection import Inspection
    from edgekit.shrinking import Shrunk
    from edgekit.verification.verify import Verification

__all__ = [
    "bench",
    "build",
    "check",
    "compare",
    "convert",
    "doctor",
    "emit",
    "explain",
    "init",
    "inspect",
    "reproduce",
    "sensitivity",
    "shrink",
    "verify",
]


def build(
    source: str | Path | Project = ".",
    *,
    data: str | None = None,
    targets: tuple[str, ...] = (),
    out: str | Path | None = None,
    seed: int | None = None,
    watch: Watch = unwatched,
    fresh: bool = False,
    check_reproducible: bool = False,
) -> Run:
    """Prune, quantize, convert, verify and emit a model, with a report.

    Args:
        source: A project (an ``edgekit.toml``, a ``pyproject.toml`` or a folder with one of
            them), or a model together with ``data``.
        data: An ``.npz``, ``module:function``, a folder of images, or ``"random"``; of a model,
            or instead of the project's.
        targets: Devices; they replace those of the project.
        out: The run directory; None: ``build/NAME`` in the project's folder.
        seed: Of every random choice; None: the project's.
        watch: Given each stage's name, what is told of its progress.
        fresh: Reuse no stage of an earlier run.
        check_reproducible: Build twice and compare every artifact.

    Returns:
        The run. A missed limit is in its ``passed``, not an exception.

    Raises:
        EdgekitError: What the user must put right.
    """
    project = resolve(source, data=data, targets=targets, seed=seed)
    run = build_project(project, out=None if out is None else Path(out), watch=watch, fresh=fresh)
    return checked(project, run, watch=watch) if check_reproducible else run


def compare(  # noqa: PLR0913  one argument an option
    source: str | Path | Project = ".",
    *,
    data: str | None = None,
    targets: tuple[str, ...] = (),
    precision: tuple[str, ...] = (),
    sparsity: tuple[float, ...] = (),
    method: tuple[Method, ...] = (),
    calibration: tuple[Calibration, ...] = (),
    out: str | Path | None = None,
    seed: int | None = None,
    jobs: int | None = None,
    scheduler: str | None = None,
    watch: Watch = unwatched,
) -> "Study":
    """Build a project in many variants and name the cheapest that meets its limits.

    Every combination of the lists is a point; lists that are not given are those of ``[compare]``
    in the project file. Points that were built before are not built again.

    Args:
        source: A project, or a model together with ``data``; see `build`.
        data: Of a model, or instead of the project's.
        targets: Devices; they replace those of the project.
        precision: Schemes of ``[quantize]``, and ``"simulated-int2"`` and the like.
        sparsity: Fractions of zeros; 0 for none.
        method: ``"ptq"``, ``"qat"``, or both.
        calibration: As `edgekit.specs.QuantizeSpec.calibration`.
        out: The study's folder; None: ``build/NAME-study`` in the project's folder.
        seed: Of every random choice; None: the project's.
        jobs: Points built at once on this machine; None: its cores, as memory allows.
        scheduler: Address of a Dask scheduler, to build on its cluster; project and study must
            lie on a file system that all its workers share.
        watch: Given a point's name, or ``"points"`` for all, what is told of the progress;
            called in several threads.

    Returns:
        The study. That no point meets the limits is in its ``passed``, not an exception.

    Raises:
        EdgekitError: What the user must put right before any point can be built.
    """
    from edgekit.comparison.experiment import conduct
    from edgekit.comparison.grid import asked

    project = resolve(source, data=data, targets=targets, seed=seed)
    return conduct(
        project,
        asked(
            project,
            precision=precision,
            method=method,
            calibration=calibration,
            sparsity=sparsity,
        ),
        out=None if out is None else Path(out),
        jobs=jobs,
        scheduler=scheduler,
        watch=watch,
    )


def explain(
    model: str | Path,
    *,
    data: str,
    reference: str | Path | None = None,
    runtimes: bool = False,
    samples: int = 100,
    scale: float = 1.0,
    offset: float = 0.0,
    seed: int = 0,
    watch: Watch = unwatched,
) -> "Explanation":
    """Return which operators of an integer `.tflite` cost accuracy, why, and what to try.

    Args:
        model: Its path.
        data: An ``.npz`` (also the ``vectors.npz`` of a build), ``module:function``, a folder of
            images, or ``"random"``: its test set, or else all of it.
        reference: The float `.tflite` of the same model; None: the weights that the integers
            stand for are taken for the float ones.
        runtimes: Whether to look for the first operator at which LiteRT and TFLite-Micro differ.
        samples: At most so many are run, evenly spaced.
        scale: Multiplied with every input value.
        offset: Added to every scaled input value.
        seed: Of random data.
        watch: Given ``"data"`` and ``"explain"``, what is told of its progress.

    Raises:
        EdgekitError: What the user must put right.
    """
    from edgekit.data.validation import scored_vectors
    from edgekit.explanation.explain import explain as run
    from edgekit.explanation.explain import taken
    from edgekit.model.reader import read_bytes

    check_count("samples", samples, least=1)
    check_seed("seed", seed)
    content = read_bytes(Path(model))
    floats = None if reference is None else read_bytes(Path(reference))
    spec = DataSpec(source=data, scale=scale, offset=offset)
    with watch("data"):
        given = scored_vectors(content, spec, directory=Path.cwd(), seed=seed, float_model=None)
    with watch("explain") as progress:
        found = run(
            content,
            taken(given.vectors, samples),
            reference=floats,
            runtimes=runtimes,
            progress=progress,
        )
    return replace(found, origin=given.origin)


def check(
    model: str | Path,
    *,
    targets: tuple[str, ...] = (),
    map_file: str | Path | None = None,
) -> "tuple[Fit, ...]":
    """Return how the `.tflite` file ``model`` fits each target.

    Args:
        model: Its path.
        targets: Names of profiles, or paths of ``.toml`` files; none: all profiles.
        map_file: Linker map of a firmware with this model, for the one target that is named.

    Raises:
        EdgekitError: What the user must put right.
    """
    from edgekit.devices.profile import all_targets, load_targets
    from edgekit.fit.check import check as examine
    from edgekit.model.reader import read_bytes

    check_names("targets", targets)
    if map_file is not None and len(targets) != 1:
        raise UsageError("a linker map is of one firmware", hint="name its device: --target T")
    content = read_bytes(Path(model))
    profiles = load_targets(targets) if targets else all_targets()
    linked = None if map_file is None else Path(map_file)
    return tuple(examine(content, profile, map_file=linked) for profile in profiles)


def shrink(
    model: str | Path,
    *,
    out: str | Path,
    target: str | None = None,
    ram_budget_bytes: int | None = None,
    watch: Watch = unwatched,
) -> "Shrunk":
    """Write the `.tflite` file ``model`` to ``out``, smaller and with the same outputs.

    Args:
        model: Its path; the file is left as it was.
        out: The new file; it appears whole or not at all.
        target: A device profile: which runtimes prove, and whether they decode.
        ram_budget_bytes: Code weights while the arena stays within; None codes nothing.
        watch: Given ``"shrink"``, what is told of its progress.

    Raises:
        EdgekitError: What the user must put right; nothing is written then.
    """
    from edgekit.devices.profile import load_target
    from edgekit.files.outputs import check_output_file
    from edgekit.files.whole_files import write_bytes
    from edgekit.model.reader import read_bytes
    from edgekit.shrinking import shrink as run

    check_output_file(Path(out), (Path(model), *([Path(target)] if target is not None else [])))
    with watch("shrink") as progress:
        shrunk = run(
            read_bytes(Path(model)),
            target=None if target is None else load_target(target),
            ram_budget_bytes=ram_budget_bytes,
            progress=progress,
        )
    write_bytes(Path(out), shrunk.content)
    return shrunk


def inspect(model: str | Path) -> "Inspection":
    """Return what is in the `.tflite` file ``model``.

    Raises:
        InputError: No such file, or a damaged one.
    """
    from edgekit.model.inspection import inspect as examine
    from edgekit.model.reader import load

    return examine(load(Path(model)))


def verify(
    model: str | Path,
    *,
    data: str,
    runtimes: tuple[str, ...] = (),
    reference: str | Path | None = None,
    confidence: float | None = None,
    scale: float = 1.0,
    offset: float = 0.0,
    seed: int = 0,
    watch: Watch = unwatched,
) -> "Verification":
    """Run the `.tflite` file ``model`` on its runtimes and compare.

    Args:
        model: Its path.
        data: An ``.npz`` (also the ``vectors.npz`` of a build), ``module:function``, a folder of
            images, or ``"random"``: its test set, or else all of it.
        runtimes: Names in `edgekit.runtimes.known.RUNTIMES`; none: all.
        reference: The float `.tflite`.
        confidence: Of a bound on each runtime's drop against the float model; None: no bound.
        scale: Multiplied with every input value.
        offset: Added to every scaled input value.
        seed: Of random data.
        watch: Given ``"data"`` and ``"verify"``, what is told of its progress.

    Raises:
        EdgekitError: What the user must put right.
    """
    from edgekit.data.validation import scored_vectors
    from edgekit.model.reader import read_bytes
    from edgekit.runtimes.known import RUNTIMES
    from edgekit.verification.agreement import agreement
    from edgekit.verification.verify import verify as run

    check_names("runtimes", runtimes)
    check_seed("seed", seed)
    if confidence is not None:
        check_confidence("confidence", confidence)
    content = read_bytes(Path(model))
    spec = DataSpec(source=data, scale=scale, offset=offset)
    floats = None if reference is None else Path(reference)
    with watch("data"):
        given = scored_vectors(content, spec, directory=Path.cwd(), seed=seed, float_model=floats)
    with watch("verify") as progress:
        result = run(
            content,
            given.vectors,
            runtimes=runtimes or tuple(RUNTIMES),
            confidence=confidence,
            progress=progress,
        )
        found = agreement(content, given.vectors, result.outputs, progress=progress)
    return replace(result, origin=given.origin, agreement=found)
