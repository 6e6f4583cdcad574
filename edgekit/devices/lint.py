"""What is wrong with a profile: what its decoding refuses, and what cannot be true of a device."""

from inspect import cleandoc
from typing import TYPE_CHECKING

from edgekit.devices.profile import load_target
from edgekit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgekit.devices.profile import Target

_CORTEX_M = frozenset(
    f"cortex-m{name}" for name in ("0", "0plus", "1", "3", "4", "7", "23", "33", "52", "55", "85")
)
_ESPRESSIF = ("xtensa", "esp32")


def lint(name: str) -> tuple[str, ...]:
    """Return the problems of a profile, a sentence each; empty where there are none.

    Args:
        name: A shipped profile's, or the path of a ``.toml`` file.
    """
    try:
        target = load_target(name)
    except InputError as error:
        return (f"{error.message}; {error.hint}" if error.hint else error.message,)
    return tuple(
        f"{name}: {cleandoc(rule.__doc__ or '').format(target=target)}"
        for rule in RULES
        if rule(target)
    )


def _unknown_cortex(target: "Target") -> bool:
    """core.name '{target.core.name}' is no Cortex-M that there is."""
    return target.core.name.startswith("cortex-m") and target.core.name not in _CORTEX_M


def _wrong_abi(target: "Target") -> bool:
    """runtime.abi '{target.runtime.abi}' is not that of firmware for {target.core.name}."""
    if target.core.name.startswith("cortex-m"):
        return target.runtime.abi != "arm-eabi"
    return target.core.name.startswith(_ESPRESSIF) and target.runtime.abi != "ilp32"


def _foreign_kernels(target: "Target") -> bool:
    """runtime.kernels '{target.runtime.kernels}' do not run on {target.core.name}."""
    match target.runtime.kernels:
        case "cmsis-nn":
            return not target.core.name.startswith("cortex-m")
        case "esp-nn":
            return not target.core.name.startswith(_ESPRESSIF)
        case _:
            return False


def _no_flash(target: "Target") -> bool:
    """There is no flash: a microcontroller's model and code lie there."""
    return target.runtime.name == "tflite-micro" and target.flash is None


def _no_operators(target: "Target") -> bool:
    """latency.operators is empty: the cost model would cover no model."""
    return target.latency is not None and not target.latency.operators


RULES: "tuple[Callable[[Target], bool], ...]" = (
    _unknown_cortex,
    _wrong_abi,
    _foreign_kernels,
    _no_flash,
    _no_operators,
)
"""Each is true of a profile that is wrong; its docstring is the message."""
