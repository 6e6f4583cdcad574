"""Device profiles: what a board has, who says so. A board is a TOML file and needs no Python."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from edgekit.errors import InputError, suggestion
from edgekit.toml import Bytes, Hertz, decode, read

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """One memory of a device.

    Args:
        total: In bytes, as the data sheet gives it.
        source: Who says so.
        reserved: In bytes, taken before the model comes: boot loader, radio stack, heap, stacks.
    """

    total: Bytes
    source: str
    reserved: Bytes = 0

    @property
    def available_bytes(self) -> int:
        """What is left for the model, the runtime and the arena."""
        return self.total - self.reserved


@dataclass(frozen=True, kw_only=True, slots=True)
class Core:
    """The processor that runs the model."""

    name: str
    clock: Hertz
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RuntimeProfile:
    """The interpreter on the device.

    Args:
        name: ``"tflite-micro"`` or ``"litert"``.
        kernels: The kernel library: ``"reference"``, ``"cmsis-nn"``, ``"esp-nn"``, ``"xnnpack"``.
        pointer_bits: Width of a pointer: the arena holds many.
        decode: Whether the runtime has the DECODE operator.
    """

    name: Literal["tflite-micro", "litert"]
    kernels: Literal["reference", "cmsis-nn", "esp-nn", "xnnpack"]
    pointer_bits: Literal[32, 64]
    decode: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A device that a run is for; see ``docs/targets.md`` for the file format."""

    name: str
    title: str
    core: Core
    runtime: RuntimeProfile
    ram: Memory
    flash: Memory | None = None


def load_target(name: str) -> Target:
    """Return the profile called ``name``, or the one in the file ``name`` (it ends in ``.toml``).

    Raises:
        InputError: No such profile, or a profile that is wrong.
    """
    if name.endswith(".toml"):
        return _decode(Path(name))
    paths = profile_paths()
    if name not in paths:
        raise InputError(f"no target is called '{name}'", hint=suggestion(name, paths))
    return _decode(paths[name])


@cache
def profile_paths() -> "Mapping[str, Path]":
    """Return the path of each shipped profile by its name."""
    package = Path(__file__).parent
    folder = package / "targets"  # in a wheel
    if not folder.is_dir():
        folder = package.parent / "targets"  # in a checkout
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def _decode(path: Path) -> Target:
    return decode(read(path), Target, where=str(path), given={"name": path.stem})
