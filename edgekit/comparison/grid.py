"""The points of a study: which variants of a project are built, under which names."""

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, get_args

from edgekit.errors import InputError, suggestion
from edgekit.specs import (
    Calibration,
    CompareSpec,
    Method,
    PointSpec,
    PruneSpec,
    QuantizeSpec,
    Scheme,
    Simulation,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgekit.project.project import Project

DEFAULT_PRECISIONS = ("int8", "int4", "int16x8")  # what a microcontroller runs
SIMULATED = "simulated-"


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """One variant of a project.

    Args:
        name: Of the point and of its run directory: ``"int8-ptq-s0.75"``.
        precision: ``"int8"``, ``"float16"``, ``"simulated-int2"``.
        method: ``"ptq"`` or ``"qat"``.
        calibration: How ranges of activations are set; None where nothing is calibrated.
        sparsity: Fraction of zeros asked; None: as the project's ``[prune]`` says in another way.
        project: What is built; None where the values do not go together.
        refusal: Why they do not.
    """

    name: str
    precision: str
    method: str
    calibration: str | None
    sparsity: float | None
    project: "Project | None"
    refusal: str | None = None

    @property
    def is_simulated(self) -> bool:
        """Whether no kernel exists that works with this precision."""
        return self.precision.startswith(SIMULATED)


PRECISIONS: dict[str, tuple[Scheme, Simulation | None]] = {
    **{name: (name, None) for name in get_args(Scheme)},
    **{f"{SIMULATED}{name}": ("int8", name) for name in get_args(Simulation)},
}
"""What each precision sets in ``[quantize]``, scheme and simulation, by the name for users."""


def asked(
    project: "Project",
    *,
    precision: tuple[str, ...] = (),
    method: tuple[Method, ...] = (),
    calibration: tuple[Calibration, ...] = (),
    sparsity: tuple[float, ...] = (),
) -> CompareSpec:
    """Return what the project's ``[compare]`` asks, with the lists given here in place of its own.

    Points that it names give way to any list.
    """
    spec = project.compare or CompareSpec()
    if not (precision or method or calibration or sparsity):
        return spec
    return CompareSpec(
        precision=precision or spec.precision,
        method=method or spec.method,
        calibration=calibration or spec.calibration,
        sparsity=sparsity or spec.sparsity,
    )


def points(project: "Project", spec: CompareSpec) -> tuple[Point, ...]:
    """Return the points that ``spec`` asks of ``project``, each once.

    Raises:
        InputError: An unknown name, or no point whose values go together.
    """
    chosen = spec.points or _combinations(project, spec)
    found: dict[str, Point] = {}
    for item in chosen:
        point = _point(project, item)
        found.setdefault(point.name, point)
    refused = [point for point in found.values() if point.project is None]
    if len(refused) == len(found):
        raise InputError(f"no point of the study can be built: {refused[0].refusal}")
    return tuple(found.values())


def _combinations(project: "Project", spec: CompareSpec) -> "Sequence[PointSpec]":
    """Return the grid; points that follow each other differ in what is trained."""
    sparsities: tuple[float | None, ...] = spec.sparsity
    if not sparsities:
        sparsities = (0.0,) if project.prune is None else (0.0, None)
    methods: tuple[Method | None, ...] = spec.method or (None,)
    calibrations: tuple[Calibration | None, ...] = spec.calibration or (None,)
    return [
        PointSpec(precision=precision, method=method, calibration=calibration, sparsity=sparsity)
        for precision, method, calibration, sparsity in product(
            spec.precision or DEFAULT_PRECISIONS, methods, calibrations, sparsities
        )
    ]


def _point(project: "Project", spec: PointSpec) -> Point:
    precision = spec.precision or _precision_of(project.quantize)
    if precision not in PRECISIONS:
        raise InputError(
            f"compare.precision is '{precision}'", hint=suggestion(precision, PRECISIONS)
        )
    sparsity = _sparsity_of(project.prune) if spec.sparsity is None else spec.sparsity
    quantize = _quantized(project.quantize, precision, spec)
    is_calibrated = quantize.method == "ptq" and quantize.converted == "int8"
    variant, refusal = None, None
    try:
        prune = project.prune if spec.sparsity is None else _pruned(project.prune, spec.sparsity)
        variant = replace(project, quantize=quantize, prune=prune, compare=None)
    except InputError as error:  # values that do not go together
        refusal = error.message
    calibration = quantize.calibration if is_calibrated else None
    return Point(
        name=_name(precision, quantize.method, calibration, sparsity),
        precision=precision,
        method=quantize.method,
        calibration=calibration,
        sparsity=sparsity,
        project=variant,
        refusal=refusal,
    )


def _quantized(quantize: QuantizeSpec, precision: str, spec: PointSpec) -> QuantizeSpec:
    """Return ``[quantize]`` of a point; what has no meaning for its precision is left away.

    Training has 8-bit activations in mind, so nothing is trained for others; and there is one
    calibration for 16 bits, and none for floats. A grid has such points once.
    """
    scheme, simulation = PRECISIONS[precision]
    plain = QuantizeSpec(scheme=scheme, simulate=simulation)
    method = (spec.method or quantize.method) if plain.converted == "int8" else "ptq"
    is_calibrated = method == "ptq" and plain.converted == "int8"
    return replace(
        quantize,
        scheme=scheme,
        simulate=simulation,
        method=method,
        io="int8" if quantize.io == "uint8" and plain.converted != "int8" else quantize.io,
        calibration=(spec.calibration or quantize.calibration) if is_calibrated else "minmax",
        bias_correction=quantize.bias_correction and is_calibrated,
    )


def _pruned(prune: PruneSpec | None, sparsity: float) -> PruneSpec | None:
    if not sparsity:
        return None
    return PruneSpec(sparsity=sparsity) if prune is None else replace(prune, sparsity=sparsity)


def _sparsity_of(prune: PruneSpec | None) -> float | None:
    """Return the one number that ``prune`` asks, or None where it asks in another way."""
    if prune is None:
        return 0.0
    return prune.sparsity if isinstance(prune.sparsity, float) else None


def _precision_of(quantize: QuantizeSpec) -> str:
    simulation = quantize.simulate
    return quantize.scheme if simulation is None else f"{SIMULATED}{simulation}"


def _name(precision: str, method: str, calibration: str | None, sparsity: float | None) -> str:
    """Return the point's name; the usual calibration goes without saying."""
    told = None if calibration == "minmax" else calibration
    zeros = "pruned" if sparsity is None else f"s{sparsity:g}"
    return "-".join(filter(None, (precision, method, told, zeros)))
