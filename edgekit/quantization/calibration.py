"""What calibration samples lead to inside a float model: ranges for its integers, and doubts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from edgekit.model.file import ModelFile
from edgekit.model.values import NUMPY
from edgekit.numerics.ranges import Spread, extremes, joined, range_of, spread
from edgekit.runtimes import litert

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from edgekit.model.values import Graph
    from edgekit.numerics.ranges import Range
    from edgekit.runtimes.process import Progress
    from edgekit.specs import Calibration

_CHUNK_SAMPLES = 16  # whose tensors are held at once
_ALONE = 2.0  # times the range of all others: one sample sets the scale
_APART = 1.5  # times the other half's range: see docs/calibration.md for what healthy data give
_LEAST_SAMPLES = 4  # two in each half
_NAME = 60  # letters of a tensor's name in a sentence
_NARROW = 1e-6  # of the widest tensor: all but constant, where ratios say nothing

Spreads = Mapping[str, Spread]
"""By the name of a tensor, where its values lie."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibrated:
    """What calibration made of the samples.

    Args:
        ranges: Of each float tensor that an operator writes, and of the input, by name.
        doubts: A sentence for each reason not to trust them.
    """

    ranges: "Mapping[str, Range]"
    doubts: tuple[str, ...]


def calibrate(
    file: ModelFile,
    samples: "npt.NDArray[np.float32]",
    *,
    method: "Calibration",
    places: "Sequence[int]" = (),
    progress: "Progress",
) -> Calibrated:
    """Return the ranges of the activations of a float model on ``samples``, run in LiteRT.

    Args:
        file: A float model with one input and a batch of 1.
        samples: Shape ``(samples, *input shape without the batch)``.
        method: See `edgekit.numerics.ranges.activation_range`.
        places: Where each sample stands in the user's data, for the words of a doubt.
        progress: Told the samples done.

    Raises:
        InputError: Activations are NaN or infinite.
        UnsupportedModelError: LiteRT refuses the model.
    """
    spreads = observe(file, samples, progress, by=extremes if method == "minmax" else spread)
    return Calibrated(
        ranges={name: range_of(item, method) for name, item in spreads.items()},
        doubts=doubts(spreads, method=method, places=places),
    )


def observe(
    file: ModelFile,
    samples: "npt.NDArray[np.float32]",
    progress: "Progress",
    *,
    by: "Callable[[npt.NDArray[np.floating]], Spread]" = spread,
) -> dict[str, Spread]:
    """Return where the values of the input and of each float tensor that is computed lie.

    Args:
        file: A float model with one input and a batch of 1.
        samples: Shape ``(samples, *input shape without the batch)``.
        progress: Told the samples done.
        by: `edgekit.numerics.ranges.spread` or `edgekit.numerics.ranges.extremes`; run where the
            tensors are.
    """
    graph = file.model.main
    tensors = _computed(graph)
    parts: dict[str, list[Spread]] = {graph.tensors[item].name: [] for item in tensors}
    entry = graph.tensors[graph.inputs[0]]
    parts[entry.name] = []
    with litert.Session() as session:
        for start in range(0, len(samples), _CHUNK_SAMPLES):
            progress(start, len(samples), "ranges")
            chunk = samples[start : start + _CHUNK_SAMPLES]
            parts[entry.name].append(by(chunk))
            given: tuple[npt.NDArray[np.generic]] = (chunk.astype(NUMPY[entry.dtype]),)
            found = session.summaries(file.content, given, tensors, by)
            for tensor, values in zip(tensors, found, strict=True):
                parts[graph.tensors[tensor].name].append(values)
    return {name: reduce(joined, items) for name, items in parts.items() if items}


def doubts(
    spreads: Spreads, *, method: "Calibration" = "minmax", places: "Sequence[int]" = ()
) -> tuple[str, ...]:
    """Return a sentence for each reason not to trust the least and greatest of these samples."""
    lows = np.stack([np.minimum(item.lows, 0) for item in spreads.values()])
    highs = np.stack([np.maximum(item.highs, 0) for item in spreads.values()])
    widths = highs.max(axis=1) - lows.min(axis=1)
    wide = widths > _NARROW * widths.max(initial=0)
    names = np.array(list(spreads))[wide]
    lows, highs = lows[wide], highs[wide]
    found = []
    loners = _loners(lows, highs)
    for sample in np.unique(loners.sample[loners.sample >= 0]):
        times = np.where(loners.sample == sample, loners.times, 0)
        worst = int(np.argmax(times))
        source = f" (number {places[sample]} of the data)" if len(places) > sample else ""
        found.append(
            f"calibration sample {sample}{source} alone sets the range of "
            f"{np.count_nonzero(times)} of {len(names)} tensors, {times[worst]:.3g} times that "
            f"of all others at '{_short(names[worst])}': {_remedy(method)}"
        )
    others = np.setdiff1d(np.arange(lows.shape[1]), loners.sample)
    found += _halves(names, lows[:, others], highs[:, others])
    return tuple(found)


def _computed(graph: "Graph") -> tuple[int, ...]:
    """Return the float tensors that operators write, each name once."""
    tensors = [graph.tensors[index] for item in graph.operators for index in item.outputs]
    held = [item for item in tensors[::-1] if item.dtype == "float32" and item.elements]
    first = {item.name: item.index for item in held}
    return tuple(sorted(set(first.values()) - {graph.inputs[0]}))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Loners:
    """By tensor the sample that alone sets the range, or -1, and how many times it widens it."""

    sample: "npt.NDArray[np.intp]"
    times: "npt.NDArray[np.float64]"


def _loners(lows: "npt.NDArray[np.float64]", highs: "npt.NDArray[np.float64]") -> _Loners:
    """Return the samples without which a tensor's range is less than half as wide.

    Args:
        lows: Least values, 0 at most, shape ``(tensors, samples)``.
        highs: Greatest values, 0 at least.
    """
    tensors = np.arange(len(lows))
    none = _Loners(sample=np.full(len(lows), -1), times=np.zeros(len(lows)))
    if lows.shape[1] < _LEAST_SAMPLES:
        return none
    whole = highs.max(axis=1) - lows.min(axis=1)
    best = none
    for suspect in (np.argmin(lows, axis=1), np.argmax(highs, axis=1)):
        others_low, others_high = lows.copy(), highs.copy()
        others_low[tensors, suspect] = others_high[tensors, suspect] = 0
        width = others_high.max(axis=1) - others_low.min(axis=1)
        times = whole / np.maximum(width, np.finfo(np.float64).tiny)
        alone = (times >= _ALONE) & (times > best.times)
        best = _Loners(
            sample=np.where(alone, suspect, best.sample), times=np.where(alone, times, best.times)
        )
    return best


def _halves(
    names: "npt.NDArray[np.str_]",
    lows: "npt.NDArray[np.float64]",
    highs: "npt.NDArray[np.float64]",
) -> list[str]:
    """Return a sentence where every other sample gives other ranges than the rest."""
    if lows.shape[1] < _LEAST_SAMPLES:
        return []
    first, second = (
        highs[:, start::2].max(axis=1) - lows[:, start::2].min(axis=1) for start in (0, 1)
    )
    least = np.maximum(np.minimum(first, second), np.finfo(np.float64).tiny)
    times = np.maximum(first, second) / least
    apart = times >= _APART
    if not apart.any():
        return []
    worst = int(np.argmax(times))
    sentence = (
        f"two halves of the calibration samples disagree: the ranges of {np.count_nonzero(apart)} "
        f"of {len(names)} tensors differ {_APART:g} times or more, {times[worst]:.3g} times at "
        f"'{_short(names[worst])}': calibrate with more samples"
    )
    return [sentence]


def _remedy(method: "Calibration") -> str:
    if method == "minmax":
        return 'take it out, or set calibration = "percentile"'
    return f"the calibration '{method}' leaves it out"


def _short(name: str) -> str:
    """Return the end of the first name that a converter joined into a tensor's name."""
    first = name.lstrip(";").partition(";")[0]
    return first if len(first) <= _NAME else f"…{first[-_NAME:]}"
