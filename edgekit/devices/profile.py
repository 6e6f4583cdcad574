"""Device profiles: what a board has, who says so. A board is a TOML file and needs no Python."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Literal

from edgekit.errors import EdgekitError, InputError, suggestion
from edgekit.files.results import told
from edgekit.files.toml import Bytes, Hertz, decode, read
from edgekit.quantity import format_bytes

_LOG = logging.getLogger(__name__)
_ENTRY_POINTS = "edgekit.targets"

Abi = Literal["arm-eabi", "ilp32", "lp64"]
"""How the target's compiler lays out memory.

``arm-eabi``: 32-bit pointers, and enumerations in the fewest bytes that hold them (the AAPCS's
default for bare metal, gcc's ``-fshort-enums``). ``ilp32``: 32-bit pointers, enumerations as
``int`` (Xtensa, RISC-V). ``lp64``: 64-bit pointers (Linux, Android, iOS).
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """One memory of a device.

    Args:
        total: In bytes, in one piece: of a split memory, the largest.
        source: Who says so; ``(not checked)`` at its end where nobody has read it there.
        reserved: In bytes, taken before the model comes: boot loader, radio stack, heap, stacks.
        reserved_for: What takes the reserved bytes, and who says so.
    """

    total: Bytes
    source: str
    reserved: Bytes = 0
    reserved_for: str = ""

    def __post_init__(self) -> None:
        _require(self.source, f"source of {self.total} B of memory")
        if self.total <= 0 or self.reserved < 0:
            raise InputError(f"a memory of {self.total} B, {self.reserved} B of it reserved")
        if self.reserved > self.total:
            raise InputError(f"{self.reserved} B of {self.total} B are reserved")
        if self.reserved and not self.reserved_for:
            raise InputError("bytes are reserved, and 'reserved_for' does not say for what")

    @property
    def available_bytes(self) -> int:
        """What is left for the model, the runtime and the arena."""
        return self.total - self.reserved


@dataclass(frozen=True, kw_only=True, slots=True)
class Core:
    """The processor that runs the model.

    Args:
        name: Such as ``"cortex-m4"``; cost models are found by it.
        clock: At which the model runs.
        source: Who says so.
    """

    name: str
    clock: Hertz
    source: str

    def __post_init__(self) -> None:
        if self.clock <= 0:
            raise InputError(f"core.clock is {self.clock} Hz")
        _require(self.source, "core.source")


@dataclass(frozen=True, kw_only=True, slots=True)
class RuntimeProfile:
    """The interpreter on the device.

    Args:
        name: ``"tflite-micro"`` or ``"litert"``.
        kernels: The kernel library: ``"reference"``, ``"cmsis-nn"``, ``"esp-nn"``, ``"xnnpack"``.
        abi: How its compiler lays out memory.
        decode: Whether the runtime has the DECODE operator.
    """

    name: Literal["tflite-micro", "litert"]
    kernels: Literal["reference", "cmsis-nn", "esp-nn", "xnnpack"]
    abi: Abi
    decode: bool = False

    def __post_init__(self) -> None:
        if (self.name == "litert") != (self.kernels == "xnnpack"):
            raise InputError(
                f"runtime '{self.name}' does not run the kernels '{self.kernels}'",
                hint="litert runs xnnpack; tflite-micro runs reference, cmsis-nn or esp-nn",
            )


_MOST_CYCLES = 1e9  # of one unit of work
_WIDEST_BAND = 1e3
KINDS = ("convolution", "pointwise", "depthwise", "fully_connected", "output_element", "call")
"""The kinds of work whose cycles a cost model gives; multiply-accumulates but for the last two."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cycles:
    """Cycles for one unit of each kind of work: of `KINDS`, one field each, none below 0."""

    convolution: float
    pointwise: float
    depthwise: float
    fully_connected: float
    output_element: float
    call: float

    def __post_init__(self) -> None:
        for kind in KINDS:
            if not 0 <= getattr(self, kind) < _MOST_CYCLES:
                raise InputError(f"cycles.{kind} is {getattr(self, kind):g}, no number of cycles")


@dataclass(frozen=True, kw_only=True, slots=True)
class CostModel:
    """How long models take on one core with one runtime and its kernels.

    Args:
        version: Of the runtime or kernels that were measured.
        source: Whose measurements, and how the coefficients came from them.
        points: How many measurements there were.
        band: A factor; the truth lies between the prediction divided and multiplied by it.
        operators: Those that the measured models have, of `edgekit.fit.latency.cost.covered_by`; a
            model that is much of another is not predicted.
        cycles: The coefficients.
        least_macs: Multiply-accumulates of the smallest model that the band holds for.
    """

    version: str
    source: str
    points: int
    band: float
    operators: tuple[str, ...]
    cycles: Cycles
    least_macs: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.band <= _WIDEST_BAND:
            raise InputError(
                f"latency.band is {self.band:g}, not a factor from 1 to {_WIDEST_BAND:g}"
            )
        if self.least_macs < 0:
            raise InputError(f"latency.least_macs is {self.least_macs}, not 0 or more")
        if self.points < 1:
            raise InputError(f"latency.points is {self.points}; a cost model needs a measurement")
        _require(self.source, "latency.source")


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A device that a run is for; see ``docs/targets.md`` for the file format.

    Args:
        name: The profile's own, from its file.
        title: What people call the device.
        core: The processor that runs the model.
        runtime: The interpreter.
        ram: Where the arena lies.
        flash: Where the model and the code lie; None where a file system holds the model.
        latency: The cost model, of the profile itself or of its core and runtime.
    """

    name: str
    title: str
    core: Core
    runtime: RuntimeProfile
    ram: Memory
    flash: Memory | None = None
    latency: CostModel | None = None

    @property
    def spelled(self) -> str:
        """Every field in writing: targets of which it is the same are the same."""
        values = (f"{item.name}={getattr(self, item.name)!r}" for item in fields(self))
        return f"Target({', '.join(values)})"

    def __repr__(self) -> str:
        core, memories = self.core, (("RAM", self.ram), ("flash", self.flash))
        sizes = [f"{name} {format_bytes(item.total)}" for name, item in memories if item]
        clock = f"{core.name} {core.clock / 1e6:g} MHz"
        return told(f"<Target {self.name}: {', '.join((clock, *sizes, self.runtime.name))}>")


@dataclass(frozen=True, kw_only=True, slots=True)
class _UsualShape:
    source: str
    cycles: Cycles


@cache
def usual_shape() -> Cycles:
    """Return how kinds of work compare on most stacks; one MAC of a convolution is 1."""
    path = _folder() / "cost-models" / "usual-shape.toml"
    return decode(read(path), _UsualShape, where=str(path)).cycles


def load_target(name: str) -> Target:
    """Return the profile called ``name``, or the one in the file ``name`` (it ends in ``.toml``).

    Raises:
        InputError: No such profile, several, or a profile that is wrong.
    """
    if name.endswith(".toml"):
        return decode_target(Path(name))
    found = _installed()
    if name in found.several:
        files = " and ".join(map(str, found.several[name]))
        raise InputError(
            f"{len(found.several[name])} targets are called '{name}': {files}",
            hint=f"name the file: {found.several[name][0]}",
        )
    if name not in found.paths:
        missing = f"; {'; '.join(found.broken)}" if found.broken else ""
        raise InputError(
            f"no target is called '{name}'{missing}", hint=suggestion(name, found.paths)
        )
    return decode_target(found.paths[name])


def load_targets(names: tuple[str, ...]) -> tuple[Target, ...]:
    """Return the profile of each of ``names``; see `load_target`.

    Raises:
        InputError: Two of them are one target, or have one name, by which results are told apart.
    """
    found: dict[str, Target] = {}
    for name in names:
        target = load_target(name)
        if target.name in found:
            raise InputError(
                f"two of the targets {', '.join(names)} are called '{target.name}'",
                hint="leave one out, or give its file another name: results are told apart by it",
            )
        found[target.name] = target
    return tuple(found.values())


def all_targets() -> tuple[Target, ...]:
    """Return every profile; one of an installed package that is wrong is left out, with a warning.

    Raises:
        InputError: A shipped profile is wrong.
    """
    targets = []
    for path in profile_paths().values():
        try:
            targets.append(decode_target(path))
        except EdgekitError as error:
            if is_shipped(path):
                raise
            _LOG.warning("a target is left out: %s", error.message)
    return tuple(targets)


def decode_target(path: Path) -> Target:
    """Return the profile in the file ``path``, with what it extends and its cost model.

    Raises:
        InputError: No such file, an unknown key, a missing unit, or a circle of extensions.
    """
    target = decode(_extended(path, ()), Target, where=str(path), given={"name": path.stem})
    if target.latency is not None:
        return target
    return replace(target, latency=cost_model(target))


def cost_model(target: Target, *, dtype: Literal["int8", "float32"] = "int8") -> CostModel | None:
    """Return the shipped cost model of the target's core, runtime and kernels, if there is one.

    Args:
        target: Whose own cost model, where its profile has one, is another.
        dtype: In which the models compute.
    """
    runtime = target.runtime
    stack = f"{target.core.name}-{runtime.name}-{runtime.kernels}"
    name = f"{stack}.toml" if dtype == "int8" else f"{stack}-{dtype}.toml"
    path = _folder() / "cost-models" / name
    return decode(read(path), CostModel, where=str(path)) if path.is_file() else None


def profile_paths() -> Mapping[str, Path]:
    """Return the path of each profile by its name: the shipped ones, and installed packages'.

    A package gives its profiles by an entry point of the group ``edgekit.targets`` that names a
    module: they are the ``.toml`` files beside it. A shipped name stays the shipped profile. A
    package that cannot be loaded is left out, with a warning, and a name that two packages give.
    """
    return _installed().paths


@dataclass(frozen=True, kw_only=True, slots=True)
class _Installed:
    """The profiles there are.

    Args:
        paths: By name.
        several: Names that more than one package gives, with all their files.
        broken: Sentences about packages that cannot be loaded.
    """

    paths: Mapping[str, Path]
    several: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    broken: tuple[str, ...] = ()


@cache
def _installed() -> _Installed:
    shipped = {path.stem: path for path in sorted(_folder().glob("*.toml"))}
    others: dict[str, list[Path]] = {}
    broken = []
    for point in entry_points(group=_ENTRY_POINTS):
        folder = _folder_of(point)
        if isinstance(folder, str):
            _LOG.warning("%s", folder)
            broken.append(folder)
            continue
        for path in sorted(folder.glob("*.toml")):
            others.setdefault(path.stem, []).append(path)
    own = {name: tuple(dict.fromkeys(found)) for name, found in others.items()}
    return _Installed(
        paths={**{name: found[0] for name, found in own.items() if len(found) == 1}, **shipped},
        several={
            name: found for name, found in own.items() if len(found) > 1 and name not in shipped
        },
        broken=tuple(broken),
    )


def _folder_of(point: EntryPoint) -> Path | str:
    """Return where a package has its profiles, or what is wrong with the package."""
    try:
        place = getattr(point.load(), "__file__", None)
    except Exception as error:  # noqa: BLE001  a stranger's code, which may raise anything
        reason = f"{type(error).__name__}: {error}"
    else:
        if place is not None:
            return Path(place).parent
        reason = "it is no module with a file"
    return f"the targets of the plug-in '{point.name}' ({point.value}) cannot be loaded: {reason}"


@cache
def chip_paths() -> Mapping[str, Path]:
    """Return the path of each shipped chip, which profiles extend, by its name."""
    return {path.stem: path for path in sorted((_folder() / "chips").glob("*.toml"))}


def is_shipped(path: Path) -> bool:
    """Return whether ``path`` lies in the folder of the shipped profiles."""
    return path.resolve().is_relative_to(_folder().resolve())


def _require(source: str, what: str) -> None:
    if not source.strip():
        raise InputError(f"{what} is empty: who says so?")


def _folder() -> Path:
    wheel = Path(__file__).with_name("targets")
    return wheel if wheel.is_dir() else Path(__file__).parents[2] / "targets"  # in a checkout


def _extended(path: Path, above: tuple[Path, ...]) -> dict[str, object]:
    """Return the table of ``path`` laid over the tables of what it extends."""
    if path in above:
        raise InputError(f"{path}: extends itself")
    table = read(path)
    name = table.pop("extends", None)
    if name is None:
        return table
    if not isinstance(name, str):
        raise InputError(f"{path}: extends is {name!r}, not a text")
    return _overlaid(_extended(_base(name, path), (*above, path)), table)


def _base(name: str, path: Path) -> Path:
    if name.endswith(".toml"):
        return path.parent / name
    known = {**profile_paths(), **chip_paths()}
    if name not in known:
        raise InputError(f"{path}: extends '{name}', which is none", hint=suggestion(name, known))
    return known[name]


def _overlaid(base: dict[str, object], over: dict[str, object]) -> dict[str, object]:
    result = dict(base)
    for key, value in over.items():
        below = result.get(key)
        nested = isinstance(below, dict) and isinstance(value, dict)
        result[key] = _overlaid(below, value) if nested else value  # type: ignore[arg-type]
    return result
