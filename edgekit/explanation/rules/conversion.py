"""What the converter left float."""

from typing import TYPE_CHECKING

from edgekit.explanation.evidence import Evidence, Facts
from edgekit.model.operators import LAYERS

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHOWN = 2
_QUANTIZED = frozenset({"ADD", "AVERAGE_POOL_2D", "MAX_POOL_2D", *LAYERS})
"""Operators that the converter leaves float for want of ranges alone."""


def no_calibration(facts: Facts) -> "Iterator[Evidence]":
    """Calibration gave no ranges: it was empty, or each sample held NaN.

    Try: convert again with finite calibration samples; edgekit convert refuses others.
    """
    tensors = facts.model.main.tensors
    left = [
        item
        for item in facts.model.main.operators
        if item.op in _QUANTIZED and tensors[item.outputs[0]].is_float
    ]
    if left:
        names = ", ".join(f"{item.op} at {item.index}" for item in left[:_SHOWN])
        yield Evidence(
            operator=None,
            text=f"{len(left)} operators that TFLite quantizes compute in floating point: {names}",
        )


def floats_left(facts: Facts) -> "Iterator[Evidence]":
    """Some operators were left in floating point, which microcontrollers refuse or are slow at.

    Try: replace them by operators that TFLite quantizes.
    """
    left = facts.float_tensors
    if left and not tuple(no_calibration(facts)):
        names = ", ".join(f"'{item.name}' ({item.operator})" for item in left[:_SHOWN])
        yield Evidence(operator=None, text=f"{len(left)} tensors are float, such as {names}")
