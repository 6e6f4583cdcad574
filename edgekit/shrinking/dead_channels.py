"""Dead channels: remove channels that are constant or that nothing reads.

Exact because a channel goes only where its whole effect is known: no weight reads it, or it
holds one constant, and every sum that reads it takes the constant's part into the bias. Integer
sums are the same in any order. At padded edges the part differs from place to place; such a
channel stays, unless its constant is the zero point, which adds nothing anywhere.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from edgekit.model.edit import Draft, with_options
from edgekit.model.operators import LAYERS
from edgekit.model.values import Quantization, Tensor
from edgekit.shrinking.channel_liveness import live_channels
from edgekit.shrinking.channel_matrices import Weighed, weighed
from edgekit.shrinking.constants import Constants, constant_channels

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from edgekit.model.values import Model, Operator
    from edgekit.shrinking.oracle import Oracle

    Flags = npt.NDArray[np.bool_]

_BIAS = 2  # place of the bias among the inputs


def dead_channels(model: "Model", oracle: "Oracle") -> "Model":
    """Return ``model`` without its dead channels: fewer MACs, weights and activations."""
    graph = model.main
    constants = constant_channels(model, oracle)
    views = {
        operator.index: view
        for operator in graph.operators
        if (view := weighed(graph, operator)) is not None
    }
    live = live_channels(graph, tuple(views.values()), constants)
    if all(flags.all() for flags in live.values()):
        return model
    draft = Draft(model)
    for index, flags in live.items():
        draft.tensors[index] = _sliced(draft.tensors[index], flags)
    for place, operator in enumerate(graph.operators):
        if operator.index in views:
            draft.operators[place] = _slim_weighed(draft, views[operator.index], live, constants)
        elif LAYERS.get(operator.op) == "depthwise":
            draft.operators[place] = _slim_depthwise(draft, operator, live)
        elif operator.op == "RESHAPE":
            draft.operators[place] = _slim_reshape(draft, operator)
    return draft.finish()


def _slim_weighed(
    draft: Draft, view: Weighed, live: "Mapping[int, Flags]", constants: "Mapping[int, Constants]"
) -> "Operator":
    """Return a convolution or fully connected layer over the live channels alone."""
    read, kept = live[view.source], live[view.target]
    bias = view.bias[kept]
    if view.source in constants:
        absorbed = ~read & constants[view.source].known
        above = constants[view.source].stored.astype(np.int64) - view.zero_point
        bias = bias + view.sums[np.ix_(kept, absorbed)] @ above[absorbed]
    operator = view.operator
    kernel = draft.tensors[operator.inputs[1]]
    weights = view.weights[np.ix_(kept, np.ones(view.weights.shape[1], np.bool_), read)]
    shape = _kernel_shape(kernel.shape, weights)
    slim = replace(
        kernel,
        shape=shape,
        data=weights.astype(np.int8).tobytes(),
        quantization=_sliced_quantization(kernel.quantization, kept),
    )
    inputs = [operator.inputs[0], draft.add(slim), *operator.inputs[2:]]
    if len(inputs) > _BIAS and inputs[_BIAS] != -1:
        old = draft.tensors[inputs[_BIAS]]
        inputs[_BIAS] = draft.add(_with_bias(old, bias, kept))
    elif bias.any():
        inputs[_BIAS:] = [draft.add(_new_bias(draft, view, bias, slim))]
    return replace(operator, inputs=tuple(inputs))


def _kernel_shape(old: tuple[int, ...], weights: "npt.NDArray[np.int64]") -> tuple[int, ...]:
    outputs, places, inputs = weights.shape
    if len(old) == 2:  # noqa: PLR2004  fully connected: places and channels are one dimension
        return (outputs, places * inputs)
    return (outputs, *old[1:-1], inputs)


def _slim_depthwise(draft: Draft, operator: "Operator", live: "Mapping[int, Flags]") -> "Operator":
    kept = live.get(operator.outputs[0])
    if kept is None or kept.all():
        return operator
    source, kernel, *rest = operator.inputs
    slices = (
        -1 if index == -1 else draft.add(_sliced(draft.tensors[index], kept))
        for index in (kernel, *rest)
    )
    multiplier = int(kept.sum()) // draft.tensors[source].shape[-1]
    slim = replace(operator, inputs=(source, *slices))
    return with_options(slim, depthMultiplier=multiplier)


def _slim_reshape(draft: Draft, operator: "Operator") -> "Operator":
    """Return the reshape to its output's shape of now."""
    shape = draft.tensors[operator.outputs[0]].shape
    slim = operator
    if operator.options is not None:
        slim = with_options(slim, newShape=list(shape))
    if len(operator.inputs) > 1:
        data = np.array(shape, np.int32).tobytes()
        target = draft.add(replace(draft.tensors[operator.inputs[1]], data=data))
        slim = replace(slim, inputs=(operator.inputs[0], target))
    return slim


def _sliced(tensor: "Tensor", flags: "Flags") -> "Tensor":
    """Return ``tensor`` with the flagged channels of its last dimension alone."""
    if flags.all():
        return tensor
    shape = (*tensor.shape[:-1], int(flags.sum()))
    data = None
    if tensor.data is not None:
        data = np.compress(flags, tensor.values(), axis=-1).tobytes()
    signature = tensor.shape_signature
    if signature is not None:
        signature = (*signature[:-1], shape[-1])
    return replace(
        tensor,
        shape=shape,
        shape_signature=signature,
        data=data,
        quantization=_sliced_quantization(tensor.quantization, flags),
        observed=None,
    )


def _sliced_quantization(
    quantization: "Quantization | None", flags: "Flags"
) -> "Quantization | None":
    if quantization is None or len(quantization.scales) != len(flags):
        return quantization
    return replace(
        quantization,
        scales=quantization.scales[flags],
        zero_points=quantization.zero_points[flags],
    )


def _with_bias(old: "Tensor", bias: "npt.NDArray[np.int64]", kept: "Flags") -> "Tensor":
    return replace(
        old,
        shape=bias.shape,
        data=bias.astype(np.int32).tobytes(),
        quantization=_sliced_quantization(old.quantization, kept),
    )


def _new_bias(
    draft: Draft, view: Weighed, bias: "npt.NDArray[np.int64]", kernel: "Tensor"
) -> "Tensor":
    """Return a bias where there was none, in the unit of the products."""
    source = draft.tensors[view.source].quantization
    assert source is not None
    assert kernel.quantization is not None
    scales = (source.scales[0] * kernel.quantization.scales).astype(np.float32)
    return Tensor(
        index=-1,
        name="",
        shape=bias.shape,
        dtype="int32",
        data=bias.astype(np.int32).tobytes(),
        quantization=Quantization(
            scales=scales, zero_points=np.zeros(scales.shape, np.int64), axis=0
        ),
        is_variable=False,
    )
