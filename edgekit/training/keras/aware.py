"""The layer that takes the place of one in a model, and computes as its integer form will."""

from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from edgekit.training._tensorflow import keras3, tensorflow
from edgekit.training.keras.freezing import frozen, is_freezing
from edgekit.training.keras.kerass_layer import KerasLayer, registered
from edgekit.training.keras.observe import Observe
from edgekit.training.keras.precision import precision_of
from edgekit.training.keras.recipes import RECIPES, Inside, factor_of, shift_of
from edgekit.training.keras.rounding import on_weight_grid, plain, round_weights, with_range
from edgekit.training.keras.slots import Slots, decoded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgekit.training._tensorflow import Config, Layer, Tensor
    from edgekit.training.keras.precision import FixedRange

    Output = Literal["own", "none", "softmax", "sigmoid", "tanh"]


CHANNEL_AXES: dict[str, tuple[int, ...]] = {
    "Conv1D": (2,),
    "Conv1DTranspose": (1,),
    "Conv2D": (3,),
    "Conv2DTranspose": (2,),
    "Dense": (1,),
    "DepthwiseConv1D": (1, 2),
    "DepthwiseConv2D": (2, 3),
    "EinsumDense": (),
}
"""By layer: the axes of its kernel that make an output channel; none: one step for all."""
_ONE_STEP = frozenset({"Conv1DTranspose", "Conv2DTranspose", "EinsumDense"})
"""Kernels that the converter takes with a range beside them alone, see `with_range`."""
_ONE_STEP_OF_DENSE = frozenset({"int4", "int16x8"})
"""Schemes with one scale for FULLY_CONNECTED: TFLite-Micro's int4 kernel, and `with_range`."""
_NEVER_PACKED = frozenset({"Conv1DTranspose", "Conv2DTranspose"})  # no int4 kernel


@registered(package="edgekit")
class Aware(KerasLayer):  # type: ignore[misc]  # Keras has no types
    """Computes what ``layer`` computes, with the rounding of its integer form.

    Args:
        layer: The layer, without its activation; None for an operation that has none.
        recipe: ``"kernel"`` for a layer with a kernel, ``"call"`` for one to be called as it is,
            or a name in `edgekit.training.keras.recipes.RECIPES`.
        inputs: How the layer is called; see `edgekit.training.keras.slots`.
        scheme: Such as ``"int8"``.
        normalization: A BatchNormalization right behind a kernel, folded into it.
        fused: ``"relu"`` or ``"relu6"`` right behind, which the converter takes in.
        output: ``"own"`` range, ``"none"``, or the operator whose range the runtimes fix.
        final: Whether the output leaves the model.
        **options: Of a Keras layer.
    """

    def __init__(
        self,
        layer: "Layer",
        recipe: str,
        inputs: "Config",
        scheme: str = "int8",
        normalization: "Layer" = None,
        fused: str | None = None,
        output: "Output" = "own",
        final: bool = False,  # noqa: FBT001, FBT002  a config's key
        **options: "Config",
    ) -> None:
        super().__init__(**options)
        self.layer, self.normalization = layer, normalization
        self.recipe, self.inputs, self.scheme = recipe, inputs, scheme
        self.fused, self.output_range, self.final = fused, output, final
        self.precision = precision_of(scheme)
        self.supports_masking = True
        steps: tuple[FixedRange | None, ...] = ()
        if recipe in RECIPES:
            steps = RECIPES[recipe].ranges
        self.steps = [
            Observe(scheme, fixed=fixed, name=f"step_{number}")
            for number, fixed in enumerate(steps)
        ]
        self.range = _range(scheme, output, final=final)
        self._build(decoded(inputs))

    def _build(self, slots: Slots) -> None:
        if self.layer is not None and not self.layer.built:
            self.layer.build(*slots.shapes)
        if self.normalization is not None and not self.normalization.built:
            self.normalization.build(self.layer.compute_output_shape(*slots.shapes))
        self.slots = slots
        self.built = True

    def call(self, *tensors: "Tensor", training: bool | None = None) -> "Tensor":
        """Return what the layer makes of ``tensors``, rounded."""
        if self.recipe == "kernel":
            values = self._kernel(*tensors, training=bool(training))
        elif self.recipe == "call":
            values = self.slots.call(self.layer, tensors)
        else:
            observers = iter(self.steps)
            inside = Inside(
                layer=self.layer,
                observe=lambda step: next(observers)(step, training=training),
                precision=self.precision,
                training=bool(training),
            )
            compute = RECIPES[self.recipe].compute
            values = self.slots.call(lambda *a, **k: compute(inside, *a, **k), tensors)
        if self.fused is not None:
            values = getattr(keras3().ops, self.fused)(values)
        return values if self.range is None else self.range(values, training=training)

    def compute_output_spec(self, *tensors: "Tensor", **_: object) -> "Tensor":
        """Return the shape and type of the result."""
        if self.recipe in {"call", "kernel"}:
            return self.slots.spec(self.layer, tensors, dtype=self.compute_dtype)
        return super().compute_output_spec(*tensors)

    def get_config(self) -> "Config":
        """Return what the layer is made again from."""
        serialize = keras3().saving.serialize_keras_object
        return {
            **super().get_config(),
            "layer": serialize(self.layer),
            "normalization": serialize(self.normalization),
            "recipe": self.recipe,
            "inputs": self.inputs,
            "scheme": self.scheme,
            "fused": self.fused,
            "output": self.output_range,
            "final": self.final,
        }

    @classmethod
    def from_config(cls, config: "Config") -> "Layer":
        """Return the layer that ``config`` describes."""
        deserialize = keras3().saving.deserialize_keras_object
        layers = {name: deserialize(config[name]) for name in ("layer", "normalization")}
        return cls(**{**config, **layers})

    @property
    def held(self) -> "tuple[Layer, ...]":
        """The layer inside, where there is one."""
        return () if self.layer is None else (self.layer,)

    @property
    def bits(self) -> int:
        """The bits of a weight."""
        return 8 if _kind(self.layer) in _NEVER_PACKED else self.precision.weight_bits

    @property
    def axes(self) -> tuple[int, ...]:
        """The axes of the kernel that get a step for each of their entries."""
        kind = _kind(self.layer)
        one = kind in _ONE_STEP or (kind == "Dense" and self.scheme in _ONE_STEP_OF_DENSE)
        return () if one else CHANNEL_AXES[kind]

    def _kernel(self, values: "Tensor", *, training: bool) -> "Tensor":
        normal = self.normalization
        if normal is None:
            return self._applied(values, self._rounded(None), self._bias())
        if training and normal.trainable:
            raw = self._applied(values, self._rounded(self._factor()), self._bias())
            return normal(raw, training=True)
        return self._applied(values, self._folded_kernel(), frozen(self._folded_bias))

    def _rounded(self, factor: "Tensor | None") -> "Tensor":
        """Return the kernel on its grid, or on that of the kernel times ``factor``.

        Where each channel has a step of its own, its factor changes nothing.
        """
        tf = tensorflow()
        kernel = plain(self.layer.kernel)
        if is_freezing():
            return frozen(lambda: on_weight_grid(kernel_of(self), bits=self.bits, axes=self.axes))
        if factor is None or self.axes:
            return round_weights(kernel, bits=self.bits, axes=self.axes)
        factor = tf.where(factor == 0, 1.0, tf.stop_gradient(factor))
        return round_weights(kernel * factor, bits=self.bits, axes=self.axes) / factor

    def _folded_kernel(self) -> "Tensor":
        def on_grid() -> "Tensor":
            folded = kernel_of(self) * self._factor()
            if is_freezing():
                return on_weight_grid(folded, bits=self.bits, axes=self.axes)
            return round_weights(folded, bits=self.bits, axes=self.axes)

        return frozen(on_grid)

    def _factor(self) -> "Tensor":
        """Return what the normalization multiplies each channel by, in the kernel's shape."""
        normal = self.normalization
        factor = factor_of(normal, normal.moving_variance.value)
        axes = CHANNEL_AXES[_kind(self.layer)]
        kernel = self.layer.kernel.shape
        shape = [size if axis in axes else 1 for axis, size in enumerate(kernel)]
        return tensorflow().reshape(factor, shape)

    def _folded_bias(self) -> "Tensor":
        normal = self.normalization
        mean, variance = normal.moving_mean.value, normal.moving_variance.value
        shift = shift_of(normal, mean, variance)
        bias = self._bias()
        return shift if bias is None else shift + bias * factor_of(normal, variance)

    def _bias(self) -> "Tensor | None":
        bias = getattr(self.layer, "bias", None)
        return None if bias is None else plain(bias)

    def _applied(self, values: "Tensor", kernel: "Tensor", bias: "Tensor | None") -> "Tensor":
        """Return what the layer makes of ``values`` with another kernel and bias."""
        if is_freezing() and (self.precision.symmetric or _kind(self.layer) in _ONE_STEP):
            kernel = with_range(kernel, axes=self.axes)
        swapped = [(self.layer.kernel, kernel)]
        own = getattr(self.layer, "bias", None)
        if own is not None:
            swapped.append((own, bias))
        with keras3().StatelessScope(swapped, initialize_variables=False), _bare(self.layer):
            result = self.layer.call(values)
        if own is None and bias is not None:
            result = result + tensorflow().cast(bias, result.dtype)
        return result


def kernel_of(wrapper: Aware) -> "Tensor":
    """Return the kernel of the layer inside as it is kept."""
    return plain(wrapper.layer.kernel)


@contextmanager
def _bare(layer: "Layer") -> "Iterator[None]":
    """Let ``layer`` compute without its activation, which stands behind it."""
    activation = layer.activation if hasattr(layer, "activation") else None
    if activation is None:
        yield
        return
    layer.activation = None
    try:
        yield
    finally:
        layer.activation = activation


def _kind(layer: "Layer") -> str:
    return type(layer).__name__


def _range(scheme: str, output: "Output", *, final: bool) -> "Observe | None":
    if output == "none":
        return None
    if output == "own":
        return Observe(scheme, name="range")
    return Observe(scheme, fixed=output, final=final, name="range")
