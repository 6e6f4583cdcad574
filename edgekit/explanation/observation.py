"""What each operator makes of the samples, in integers and on real numbers, side by side."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgekit.model.float_twin import INPUT, stored_input
from edgekit.model.operators import kind_of
from edgekit.model.shapes import other_shape
from edgekit.model.tensor_values import is_quantized, real_values
from edgekit.model.writer import write

if TYPE_CHECKING:
    import numpy.typing as npt

    from edgekit.model.values import Graph, Model, Operator, Tensor
    from edgekit.runtimes.litert import Session
    from edgekit.runtimes.process import Progress

    Array = npt.NDArray[np.generic]
    Reals = npt.NDArray[np.float32]

_CHUNK_SAMPLES = 16  # whose tensors are held at once
_SPREAD_VALUES = 65536  # of a tensor, evenly taken, to tell where most values lie
_USUAL_SHARE = 0.999  # of the values are usual; the rest may be outliers


@dataclass(frozen=True, kw_only=True, slots=True)
class Observed:
    """One operator's output, or the model's input, on the samples.

    Args:
        index: Of the operator, or `INPUT`.
        op: Its kind, or ``"INPUT"``.
        tensor: What it writes, as the integer model has it.
        is_calibrated: Whether its grid came from calibration: neither prescribed by the
            runtimes nor shared with its input.
        rounds: Whether it computes anew, and so rounds; false where it only moves values.
        signal: Sum of squares of the float model's values.
        noise: Sum of squares of what the integer model differs by.
        low: Least value of the float model.
        high: Greatest value of the float model.
        usual: The magnitude that 99.9 % of the float model's values do not exceed.
        beyond_fraction: Of the float model's values, those outside the integer grid by more
            than half a step.
        peaks: Largest magnitude of each channel in the float model, shape ``(channels,)``.
        constant_channels: How many channels hold one single stored value on all samples.
    """

    index: int
    op: str
    tensor: "Tensor"
    is_calibrated: bool
    rounds: bool
    signal: float
    noise: float
    low: float
    high: float
    usual: float
    beyond_fraction: float
    peaks: "npt.NDArray[np.float64]"
    constant_channels: int

    @property
    def sqnr_db(self) -> float:
        """Signal-to-quantization-noise ratio in decibels; infinite without noise."""
        return ratio_db(self.signal, self.noise)

    @property
    def grid(self) -> tuple[float, float]:
        """The least and greatest real number that the output's integers stand for."""
        return grid_of(self.tensor)

    @property
    def range_used(self) -> float:
        """The share of the grid that the float model's values take, from their ends."""
        low, high = self.grid
        taken = min(self.high, high) - max(self.low, low)
        return max(0.0, taken) / (high - low)


def observe(
    session: "Session", model: "Model", twin: "Model", inputs: "Reals", progress: "Progress"
) -> tuple[Observed, ...]:
    """Return what an integer input and each operator with an integer output show, in order.

    Args:
        session: Where both models run.
        model: The integer model.
        twin: The same on real numbers, see `edgekit.model.float_twin`.
        inputs: Real numbers, shape ``(samples, *input shape without the batch)``.
        progress: Told the samples done.
    """
    from edgekit.runtimes.real import stored_inputs

    graph = model.main
    places = _places(model, twin.main)
    wanted = tuple(tensor for _, tensor in places if tensor not in graph.inputs)
    content, real_content = write(model), write(twin)
    tallies = [_Tally(graph.tensors[index], len(inputs)) for _, index in places]
    computed = tuple(tensor for operator, tensor in places if operator is not None)
    for start in range(0, len(inputs), _CHUNK_SAMPLES):
        progress(start, len(inputs), "operators")
        real = inputs[start : start + _CHUNK_SAMPLES]
        stored = stored_inputs(model, real)
        reals = dict(zip(computed, session.tensors(real_content, (real,), computed), strict=True))
        codes = dict(zip(wanted, session.tensors(content, (stored,), wanted), strict=True))
        for tally, (_, tensor) in zip(tallies, places, strict=True):
            values = reals.get(tensor, real[:, np.newaxis])
            integers = codes.get(tensor, stored[:, np.newaxis])
            _check_shapes(graph.tensors[tensor], values, integers)
            tally.add(values, integers)
    return tuple(
        tally.result(operator, shares=operator is not None and _shares(operator, graph))
        for (operator, _), tally in zip(places, tallies, strict=True)
    )


def _check_shapes(tensor: "Tensor", *arrays: "Array") -> None:
    """Refuse a file that declares other shapes than its operators give, or a tensor of nothing.

    Raises:
        UnsupportedModelError: A runtime's values have another number of elements or channels.
    """
    if not tensor.elements:
        raise other_shape(tensor, tensor.shape)
    for array in arrays:
        given = tuple(array.shape[1:])
        if math.prod(given) != tensor.elements or given[-1:] != tensor.shape[-1:]:
            raise other_shape(tensor, given)


def ratio_db(signal: float, noise: float) -> float:
    """Return ``10 log10(signal / noise)``; infinite without noise."""
    if noise == 0:
        return math.inf
    return 10 * math.log10(max(signal, np.finfo(np.float64).tiny) / noise)


def grid_of(tensor: "Tensor") -> tuple[float, float]:
    """Return the least and greatest real number that ``tensor`` can hold."""
    limits = np.iinfo(tensor.dtype)
    low, high = real_values(np.array([limits.min, limits.max]), tensor)
    return float(low), float(high)


def _shares(operator: "Operator", graph: "Graph") -> bool:
    """Return whether the output of ``operator`` has the grid of one of its inputs."""
    mine = graph.tensors[operator.outputs[0]].quantization
    others = [graph.tensors[index].quantization for index in operator.inputs if index != -1]
    return any(
        mine is not None
        and other is not None
        and np.array_equal(mine.scales, other.scales)
        and np.array_equal(mine.zero_points, other.zero_points)
        for other in others
    )


def _places(model: "Model", twin: "Graph") -> "list[tuple[Operator | None, int]]":
    """Return the input, and each operator, with its tensor where both models have numbers."""
    graph = model.main
    entry = stored_input(model)
    places: list[tuple[Operator | None, int]] = [] if entry is None else [(None, entry.index)]
    kept = {item.index for item in twin.operators}
    for operator in graph.operators:
        if operator.index not in kept or not operator.outputs:
            continue
        output = operator.outputs[0]
        if is_quantized(graph.tensors[output]):
            places.append((operator, output))
    return places


class _Tally:
    """Sums over the samples of one tensor."""

    def __init__(self, tensor: "Tensor", samples: int) -> None:
        self._tensor = tensor
        self._step = max(1, tensor.elements * samples // _SPREAD_VALUES)
        self._signal = self._noise = 0.0
        self._count = self._beyond = 0
        self._low, self._high = math.inf, -math.inf
        self._spread: list[npt.NDArray[np.float64]] = []
        channels = tensor.shape[-1] if tensor.shape else 1
        self._peaks = np.zeros(channels)
        self._least = np.full(channels, np.inf)
        self._most = np.full(channels, -np.inf)

    def add(self, values: "Array", stored: "Array") -> None:
        """Take in a batch of real and of stored values, shape ``(samples, *shape)``."""
        real = values.astype(np.float64)
        difference = real - real_values(stored, self._tensor)
        self._signal += float(np.sum(real**2))
        self._noise += float(np.sum(difference**2))
        self._count += real.size
        self._low, self._high = min(self._low, real.min()), max(self._high, real.max())
        self._spread.append(np.abs(real).reshape(-1)[:: self._step])
        rows = np.abs(real).reshape(-1, len(self._peaks))
        self._peaks = np.maximum(self._peaks, rows.max(axis=0))
        codes = stored.reshape(-1, len(self._peaks))
        self._least = np.minimum(self._least, codes.min(axis=0))
        self._most = np.maximum(self._most, codes.max(axis=0))
        if self._tensor.quantization is not None:
            low, high = grid_of(self._tensor)
            half = float(self._tensor.quantization.scales[0]) / 2
            self._beyond += int(np.count_nonzero((real < low - half) | (real > high + half)))

    def result(self, operator: "Operator | None", *, shares: bool) -> Observed:
        kind = None if operator is None else kind_of(operator)
        grid = None if kind is None else kind.grid
        return Observed(
            index=INPUT if operator is None else operator.index,
            op="INPUT" if operator is None else operator.op,
            tensor=self._tensor,
            is_calibrated=grid != "runtime" and not (shares and grid == "data"),
            rounds=kind is None or not (shares and kind.moves),
            signal=self._signal,
            noise=self._noise,
            low=float(self._low),
            high=float(self._high),
            usual=float(np.quantile(np.concatenate(self._spread), _USUAL_SHARE)),
            beyond_fraction=self._beyond / max(1, self._count),
            peaks=self._peaks,
            constant_channels=int(np.count_nonzero(self._least == self._most)),
        )
