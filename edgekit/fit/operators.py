"""Does every operator of a model run in a target's runtime, and if not: which, where, why."""

from dataclasses import dataclass
from inspect import cleandoc
from typing import TYPE_CHECKING

from edgekit.fit.tflm_operators import CUSTOM, TYPES
from edgekit.model.operators import DECODE, kind_of, layer_tensors
from edgekit.record.fit import Unsupported
from edgekit.runtimes.crash_site import failed_check

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgekit.devices.profile import RuntimeProfile
    from edgekit.model.reader import Graph, Model, Operator


@dataclass(frozen=True, kw_only=True, slots=True)
class Use:
    """An operator in its graph, on a runtime: what a rule looks at."""

    graph: "Graph"
    operator: "Operator"
    runtime: "RuntimeProfile"

    @property
    def activation_type(self) -> str:
        """The type of the tensor that the operator works on; empty where it has no input."""
        index = layer_tensors(self.operator).data
        return "" if index == -1 else self.graph.tensors[index].dtype

    @property
    def weight_type(self) -> str:
        """The type of the weights; empty where the operator has none."""
        index = layer_tensors(self.operator).weights
        if kind_of(self.operator).channel_axis is None or index == -1:
            return ""
        return self.graph.tensors[index].dtype

    @property
    def taken(self) -> frozenset[str] | None:
        """The types of activations for which there is a kernel; None where no type is asked."""
        return None if self.operator.is_custom else TYPES.get(self.operator.op)

    @property
    def types(self) -> frozenset[str]:
        """The types of all its tensors."""
        used = (*self.operator.inputs, *self.operator.outputs)
        return frozenset(self.graph.tensors[index].dtype for index in used if index != -1)


def unsupported_operators(model: "Model", runtime: "RuntimeProfile") -> tuple[Unsupported, ...]:
    """Return the operators of ``model`` that ``runtime`` refuses, each with its first reason."""
    rules = RULES[runtime.name]
    refused = []
    for subgraph, graph in enumerate(model.graphs):
        for operator in graph.operators:
            use = Use(graph=graph, operator=operator, runtime=runtime)
            broken = next((rule for rule in rules if rule(use)), None)
            if broken is not None:
                refused.append(_refusal(use, broken, subgraph))
    return tuple(refused)


def keras_layer(name: str) -> str:
    """Return the Keras layer in a tensor's name, as TensorFlow's converter writes it.

    ``"model/conv2d_1/Relu;model/conv2d_1/BiasAdd"`` is made by ``"conv2d_1"``: the part before
    the operation, without the model's own name.
    """
    parts = name.split(";", maxsplit=1)[0].split("/")
    return parts[-2] if len(parts) > 1 else ""


def explanation(rule: "Callable[[Use], bool]") -> tuple[str, str]:
    """Return a rule's reason and what to do instead: the two paragraphs of its docstring."""
    reason, _, instead = cleandoc(rule.__doc__ or "").partition("\n\n")
    return reason.replace("\n", " ").rstrip("."), instead.replace("\n", " ").rstrip(".")


def _refusal(use: Use, rule: "Callable[[Use], bool]", subgraph: int) -> Unsupported:
    reason, instead = explanation(rule)
    words = {
        "op": use.operator.op,
        "type": use.activation_type or "none",
        "weights": use.weight_type or "none",
        "runtime": use.runtime.name,
        "taken": ", ".join(sorted(use.taken or ())),
        "check": failed_check(use.graph, use.operator) or "none",
    }
    return Unsupported(
        op=use.operator.op,
        index=use.operator.index,
        subgraph=subgraph,
        reason=reason.format(**words),
        layer=keras_layer(use.graph.tensors[use.operator.outputs[0]].name)
        if use.operator.outputs
        else "",
        instead=instead.format(**words),
    )


def _not_in_tflm(use: Use) -> bool:
    """TFLite-Micro has no operator {op}.

    replace the layer that makes it; docs/targets.md lists the operators there are
    """
    known = CUSTOM if use.operator.is_custom else TYPES
    return use.operator.op not in known


def _no_decode(use: Use) -> bool:
    """The target's TFLite-Micro is older than the DECODE operator.

    flash the model as it was before 'edgekit shrink' coded it, or update the runtime and set
    runtime.decode = true in the profile
    """
    return use.operator.op == DECODE and not use.runtime.decode


def _sets_up_variables(use: Use) -> bool:
    """{op} sets up variables by a further graph; edgekit plans and proves models of one graph.

    keep what changes outside of the model: take it as an input and give it back as an output
    """
    return use.operator.op == "CALL_ONCE"


def _loops(use: Use) -> bool:
    """{op} runs further graphs of the file; edgekit plans and proves models of one graph.

    write the steps of the loop out: unroll=True in a recurrent layer, a Python range elsewhere
    """
    return use.operator.op == "WHILE"


def _branches(use: Use) -> bool:
    """{op} runs further graphs of the file; edgekit plans and proves models of one graph.

    compute both branches and choose with tf.where
    """
    return use.operator.op == "IF"


def _legacy_uint8(use: Use) -> bool:
    """{op} works on uint8, the quantization of before 2020, which has no kernels any more.

    convert the float model again: edgekit convert FLOAT_MODEL --data DATA --out FILE
    """
    return use.activation_type == "uint8" and use.taken is not None and "uint8" not in use.taken


def _half_float(use: Use) -> bool:
    """{op} touches float16, which microcontrollers' kernels have not.

    quantize the float model to int8: edgekit convert FLOAT_MODEL --data DATA --out FILE
    """
    return "float16" in use.types


def _hybrid(use: Use) -> bool:
    """{op} is hybrid: {type} activations with {weights} weights (a dynamic-range model).

    quantize the activations of the float model too: edgekit convert FLOAT_MODEL --data DATA
    --out FILE
    """
    weights = use.weight_type
    return weights != "" and (use.activation_type == "float32") != (weights == "float32")


def _int4_without_kernel(use: Use) -> bool:
    """{op} has int4 weights and {type} activations, for which there is no kernel.

    keep its weights int8, as this does: edgekit convert FLOAT_MODEL --data DATA --scheme int4
    --out FILE
    """
    taken = kind_of(use.operator).int4_scales is not None and use.activation_type == "int8"
    return "int4" in use.types and not taken


def _int4_by_channel(use: Use) -> bool:
    """{op} has int4 weights with a scale a channel; its kernel takes one scale for all.

    give it one scale, as this does: edgekit convert FLOAT_MODEL --data DATA --scheme int4
    --out FILE
    """
    if kind_of(use.operator).int4_scales != "tensor" or use.weight_type != "int4":
        return False
    quantization = use.graph.tensors[use.operator.inputs[1]].quantization
    return quantization is not None and len(quantization.scales) > 1


def _no_kernel(use: Use) -> bool:
    """{op} has no kernel for {type}, only for {taken}.

    keep that layer out of the graph, or replace it by layers whose operators take {type}
    """
    return use.taken is not None and use.activation_type not in use.taken


def _aborts(use: Use) -> bool:
    """TFLite-Micro aborts there: {check}.

    give a trained model and its own calibration data: values this small come of weights that were
    never trained, or of samples unlike real ones
    """
    return failed_check(use.graph, use.operator) is not None


def _not_in_litert(use: Use) -> bool:
    """LiteRT has no operator {op}; it is TFLite-Micro's own.

    take the file as it was before 'edgekit shrink' coded it
    """
    return use.operator.is_custom and use.operator.op in CUSTOM - {"TFLite_Detection_PostProcess"}


def _foreign(use: Use) -> bool:
    """{op} is a custom operator that LiteRT does not bring along.

    replace the layer that makes it, or register its kernel in the application
    """
    return use.operator.is_custom and use.operator.op not in CUSTOM


def _channel_axis(use: Use) -> bool:
    """{op} has a tensor whose channels are said to run along a dimension that it has not.

    convert the model again: converters before 2021 wrote this, and LiteRT refuses to load it
    """
    used = [use.graph.tensors[index] for index in use.operator.inputs if index != -1]
    return any(
        tensor.quantization is not None
        and len(tensor.quantization.scales) > 1
        and tensor.quantization.axis >= len(tensor.shape)
        for tensor in used
    )


RULES: "dict[str, tuple[Callable[[Use], bool], ...]]" = {
    "tflite-micro": (
        _not_in_tflm,
        _no_decode,
        _sets_up_variables,
        _loops,
        _branches,
        _half_float,
        _legacy_uint8,
        _hybrid,
        _int4_without_kernel,
        _int4_by_channel,
        _no_kernel,
        _aborts,
    ),
    "litert": (_not_in_litert, _foreign, _channel_axis),
}
"""By runtime: what refuses an operator, in the order of asking."""
