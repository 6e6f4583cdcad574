"""Coding: constants behind TFLite-Micro's DECODE operator, as many as fit the RAM.

Exact because a decoder gives the very bytes back that were coded. It costs RAM, for a decoded
tensor lives in the arena while its reader runs, and time, for it is decoded at every
invocation.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from edgekit.errors import ToolError, UnsupportedModelError
from edgekit.model.edit import Draft
from edgekit.model.input_limits import input_limits
from edgekit.model.operators import DECODE, LAYERS
from edgekit.model.values import Operator, Tensor
from edgekit.model.writer import write
from edgekit.shrinking.encoders import ENCODERS, Coded

if TYPE_CHECKING:
    import numpy.typing as npt

    from edgekit.model.values import Model
    from edgekit.runtimes.tflm import Session

_WEIGHTS = 1  # their place among the inputs of these
_RECORD_BYTES = 200  # a DECODE operator with its tensors and padding, at most; then measured


@dataclass(frozen=True, kw_only=True, slots=True)
class CodedTensor:
    """A constant and the coding chosen for it.

    Args:
        tensor: Index in the main graph of the model before coding.
        coding: A name of `ENCODERS`.
        coded: What is stored instead.
        saved_bytes: Of the file, estimated.
    """

    tensor: int
    coding: str
    coded: Coded
    saved_bytes: int


def code(
    model: "Model", session: "Session", *, ram_budget_bytes: int
) -> "tuple[Model, tuple[CodedTensor, ...]]":
    """Return ``model`` with coded weights, and what was coded.

    The coding of each tensor is the smallest one. Which tensors are coded is chosen greedily,
    the greatest saving first, each kept if the model then still runs in an arena of
    ``ram_budget_bytes`` in TFLite-Micro on this machine.
    """
    chosen: list[CodedTensor] = []
    current, written = model, len(write(model))
    sample = _sample(model)
    expected = session.run(write(model), sample)
    for candidate in _candidates(model):
        tried = with_decode(model, [*chosen, candidate])
        content = write(tried)
        if len(content) < written and _fits(session, content, sample, expected, ram_budget_bytes):
            chosen.append(candidate)
            current, written = tried, len(content)
    return current, tuple(chosen)


def _candidates(model: "Model") -> list[CodedTensor]:
    """Return the tensors worth coding with their best coding, the greatest saving first."""
    graph = model.main
    found = []
    weights = {item.inputs[_WEIGHTS] for item in graph.operators if item.op in LAYERS}
    for index in sorted(weights):
        tensor = graph.tensors[index]
        readers = [item for item in graph.operators if index in item.inputs]
        if not _is_codable(tensor) or any(item.op not in LAYERS for item in readers):
            continue
        found += _worth_coding(tensor, readers=len(readers))
    return sorted(found, key=lambda item: -item.saved_bytes)


def _worth_coding(tensor: "Tensor", *, readers: int) -> list[CodedTensor]:
    """Return the smallest coding of ``tensor``, or nothing where it does not pay."""
    options = [
        CodedTensor(
            tensor=tensor.index,
            coding=name,
            coded=coded,
            saved_bytes=tensor.stored_bytes - coded.stored_bytes - _RECORD_BYTES * readers,
        )
        for name, encode in ENCODERS.items()
        if (coded := encode(tensor)) is not None
    ]
    best = max(options, key=lambda item: item.saved_bytes, default=None)
    return [best] if best is not None and best.saved_bytes > 0 else []


def _is_codable(tensor: "Tensor") -> bool:
    """Return whether the decoders can restore ``tensor``: int8, zero points 0, channels outside."""
    quantization = tensor.quantization
    if tensor.dtype != "int8" or tensor.data is None or quantization is None:
        return False
    outside = {0, len(tensor.shape) - 1}
    return quantization.axis in outside and not np.any(quantization.zero_points)


def with_decode(model: "Model", coded: list[CodedTensor]) -> "Model":
    """Return ``model`` with a DECODE before each reader of a coded tensor.

    The output of a DECODE may be read by the very next operator alone.
    """
    draft = Draft(model)
    stored = {item.tensor: _stored(draft, item.coded) for item in coded}
    operators = []
    for operator in model.main.operators:
        index = operator.inputs[_WEIGHTS] if len(operator.inputs) > _WEIGHTS else -1
        if operator.op not in LAYERS or index not in stored:
            operators.append(operator)
            continue
        decoded = draft.add(replace(model.main.tensors[index], data=None))
        operators.append(_decode(stored[index], decoded))
        inputs = (operator.inputs[0], decoded, *operator.inputs[_WEIGHTS + 1 :])
        operators.append(replace(operator, inputs=inputs))
    draft.operators = operators
    return draft.finish()


def _stored(draft: Draft, coded: Coded) -> tuple[int, int]:
    """Add the encoded and the ancillary tensor, and return their indices."""
    return draft.add(_bytes_tensor(coded.encoded)), draft.add(_bytes_tensor(coded.ancillary))


def _bytes_tensor(data: bytes) -> Tensor:
    return Tensor(
        index=-1,
        name="",
        shape=(len(data),),
        dtype="uint8",
        data=data,
        quantization=None,
        is_variable=False,
    )


def _decode(stored: tuple[int, int], decoded: int) -> Operator:
    return Operator(
        index=-1,
        op=DECODE,
        version=1,
        inputs=stored,
        outputs=(decoded,),
        options=None,
        is_custom=True,
    )


def _sample(model: "Model") -> "tuple[npt.NDArray[np.generic], ...]":
    """Return one input: the arena is too small if its outputs are wrong."""
    rng = np.random.default_rng(0)
    graph, sample = model.main, []
    for index in graph.inputs:
        tensor, limits = graph.tensors[index], input_limits(graph, index)
        values = rng.integers(0, 100, (1, *tensor.shape[1:])).clip(limits.low, limits.high)
        sample.append(values.astype(tensor.dtype))
    return tuple(sample)


def _fits(
    session: "Session",
    content: bytes,
    sample: "tuple[npt.NDArray[np.generic], ...]",
    expected: "tuple[npt.NDArray[np.generic], ...]",
    arena_bytes: int,
) -> bool:
    """Return whether the model runs in this arena; the wheel refuses or fails where it does not."""
    try:
        outputs = session.run(content, sample, arena_bytes=arena_bytes)
    except (UnsupportedModelError, ToolError):
        return False
    return all(np.array_equal(*pair) for pair in zip(outputs, expected, strict=True))
