"""What the firmware tests share: models, what is emitted for them, and the compilers."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from graphs import GraphBuilder

from edgekit.emission.formats import EmittedFile, GoldenVectors, emit
from edgekit.emission.golden_vectors import random_inputs
from edgekit.model.file import ModelFile
from edgekit.model.reader import read
from edgekit.quantity import Quantity

STUB = Path(__file__).parents[1] / "firmware" / "tflm_stub"
FRAMEWORKS = Path(__file__).parents[1] / "firmware" / "framework_stubs"
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Werror")
C11 = ("-std=c11", *WARNINGS)
CXX17 = ("-std=c++17", *WARNINGS)
CORES = ("cortex-m0plus", "cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55")
ARENA = Quantity(value=1024, unit="B", kind="declared", source="a test")

# Of every kind: fully connected, convolutions, depthwise, residual, streaming, person detection.
SHARED_MODELS = (
    "mlperf_tiny/ad01_int8.tflite",
    "mlperf_tiny/kws_ref_model.tflite",
    "mlperf_tiny/pretrainedResnet_quant.tflite",
    "mlperf_tiny/str_ww_ref_model.tflite",
    "mlperf_tiny/vww_96_int8.tflite",
    "mltk/anomaly_detection/anomaly_detection.tflite",
    "mltk/tflite_micro_speech/tflite_micro_speech.tflite",
    "tflite_micro/person_detect.tflite",
)


def need(*tools: str) -> None:
    """Skip, and say so, where a tool is missing."""
    for tool in tools:
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed (CI installs it by apt)")


def small_model() -> bytes:
    """One input of 16 and one output of 4: what the stand-in for TFLite-Micro computes."""
    builder = GraphBuilder((1, 16), seed=1)
    return builder.build(builder.softmax(builder.fully_connected(builder.input, 4)))


def branched_model(dtype: str = "int8") -> bytes:
    """Two inputs and two outputs; the second of each is float32 with ``dtype="float32"``."""
    builder = GraphBuilder((1, 4, 4, 3), seed=2)
    source = builder.add_input((1, 4, 4, 3))
    other = builder.quantize(source, quantization=(0.04, 5))
    added = builder.add(builder.conv(builder.input, 3, kernel=3), other)
    sink = builder.average_pool(added, size=4)
    if dtype == "float32":
        sink = builder.unary("DEQUANTIZE", sink)
        for index in (source, sink):
            tensor = builder.tensors[index]
            builder.tensors[index] = replace(tensor, dtype="float32", quantization=None)
    return builder.build(added, sink)


def sums(inputs: np.ndarray) -> np.ndarray:
    """What the stand-in for TFLite-Micro answers."""
    quarters = inputs.astype(np.int64).reshape(-1, 4, 4)
    return (quarters.sum(-1) % 256).astype(np.uint8).view(np.int8)


def stub_vectors(count: int = 3) -> GoldenVectors:
    """Golden vectors of the stand-in."""
    (inputs,) = random_inputs(ModelFile.of(small_model()).model, count, seed=3)
    return GoldenVectors(inputs=(inputs,), outputs=(sums(inputs),), source="sums of quarters")


def echo_vectors(model: bytes) -> GoldenVectors:
    """GoldenVectors for which nobody ran the model: for what is only compiled."""
    graph = read(model).main
    outputs = tuple(
        np.zeros((2, *graph.tensors[index].shape[1:]), graph.tensors[index].dtype)
        for index in graph.outputs
    )
    inputs = random_inputs(ModelFile.of(model).model, 2, seed=4)
    return GoldenVectors(inputs=inputs, outputs=outputs, source="zeros")


def emitted(
    folder: Path,
    model: bytes,
    *,
    as_format: str = "c-array",
    vectors: GoldenVectors | None,
    labels: tuple[str, ...] = ('a "quoted" one??/', "größer"),
) -> tuple[EmittedFile, ...]:
    """Write what is emitted for ``model`` below ``folder``."""
    files = emit(
        ModelFile.of(model),
        name="demo",
        format=as_format,
        arena_bytes=ARENA,
        vectors=vectors,
        labels=labels,
        scale=1 / 255,
        offset=-0.5,
    )
    for file in files:
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.text)
    return files


def run(*command: str | Path, **options: object) -> str:
    """Return what a command prints; a failure shows it."""
    result = subprocess.run(
        [str(part) for part in command],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
        **options,  # type: ignore[call-overload]
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr
