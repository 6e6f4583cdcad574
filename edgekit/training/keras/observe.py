"""A layer that learns the range of an activation, and rounds to it."""

from typing import TYPE_CHECKING

import numpy as np

from edgekit.training._tensorflow import keras3, tensorflow
from edgekit.training.keras.freezing import frozen_pair, is_freezing, note_unseen
from edgekit.training.keras.kerass_layer import KerasLayer, registered
from edgekit.training.keras.precision import fixed_range, precision_of
from edgekit.training.keras.rounding import bounds, round_activation, round_average

if TYPE_CHECKING:
    from edgekit.training._tensorflow import Config, Tensor
    from edgekit.training.keras.precision import FixedRange

_MOMENTUM = 0.9  # about the last ten batches: a slower range lags behind what is learned


@registered(package="edgekit")
class Observe(KerasLayer):  # type: ignore[misc]  # Keras has no types
    """Rounds what it is given to the integers of its range.

    The range is a moving average of the least and the greatest value of a batch in training.
    Before it has seen anything, it lets all pass.

    Args:
        scheme: Such as ``"int8"``.
        slots: How many tensors share the range, each told apart by ``slot`` of the call.
        fixed: The operator whose range the runtimes fix; nothing is learned then.
        final: Whether what it is given leaves the model: a fixed range is not rounded to in
            training then, so that a loss sees small probabilities.
        **options: Of a Keras layer.
    """

    def __init__(
        self,
        scheme: str = "int8",
        slots: int = 1,
        fixed: "FixedRange | None" = None,
        final: bool = False,  # noqa: FBT001, FBT002  a config's key
        **options: "Config",
    ) -> None:
        super().__init__(**{**options, "dtype": "float32", "autocast": False})
        self.scheme, self.slots, self.fixed, self.final = scheme, slots, fixed, final
        self.precision = precision_of(scheme)
        self.supports_masking = True
        if fixed is None:
            self.low, self.high, self.seen = map(self._weight, ("low", "high", "seen"))
        self.built = True

    def call(
        self,
        values: "Tensor",
        slot: int = 0,
        average: bool = False,  # noqa: FBT001, FBT002  a config's key
        training: bool | None = None,  # noqa: FBT001  Keras's own
    ) -> "Tensor":
        """Return ``values`` rounded, and learn their range in training.

        Args:
            values: Of any float type.
            slot: Which of the tensors that share the range they are.
            average: Whether they are averages of values that were rounded to this range: then
                there is nothing to learn, and halves go as they do in the runtimes.
            training: Whether to learn.
        """
        if self.fixed is not None:
            return self._fixed(values, training=bool(training))
        rounded = self._averaged if average else self._rounded
        if training:
            if not average:
                self._learn(values, slot)
            return rounded(values)
        if is_freezing():
            self._note_unseen()
            return values if average else rounded(values)  # the converter keeps the range
        known = tensorflow().reduce_max(self.seen.value) > 0
        return tensorflow().cond(known, lambda: rounded(values), lambda: values)

    def _fixed(self, values: "Tensor", *, training: bool) -> "Tensor":
        # the converter knows these ranges of 8 bits, and how to go from them to another one
        known = is_freezing() and not self.precision.symmetric
        if self.fixed is None or known or (training and self.final):
            return values
        low, high = fixed_range(self.fixed, self.precision)
        return round_activation(values, low, high, self.precision)

    def compute_output_spec(self, values: "Tensor", **_: object) -> "Tensor":
        """Return the shape and type of the result: those of ``values``."""
        return keras3().KerasTensor(values.shape, dtype=values.dtype)

    def get_config(self) -> "Config":
        """Return what the layer is made again from."""
        own = {name: getattr(self, name) for name in ("scheme", "slots", "fixed", "final")}
        return {**super().get_config(), **own}

    def _weight(self, name: str) -> "Tensor":
        return self.add_weight(
            shape=(self.slots,), initializer="zeros", trainable=False, name=name, autocast=False
        )

    def _learn(self, values: "Tensor", slot: int) -> None:
        tf = tensorflow()
        mine = tf.one_hot(slot, self.slots)
        share = mine * tf.maximum(1.0 / (self.seen.value + 1.0), 1.0 - _MOMENTUM)
        plain = tf.cast(tf.stop_gradient(values), tf.float32)
        low, high = self.low.value, self.high.value
        self.low.assign(low + share * (tf.reduce_min(plain) - low))
        self.high.assign(high + share * (tf.reduce_max(plain) - high))
        self.seen.assign(self.seen.value + mine)

    def _rounded(self, values: "Tensor") -> "Tensor":
        low, high = frozen_pair(self._bounds)
        return round_activation(values, low, high, self.precision)

    def _averaged(self, values: "Tensor") -> "Tensor":
        return round_average(values, *self._bounds(), self.precision)

    def _bounds(self) -> "tuple[Tensor, Tensor]":
        tf = tensorflow()
        low, high = tf.reduce_min(self.low.value), tf.reduce_max(self.high.value)
        return bounds(low, high, self.precision)

    def _note_unseen(self) -> None:
        with tensorflow().init_scope():
            seen = np.asarray(self.seen)
        if not np.all(seen > 0):
            note_unseen(self.name)
