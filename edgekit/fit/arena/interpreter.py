"""How the firmware's interpreter is built: what decides over its memory besides the model."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args

from edgekit.fit.arena.abi import ABIS, Abi

if TYPE_CHECKING:
    from edgekit.devices.profile import Target

KernelLibrary = Literal["reference", "cmsis-nn", "esp-nn"]
EspChip = Literal["esp32-s3", "esp32-p4", "generic"]
EspNn = Literal["a4ef344", "d45b843", "1017042"]
"""Commits of ESP-NN between which the scratch buffers changed, the newest last."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Build:
    """TFLite-Micro as compiled for one core.

    Args:
        kernels: The kernel library.
        abi: Widths of pointers and enumerations.
        dsp: Whether the core has Arm's DSP extension (Cortex-M4, M7, M33 with DSP).
        mve: Whether it has Helium, the vector extension (Cortex-M55, M85).
        wheel: Whether it is the Python wheel, whose interpreter also records its allocations and
            reads compressed tensors, and is newer than the firmware measured.
        esp_chip: For ESP-NN: whose kernels are compiled.
        esp_nn: For ESP-NN: its version.
    """

    kernels: KernelLibrary
    abi: Abi
    dsp: bool = False
    mve: bool = False
    wheel: bool = False
    esp_chip: EspChip = "generic"
    esp_nn: EspNn = "1017042"


HOST = Build(kernels="reference", abi=ABIS["lp64"], wheel=True)
"""The wheel of TFLite-Micro on Linux, x86-64."""

_DSP = frozenset({"cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55", "cortex-m85"})
_MVE = frozenset({"cortex-m55", "cortex-m85"})
_ESP_CHIPS: "dict[str, EspChip]" = {"xtensa-lx7": "esp32-s3", "esp32-p4-riscv": "esp32-p4"}


def builds_of(target: "Target") -> tuple[Build, ...]:
    """Return how TFLite-Micro may be built for ``target``: once for each version of ESP-NN."""
    build = build_of(target)
    if build.esp_chip == "generic":
        return (build,)
    return tuple(replace(build, esp_nn=version) for version in get_args(EspNn))


def build_of(target: "Target") -> Build:
    """Return how TFLite-Micro is built for ``target``, with the newest kernels known."""
    kernels = target.runtime.kernels
    assert kernels != "xnnpack"  # LiteRT's; the profile's check keeps the two apart
    return Build(
        kernels=kernels,
        abi=ABIS[target.runtime.abi],
        dsp=target.core.name in _DSP,
        mve=target.core.name in _MVE,
        esp_chip=_ESP_CHIPS.get(target.core.name, "generic") if kernels == "esp-nn" else "generic",
    )
