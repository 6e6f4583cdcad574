"""What layers with weights give before their activation function, as floats and as integers."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgekit.model.edit import compact, with_main, with_options
from edgekit.model.operators import kind_of, layer_tensors
from edgekit.model.tensor_values import real_values
from edgekit.model.values import Operator, Tensor
from edgekit.model.writer import write
from edgekit.runtimes.real import stored_inputs

if TYPE_CHECKING:
    import numpy.typing as npt

    from edgekit.model.values import Graph, Model
    from edgekit.runtimes.litert import Session

    Array = npt.NDArray[np.generic]
    Floats = npt.NDArray[np.float64]

_CHUNK_VALUES = 1 << 22  # of outputs, held at once


def linear_outputs(model: "Model", operators: list[Operator]) -> "Model":
    """Return the float ``model`` with the outputs of ``operators`` without activation function."""
    graph = model.main
    tensors, copies = list(graph.tensors), []
    for operator in operators:
        shape = tensors[operator.outputs[0]]
        index = len(tensors)
        tensors.append(replace(shape, index=index, name=f"{shape.name}/linear"))
        copies.append(replace(_linear(operator), outputs=(index,)))
    changed = replace(
        graph,
        tensors=tuple(tensors),
        operators=(*graph.operators, *copies),
        outputs=tuple(item.outputs[0] for item in copies),
    )
    return compact(replace(with_main(model, changed), signatures=()))


def probe(model: "Model", operator: Operator) -> "Model":
    """Return the integer ``model`` up to ``operator``, which computes on real numbers.

    Its weights and bias are what the stored integers stand for; so its output, without
    activation function, is the integer layer's but for the rounding of the output.
    """
    graph = model.main
    kind = kind_of(operator)
    tensors = list(graph.tensors)
    source = operator.inputs[kind.data]
    inputs = list(operator.inputs)
    weights, bias = (tensors[inputs[place]] for place in (kind.weights, kind.bias))
    real_bias = bias.values().astype(np.float64) * bias_scales(graph, operator)
    for place, tensor, values in (
        (kind.weights, weights, real_values(weights.values(), weights)),
        (kind.bias, bias, real_bias),
    ):
        inputs[place] = len(tensors)
        tensors.append(_real(tensor, len(tensors), values.astype("<f4").tobytes()))
    inputs[kind.data] = len(tensors)
    tensors.append(_real(tensors[source], len(tensors), None))
    output = len(tensors)
    tensors.append(_real(tensors[operator.outputs[0]], output, None))
    entry = Operator(
        index=-1,
        op="DEQUANTIZE",
        version=2,
        inputs=(source,),
        outputs=(inputs[kind.data],),
        options=schema.DequantizeOptionsT(),
    )
    layer = replace(_linear(operator), inputs=tuple(inputs), outputs=(output,), version=1)
    before = graph.operators[: graph.operators.index(operator)]
    changed = replace(
        graph, tensors=tuple(tensors), operators=(*before, entry, layer), outputs=(output,)
    )
    return compact(replace(with_main(model, changed), signatures=()))


def _real(tensor: Tensor, index: int, data: bytes | None) -> Tensor:
    return replace(
        tensor,
        index=index,
        name=f"{tensor.name}/real",
        dtype="float32",
        data=data,
        quantization=None,
        observed=None,
    )


def _linear(operator: Operator) -> Operator:
    """Return ``operator`` without its activation function."""
    return with_options(operator, fusedActivationFunction=schema.ActivationFunctionType.NONE)


def channel_means(
    session: "Session", model: "Model", samples: "npt.NDArray[np.float32]"
) -> "list[Floats]":
    """Return the mean of each output over samples and all dimensions but the last."""
    content = write(model)
    graph = model.main
    step = max(1, _CHUNK_VALUES // sum(graph.tensors[index].elements for index in graph.outputs))
    stored = stored_inputs(model, samples)
    sums: list[Floats] = []
    for start in range(0, len(stored), step):
        outputs = session.run(content, (stored[start : start + step],))
        totals = [_by_channel(item).sum(axis=0) / _positions(item) for item in outputs]
        sums = totals if not sums else [a + b for a, b in zip(sums, totals, strict=True)]
    return [item / len(stored) for item in sums]


def _by_channel(values: "Array") -> "Floats":
    return np.asarray(values, np.float64).reshape(-1, values.shape[-1])


def _positions(values: "Array") -> int:
    """Return how many values one sample has in one channel."""
    return int(values.size // (values.shape[-1] * len(values)))


def bias_scales(graph: "Graph", operator: Operator) -> "Floats":
    """Return the real number of one step of each bias, as kernels take it from the scales."""
    layer = layer_tensors(operator)
    source, weights = graph.tensors[layer.data], graph.tensors[layer.weights]
    assert (
        source.quantization is not None
    )  # `edgekit.quantization.bias_correction` has seen to both
    assert weights.quantization is not None
    scales = source.quantization.scales.astype(np.float64) * weights.quantization.scales
    return np.asarray(scales, np.float64)
