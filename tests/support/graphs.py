"""Small int8 models for tests, built without TensorFlow: random weights, valid quantization.

    builder = GraphBuilder((1, 8, 8, 3), seed=7)
    x = builder.conv(builder.input, 16, kernel=3, stride=2, activation="relu")
    y = builder.depthwise(x, kernel=3)
    x = builder.add(x, y)
    x = builder.average_pool(x, size=4)
    x = builder.fully_connected(builder.reshape(x, (1, 16)), 10)
    content = builder.build(builder.softmax(x))

Each method adds one operator and returns the index of its output tensor. Weights are int8
with one scale a channel (fully connected: one for all), biases int32 with the product scale;
output scales are chosen so that outputs neither saturate nor vanish. ``quantization=(scale,
zero_point)`` sets those of an output: inputs of a concatenation must share them.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgekit.model.values import Graph, Model, Operator, Quantization, Signature, Tensor
from edgekit.model.writer import write

if TYPE_CHECKING:
    import numpy.typing as npt

Activation = Literal["none", "relu", "relu6"]
Pair = int | tuple[int, int]

_ACTIVATIONS = {"none": 0, "relu": 1, "relu6": 3}
_PADDINGS = {"same": 0, "valid": 1}


class GraphBuilder:
    """A model in the making.

    Args:
        shape: Of the input, with the batch: ``(1, height, width, channels)`` or ``(1, features)``.
        seed: Of the weights, biases and zero points.
        quantization: Scale and zero point of the input.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        *,
        seed: int = 0,
        quantization: tuple[float, int] = (0.05, -3),
    ) -> None:
        self.rng = np.random.default_rng(seed)
        self.tensors: list[Tensor] = []
        self.operators: list[Operator] = []
        self.inputs: list[int] = []
        self.input = self.add_input(shape, quantization=quantization)

    def add_input(
        self, shape: tuple[int, ...], *, quantization: tuple[float, int] = (0.05, -3)
    ) -> int:
        """Add one more input of the model."""
        index = self._activation(shape, quantization, name=f"input_{len(self.inputs)}")
        self.inputs.append(index)
        return index

    def conv(
        self,
        x: int,
        filters: int,
        *,
        kernel: Pair = 1,
        stride: Pair = 1,
        dilation: Pair = 1,
        padding: Literal["same", "valid"] = "same",
        activation: Activation = "none",
        dead: tuple[int, ...] = (),
        quantization: tuple[float, int] | None = None,
    ) -> int:
        """Add CONV_2D; the weights of the output channels ``dead`` are all zero.

        It always has a bias: LiteRT refuses it without.
        """
        channels = self.tensors[x].shape[3]
        weights = self.random_weights((filters, *_pair(kernel), channels))
        weights[list(dead)] = 0
        options = schema.Conv2DOptionsT()
        self._spatial(options, stride, padding)
        options.dilationHFactor, options.dilationWFactor = _pair(dilation)
        options.fusedActivationFunction = _ACTIVATIONS[activation]
        fan_in = channels * np.prod(_pair(kernel))
        weighed = self._weighed(x, weights, axis=0, bias=True)
        shape = self._window(x, kernel, stride, dilation, padding, filters)
        q = quantization or self._output_quantization(x, weighed[0], float(fan_in), activation)
        return self._operator("CONV_2D", (x, *weighed), shape, q, options, version=3)

    def depthwise(
        self,
        x: int,
        *,
        kernel: Pair = 3,
        stride: Pair = 1,
        dilation: Pair = 1,
        padding: Literal["same", "valid"] = "same",
        activation: Activation = "none",
        multiplier: int = 1,
        dead: tuple[int, ...] = (),
        quantization: tuple[float, int] | None = None,
    ) -> int:
        """Add DEPTHWISE_CONV_2D; the weights of the output channels ``dead`` are all zero.

        It always has a bias: LiteRT crashes without.
        """
        channels = self.tensors[x].shape[3] * multiplier
        weights = self.random_weights((1, *_pair(kernel), channels))
        weights[..., list(dead)] = 0
        options = schema.DepthwiseConv2DOptionsT()
        self._spatial(options, stride, padding)
        options.dilationHFactor, options.dilationWFactor = _pair(dilation)
        options.depthMultiplier = multiplier
        options.fusedActivationFunction = _ACTIVATIONS[activation]
        weighed = self._weighed(x, weights, axis=3, bias=True)
        shape = self._window(x, kernel, stride, dilation, padding, channels)
        fan_in = float(np.prod(_pair(kernel)))
        q = quantization or self._output_quantization(x, weighed[0], fan_in, activation)
        return self._operator("DEPTHWISE_CONV_2D", (x, *weighed), shape, q, options, version=3)

    def fully_connected(
        self,
        x: int,
        units: int,
        *,
        activation: Activation = "none",
        bias: bool = True,
        dead: tuple[int, ...] = (),
        quantization: tuple[float, int] | None = None,
    ) -> int:
        """Add FULLY_CONNECTED on the last dimension; the weights of the units ``dead`` are zero."""
        features = self.tensors[x].shape[-1]
        weights = self.random_weights((units, features))
        weights[list(dead)] = 0
        options = schema.FullyConnectedOptionsT()
        options.fusedActivationFunction = _ACTIVATIONS[activation]
        weighed = self._weighed(x, weights, axis=None, bias=bias)
        shape = (int(np.prod(self.tensors[x].shape)) // features, units)
        q = quantization or self._output_quantization(x, weighed[0], float(features), activation)
        return self._operator("FULLY_CONNECTED", (x, *weighed), shape, q, options, version=4)

    def add(
        self,
        a: int,
        b: int,
        *,
        activation: Activation = "none",
        quantization: tuple[float, int] | None = None,
    ) -> int:
        """Add ADD of two tensors of one shape, or of shapes that broadcast."""
        options = schema.AddOptionsT()
        options.fusedActivationFunction = _ACTIVATIONS[activation]
        shape = np.broadcast_shapes(self.tensors[a].shape, self.tensors[b].shape)
        scale = 1.5 * max(self._quantization_of(a)[0], self._quantization_of(b)[0])
        q = quantization or (scale, self._zero_point(activation))
        return self._operator("ADD", (a, b), shape, q, options, version=2)

    def mul(self, a: int, b: int, *, quantization: tuple[float, int] | None = None) -> int:
        """Add MUL of two tensors of one shape, or of shapes that broadcast."""
        shape = np.broadcast_shapes(self.tensors[a].shape, self.tensors[b].shape)
        scale = 40 * self._quantization_of(a)[0] * self._quantization_of(b)[0]
        q = quantization or (scale, self._zero_point("none"))
        return self._operator("MUL", (a, b), shape, q, schema.MulOptionsT(), version=2)

    def concat(self, inputs: tuple[int, ...], *, axis: int = 3) -> int:
        """Add CONCATENATION of tensors that share scale and zero point."""
        quantizations = {self._quantization_of(item) for item in inputs}
        assert len(quantizations) == 1, "inputs of a concatenation share scale and zero point"
        options = schema.ConcatenationOptionsT()
        options.axis = axis
        shape = list(self.tensors[inputs[0]].shape)
        shape[axis] = sum(self.tensors[item].shape[axis] for item in inputs)
        q = quantizations.pop()
        return self._operator("CONCATENATION", inputs, tuple(shape), q, options, version=2)

    def max_pool(self, x: int, *, size: Pair = 2, stride: Pair | None = None) -> int:
        """Add MAX_POOL_2D without padding."""
        return self._pool("MAX_POOL_2D", x, size, stride, "valid")

    def average_pool(
        self,
        x: int,
        *,
        size: Pair = 2,
        stride: Pair | None = None,
        padding: Literal["same", "valid"] = "valid",
    ) -> int:
        """Add AVERAGE_POOL_2D."""
        return self._pool("AVERAGE_POOL_2D", x, size, stride, padding)

    def mean(self, x: int, *, keep: bool = False) -> int:
        """Add MEAN over height and width, into a quantization of its own."""
        axes = self.constant(np.array([1, 2], np.int32))
        options = schema.ReducerOptionsT()
        options.keepDims = keep
        batch, _, _, channels = self.tensors[x].shape
        shape = (batch, 1, 1, channels) if keep else (batch, channels)
        scale, zero_point = self._quantization_of(x)
        return self._operator("MEAN", (x, axes), shape, (scale / 2, zero_point), options, version=2)

    def pad(self, x: int, paddings: tuple[tuple[int, int], ...]) -> int:
        """Add PAD with the zero point: ``((0, 0), (top, bottom), (left, right), (0, 0))``."""
        table = self.constant(np.array(paddings, np.int32))
        sizes = zip(self.tensors[x].shape, paddings, strict=True)
        shape = tuple(size + before + after for size, (before, after) in sizes)
        q = self._quantization_of(x)
        return self._operator("PAD", (x, table), shape, q, schema.PadOptionsT(), version=2)

    def reshape(self, x: int, shape: tuple[int, ...]) -> int:
        """Add RESHAPE with its shape as a constant tensor."""
        target = self.constant(np.array(shape, np.int32))
        options = schema.ReshapeOptionsT()
        options.newShape = list(shape)
        q = self._quantization_of(x)
        return self._operator("RESHAPE", (x, target), shape, q, options)

    def transpose(self, x: int, order: tuple[int, ...]) -> int:
        """Add TRANSPOSE, which keeps the grid of its input."""
        shape = tuple(self.tensors[x].shape[axis] for axis in order)
        places = self.constant(np.array(order, np.int32))
        q = self._quantization_of(x)
        options = schema.TransposeOptionsT()
        return self._operator("TRANSPOSE", (x, places), shape, q, options, version=2)

    def softmax(self, x: int) -> int:
        """Add SOFTMAX, with the output scale 1/256 and zero point -128 that it must have."""
        options = schema.SoftmaxOptionsT()
        options.beta = 1.0
        q = (1 / 256, -128)
        return self._operator("SOFTMAX", (x,), self.tensors[x].shape, q, options, version=2)

    def logistic(self, x: int) -> int:
        """Add LOGISTIC, with the output scale 1/256 and zero point -128 that it must have."""
        shape = self.tensors[x].shape
        return self._operator("LOGISTIC", (x,), shape, (1 / 256, -128), None, version=2)

    def unary(self, op: str, x: int, *, quantization: tuple[float, int] | None = None) -> int:
        """Add an operator of one input without options, such as RELU, RELU6 or HARD_SWISH."""
        q = quantization or self._quantization_of(x)
        version = 1 if op == "HARD_SWISH" else 2
        return self._operator(op, (x,), self.tensors[x].shape, q, None, version=version)

    def quantize(self, x: int, *, quantization: tuple[float, int]) -> int:
        """Add QUANTIZE from one int8 scale to another."""
        shape = self.tensors[x].shape
        options = schema.QuantizeOptionsT()
        return self._operator("QUANTIZE", (x,), shape, quantization, options, version=2)

    def constant(
        self, values: "npt.NDArray[np.generic]", *, quantization: tuple[float, int] | None = None
    ) -> int:
        """Add a constant tensor."""
        made = None if quantization is None else _quantization([quantization[0]], quantization[1])
        dtype = str(values.dtype)
        return self._tensor(values.shape, dtype, data=values.tobytes(), quantization=made)

    def random_weights(self, shape: tuple[int, ...]) -> "npt.NDArray[np.int8]":
        """Return int8 weights in [-127, 127]."""
        return np.clip(self.rng.normal(0, 40, shape), -127, 127).round().astype(np.int8)

    def set_data(self, tensor: int, values: "npt.NDArray[np.generic]") -> None:
        """Replace the content of constant ``tensor``."""
        self.tensors[tensor] = replace(self.tensors[tensor], data=values.tobytes())

    def model(self, *outputs: int) -> Model:
        """Return the model with these outputs; a signature names inputs and outputs."""
        graph = Graph(
            name="main",
            tensors=tuple(self.tensors),
            operators=tuple(self.operators),
            inputs=tuple(self.inputs),
            outputs=outputs,
        )
        signature = Signature(
            key="serving_default",
            graph=0,
            inputs=tuple((f"x{place}", index) for place, index in enumerate(self.inputs)),
            outputs=tuple((f"y{place}", index) for place, index in enumerate(outputs)),
        )
        return Model(
            graphs=(graph,),
            description="built by tests/graphs.py",
            file_bytes=0,
            sha256="",
            signatures=(signature,),
        )

    def build(self, *outputs: int) -> bytes:
        """Return the model with these outputs as a `.tflite` file."""
        return write(self.model(*outputs))

    def _pool(self, op: str, x: int, size: Pair, stride: Pair | None, padding: str) -> int:
        options = schema.Pool2DOptionsT()
        self._spatial(options, stride or size, padding)
        options.filterHeight, options.filterWidth = _pair(size)
        channels = self.tensors[x].shape[3]
        shape = self._window(x, size, stride or size, 1, padding, channels)
        return self._operator(op, (x,), shape, self._quantization_of(x), options, version=2)

    def _weighed(
        self, x: int, weights: "npt.NDArray[np.int8]", *, axis: int | None, bias: bool
    ) -> tuple[int, ...]:
        """Add weights and bias; ``axis`` None stands for one scale for all."""
        count = weights.shape[0 if axis is None else axis]
        scales = self.rng.uniform(0.004, 0.012, 1 if axis is None else count)
        made = _quantization(scales, 0, axis=axis or 0)
        stored = self._tensor(weights.shape, "int8", data=weights.tobytes(), quantization=made)
        if not bias:
            return (stored, -1)
        values = self.rng.integers(-3000, 3000, count, dtype=np.int32)
        product = _quantization(scales * self._quantization_of(x)[0], 0)
        return stored, self._tensor(
            values.shape, "int32", data=values.tobytes(), quantization=product
        )

    def _output_quantization(
        self, x: int, weights: int, fan_in: float, activation: Activation
    ) -> tuple[float, int]:
        """Return a scale at which outputs spread as inputs do: sums grow with the root."""
        quantization = self.tensors[weights].quantization
        assert quantization is not None
        step = self._quantization_of(x)[0] * float(quantization.scales.mean())
        return step * 40 * fan_in**0.5, self._zero_point(activation)

    def _zero_point(self, activation: Activation) -> int:
        return -128 if activation != "none" else int(self.rng.integers(-20, 20))

    def _quantization_of(self, tensor: int) -> tuple[float, int]:
        quantization = self.tensors[tensor].quantization
        assert quantization is not None
        return float(quantization.scales[0]), int(quantization.zero_points[0])

    def _spatial(self, options: object, stride: Pair, padding: str) -> None:
        height, width = _pair(stride)
        vars(options).update(strideH=height, strideW=width, padding=_PADDINGS[padding])

    def _window(
        self, x: int, kernel: Pair, stride: Pair, dilation: Pair, padding: str, channels: int
    ) -> tuple[int, ...]:
        batch, height, width, _ = self.tensors[x].shape
        sizes = []
        for size, window, step, gap in zip(
            (height, width), _pair(kernel), _pair(stride), _pair(dilation), strict=True
        ):
            reach = (window - 1) * gap + 1
            covered = size if padding == "same" else size - reach + 1
            sizes.append(-(-covered // step))
        return (batch, *sizes, channels)

    def _activation(
        self, shape: tuple[int, ...], quantization: tuple[float, int], *, name: str = ""
    ) -> int:
        made = _quantization([quantization[0]], quantization[1])
        return self._tensor(shape, "int8", quantization=made, name=name)

    def _operator(
        self,
        op: str,
        inputs: tuple[int, ...],
        shape: tuple[int, ...],
        quantization: tuple[float, int],
        options: object | None,
        *,
        version: int = 1,
    ) -> int:
        output = self._activation(shape, quantization)
        self.operators.append(
            Operator(
                index=len(self.operators),
                op=op,
                version=version,
                inputs=inputs,
                outputs=(output,),
                options=options,
            )
        )
        return output

    def _tensor(
        self,
        shape: tuple[int, ...],
        dtype: str,
        *,
        data: bytes | None = None,
        quantization: Quantization | None = None,
        name: str = "",
    ) -> int:
        index = len(self.tensors)
        self.tensors.append(
            Tensor(
                index=index,
                name=name or f"tensor_{index}",
                shape=tuple(int(size) for size in shape),
                dtype=dtype,
                data=data,
                quantization=quantization,
                is_variable=False,
            )
        )
        return index


def random_inputs(
    model: Model, samples: int, *, seed: int = 0
) -> "tuple[npt.NDArray[np.int8], ...]":
    """Return int8 inputs over the whole range for each input of ``model``."""
    rng = np.random.default_rng(seed)
    graph = model.main
    return tuple(
        rng.integers(-128, 128, (samples, *graph.tensors[index].shape[1:]), dtype=np.int8)
        for index in graph.inputs
    )


def _quantization(scales: "npt.ArrayLike", zero_point: int, *, axis: int = 0) -> Quantization:
    made = np.asarray(scales, np.float32)
    return Quantization(
        scales=made, zero_points=np.full(made.shape, zero_point, np.int64), axis=axis
    )


def _pair(value: Pair) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value
