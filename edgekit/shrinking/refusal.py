"""Models that shrink does not take, each with its reason."""

from typing import TYPE_CHECKING

from edgekit.errors import InputError, UnsupportedModelError
from edgekit.model.operators import CONVERSIONS, DECODE, LAYERS

if TYPE_CHECKING:
    from edgekit.model.values import Model, Operator

_CODED_METADATA = "COMPRESSION_METADATA"  # of TFLite-Micro before the DECODE operator


def require_shrinkable(model: "Model") -> None:
    """Refuse a model that shrink cannot take.

    Raises:
        InputError: Its operators do not form a graph: the file is damaged.
        UnsupportedModelError: Several graphs, a float or a legacy uint8 model, or one whose
            constants are coded already.
    """
    if len(model.graphs) > 1:
        raise UnsupportedModelError(
            f"the model has {len(model.graphs)} subgraphs; shrink takes one",
            hint="convert one signature alone, without tf.cond, tf.while_loop and variables that "
            "change, and with unroll=True in recurrent layers",
        )
    named = {item.name for item in model.metadata}
    if _CODED_METADATA in named or any(item.op == DECODE for item in model.main.operators):
        raise UnsupportedModelError(
            "the model's constants are coded already",
            hint="shrink the file as it was before the coding",
        )
    for operator in model.main.operators:
        _require_integer(model, operator)
    _require_order(model)


def _require_integer(model: "Model", operator: "Operator") -> None:
    tensors = model.main.tensors
    if operator.op in LAYERS and tensors[operator.inputs[1]].dtype == "uint8":
        raise UnsupportedModelError(
            f"the model is of the legacy uint8 kind ({operator.op} at {operator.index}), "
            "which TFLite-Micro does not run",
            hint="convert the Keras model anew: edgekit convert MODEL --data DATA --out FILE",
        )
    around = (*operator.inputs, *operator.outputs)
    if operator.op not in CONVERSIONS and any(tensors[i].is_float for i in around if i != -1):
        raise UnsupportedModelError(
            f"the model is not fully integer: {operator.op} at {operator.index} computes in float",
            hint="quantize the float model: edgekit convert FLOAT_MODEL --data DATA --out FILE",
        )


def _require_order(model: "Model") -> None:
    """Refuse a graph in which a tensor is read before it is written, or written twice."""
    graph = model.main
    known = {
        tensor.index
        for tensor in graph.tensors
        if tensor.data is not None or tensor.is_variable or tensor.elements == 0
    }
    known |= {*graph.inputs, -1}
    for operator in graph.operators:
        unknown = [index for index in operator.inputs if index not in known]
        again = [index for index in operator.outputs if index in known]
        for index in unknown or again:
            how = "reads what nothing wrote" if unknown else "writes what is there already"
            raise InputError(
                f"damaged TFLite file: {operator.op} at {operator.index} {how} (tensor {index})"
            )
        known.update(operator.outputs)
