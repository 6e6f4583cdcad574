"""Files with int4 weights: what check says of them, held against TFLite-Micro's own wheel."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from graphs import GraphBuilder
from operator_models import convolution, fully_connected, transpose_convolution
from random_graphs import random_graph

import edgekit
from edgekit.devices.profile import RuntimeProfile, load_target
from edgekit.errors import EdgekitError
from edgekit.fit.arena.interpreter import HOST, build_of
from edgekit.fit.arena.plan import plan
from edgekit.fit.operators import unsupported_operators
from edgekit.model.edit import map_tensors
from edgekit.model.file import ModelFile
from edgekit.model.float_twin import float_twin
from edgekit.model.inspection import inspect
from edgekit.model.reader import Tensor, read
from edgekit.model.writer import write
from edgekit.numerics.integers import dequantize, quantize
from edgekit.quantization.coarse_weights import int4_weights
from edgekit.runtimes import litert, tflm

RUNTIME = RuntimeProfile(name="tflite-micro", kernels="reference", abi="lp64", decode=True)


@pytest.fixture(scope="module")
def wheel() -> tflm.Session:
    with tflm.Session() as session:
        yield session


def transposed() -> bytes:
    """Return a transposed convolution of int4 weights, which nothing runs."""

    def halved(tensor: Tensor) -> Tensor:
        if tensor.shape != (5, 3, 3, 3):
            return tensor
        return replace(tensor, dtype="int4", data=bytes(68))

    return write(map_tensors(read(transpose_convolution()), halved))


CASES: dict[str, Callable[[], bytes]] = {
    "convolution": lambda: convolution("CONV_2D", weights="int4"),
    "depthwise": lambda: convolution("DEPTHWISE_CONV_2D", weights="int4"),
    "dense": lambda: fully_connected(weights="int4"),
    "dense with a scale a channel": lambda: fully_connected(weights="int4", per_channel=True),
    "convolution of int16": lambda: convolution("CONV_2D", "int16", weights="int4"),
    "dense of int16": lambda: fully_connected("int16", weights="int4"),
    "transposed": transposed,
}


@pytest.mark.parametrize("name", CASES)
def test_check_takes_what_the_wheel_runs(name: str, wheel: tflm.Session) -> None:
    content = CASES[name]()
    try:
        wheel.minimum_arena_bytes(ModelFile.of(content))
        runs = True
    except EdgekitError:
        runs = False
    refused = unsupported_operators(read(content), RUNTIME)
    assert runs == (refused == ())
    assert all("int4 weights" in item.reason for item in refused)


def test_the_plan_counts_the_unpacked_weights_to_the_byte(wheel: tflm.Session) -> None:
    larger = 0
    for seed in range(12):
        before = read(random_graph(seed))
        try:
            content = write(int4_weights(before).model)
        except EdgekitError:
            continue  # a graph without weights
        least = wheel.minimum_arena_bytes(ModelFile.of(content))
        planned = plan(read(content), HOST).arena_bytes
        assert planned == least, seed
        larger += planned > plan(before, HOST).arena_bytes
    assert larger > 5


@pytest.mark.parametrize("core", ["cortex-m0plus", "cortex-m4"])
def test_cmsis_nn_unpacks_a_depthwise_kernel_on_every_core(core: str) -> None:
    builder = GraphBuilder((1, 5, 5, 6), seed=0)
    model = builder.model(builder.depthwise(builder.input, kernel=3))
    board = load_target("nucleo-l4r5zi")
    build = build_of(replace(board, core=replace(board.core, name=core)))
    scratch = [
        buffer.planned_bytes
        for buffer in plan(int4_weights(model).model, build).buffers
        if buffer.kind == "scratch"
    ]
    # arm_depthwise_conv_wrapper_s4_get_buffer_size: 2 bytes x 6 channels x 9 = 108, aligned.
    assert scratch == [112]
    assert all(buffer.kind == "tensor" for buffer in plan(model, build).buffers)


def test_sizes_count_two_weights_a_byte() -> None:
    builder = GraphBuilder((1, 5, 5, 3), seed=0)
    model = builder.model(builder.conv(builder.input, 5, kernel=3))
    kernel = next(item for item in inspect(int4_weights(model).model).constants if item.is_kernel)
    assert (kernel.dtype, kernel.shape) == ("int4", (5, 3, 3, 3))
    assert kernel.bytes == 68  # 135 halves


def test_a_float_file_is_converted_to_int4(tmp_path: Path) -> None:
    builder = GraphBuilder((1, 8, 8, 3), seed=4)
    x = builder.average_pool(builder.conv(builder.input, 16, kernel=3, activation="relu"), size=8)
    floating = float_twin(builder.model(builder.fully_connected(builder.reshape(x, (1, 16)), 4)))
    (tmp_path / "float.tflite").write_bytes(write(floating))
    samples = np.random.default_rng(3).normal(0, 1, (60, 8, 8, 3)).astype(np.float32)
    np.savez(tmp_path / "data.npz", x=samples)
    out = tmp_path / "out.tflite"
    given, data = str(tmp_path / "float.tflite"), str(tmp_path / "data.npz")
    converted = edgekit.convert(given, data=data, out=out, scheme="int4")
    found = converted.inspection
    assert [item.dtype for item in found.constants if item.is_kernel] == ["int4", "int4"]
    assert not [item for item in converted.warnings if "stay" in item]
    entry, port = found.inputs[0], found.outputs[0]
    stored = quantize(samples, scale=entry.scale, zero_point=entry.zero_point, dtype="int8")
    (codes,) = tflm.run(ModelFile.of(out.read_bytes()), (stored,))
    real = dequantize(codes, scale=port.scale, zero_point=port.zero_point)
    (wanted,) = litert.run(ModelFile.of(write(floating)), (samples,))
    noise = np.sum((real - wanted) ** 2) / np.sum(wanted**2)
    # Weights err by a step of 1/7 / sqrt(12) of the largest: 28 dB below it, less below others.
    assert -10 * np.log10(noise) > 15
