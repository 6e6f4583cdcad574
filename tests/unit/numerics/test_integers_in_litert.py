"""`edgekit.numerics` against QUANTIZE and DEQUANTIZE of the runtimes themselves."""

from dataclasses import replace

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from graphs import GraphBuilder

from edgekit.model.values import Quantization
from edgekit.numerics.integers import dequantize, quantize, quantize_weights
from edgekit.runtimes import litert, tflm

RNG = np.random.default_rng(7)


def reference(content: bytes, values: np.ndarray) -> np.ndarray:
    """Return what LiteRT's reference kernels make of ``values``."""
    interpreter = Interpreter(
        model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF
    )
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], values)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def quantization(scales: object, zero_points: object, axis: int = 0) -> Quantization:
    return Quantization(
        scales=np.atleast_1d(np.asarray(scales, np.float32)),
        zero_points=np.atleast_1d(np.asarray(zero_points, np.int64)),
        axis=axis,
    )


def model_of(op: str, shape: tuple[int, ...], dtype: str, made: Quantization) -> bytes:
    """Return a model of one QUANTIZE to ``dtype``, or of one DEQUANTIZE from it."""
    builder = GraphBuilder(shape)
    output = builder.unary(op, builder.input)
    stored, real = (output, builder.input) if op == "QUANTIZE" else (builder.input, output)
    builder.tensors[stored] = replace(builder.tensors[stored], dtype=dtype, quantization=made)
    builder.tensors[real] = replace(builder.tensors[real], dtype="float32", quantization=None)
    return builder.build(output)


def reals(scale: float, zero_point: int) -> np.ndarray:
    """Return numbers over the range and beyond, every halfway point, and its neighbours."""
    halves = (np.arange(-300, 300) + 0.5 - zero_point).astype(np.float32) * np.float32(scale)
    return np.concatenate(
        [
            RNG.normal(0, 100 * scale, 3000).astype(np.float32),
            halves,
            np.nextafter(halves, np.float32(np.inf)),
            np.nextafter(halves, np.float32(-np.inf)),
        ]
    )


GRIDS = [(0.05, -3), (1 / 255, -128), (0.1, 0), (3.7, 0)]


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16"])
@pytest.mark.parametrize(("scale", "zero_point"), GRIDS)
def test_quantize_is_the_runtimes(
    micro: tflm.Session, dtype: str, scale: float, zero_point: int
) -> None:
    zero_point = {"int8": zero_point, "uint8": zero_point + 128, "int16": 0}[dtype]
    values = reals(scale, zero_point)[np.newaxis]
    content = model_of("QUANTIZE", values.shape, dtype, quantization(scale, zero_point))
    mine = quantize(values, scale=scale, zero_point=zero_point, dtype=dtype)
    assert mine.dtype == dtype
    assert np.array_equal(mine, reference(content, values))
    if dtype != "uint8":  # TFLite-Micro has no QUANTIZE from float to uint8
        assert np.array_equal(mine, micro.run(content, (values,))[0])


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize(("scale", "zero_point"), GRIDS)
def test_every_stored_value_stands_for_the_runtimes_number(
    micro: tflm.Session, dtype: str, scale: float, zero_point: int
) -> None:
    zero_point += 128 * (dtype == "uint8")
    limits = np.iinfo(dtype)
    stored = np.arange(limits.min, limits.max + 1).astype(dtype)[np.newaxis]
    content = model_of("DEQUANTIZE", stored.shape, dtype, quantization(scale, zero_point))
    mine = dequantize(stored, scale=scale, zero_point=zero_point)
    assert np.array_equal(mine, reference(content, stored))
    assert np.array_equal(mine, micro.run(content, (stored,))[0])


@pytest.mark.parametrize(("scale", "zero_point"), GRIDS)
def test_light_kernels_multiply_and_round_to_even(
    light: litert.Session, scale: float, zero_point: int
) -> None:
    values = reals(scale, zero_point)[np.newaxis]
    content = model_of("QUANTIZE", values.shape, "int8", quantization(scale, zero_point))
    (found,) = light.run(content, (values,))
    inverse = np.float32(1) / np.float32(scale)
    assert np.array_equal(found, np.clip(np.rint(values * inverse) + zero_point, -128, 127))
    mine = quantize(values, scale=scale, zero_point=zero_point, dtype="int8")
    steps = np.abs(values / np.float32(scale)) % 1
    assert (mine != found).any()  # as docs/arithmetic.md says
    assert np.abs(steps[mine != found] - 0.5).max() < 1e-3  # at halfway points alone
    assert np.abs(mine.astype(int) - found).max() == 1


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_random_weights_round_as_the_runtimes_round(micro: tflm.Session, bits: int) -> None:
    weights = RNG.normal(0, 0.3, (1, 20_000)).astype(np.float32)
    mine = quantize_weights(weights, bits=bits)
    content = model_of("QUANTIZE", weights.shape, "int8", quantization(mine.steps, 0))
    assert np.array_equal(mine.stored, reference(content, weights))
    assert np.array_equal(mine.stored, micro.run(content, (weights,))[0])


@pytest.mark.parametrize("axis", [1, 3])
def test_a_step_a_channel_is_litert_s(axis: int) -> None:
    shape = (1, 4, 5, 6)
    spread = np.geomspace(0.01, 10, shape[axis]).reshape([-1 if i == axis else 1 for i in range(4)])
    weights = (RNG.normal(0, 1, shape) * spread).astype(np.float32)
    mine = quantize_weights(weights, axis=axis)
    made = quantization(mine.steps, np.zeros(shape[axis]), axis)
    assert np.array_equal(
        mine.stored, reference(model_of("QUANTIZE", shape, "int8", made), weights)
    )
    real = dequantize(mine.stored, scale=mine.steps, zero_point=0, axis=axis)
    content = model_of("DEQUANTIZE", shape, "int8", made)
    assert np.array_equal(real, reference(content, mine.stored))
