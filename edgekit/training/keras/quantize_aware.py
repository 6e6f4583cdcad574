"""A Keras 3 model made aware of its quantization: to be compiled and trained as any other."""

from typing import TYPE_CHECKING

from edgekit.errors import UnsupportedModelError, UsageError
from edgekit.training._tensorflow import keras3
from edgekit.training.keras.apart import apart
from edgekit.training.keras.inlined import Inlined
from edgekit.training.keras.parts import Maker, run
from edgekit.training.keras.plan import plan
from edgekit.training.keras.precision import AwareScheme, precision_of
from edgekit.training.keras.treatments import is_layer
from edgekit.training.keras.walk import is_model, walk

if TYPE_CHECKING:
    from edgekit.training._tensorflow import Layer, Model, Tensor, Tensors


def quantize_aware(model: "Model", *, scheme: AwareScheme = "int8") -> "Model":
    """Return a copy of a Keras 3 ``model`` that computes with the rounding of its integers.

    It is a Keras model: compile it and fit it, with any loss, data and callbacks. Kernels are
    rounded as the file will hold them, and the range of each activation is learned while it
    trains; `edgekit.convert` takes both from it. Batch normalization behind a kernel is folded
    into it. Layers keep their names; of one with an activation that TFLite computes by itself,
    the kernel is called ``NAME_linear``.

    Args:
        model: Functional or sequential, nested or not, built; left as it was.
        scheme: ``"int8"``; ``"int4"`` for weights of 4 bits where TFLite-Micro has kernels;
            ``"int16x8"`` for activations of 16 bits.

    Raises:
        UnsupportedModelError: Its layers cannot be walked, or one cannot be copied.
        UsageError: Keras runs on another backend than TensorFlow, or an unknown scheme.
    """
    precision_of(scheme)
    keras = keras3()
    if keras.backend.backend() != "tensorflow":
        raise UsageError(
            "quantization-aware training works with Keras on TensorFlow, not on "
            f"{keras.backend.backend()}",
            hint="set KERAS_BACKEND=tensorflow before Keras is imported",
        )
    _require_walkable(model)
    graph = apart(walk(model))
    pairs: list[tuple[Layer, Layer]] = []

    def copy(operation: "Layer", name: str) -> "Layer":
        new = _copied(operation, name)
        if is_layer(operation):
            pairs.append((operation, new))
        return new

    maker = Maker(graph=graph, plan=plan(graph, observe_inputs=True), scheme=scheme, copy=copy)
    inputs = keras.tree.map_structure(_input, _structure(model, "inputs"))
    tensors = dict(zip(graph.inputs, keras.tree.flatten(inputs), strict=True))
    run(maker.parts(), tensors)
    outputs = keras.tree.map_structure(lambda item: tensors[item.edge], graph.outputs)
    aware = _class_of(model)(inputs=inputs, outputs=outputs, name=model.name)
    for old, new in pairs:
        new.set_weights(old.get_weights())
    return aware


def left(model: "Model") -> dict[str, str]:
    """Return the layers of a quantization-aware ``model`` that it could not look into, and why."""
    return {
        layer.layer.name: layer.reason
        for layer in model._flatten_layers()  # noqa: SLF001  Keras has no public way
        if isinstance(layer, Inlined) and layer.reason
    }


def _require_walkable(model: "Model") -> None:
    if not is_model(model) or not getattr(model, "built", False):
        raise UnsupportedModelError(
            f"model '{getattr(model, 'name', type(model).__name__)}' "
            f"({type(model).__name__}) is subclassed or was never built: its layers cannot be "
            "walked",
            hint="build it with the functional API: keras.Model(inputs, outputs)",
        )


def _copied(operation: "Layer", name: str) -> "Layer":
    try:
        new = type(operation).from_config({**operation.get_config(), "name": name})
    except (NotImplementedError, TypeError, ValueError) as error:
        raise UnsupportedModelError(
            f"layer '{operation.name}' ({type(operation).__name__}) cannot be copied: "
            f"{str(error).strip().splitlines()[0]}",
            hint="give its class a get_config that returns the arguments of its __init__",
        ) from error
    if is_layer(operation) and operation.built and not new.built:
        new.build_from_config(operation.get_build_config() or {})
    return new


def _input(spec: "Tensor") -> "Tensor":
    return keras3().Input(batch_shape=spec.shape, dtype=spec.dtype, name=spec.name)


def _structure(model: "Model", which: str) -> "Tensors":
    functional = getattr(model, "_functional", None) or model
    return getattr(functional, f"_{which}_struct", getattr(model, which))


def _class_of(model: "Model") -> "type[Model]":
    """Return the model's own class where it is made of inputs and outputs."""
    from keras.src.models.functional import Functional, functional_like_constructor

    kind = type(model)
    own = issubclass(kind, Functional) and functional_like_constructor(kind)
    found: type[Model] = kind if own else keras3().Model
    return found
