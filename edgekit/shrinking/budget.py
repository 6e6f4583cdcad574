"""How many vectors a proof runs on: what a budget of work allows, never more than are of use.

Work is counted, not timed: the same model is proved on the same vectors on any machine.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

VECTORS = 1000
"""Of a proof that its budget does not bound: small models."""
CORNERS = 5
"""Least, greatest and middle value, and two chequerboards: always run."""
AFTER_REGION = 200
"""Of a whole model whose changed operators have been proved by themselves."""
SMALL = 5_000_000_000
"""Work that is not worth saving: some 2 s of two cores in TFLite-Micro."""

BUDGET: "Mapping[str, int]" = {
    "tflite-micro": 50_000_000_000,
    "litert": 600_000_000_000,  # its kernels are 12 times as fast at least
}
"""Of a proof in each runtime: about 20 s of two cores."""


def affordable(work_units: int, runtimes: "Iterable[str]", *, share: float = 1.0) -> int:
    """Return how many vectors of ``work_units`` each a proof may run on, the corners at least.

    Args:
        work_units: Of all models that a vector is run in; see `edgekit.model.macs.work`.
        runtimes: Names of the runtimes that are to run it, each with a budget of its own.
        share: Of the budget.
    """
    least = min(int(share * BUDGET[name]) for name in runtimes)
    return max(CORNERS, min(VECTORS, least // max(1, work_units)))
