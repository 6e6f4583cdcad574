"""Where rounding itself costs most, and nothing is wrong."""

from typing import TYPE_CHECKING

from edgekit.explanation.evidence import Evidence, Facts

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOSS = 0.005  # half a point of accuracy
_POOR_DB = 20.0  # a tenth of the signal's magnitude is noise


def coarse_steps(facts: Facts) -> "Iterator[Evidence]":
    """The steps are too coarse for what the model does, though nothing is out of order.

    Try: train with quantization ([quantize] method = "qat"), or scheme = "int16x8".
    """
    is_small = facts.accuracy_loss < _LOSS and facts.whole.sqnr_db > _POOR_DB
    if is_small or not facts.effects:
        return
    index, worst = min(facts.effects.items(), key=lambda item: item[1].sqnr_db)
    yield Evidence(
        operator=index,
        text=f"its rounding alone leaves {worst.sqnr_db:.1f} dB at the output, all together "
        f"{facts.whole.sqnr_db:.1f} dB",
    )
