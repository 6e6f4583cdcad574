"""Channels that hold one value at every place, whatever the input is."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgekit.model.operators import LAYERS
from edgekit.shrinking.channel_matrices import weighed
from edgekit.shrinking.coupled_channels import channels, links

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from edgekit.model.values import Graph, Model, Operator
    from edgekit.shrinking.oracle import Array, Oracle

    Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, slots=True)
class Constants:
    """The constant channels of one tensor.

    Args:
        known: bool, shape ``(channels,)``.
        stored: int8, the same shape: the values where known.
    """

    known: "Flags"
    stored: "npt.NDArray[np.int8]"


def constant_channels(model: "Model", oracle: "Oracle") -> "dict[int, Constants]":
    """Return the constant channels of each tensor that has any, by tensor index.

    A channel is constant if all that reaches it are weights of zero and constant channels. Its
    value is what ``oracle`` makes of the operator, and must be the same at every place: at a
    padded edge it may differ.
    """
    graph = model.main
    found: dict[int, Constants] = {}
    for operator in graph.operators:
        settled = _settled(graph, operator, found)
        if settled is None or not settled.any():
            continue
        inputs = {
            index: _filled(graph, index, found.get(index))
            for index in operator.inputs
            if index != -1 and graph.tensors[index].data is None
        }
        outputs = oracle.outputs(model, operator, inputs, asked=settled)
        if outputs is not None:
            _keep_uniform(found, operator.outputs[0], settled, outputs[0])
    return found


def _settled(
    graph: "Graph", operator: "Operator", found: "Mapping[int, Constants]"
) -> "Flags | None":
    """Return which output channels depend on constant channels alone, or None if none can."""
    view = weighed(graph, operator)
    if view is not None:
        unknown = ~_known(graph, view.source, found)
        return np.asarray(~(view.nonzero & unknown).any(axis=1))
    joined = links(graph, operator)
    if LAYERS.get(operator.op) == "depthwise" and joined is not None:
        weights = graph.tensors[operator.inputs[1]].values()
        known = _known(graph, operator.inputs[0], found)
        silent = np.asarray(~weights.any(axis=(0, 1, 2)))
        return silent | np.repeat(known, len(silent) // len(known))
    # A stored tensor that is no link, such as a single value for all channels, is known as well.
    varying = {
        index
        for index in operator.inputs
        if index != -1
        and graph.tensors[index].dtype == "int8"
        and graph.tensors[index].data is None
    }
    if joined is None or not varying <= {link.source for link in joined}:
        return None
    settled = np.ones(channels(graph, operator.outputs[0]), np.bool_)
    for link in joined:
        known = _known(graph, link.source, found)
        np.logical_and.at(settled, link.target_channels, known[link.source_channels])
    return settled


def _known(graph: "Graph", tensor: int, found: "Mapping[int, Constants]") -> "Flags":
    if tensor in found:
        return found[tensor].known
    # The channels of a stored tensor reach the oracle with the operator.
    return np.full(channels(graph, tensor), graph.tensors[tensor].data is not None)


def _filled(graph: "Graph", index: int, constants: Constants | None) -> "Array":
    """Return values for tensor ``index``: its constants, and anything elsewhere."""
    tensor = graph.tensors[index]
    values = np.zeros(tensor.shape, tensor.dtype)
    if constants is not None:
        values[..., constants.known] = constants.stored[constants.known]
    return values


def _keep_uniform(
    found: dict[int, Constants], tensor: int, settled: "Flags", output: "Array"
) -> None:
    flat = output.reshape(-1, output.shape[-1])
    known = settled & (flat == flat[0]).all(axis=0)
    if known.any():
        found[tensor] = Constants(known=known, stored=flat[0].astype(np.int8))
