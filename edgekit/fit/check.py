"""One model on one target: does it run there, does it fit, how fast, and how sure are we."""

from typing import TYPE_CHECKING

from edgekit.errors import InputError
from edgekit.finding import Finding
from edgekit.fit.arena.interpreter import builds_of
from edgekit.fit.arena.plan import plan
from edgekit.fit.flash import code_quantity, model_quantity
from edgekit.fit.latency.predict import latency, operator_milliseconds
from edgekit.fit.operators import unsupported_operators
from edgekit.model.operators import CALLS
from edgekit.model.shapes import check_shapes
from edgekit.quantity import Quantity, format_bytes
from edgekit.record.fit import Fit, Unsupported
from edgekit.specs import Limits

if TYPE_CHECKING:
    from pathlib import Path

    from edgekit.devices.profile import Target
    from edgekit.model.file import ModelFile
    from edgekit.model.reader import Model
    from edgekit.record.arena import ArenaPlan

# The plan met the truth to the byte for 33 arenas on Cortex-M3, M4 and M55, and for 322 of the
# wheel. What it does not know of a later TFLite-Micro must fit into what is reserved on top.
_RESERVE_SHARE, _RESERVE_BYTES = 0.01, 64


def check(
    file: "ModelFile",
    target: "Target",
    *,
    map_file: "Path | None" = None,
    limits: Limits = Limits(),  # noqa: B008  frozen
) -> Fit:
    """Return how a model fits ``target``.

    Args:
        file: The model.
        target: The device.
        map_file: Linker map of a firmware with this model, for a measured code size.
        limits: The project's, held besides the target's memory.

    Raises:
        InputError: A linker map that cannot be read or is of another model.
        UnsupportedModelError: Operators give other shapes than the file declares.
    """
    check_shapes(file.model)
    return check_model(file.model, target, limits=limits, map_file=map_file)


def check_model(
    parsed: "Model", target: "Target", *, limits: Limits, map_file: "Path | None" = None
) -> Fit:
    """Return how the model that was read fits ``target``."""
    unsupported = unsupported_operators(parsed, target.runtime)
    on_chip = target.runtime.name == "tflite-micro" and not unsupported and len(parsed.graphs) == 1
    plans = [plan(parsed, build) for build in builds_of(target)] if on_chip else []
    arena_plan = max(plans, key=lambda each: each.arena_bytes, default=None)
    arena = _arena_quantity(plans, target) if plans else None
    model_bytes = model_quantity(parsed)
    code, ram = code_quantity(parsed, target) if on_chip else None, arena
    if map_file is not None:
        code, ram = _from_map(map_file, parsed)
    flash = model_bytes if code is None else _sum(model_bytes, code)
    time = latency(parsed, target) if not unsupported else "the model does not run there"
    findings = (
        _operators(unsupported, target),
        *_graphs(parsed, target, unsupported),
        *_memories(flash, ram, arena_plan, target, limits),
        *_latency(time, target, limits),
    )
    return Fit(
        target=target.name,
        runs=not unsupported,
        fits=all(finding.passed for finding in findings),
        unsupported_operators=unsupported,
        arena_bytes=arena,
        model_bytes=model_bytes,
        code_bytes=code,
        flash_bytes=None if code is None else flash,
        ram_bytes=ram,
        latency_ms=time if isinstance(time, Quantity) else None,
        latency_unknown=time if isinstance(time, str) else None,
        operator_ms=operator_milliseconds(parsed, target) if not unsupported else (),
        findings=findings,
        plan=arena_plan,
    )


def peak_in_words(planned: "ArenaPlan") -> str:
    """Return where the arena is fullest, and with what."""
    peak, largest = planned.peak, planned.largest_at_peak
    text = f"peak {peak.live_bytes:,} B at operator {peak.index} ({peak.op})"
    if largest is None:
        return text
    name = largest.name.split(";")[0]  # of a fused tensor: of the last operation in it
    return f"{text}; the largest buffer there has {largest.planned_bytes:,} B {name}".rstrip()


def _arena_quantity(plans: "list[ArenaPlan]", target: "Target") -> Quantity:
    """Return the arena that serves every build, from the least that one needs."""
    counts = [planned.arena_bytes for planned in plans]
    most = max(counts)
    high = most + max(round(_RESERVE_SHARE * most), _RESERVE_BYTES)
    source = f"plan of TFLite-Micro's arena with {target.runtime.kernels} on {target.core.name}"
    if len(plans) > 1:
        source += f", the largest of {len(plans)} versions of ESP-NN"
    return Quantity(
        value=most,
        unit="B",
        kind="predicted",
        source=source,
        low=min(counts),
        high=-(-high // 16) * 16,
    )


def _from_map(map_file: "Path", parsed: "Model") -> tuple[Quantity, Quantity]:
    """Return code and RAM as the linker counted them."""
    from edgekit.measurement.linker_map import read_map

    size = read_map(map_file)
    array = size.array_of(parsed.file_bytes)
    held = parsed.file_bytes if array is None else array.size
    if (size.models and array is None) or held >= size.flash_bytes:
        there = ", ".join(f"{each.size:,} B" for each in size.models) or "none by name"
        raise InputError(
            f"{map_file}: is of another model: it holds {there}, and this one has "
            f"{parsed.file_bytes:,} B",
            hint="link the firmware with this model and give its map",
        )
    source = f"linker map {map_file.name}"
    return (
        Quantity(value=size.flash_bytes - held, unit="B", kind="measured", source=source),
        Quantity(value=size.ram_bytes, unit="B", kind="measured", source=source),
    )


def _sum(model: Quantity, code: Quantity) -> Quantity:
    return Quantity(
        value=model.value + code.value,
        unit="B",
        kind=code.kind,
        source=f"{model.source}, and {code.source}",
        low=None if code.low is None else model.value + code.low,
        high=None if code.high is None else model.value + code.high,
    )


def _operators(unsupported: tuple[Unsupported, ...], target: "Target") -> Finding:
    if not unsupported:
        return Finding(
            gate="operators",
            passed=True,
            message=f"{target.runtime.name} takes every operator",
            target=target.name,
        )
    first = unsupported[0]
    layer = f", made by layer '{first.layer}'" if first.layer else ""
    more = f"; and {len(unsupported) - 1} more" if len(unsupported) > 1 else ""
    return Finding(
        gate="operators",
        passed=False,
        message=f"operator {first.index} ({first.op}{layer}): {first.reason}{more}",
        target=target.name,
        hint=first.instead,
    )


def _graphs(
    model: "Model", target: "Target", unsupported: tuple[Unsupported, ...]
) -> tuple[Finding, ...]:
    """Refuse several signatures; the operators that call other graphs are refused themselves."""
    if len(model.graphs) == 1 or target.runtime.name != "tflite-micro":
        return ()
    if any(item.op in CALLS for item in unsupported):
        return ()
    return (
        Finding(
            gate="graphs",
            passed=False,
            message=f"the file has {len(model.graphs)} graphs; edgekit plans and proves one",
            target=target.name,
            hint="convert one signature alone",
        ),
    )


def _memories(
    flash: Quantity,
    ram: Quantity | None,
    planned: "ArenaPlan | None",
    target: "Target",
    limits: Limits,
) -> tuple[Finding, ...]:
    leaves = f"what {target.title} leaves"
    where = None if planned is None else peak_in_words(planned)
    rows: tuple[tuple[str, Quantity | None, int | None, str, str | None], ...] = (
        (
            "flash",
            flash,
            None if target.flash is None else target.flash.available_bytes,
            leaves,
            None,
        ),
        ("ram", ram, target.ram.available_bytes, leaves, where),
        ("flash", flash, limits.flash, "the project's limit", None),
        ("ram", ram, limits.ram, "the project's limit", where),
    )
    return tuple(
        Finding(
            gate=gate,
            passed=value.value <= limit,
            message=f"{gate}: {format_bytes(value.value)} of {format_bytes(limit)}, {whose}",
            value=value,
            limit=limit,
            target=target.name,
            hint=None if value.value <= limit else hint,
        )
        for gate, value, limit, whose, hint in rows
        if value is not None and limit is not None
    )


def _latency(time: Quantity | str, target: "Target", limits: Limits) -> tuple[Finding, ...]:
    if limits.latency is None or isinstance(time, str):
        return ()
    limit_ms = limits.latency / 1e3
    return (
        Finding(
            gate="latency",
            passed=time.value <= limit_ms,
            message=f"latency: {time.value:.3g} ms of {limit_ms:g} ms, the project's limit",
            value=time,
            limit=limit_ms,
            target=target.name,
        ),
    )
