"""One model on one target: does it run there, does it fit, how fast, and how sure are we."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from edgekit.finding import Finding
from edgekit.fit.arena import ArenaPlan, plan
from edgekit.fit.build import build_of
from edgekit.fit.flash import model_quantity
from edgekit.fit.operators import Unsupported
from edgekit.flatbuffer.model import read
from edgekit.project import Limits
from edgekit.quantity import Quantity, format_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from edgekit.flatbuffer.model import Model
    from edgekit.target import Target


@dataclass(frozen=True, kw_only=True, slots=True)
class Fit:
    """What a target makes of a model. A figure is None where nothing supports it.

    Args:
        target: The target's name.
        runs: Whether its runtime takes every operator.
        fits: Whether it runs and every finding passed.
        unsupported_operators: Those that the runtime refuses.
        arena_bytes: The tensor arena.
        model_bytes: The model itself.
        code_bytes: The runtime with the operators that the model uses.
        flash_bytes: Model and code.
        ram_bytes: The arena and the interpreter's own objects.
        latency_ms: Of one invocation.
        findings: The target's memory and the project's limits, held against the figures.
        plan: How the arena is laid out; None where the runtime has no arena of this kind.
    """

    target: str
    runs: bool
    fits: bool
    unsupported_operators: tuple[Unsupported, ...]
    arena_bytes: Quantity | None
    model_bytes: Quantity
    code_bytes: Quantity | None
    flash_bytes: Quantity | None
    ram_bytes: Quantity | None
    latency_ms: Quantity | None
    findings: tuple[Finding, ...]
    plan: ArenaPlan | None = None


def check(
    model: bytes,
    target: "Target",
    *,
    map_file: "Path | None" = None,
    limits: Limits = Limits(),  # noqa: B008  frozen
) -> Fit:
    """Return how ``model`` fits ``target``.

    Args:
        model: A whole `.tflite` file.
        target: The device.
        map_file: Linker map of a firmware with this model, for a measured code size.
        limits: The project's, held besides the target's memory.

    Raises:
        InputError: Not a TFLite file, or a linker map that cannot be read.
    """
    del map_file
    return check_model(read(model), target, limits=limits)


def check_model(parsed: "Model", target: "Target", *, limits: Limits) -> Fit:
    """Return how the model that was read fits ``target``."""
    arena_plan = None if target.runtime.name == "litert" else plan(parsed, build_of(target))
    arena = None if arena_plan is None else _arena_quantity(arena_plan, target)
    model_bytes = model_quantity(parsed)
    findings = tuple(
        finding
        for finding in (
            _memory("flash", model_bytes, target.flash and target.flash.available_bytes, target),
            _memory("ram", arena, target.ram.available_bytes, target),
            _memory("flash", model_bytes, limits.flash, target, whose="the project's limit"),
            _memory("ram", arena, limits.ram, target, whose="the project's limit"),
        )
        if finding is not None
    )
    return Fit(
        target=target.name,
        runs=True,
        fits=all(finding.passed for finding in findings),
        unsupported_operators=(),
        arena_bytes=arena,
        model_bytes=model_bytes,
        code_bytes=None,
        flash_bytes=None,
        ram_bytes=arena,
        latency_ms=None,
        findings=findings,
        plan=arena_plan,
    )


def to_json(fit: Fit) -> dict[str, object]:
    """Return ``fit`` as JSON gives it: all but the plan of the arena."""
    values = asdict(fit)
    del values["plan"]
    return values


def _arena_quantity(planned: ArenaPlan, target: "Target") -> Quantity:
    count = float(planned.arena_bytes)
    return Quantity(
        value=count,
        unit="B",
        kind="predicted",
        source=f"plan of TFLite-Micro's arena with {target.runtime.kernels}, {target.runtime.abi}",
        low=count - max(0.02 * count, 128),
        high=count,
    )


def _memory(
    gate: str,
    value: Quantity | None,
    limit: int | None,
    target: "Target",
    *,
    whose: str = "",
) -> Finding | None:
    if value is None or limit is None:
        return None
    passed = value.value <= limit
    bound = whose or f"what {target.title} leaves"
    return Finding(
        gate=gate,
        passed=passed,
        message=f"{gate}: {format_bytes(value.value)} of {format_bytes(limit)}, {bound}",
        value=value,
        limit=limit,
        target=target.name,
    )
