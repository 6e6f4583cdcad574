"""What firmware says of itself: the lines that an emitted project's report prints.

The protocol, version 1, is described in ``docs/firmware.md``. A record is a line
``@edgekit KIND key=value …``; every other line is noise of boot loaders and logs.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from edgekit.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PREFIX = "@edgekit "
PROTOCOL = 1
_LONGEST_VALUE = 256  # letters; a SHA-256 has 64, a model's name is a C identifier

Clock = Literal["cycles", "microseconds", "instructions"]
"""What a tick is: ``instructions`` are an emulator's, and tell no time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OperatorTicks:
    """The mean ticks of one operator, in the order of execution."""

    index: int
    op: str
    ticks: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Mismatch:
    """The first element of an output that is not what it must be."""

    vector: int
    output: int
    element: int
    expected: int
    actual: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Selftest:
    """What the golden vectors gave.

    Args:
        vectors: Run.
        differences: Elements of outputs that are not what they must be.
        crc32: Of all outputs, in hexadecimal.
        expected_crc32: What it must be.
        first: The first difference, if there is one.
    """

    vectors: int
    differences: int
    crc32: str
    expected_crc32: str
    first: Mismatch | None

    @property
    def passed(self) -> bool:
        """Whether every output is what it must be."""
        return self.vectors > 0 and self.differences == 0 and self.crc32 == self.expected_crc32


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceReport:
    """One whole report of a device.

    Args:
        model: The model's name.
        sha256: Of the `.tflite` that the firmware holds.
        arena_bytes: That the firmware reserves.
        arena_used_bytes: That the interpreter says it uses.
        clock: What a tick is.
        ticks_per_second: 0 where a tick is an instruction.
        selftest: None where the firmware has no golden vectors.
        operators: Mean ticks, in the order of execution, measured with the profiler on.
        invocations: That were measured.
        ticks: Of a whole invocation, the mean, without the profiler.
        least_ticks: The shortest invocation.
        most_ticks: The longest one.
        passed: Whether the firmware calls its run a success.
    """

    model: str
    sha256: str
    arena_bytes: int
    arena_used_bytes: int
    clock: Clock
    ticks_per_second: int
    selftest: Selftest | None
    operators: tuple[OperatorTicks, ...]
    invocations: int
    ticks: int
    least_ticks: int
    most_ticks: int
    passed: bool


def records(lines: "Iterable[str]") -> "tuple[tuple[str, Mapping[str, str]], ...]":
    """Return the records of one report, each with its kind: from ``begin`` to ``end``.

    What stands before the last ``begin`` is left out: a reader may have come in the middle.
    """
    found: list[tuple[str, Mapping[str, str]]] = []
    for line in lines:
        if not line.startswith(PREFIX) or not line[len(PREFIX) :].strip():
            continue
        kind, *pairs = line[len(PREFIX) :].split()
        if kind == "begin":
            found = []
        found.append((kind, dict(pair.split("=", 1) for pair in pairs if "=" in pair)))
        if kind == "end" and found[0][0] == "begin":
            break
    return tuple(found)


def parse(lines: "Iterable[str]") -> DeviceReport:
    """Return the first whole report among ``lines``.

    Raises:
        ToolError: No whole report, one of another protocol, one that the firmware gave up, or
            a number that is none: a line was garbled.
    """
    found = records(lines)
    if not found or found[0][0] != "begin" or found[-1][0] != "end":
        raise ToolError("the firmware printed no whole report")
    for kind, values in found:
        if kind == "error":
            stage = values.get("stage", "unknown")
            raise ToolError(f"the firmware failed: {_STAGES.get(stage, stage)}")
    if any(len(value) > _LONGEST_VALUE for _, values in found for value in values.values()):
        raise ToolError("the firmware's report is garbled: a value runs on without an end")
    try:
        return _report(found)
    except (KeyError, ValueError, StopIteration) as error:
        raise ToolError(f"the firmware's report is garbled: {error!r}") from error


_STAGES = {
    "allocate": "the tensors do not fit into the arena, or a kernel refuses the model",
    "invoke": "the model cannot be invoked",
    "io": "inputs or outputs are not those of the emitted headers",
    "resolver": "an operator cannot be registered",
    "schema": "the model's schema version is not the runtime's",
}


def _report(found: "tuple[tuple[str, Mapping[str, str]], ...]") -> DeviceReport:
    begin = found[0][1]
    if int(begin["protocol"]) != PROTOCOL:
        raise ToolError(f"the firmware speaks protocol {begin['protocol']}, not {PROTOCOL}")
    if begin["clock"] not in get_args(Clock):
        raise ValueError(begin["clock"])
    total = _only(found, "total")
    return DeviceReport(
        model=begin["model"],
        sha256=begin["sha256"],
        arena_bytes=int(begin["arena_bytes"]),
        arena_used_bytes=int(_only(found, "arena")["used_bytes"]),
        clock=begin["clock"],  # type: ignore[arg-type]  # checked above
        ticks_per_second=int(begin["ticks_per_second"]),
        selftest=_selftest(found),
        operators=tuple(
            OperatorTicks(index=int(item["index"]), op=item["op"], ticks=int(item["ticks"]))
            for kind, item in found
            if kind == "operator"
        ),
        invocations=int(total["invocations"]),
        ticks=int(total["ticks"]),
        least_ticks=int(total["least_ticks"]),
        most_ticks=int(total["most_ticks"]),
        passed=found[-1][1]["status"] == "ok",
    )


def _only(found: "tuple[tuple[str, Mapping[str, str]], ...]", wanted: str) -> "Mapping[str, str]":
    return next(values for kind, values in found if kind == wanted)


def _selftest(found: "tuple[tuple[str, Mapping[str, str]], ...]") -> Selftest | None:
    kinds = dict(found)
    if "selftest" not in kinds:
        return None
    values = kinds["selftest"]
    first = kinds.get("difference")
    return Selftest(
        vectors=int(values["vectors"]),
        differences=int(values["differences"]),
        crc32=values["crc32"],
        expected_crc32=values["expected_crc32"],
        first=None
        if first is None
        else Mismatch(**{name: int(first[name]) for name in Mismatch.__dataclass_fields__}),
    )
