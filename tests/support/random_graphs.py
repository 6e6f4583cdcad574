"""Random small graphs with dead, constant and unread channels, paddings, branches and no-ops."""

from typing import TYPE_CHECKING

import numpy as np
from graphs import GraphBuilder

if TYPE_CHECKING:
    from collections.abc import Callable

    from graphs import Activation

_ACTIVATIONS: "tuple[Activation, ...]" = ("none", "relu", "relu6")
_HEIGHT, _WIDTH, _CHANNELS = 1, 2, 3


def random_graph(seed: int) -> bytes:
    """Return a model of 2 to 6 random blocks and a random head; the same for the same seed."""
    rng = np.random.default_rng(seed)
    size = tuple(int(item) for item in rng.integers(3, 9, 2))
    builder = GraphBuilder((1, *size, int(rng.integers(1, 6))), seed=seed)
    x = builder.input
    for _ in range(rng.integers(2, 7)):
        block = _BLOCKS[rng.integers(len(_BLOCKS))]
        x = block(builder, x, rng)
        if rng.random() < 0.3:
            _forget_channels(builder, rng)
    outputs = [_head(builder, x, rng)]
    if rng.random() < 0.2:
        outputs.append(x)
    return builder.build(*outputs)


def _conv(builder: GraphBuilder, x: int, rng: np.random.Generator) -> int:
    filters = int(rng.integers(1, 9))
    kernel = tuple(int(item) for item in rng.integers(1, 4, 2))
    fits = all(
        size >= reach for size, reach in zip(builder.tensors[x].shape[1:3], kernel, strict=True)
    )
    return builder.conv(
        x,
        filters,
        kernel=kernel,
        stride=int(rng.integers(1, 3)),
        padding="valid" if fits and rng.random() < 0.3 else "same",
        activation=_ACTIVATIONS[rng.integers(3)],
        dead=_some(rng, filters),
    )


def _dilated(builder: GraphBuilder, x: int, rng: np.random.Generator) -> int:
    return builder.conv(x, 4, kernel=3, dilation=2, dead=_some(rng, 4))


def _depthwise(builder: GraphBuilder, x: int, rng: np.random.Generator) -> int:
    channels = builder.tensors[x].shape[_CHANNELS]
    multiplier = int(rng.integers(1, 3))
    return builder.depthwise(
        x,
        kernel=int(rng.integers(1, 4)),
        stride=int(rng.integers(1, 3)),
        activation=_ACTIVATIONS[rng.integers(3)],
        multiplier=multiplier,
        dead=_some(rng, channels * multiplier),
    )


def _residual(builder: GraphBuilder, x: int, rng: np.random.Generator) -> int:
    """Return a sum of two branches; in every other one the same channels are dead in both."""
    channels = int(rng.integers(2, 9))
    dead = _some(rng, channels)
    both = bool(rng.random() < 0.5)
    a = builder.conv(x, channels, activation="relu", dead=dead)
    b = builder.conv(a, channels, kernel=3, dead=dead if both else _some(rng, channels))
    return builder.add(a, b, activation=_ACTIVATIONS[rng.integers(3)])


def _concat(builder: GraphBuilder, x: int, rng: np.random.Generator) -> int:
    shared = (float(rng.uniform(0.2, 2)), int(rng.integers(-128, 10)))
    branches = tuple(
        builder.conv(x, width, kernel=kernel, dead=_some(rng, width), quantization=shared)
        for kernel, width in ((1, int(rng.integers(1, 5))), (3, int(rng.integers(1, 5))))
    )
    return builder.concat(branches)


def _gate(builder: GraphBuilder, x: int, rng: np.random.Generator) -> int:
    """Return channels weighed by a gate of their own means, as squeeze-and-excitation does."""
    channels = builder.tensors[x].shape[_CHANNELS]
    squeezed = builder.conv(builder.mean(x, keep=True), channels, dead=_some(rng, channels))
    return builder.mul(x, builder.logistic(squeezed))


def _pool(builder: GraphBuilder, x: int, rng: np.random.Generator) -> int:
    if min(builder.tensors[x].shape[_HEIGHT : _WIDTH + 1]) < 2:
        return builder.average_pool(x, size=1)
    if rng.random() < 0.5:
        return builder.max_pool(x)
    return builder.average_pool(x, padding="same" if rng.random() < 0.5 else "valid")


def _pad(builder: GraphBuilder, x: int, rng: np.random.Generator) -> int:
    (top, bottom), (left, right) = (
        tuple(int(item) for item in pair) for pair in rng.integers(0, 2, (2, 2))
    )
    padded = builder.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))
    if min(builder.tensors[padded].shape[_HEIGHT : _WIDTH + 1]) < 3:
        return padded
    stride = int(rng.integers(1, 3))
    if rng.random() < 0.5:
        return builder.depthwise(padded, stride=stride, padding="valid")
    return builder.conv(padded, 4, kernel=3, stride=stride, padding="valid", dead=_some(rng, 4))


def _shifted(builder: GraphBuilder, x: int, rng: np.random.Generator) -> int:
    """Return the sum with a constant for each channel."""
    channels = builder.tensors[x].shape[_CHANNELS]
    values = rng.integers(-100, 100, (1, 1, 1, channels)).astype(np.int8)
    return builder.add(x, builder.constant(values, quantization=(0.02, 5)))


def _unary(builder: GraphBuilder, x: int, rng: np.random.Generator) -> int:
    op = ("RELU", "RELU6", "HARD_SWISH", "TANH")[rng.integers(4)]
    if op == "TANH":
        return builder.unary(op, x, quantization=(1 / 128, 0))
    return builder.unary(op, x)


def _requantized(builder: GraphBuilder, x: int, rng: np.random.Generator) -> int:
    quantization = (float(rng.uniform(0.02, 0.5)), int(rng.integers(-20, 20)))
    return builder.quantize(x, quantization=quantization)


def _head(builder: GraphBuilder, x: int, rng: np.random.Generator) -> int:
    match rng.integers(4):
        case 0:
            return x
        case 1:
            x = builder.mean(x)
        case 2:
            shape = builder.tensors[x].shape
            x = builder.reshape(x, (1, int(np.prod(shape))))
        case _:
            height, width = builder.tensors[x].shape[_HEIGHT : _WIDTH + 1]
            x = builder.average_pool(x, size=(height, width))
            x = builder.reshape(x, (1, builder.tensors[x].shape[_CHANNELS]))
    if rng.random() < 0.5:
        units = int(rng.integers(2, 12))
        x = builder.fully_connected(x, units, activation="relu", dead=_some(rng, units))
    x = builder.fully_connected(x, 4, bias=bool(rng.random() < 0.8))
    return builder.softmax(x) if rng.random() < 0.5 else x


def _some(rng: np.random.Generator, count: int) -> tuple[int, ...]:
    """Return a random set of channels, none in half of the calls."""
    if rng.random() < 0.5:
        return ()
    return tuple(int(item) for item in np.flatnonzero(rng.random(count) < rng.uniform(0.2, 1)))


def _forget_channels(builder: GraphBuilder, rng: np.random.Generator) -> None:
    """Let the last convolution read some of its input channels no more."""
    for operator in reversed(builder.operators):
        if operator.op == "CONV_2D":
            kernel = builder.tensors[operator.inputs[1]]
            weights = kernel.values().copy()
            weights[..., list(_some(rng, kernel.shape[_CHANNELS]))] = 0
            builder.set_data(operator.inputs[1], weights)
            return


_BLOCKS: "tuple[Callable[[GraphBuilder, int, np.random.Generator], int], ...]" = (
    _conv,
    _conv,
    _dilated,
    _depthwise,
    _depthwise,
    _residual,
    _concat,
    _gate,
    _pool,
    _pad,
    _shifted,
    _unary,
    _requantized,
)
