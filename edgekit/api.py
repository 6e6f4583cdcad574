"""The public functions that put rooms together: of a command's name, options and defaults.

What they need is imported when they are called: `edgekit.inspect` loads no training.
"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

from edgekit.errors import UsageError, suggestion
from edgekit.pipeline.stages import Watch, unwatched
from edgekit.specs import (
    Calibration,
    DataSpec,
    Method,
    check_confidence,
    check_count,
    check_drop,
    check_names,
    check_seed,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import numpy.typing as npt

    from edgekit.comparison.study import Study
    from edgekit.explanation.explain import Explanation
    from edgekit.model.inspection import Inspection
    from edgekit.model.values import Model
    from edgekit.pipeline.plan import Plan
    from edgekit.pipeline.run import Run
    from edgekit.project.project import Project
    from edgekit.record.fit import Fit
    from edgekit.reports.diff import Difference
    from edgekit.shrinking import Shrunk
    from edgekit.training._tensorflow import Model as KerasModel
    from edgekit.training.keras.precision import AwareScheme
    from edgekit.verification.verify import Verification


@overload
def build(
    source: "str | Path | Project" = ".",
    *,
    data: str | None = None,
    targets: tuple[str, ...] = (),
    out: str | Path | None = None,
    seed: int | None = None,
    watch: Watch = unwatched,
    fresh: bool = False,
    check_reproducible: bool = False,
    plan: Literal[False] = False,
) -> "Run": ...


@overload
def build(
    source: "str | Path | Project" = ".",
    *,
    data: str | None = None,
    targets: tuple[str, ...] = (),
    out: str | Path | None = None,
    seed: int | None = None,
    watch: Watch = unwatched,
    fresh: bool = False,
    check_reproducible: bool = False,
    plan: Literal[True],
) -> "Plan": ...


def build(
    source: "str | Path | Project" = ".",
    *,
    data: str | None = None,
    targets: tuple[str, ...] = (),
    out: str | Path | None = None,
    seed: int | None = None,
    watch: Watch = unwatched,
    fresh: bool = False,
    check_reproducible: bool = False,
    plan: bool = False,
) -> "Run | Plan":
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
        plan: Only tell what would be done; nothing is run and no data are read.

    Returns:
        The run; a missed limit is in its ``passed``, not an exception. Or the plan.

    Raises:
        EdgekitError: What the user must put right.
    """
    from edgekit.pipeline import build as pipeline
    from edgekit.pipeline.reproduce import checked
    from edgekit.project.project import resolve

    project = resolve(source, data=data, targets=targets, seed=seed)
    folder = None if out is None else Path(out)
    if plan:
        return pipeline.plan(project, out=folder)
    run = pipeline.build(project, out=folder, watch=watch, fresh=fresh)
    return checked(project, run, watch=watch) if check_reproducible else run


def compare(  # noqa: PLR0913  one argument an option
    source: "str | Path | Project" = ".",
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
    from edgekit.project.project import resolve

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
    from edgekit.model.file import ModelFile
    from edgekit.model.reader import read_bytes

    check_count("samples", samples, least=1)
    check_seed(seed)
    file = ModelFile.of(read_bytes(Path(model)))
    floats = None if reference is None else ModelFile.of(read_bytes(Path(reference)))
    spec = DataSpec(source=data, scale=scale, offset=offset)
    with watch("data"):
        given = scored_vectors(file.model, spec, directory=Path.cwd(), seed=seed, float_model=None)
    with watch("explain") as progress:
        found = run(
            file,
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
    from edgekit.model.file import ModelFile
    from edgekit.model.reader import read_bytes

    check_names("targets", targets)
    if map_file is not None and len(targets) != 1:
        raise UsageError("a linker map is of one firmware", hint="name its device: --target T")
    file = ModelFile.of(read_bytes(Path(model)))
    profiles = load_targets(targets) if targets else all_targets()
    linked = None if map_file is None else Path(map_file)
    return tuple(examine(file, profile, map_file=linked) for profile in profiles)


def shrink(
    model: str | Path,
    *,
    out: str | Path | None = None,
    target: str | None = None,
    ram_budget_bytes: int | None = None,
    data: str | None = None,
    drop_names: bool = False,
    watch: Watch = unwatched,
) -> "Shrunk":
    """Return the `.tflite` file ``model`` smaller and with the same outputs.

    Args:
        model: Its path; the file is left as it was.
        out: The new file; it appears whole or not at all. None: nothing is written.
        target: A device profile: which runtimes prove, and whether they decode.
        ram_budget_bytes: Code weights while the arena stays within; None codes nothing.
        data: The outputs are also proved equal on these: an ``.npz``, ``module:function`` or a
            folder of images.
        drop_names: Leave out the names of inputs and outputs too, and signatures.
        watch: Given ``"shrink"``, what is told of its progress.

    Raises:
        EdgekitError: What the user must put right; nothing is written then.
    """
    from edgekit.devices.profile import load_target
    from edgekit.files.outputs import check_output_file
    from edgekit.model.file import ModelFile
    from edgekit.model.reader import read_bytes
    from edgekit.shrinking import shrink as run

    file = ModelFile.of(read_bytes(Path(model)))
    if out is not None:
        others = (Path(name) for name in (target, data) if name is not None)
        check_output_file(Path(out), (Path(model), *others))
    with watch("shrink") as progress:
        shrunk = run(
            file,
            target=None if target is None else load_target(target),
            ram_budget_bytes=ram_budget_bytes,
            data=None if data is None else _stored_inputs(file.model, data),
            keep_names=not drop_names,
            progress=progress,
        )
    if out is not None:
        shrunk.save(out)
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
    accuracy_drop: float | None = None,
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
        accuracy_drop: Largest loss of the metric against the float model; None asks nothing.
        confidence: Of a bound on each runtime's drop against the float model; None: no bound.
        scale: Multiplied with every input value.
        offset: Added to every scaled input value.
        seed: Of random data.
        watch: Given ``"data"`` and ``"verify"``, what is told of its progress.

    Returns:
        What the runtimes gave. A missed limit is in its ``passed``, not an exception.

    Raises:
        EdgekitError: What the user must put right.
    """
    from edgekit.data.validation import scored_vectors
    from edgekit.model.file import ModelFile
    from edgekit.model.reader import read_bytes
    from edgekit.runtimes.known import RUNTIMES
    from edgekit.verification.agreement import agreement
    from edgekit.verification.limits import gates
    from edgekit.verification.verify import verify as run

    check_names("runtimes", runtimes)
    check_seed(seed)
    if accuracy_drop is not None:
        check_drop("accuracy_drop", accuracy_drop)
    if confidence is not None:
        check_confidence("confidence", confidence)
    file = ModelFile.of(read_bytes(Path(model)))
    spec = DataSpec(source=data, scale=scale, offset=offset)
    floats = None if reference is None else Path(reference)
    with watch("data"):
        given = scored_vectors(
            file.model, spec, directory=Path.cwd(), seed=seed, float_model=floats
        )
    with watch("verify") as progress:
        result = run(
            file,
            given.vectors,
            runtimes=runtimes or tuple(RUNTIMES),
            confidence=confidence,
            progress=progress,
        )
        found = agreement(file, given.vectors, result.outputs, progress=progress)
    findings = gates(
        result.reference, result.runtimes, accuracy_drop=accuracy_drop, agreement=found
    )
    return replace(result, origin=given.origin, agreement=found, findings=findings)


def quantize_aware(model: "KerasModel", *, scheme: "AwareScheme" = "int8") -> "KerasModel":
    """Return a copy of a Keras 3 ``model`` that computes with the rounding of its integers.

    It is a Keras model: compile it and fit it, with any loss, data and callbacks. Kernels are
    rounded as the file will hold them, and the range of each activation is learned while it
    trains; `edgekit.convert` takes both from it. Batch normalization behind a kernel is folded
    into it.

    Args:
        model: Functional or sequential, nested or not, built; left as it was.
        scheme: ``"int8"``; ``"int4"`` for weights of 4 bits where TFLite-Micro has kernels;
            ``"int16x8"`` for activations of 16 bits.

    Raises:
        EdgekitError: What the user must put right.
    """
    from edgekit.training.keras.quantize_aware import quantize_aware as run

    return run(model, scheme=scheme)


def diff(
    before: "str | Path | Run", after: "str | Path | Run", *, fail_on: str | None = None
) -> "Difference":
    """Return what changed from one run to another, and which part of the model did it.

    Args:
        before: The first run, its directory or its ``manifest.json``.
        after: The second.
        fail_on: How far figures may change, such as ``"accuracy:-0.5pt,flash:+2%,arena:+1KiB"``.

    Returns:
        The changes. One further than is allowed is in its ``passed``, not an exception.

    Raises:
        InputError: No such run.
        UsageError: ``fail_on`` cannot be read, or names a figure that the runs do not have.
    """
    from edgekit.reports import diff as differences
    from edgekit.reports.allowance import parse_allowances

    allowances = parse_allowances(fail_on) if fail_on is not None else ()
    return differences.diff(_manifest(before), _manifest(after), allowances=allowances)


def report(
    run: "str | Path | Run",
    *,
    form: str = "text",
    out: str | Path | None = None,
    width: int | None = None,
    colour: bool = False,
) -> str:
    """Return a finished run in the form that a reader wants.

    Args:
        run: The run, its directory or its ``manifest.json``.
        form: ``"text"``, ``"html"``, ``"json"``, ``"markdown"``, ``"junit"`` or ``"github"``.
        out: A file to write it to as well; it appears whole or not at all. None: none.
        width: Of a text, in columns; None: 96.
        colour: Whether a text has a terminal's colours.

    Raises:
        InputError: No such run.
        UsageError: An unknown form, or ``out`` is a file of the run.
    """
    from edgekit.files.outputs import check_output_file
    from edgekit.files.whole_files import write_text
    from edgekit.reports import text
    from edgekit.reports.formats import FORMATS
    from edgekit.reports.manifest import FILE_NAME, read

    if form not in FORMATS:
        raise UsageError(f"no report is called '{form}'", hint=suggestion(form, FORMATS))
    manifest = _manifest(run)
    if out is not None:
        place = run if isinstance(run, str | Path) else run.directory
        folder = Path(place) if Path(place).is_dir() else Path(place).parent
        kept = (folder / FILE_NAME, *(folder / file.path for file in read(manifest).files))
        check_output_file(Path(out), (Path(place), *kept))
    if form == "text":
        page = text.render(manifest, width=width or text.WIDTH, colour=colour)
    else:
        page = FORMATS[form](manifest)
    if out is not None:
        write_text(Path(out), page)
    return page


def _manifest(run: "str | Path | Run") -> "Mapping[str, object]":
    from edgekit.reports.manifest import load

    return load(Path(run)) if isinstance(run, str | Path) else run.manifest


def _stored_inputs(model: "Model", data: str) -> "tuple[npt.NDArray[np.generic], ...]":
    """Return the test set of ``data``, or all of it, as the model's input stores the samples."""
    from edgekit.data.validation import validation_vectors
    from edgekit.runtimes.real import stored_inputs

    spec = DataSpec(source=data)
    vectors = validation_vectors(model, spec, directory=Path.cwd(), seed=0).vectors
    return (stored_inputs(model, vectors.inputs),)
