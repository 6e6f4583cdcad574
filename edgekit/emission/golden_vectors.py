"""Golden vectors: inputs, and what TFLite-Micro gives for them, byte for byte."""

from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np

from edgekit.data.validation import validation_vectors
from edgekit.emission.formats import GoldenVectors
from edgekit.errors import InputError, UnsupportedModelError
from edgekit.model.input_limits import check_samples, input_limits
from edgekit.model.tensor_values import value_type
from edgekit.runtimes import tflm
from edgekit.runtimes.real import stored_inputs

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from edgekit.model.file import ModelFile
    from edgekit.model.values import Graph, Model
    from edgekit.specs import DataSpec

    Array = npt.NDArray[np.generic]


def golden_vectors(file: "ModelFile", inputs: "tuple[Array, ...]", *, origin: str) -> GoldenVectors:
    """Return ``inputs`` with TFLite-Micro's outputs for them.

    Args:
        file: The model.
        inputs: For each input of the model its stored values, shape ``(samples, *shape[1:])``.
        origin: Where the inputs come from, in words.

    Raises:
        MissingDependencyError: TFLite-Micro's wheel is not installed.
        UnsupportedModelError: TFLite-Micro refuses the model, or an input has a batch above 1.
    """
    _check_batch(file.model.main)
    return GoldenVectors(
        inputs=inputs,
        outputs=tflm.run(file, inputs),
        source=f"{origin}; outputs of TFLite-Micro's wheel {version('tflite-micro')} on the host",
    )


def random_inputs(model: "Model", count: int, *, seed: int) -> "tuple[Array, ...]":
    """Return ``count`` samples of random stored values for each input, all that it takes alike."""
    graph = model.main
    random = np.random.default_rng(seed)
    return tuple(_random(graph, index, count, random) for index in graph.inputs)


def data_inputs(
    model: "Model", spec: "DataSpec", count: int, *, directory: "Path", seed: int
) -> "tuple[Array, ...]":
    """Return the first ``count`` validation samples as the model's input stores them.

    Raises:
        InputError: Data that are missing, damaged, do not fit or are too few.
    """
    vectors = validation_vectors(model, spec, directory=directory, seed=seed).vectors
    if len(vectors.inputs) < count:
        raise InputError(
            f"{count} vectors are asked for, and {spec.source} holds {len(vectors.inputs)} samples",
            hint=f"--vectors {len(vectors.inputs)}",
        )
    return (stored_inputs(model, vectors.inputs[:count]),)


def _check_batch(graph: "Graph") -> None:
    for index in (*graph.inputs, *graph.outputs):
        tensor = graph.tensors[index]
        if tensor.shape[:1] not in ((), (1,)):
            raise UnsupportedModelError(
                f"tensor '{tensor.name}' has a batch of {tensor.shape[0]}, and vectors need 1",
                hint="emit without a self-test: --vectors 0",
            )


def _random(graph: "Graph", index: int, count: int, random: np.random.Generator) -> "Array":
    tensor = graph.tensors[index]
    check_samples(tensor, count)
    shape, kind = (count, *tensor.shape[1:]), value_type(tensor)
    limits = input_limits(graph, index)
    if kind.kind == "f" and limits.are_finite:
        return random.uniform(limits.low, limits.high, shape).astype(kind)
    if kind.kind == "f":
        return random.standard_normal(shape, np.float32).clip(limits.low, limits.high).astype(kind)
    low, high = int(limits.low), int(limits.high)
    if kind.kind == "b" or kind.itemsize > 2:  # noqa: PLR2004  16 bits
        return random.integers(low, high, shape, endpoint=True).astype(kind)
    return random.integers(low, high, shape, kind, endpoint=True)
