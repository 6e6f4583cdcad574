"""Flash: the model's bytes and the code of the interpreter with exactly its operators."""

import csv
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from edgekit.errors import UnsupportedModelError
from edgekit.fit.registrations import Registration, registrations
from edgekit.quantity import Quantity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgekit.devices.profile import Target
    from edgekit.model.reader import Model

_TABLE = "code_size_cortex_m4.csv"
_SOURCE = (
    "linked sizes of TFLite-Micro with CMSIS-NN on Cortex-M4 (gcc 12.2, kernels -O2, core -Os, "
    "newlib-nano): interpreter and {count} operators less what they share"
)
# What kernels share, and so is linked once for all of them. Every kernel brings the tensor access
# functions, about the size of the smallest registrations (AddNeg 988 B, AddCallOnce 840 B). Those
# that rescale integers bring soft double arithmetic and the multiplier's set-up besides. With these
# two numbers the three sets that were linked whole come out within 1.5 %: 51,292, 77,896 and
# 105,440 B; the untyped keyword spotter (110,472 B) within 0.9 %.
_SHARED_BYTES = 800
_SHARED_BY_RESCALING_BYTES = 5300
_RESCALES_FROM_BYTES = 5500  # the smallest kernel that does is AddRelu with 5,504 B
_UNMEASURED = (
    "; {names} were not measured: the figure has the kernels for all types, which are larger, "
    "its lower end those for int8"
)
_BAND = {"cortex-m3": 0.1, "cortex-m4": 0.1, "cortex-m7": 0.1, "cortex-m33": 0.1}
_FAR_BAND = 0.25  # Cortex-M0+ has other instructions, M55 and M85 other kernels


def model_quantity(model: "Model") -> Quantity:
    """Return the model's own bytes: the whole file is flashed."""
    return Quantity(value=model.file_bytes, unit="B", kind="host", source="length of the file")


def code_quantity(model: "Model", target: "Target") -> Quantity | None:
    """Return the code of the interpreter with the operators of ``model``.

    None where no linked firmware stands behind a figure: another core than Arm's Cortex-M, or an
    operator that was not measured.
    """
    if not target.core.name.startswith("cortex-m") or target.runtime.name != "tflite-micro":
        return None
    try:
        used = registrations(model)
    except UnsupportedModelError:
        return None
    alone = [_alone(item) for item in used]
    known = [size for size in alone if size is not None]
    if len(known) < len(alone):
        return None
    base = _sizes()["base_interpreter"]
    value = base + combined_bytes(tuple(known))
    least = base + combined_bytes(tuple(_of_int8(item) for item in used))
    band = _BAND.get(target.core.name, _FAR_BAND)
    foreign = sorted(item.typed for item in used if item.typed and item.typed not in _sizes())
    return Quantity(
        value=value,
        unit="B",
        kind="predicted",
        source=_SOURCE.format(count=len(known))
        + (_UNMEASURED.format(names=", ".join(foreign)) if foreign else ""),
        low=max(round(least * (1 - band)), base + max(map(_of_int8, used), default=0)),
        high=min(round(value * (1 + band)), base + sum(known))
        if band < _FAR_BAND
        else round(value * (1 + band)),
    )


def combined_bytes(alone: tuple[int, ...]) -> int:
    """Return the bytes that registrations add together, from what each adds alone.

    The largest brings all that it shares; each other one brings only its own.
    """
    if not alone:
        return 0
    largest, *others = sorted(alone, reverse=True)
    return largest + sum(size - _shared(size) for size in others)


def _shared(size: int) -> int:
    return _SHARED_BY_RESCALING_BYTES if size >= _RESCALES_FROM_BYTES else min(size, _SHARED_BYTES)


def _alone(item: Registration) -> int | None:
    """Return what one registration adds: the typed one's size, where it was measured."""
    sizes = _sizes()
    return sizes.get(item.typed or "", sizes.get(item.method))


def _of_int8(item: Registration) -> int:
    """Return what one registration adds at least: its int8 kernel, where that was measured."""
    sizes = _sizes()
    typed = "_".join([*(item.typed or "").split("_INT")[:1], "INT8"])
    return sizes[item.method] if item.typed is None else sizes.get(typed, sizes[item.method])


@cache
def _sizes() -> "Mapping[str, int]":
    """Return the bytes that each registration adds to a firmware of the interpreter alone."""
    with files("edgekit.fit").joinpath(_TABLE).open(encoding="utf-8") as stream:
        rows = csv.reader(stream)
        next(rows)
        return {name: int(size) for name, size in rows}
