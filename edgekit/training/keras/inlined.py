"""A layer whose own calls are followed: attention, merges of many, layers of the user's own."""

import inspect
from typing import TYPE_CHECKING

from edgekit.training._tensorflow import keras3, tensorflow
from edgekit.training.keras.apart import apart
from edgekit.training.keras.freezing import frozen, frozen_pair
from edgekit.training.keras.kerass_layer import KerasLayer, registered
from edgekit.training.keras.observe import Observe
from edgekit.training.keras.plan import plan
from edgekit.training.keras.precision import precision_of
from edgekit.training.keras.rounding import bounds_of, plain, round_activation
from edgekit.training.keras.slots import Slots, decoded
from edgekit.training.keras.walk import KerasGraph, walk

if TYPE_CHECKING:
    from edgekit.training._tensorflow import Config, Layer, Tensor, Tensors

_NEVER = frozenset({"Bidirectional", "GRU", "LSTM", "RNN", "SimpleRNN", "TimeDistributed"})
"""Layers with loops, which are no calls of Keras."""


@registered(package="edgekit")
class Inlined(KerasLayer):  # type: ignore[misc]  # Keras has no types
    """Computes what ``layer`` computes, with the rounding of each call inside of it.

    The layer is called once on symbolic tensors, and what it calls is followed from then on. A
    layer that calls something else than Keras is left as it is, and only its outputs are rounded.

    Args:
        layer: Any layer.
        inputs: How it is called; see `edgekit.training.keras.slots`.
        scheme: Such as ``"int8"``.
        **options: Of a Keras layer.
    """

    def __init__(
        self, layer: "Layer", inputs: "Config", scheme: str = "int8", **options: "Config"
    ) -> None:
        super().__init__(**options)
        self.layer, self.inputs, self.scheme = layer, inputs, scheme
        self.precision = precision_of(scheme)
        self.supports_masking = True
        self.slots = decoded(inputs)
        outputs = self.slots.call(layer, self.slots.tensors)  # builds it
        self.reason = _untraceable(layer)
        self._graph: KerasGraph | None = None
        if not self.reason:
            try:
                self._graph = traced(layer, self.slots)
            except Exception as error:  # noqa: BLE001  a user's code may raise anything
                self.reason = str(error).strip().splitlines()[0][:200]
        self._make(outputs)
        self.built = True

    def _make(self, outputs: "Tensors") -> None:
        """Make the layers inside."""
        from edgekit.training.keras.parts import Maker

        self.ranges: list[Layer] = []
        self.inside: list[Layer] = []
        if self._graph is None:
            self.ranges = [
                Observe(self.scheme, name=f"range_{number}")
                for number, item in enumerate(keras3().tree.flatten(outputs))
                if str(item.dtype).startswith(("float", "bfloat"))
            ]
            return
        maker = Maker(
            graph=self._graph,
            plan=plan(self._graph, observe_inputs=False),
            scheme=self.scheme,
            copy=lambda layer, _: layer,
        )
        self._parts = maker.parts()
        self.inside = maker.layers

    def call(self, *tensors: "Tensor", training: bool | None = None) -> "Tensors":
        """Return what the layer makes of ``tensors``, each step rounded."""
        if self._graph is None:
            return self._around(self.slots.call(self.layer, tensors), training=training)
        from edgekit.training.keras.parts import run

        values = dict(zip(self._graph.inputs, tensors, strict=True))
        run(self._parts, values, self._constant)
        return keras3().tree.map_structure(lambda item: values[item.edge], self._graph.outputs)

    def get_config(self) -> "Config":
        """Return what the layer is made again from."""
        layer = keras3().saving.serialize_keras_object(self.layer)
        own = {"layer": layer, "inputs": self.inputs, "scheme": self.scheme}
        return {**super().get_config(), **own}

    @classmethod
    def from_config(cls, config: "Config") -> "Layer":
        """Return the layer that ``config`` describes."""
        layer = keras3().saving.deserialize_keras_object(config["layer"])
        return cls(**{**config, "layer": layer})

    def _around(self, outputs: "Tensors", *, training: bool | None) -> "Tensors":
        ranges = iter(self.ranges)
        return keras3().tree.map_structure(
            lambda item: next(ranges)(item, training=training) if item.dtype.is_floating else item,
            outputs,
        )

    def _constant(self, item: "Tensor") -> "Tensor":
        """Return a weight of the layer as the file holds it: per tensor."""
        if not isinstance(item, keras3().Variable) or not str(item.dtype).startswith("float"):
            return item
        low, high = frozen_pair(lambda: bounds_of(plain(item), self.precision))
        rounded = round_activation(frozen(lambda: plain(item)), low, high, self.precision)
        return tensorflow().cast(rounded, self.compute_dtype)


def traced(layer: "Layer", slots: Slots) -> KerasGraph:
    """Return the calls inside of ``layer``.

    Raises:
        Exception: It computes by something else than Keras; whatever it raises then.
    """
    given = [keras3().KerasTensor(item.shape, dtype=item.dtype) for item in slots.tensors]
    outputs = slots.call(layer.call, given)
    return apart(walk(keras3().Function(given, outputs)))


def _untraceable(layer: "Layer") -> str:
    """Return why ``layer`` cannot be followed; nothing where it may be."""
    if type(layer).__name__ in _NEVER:
        return "it is a loop"
    own = not type(layer).__module__.startswith("keras.")
    if own and "training" in inspect.signature(layer.call).parameters:
        return "it may compute something else in training"
    return ""
