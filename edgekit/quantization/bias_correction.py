"""Bias correction of an integer model: the mean that quantization moved each channel by is undone.

Layer by layer in their order, on calibration samples (Nagel and others, Data-Free Quantization,
2019, section 4.2 and its empirical form in appendix D): the layer's mean output before its
activation function in the float model, less that of the integer layer on what the integer layers
before it, corrected already, hand it; the difference is added to the int32 bias.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from edgekit.errors import UnsupportedModelError
from edgekit.model.edit import Draft, compact, consumers, with_main
from edgekit.model.operators import CHANNEL_AXES, kind_of, layer_tensors
from edgekit.model.values import Operator, Quantization, Tensor
from edgekit.model.writer import write
from edgekit.quantization.layer_means import bias_scales, channel_means, linear_outputs, probe
from edgekit.record.quantization import LayerShift
from edgekit.runtimes import litert

if TYPE_CHECKING:
    import numpy.typing as npt

    from edgekit.model.file import ModelFile
    from edgekit.model.values import Graph, Model
    from edgekit.runtimes.process import Progress

    Floats = npt.NDArray[np.float64]

_SHOWN = 3  # reasons in a message


@dataclass(frozen=True, kw_only=True, slots=True)
class Corrected:
    """A model with corrected biases.

    Args:
        content: The whole `.tflite` file.
        layers: In the order of the file.
        left: Layers with weights that were not corrected, each with the reason.
    """

    content: bytes
    layers: tuple[LayerShift, ...]
    left: tuple[str, ...]


def correct_biases(
    progress: "Progress",
    file: "ModelFile",
    floating: "ModelFile",
    samples: "npt.NDArray[np.float32]",
) -> Corrected:
    """Return the integer model in ``file`` with the biases of its layers corrected.

    Args:
        progress: Told the layers done.
        file: A model of int8 activations, one input and a batch of 1.
        floating: The float model that it was made from: layers are the same where their
            outputs have the same name.
        samples: Calibration samples as the float model takes them, shape ``(samples, …)``.

    Raises:
        UnsupportedModelError: No layer can be corrected; the message has the reasons.
    """
    model, reference = _with_biases(file.model), floating.model
    pairs, left = _matched(model.main, reference.main)
    if not pairs:
        more = f" and {len(left) - _SHOWN} more" if len(left) > _SHOWN else ""
        reasons = "; ".join(left[:_SHOWN]) + more or "it has no layer with weights and a bias"
        raise UnsupportedModelError(
            f"no bias can be corrected: {reasons}", hint="take quantize.bias_correction away"
        )
    layers = []
    with litert.Session() as session:
        linear = linear_outputs(reference, [pair.floating for pair in pairs])
        wanted = channel_means(session, linear, samples)
        for place, (pair, mean) in enumerate(zip(pairs, wanted, strict=True)):
            progress(place, len(pairs), f"{pair.integer.op} {pair.integer.index}")
            (found,) = channel_means(session, probe(model, pair.integer), samples)
            layers.append(_shift(model.main, pair.integer, mean - found))
            model = _with_shifted_bias(model, pair.integer, mean - found)
    return Corrected(content=write(compact(model)), layers=tuple(layers), left=tuple(left))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Pair:
    """One layer in the integer and in the float model."""

    integer: Operator
    floating: Operator


def _matched(graph: "Graph", reference: "Graph") -> tuple[list[_Pair], list[str]]:
    """Return the layers that can be corrected, and the others with the reason."""
    theirs = {reference.tensors[item.outputs[0]].name: item for item in reference.operators}
    pairs, left = [], []
    for operator in graph.operators:
        if operator.op not in CHANNEL_AXES:
            continue
        other = theirs.get(graph.tensors[operator.outputs[0]].name)
        reason = _obstacle(graph, operator)
        if reason is None and (other is None or other.op != operator.op):
            reason = "the float model has no such layer"
        if reason is not None:
            left.append(f"{operator.op} at {operator.index}: {reason}")
        elif other is not None:
            pairs.append(_Pair(integer=operator, floating=other))
    return pairs, left


def _with_biases(model: "Model") -> "Model":
    """Return ``model`` with a bias of zeros for each fully connected layer that has none.

    Converters drop a bias of zeros; it takes four bytes a channel.
    """
    draft = Draft(model)
    for place, operator in enumerate(draft.operators):
        layer = layer_tensors(operator)
        if operator.op != "FULLY_CONNECTED" or layer.bias != -1:
            continue
        source, weights = draft.tensors[layer.data], draft.tensors[layer.weights]
        if source.dtype != "int8" or source.quantization is None or weights.quantization is None:
            continue
        channels = weights.shape[0]
        scales = source.quantization.scales * weights.quantization.scales
        made = Quantization(scales=scales, zero_points=np.zeros(scales.size, np.int64), axis=0)
        bias = Tensor(
            index=-1,  # `add` gives it one
            name=f"{draft.tensors[operator.outputs[0]].name}/bias",
            shape=(channels,),
            dtype="int32",
            data=bytes(4 * channels),
            quantization=made,
            is_variable=False,
        )
        inputs = (*operator.inputs[: kind_of(operator).bias], draft.add(bias))
        draft.operators[place] = replace(operator, inputs=inputs)
    return draft.finish()


def _obstacle(graph: "Graph", operator: Operator) -> str | None:
    """Return why the bias of ``operator`` cannot be corrected, or None."""
    layer = layer_tensors(operator)
    if layer.bias == -1:
        return "it has no bias"
    source, weights, bias = (
        graph.tensors[index] for index in (layer.data, layer.weights, layer.bias)
    )
    if bias.data is None or weights.data is None:
        return "its weights are computed"
    if source.dtype != "int8" or bias.dtype != "int32":
        return f"its input is {source.dtype} and its bias {bias.dtype}"
    if source.quantization is None or weights.quantization is None:
        return "its input or its weights have no scale"
    return None


def _shift(graph: "Graph", operator: Operator, shift: "Floats") -> LayerShift:
    output = graph.tensors[operator.outputs[0]]
    assert output.quantization is not None  # an integer layer's
    size = float(np.mean(np.abs(shift)))
    return LayerShift(
        index=operator.index,
        op=operator.op,
        tensor=output.name,
        mean_shift=size,
        steps=size / float(output.quantization.scales[0]),
    )


def _with_shifted_bias(model: "Model", operator: Operator, shift: "Floats") -> "Model":
    """Return ``model`` with ``shift`` added to the bias of ``operator`` and of no other."""
    graph = model.main
    place = kind_of(operator).bias
    bias = graph.tensors[operator.inputs[place]]
    steps = np.round(shift / bias_scales(graph, operator)).astype(np.int64)
    stored = bias.values().astype(np.int64) + steps
    limits = np.iinfo(np.int32)
    data = np.clip(stored, limits.min, limits.max).astype("<i4").tobytes()
    tensors, operators = list(graph.tensors), list(graph.operators)
    if len(consumers(graph)[bias.index]) == 1:
        tensors[bias.index] = replace(bias, data=data)
    else:
        index = len(tensors)
        tensors.append(replace(bias, index=index, name=f"{bias.name}/corrected", data=data))
        inputs = list(operator.inputs)
        inputs[place] = index
        operators[operator.index] = replace(operator, inputs=tuple(inputs))
    changed = replace(graph, tensors=tuple(tensors), operators=tuple(operators))
    return with_main(model, changed)
