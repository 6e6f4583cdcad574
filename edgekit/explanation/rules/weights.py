"""Do the weights of single channels fit those of the others?"""

from typing import TYPE_CHECKING

import numpy as np

from edgekit.explanation.evidence import Evidence, Facts, times

if TYPE_CHECKING:
    from collections.abc import Iterator

_OUTLYING = 8.0  # times the median channel: three bits of eight are lost to the others


def weight_outlier(facts: Facts) -> "Iterator[Evidence]":
    """The weights of one channel are far larger than those of the others.

    Try: divide that channel and multiply what reads it (equalization), a step for each channel,
    or train with quantization (method = "qat").
    """
    for item in facts.operators:
        weights = facts.weights(item.index)
        if weights is None or not facts.tells(item.index):
            continue
        live = weights.peaks[weights.peaks > 0]
        if live.size == 0:
            continue
        ratio = float(live.max() / np.median(live))
        channel = int(weights.peaks.argmax())
        harm = "which share its steps"
        if weights.has_step_a_channel:
            # Steps of their own keep the weights apart; the outputs still share one range.
            usual = float(np.median(item.peaks[item.peaks > 0])) if item.peaks.any() else 0.0
            if int(item.peaks.argmax()) != channel or item.peaks.max() < _OUTLYING * usual:
                continue
            harm = "whose outputs share its range"
        if ratio >= _OUTLYING:
            yield Evidence(
                operator=item.index,
                text=f"channel {channel} has weights {times(ratio)} those of the median channel, "
                f"{harm}",
            )


def dead_channels(facts: Facts) -> "Iterator[Evidence]":
    """Channels give the same value whatever comes in: they cost memory and say nothing.

    Try: edgekit shrink takes those out whose weights are zero; weights that were rounded to
    zero want a step for each channel.
    """
    found = []
    for item in facts.operators:
        weights = facts.weights(item.index)
        if weights is None:
            continue
        lost = int(np.count_nonzero(weights.zeros & (weights.peaks > 0)))
        empty = int(np.count_nonzero(weights.zeros)) - lost
        silent = max(0, item.constant_channels - lost - empty)
        if lost or empty or silent:
            found.append(
                (
                    (lost + empty, silent),
                    item.index,
                    _channels(len(weights.peaks), empty, lost, silent),
                )
            )
    if found:
        _, index, text = max(found, key=lambda one: one[0])
        others = len(found) - 1
        if others:
            text += f"; {others} more operator{'s have' if others > 1 else ' has'} such channels"
        yield Evidence(operator=index, text=text)


def _channels(count: int, empty: int, lost: int, silent: int) -> str:
    parts = (
        (empty, f"{empty} without weights"),
        (lost, f"{lost} rounded to zero"),
        (silent, f"{silent} constant on the samples"),
    )
    return f"of {count} channels " + ", ".join(text for number, text in parts if number)
