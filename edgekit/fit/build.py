"""How the firmware's interpreter is built: what decides over its memory besides the model."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from edgekit.fit.abi import ABIS, Abi

if TYPE_CHECKING:
    from edgekit.target import Target

KernelLibrary = Literal["reference", "cmsis-nn", "esp-nn"]


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
    """

    kernels: KernelLibrary
    abi: Abi
    dsp: bool = False
    mve: bool = False
    wheel: bool = False


HOST = Build(kernels="reference", abi=ABIS["lp64"], wheel=True)
"""The wheel of TFLite-Micro on Linux, x86-64."""

_DSP = frozenset({"cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55", "cortex-m85"})
_MVE = frozenset({"cortex-m55", "cortex-m85"})


def build_of(target: "Target") -> Build:
    """Return how TFLite-Micro is built for ``target``."""
    kernels = target.runtime.kernels
    assert kernels != "xnnpack"  # LiteRT's; the profile's check keeps the two apart
    return Build(
        kernels=kernels,
        abi=ABIS[target.runtime.abi],
        dsp=target.core.name in _DSP,
        mve=target.core.name in _MVE,
    )
