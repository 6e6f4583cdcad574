"""Proof that two models give the same bytes: both run, on many inputs, in the real runtimes."""

from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import TYPE_CHECKING

import numpy as np

from edgekit.errors import UnsupportedModelError
from edgekit.model.input_limits import ValueRange, check_samples, input_limits
from edgekit.model.tensor_values import value_type
from edgekit.runtimes.process import Progress, silent
from edgekit.shrinking.budget import VECTORS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from edgekit.model.values import Graph, Model, Tensor
    from edgekit.runtimes.session import RuntimeSession
    from edgekit.shrinking.oracle import Array


_CHUNK = 125  # of vectors between two reports of progress, and before a difference is noticed
_SEED = 5


class NotExactError(AssertionError):
    """A shrunken model gives another output: a bug in edgekit."""


def proof_vectors(
    model: "Model", data: "tuple[Array, ...] | None" = None, *, count: int = VECTORS
) -> "tuple[Array, ...]":
    """Return inputs for a proof: edge values, given data, and random values.

    Args:
        model: What they are for.
        data: Stored values for each input, shape ``(samples, *shape[1:])``: up to half of the
            vectors are taken from them, evenly spaced.
        count: Vectors in all.

    Returns:
        Stored values for each input of the model, shape ``(count, *shape[1:])``. Random ones
        are noise over the whole range in every second vector, and a narrower band around a
        random centre in the others.
    """
    graph = model.main
    rng = np.random.default_rng(_SEED)
    inputs = []
    for place, index in enumerate(graph.inputs):
        tensor = graph.tensors[index]
        check_samples(tensor, count)
        edges = list(_edges(tensor, graph))
        room = min(count // 2, count - len(edges))
        given = [] if data is None or room < 1 else list(_spaced(data[place], room))
        random = [
            _random(tensor, graph, rng, wide=bool(number % 2))
            for number in range(count - len(edges) - len(given))
        ]
        inputs.append(np.stack([*edges, *given, *random]))
    return tuple(inputs)


def first_difference(
    before: bytes,
    after: bytes,
    inputs: "tuple[Array, ...]",
    *runtimes: "RuntimeSession",
    progress: Progress = silent,
) -> int | None:
    """Return the number of the first vector for which two models differ, or None for none.

    Args:
        before: A model.
        after: Another model.
        inputs: As `proof_vectors` gives them.
        *runtimes: Sessions of one runtime, each with a process of its own: they share the work.
        progress: Told the vectors done.

    Raises:
        UnsupportedModelError: The runtime refuses a model.
        ToolError: It crashed.
    """
    total = len(inputs[0])
    free: SimpleQueue[RuntimeSession] = SimpleQueue()
    for runtime in runtimes:
        free.put(runtime)

    def compare(start: int) -> int | None:
        chunk = tuple(item[start : start + _CHUNK] for item in inputs)
        runtime = free.get()
        try:
            differing = _differing(runtime.run(before, chunk), runtime.run(after, chunk))
        finally:
            free.put(runtime)
        return None if differing is None else start + differing

    with ThreadPoolExecutor(len(runtimes)) as pool:
        starts = range(0, total, _CHUNK)
        for start, found in zip(starts, pool.map(compare, starts), strict=True):
            if found is not None:
                pool.shutdown(cancel_futures=True)
                return found
            progress(min(start + _CHUNK, total), total, "comparing outputs")
    return None


def prove(
    before: bytes,
    after: bytes,
    inputs: "tuple[Array, ...]",
    *runtimes: "RuntimeSession",
    name: str,
    progress: Progress = silent,
) -> bool:
    """Return True where both models give the same bytes, False where the runtime knows neither.

    Args:
        before: A model.
        after: The same one, shrunken.
        inputs: As `proof_vectors` gives them.
        *runtimes: Sessions of one runtime.
        name: Of the runtime, for messages.
        progress: Told the vectors done.

    Raises:
        NotExactError: An output differs, or the second model alone is refused.
    """
    try:
        difference = first_difference(before, after, inputs, *runtimes, progress=progress)
    except UnsupportedModelError:
        try:
            runtimes[0].run(before, tuple(item[:1] for item in inputs))
        except UnsupportedModelError:
            return False
        raise NotExactError(f"{name} takes the model, and refuses it shrunken") from None
    if difference is not None:
        raise NotExactError(
            f"the shrunken model gives another output in {name} (vector {difference})"
        )
    return True


def _differing(before: "tuple[Array, ...]", after: "tuple[Array, ...]") -> int | None:
    """Return the first sample in which any byte of any output differs."""
    for one, other in zip(before, after, strict=True):
        if one.shape != other.shape or one.dtype != other.dtype:
            return 0
        flat = one.reshape(len(one), -1).view(np.uint8) != other.reshape(len(one), -1).view(
            np.uint8
        )
        if flat.any():
            return int(flat.any(axis=1).argmax())
    return None


def _edges(tensor: "Tensor", graph: "Graph") -> "Iterator[Array]":
    """Yield the least, greatest and middle value everywhere, and a chequerboard of extremes."""
    low, high = _range(tensor, graph)
    middle = (low + high) / 2
    shape = tensor.shape[1:]
    for value in (low, high, middle):
        yield _stored(np.full(shape, value), tensor)
    places = np.arange(int(np.prod(shape))).reshape(shape)
    yield _stored(np.where(places % 2, low, high), tensor)
    yield _stored(np.where(places % 2, high, low), tensor)


def _random(tensor: "Tensor", graph: "Graph", rng: np.random.Generator, *, wide: bool) -> "Array":
    low, high = _range(tensor, graph)
    if not wide:
        centre = rng.uniform(low, high)
        half = rng.uniform(0, (high - low) / 4)
        low, high = max(low, centre - half), min(high, centre + half)
    return _stored(rng.uniform(low, high, tensor.shape[1:]), tensor)


def _range(tensor: "Tensor", graph: "Graph") -> tuple[float, float]:
    """Return the least and greatest value worth trying."""
    limits = input_limits(graph, tensor.index)
    if tensor.is_float and not limits.are_finite:
        low, high = _real_range(tensor, graph)
        limits = limits.within(ValueRange(low=low, high=high))
    return limits.low, limits.high


def _real_range(tensor: "Tensor", graph: "Graph") -> tuple[float, float]:
    """Return what the QUANTIZE that reads a float input can tell apart, and a tenth more."""
    for operator in graph.operators:
        if tensor.index not in operator.inputs or operator.op != "QUANTIZE":
            continue
        quantization = graph.tensors[operator.outputs[0]].quantization
        if quantization is not None:
            scale, zero_point = float(quantization.scales[0]), int(quantization.zero_points[0])
            low, high = scale * (-128 - zero_point), scale * (127 - zero_point)
            beyond = 0.1 * (high - low)
            return low - beyond, high + beyond
    return -1.0, 1.0


def _stored(values: "npt.NDArray[np.float64]", tensor: "Tensor") -> "Array":
    kind = value_type(tensor)
    return values.astype(kind) if kind.kind == "f" else np.rint(values).astype(kind)


def _spaced(samples: "Array", count: int) -> "Array":
    step = max(1, -(-len(samples) // count))
    return samples[::step]
