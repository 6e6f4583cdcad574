"""Published float models become fully-integer files that TFLite-Micro runs."""

from pathlib import Path

import numpy as np
import pytest

import edgekit
from edgekit.model.file import ModelFile
from edgekit.numerics.integers import dequantize, quantize
from edgekit.runtimes import litert, tflm

pytestmark = pytest.mark.shared


def machine_sounds(data: Path) -> np.ndarray:
    """Return 196 windows of 5 log-mel frames, as the autoencoder of MLPerf Tiny takes them."""
    (recording,) = (data / "ad01_toycar_sample").glob("*.bin")
    frames = np.fromfile(recording, np.float32).reshape(200, 128)
    return np.stack([frames[start : start + 5].reshape(-1) for start in range(196)])


def people(data: Path) -> np.ndarray:
    """Return ten photographs in three equal channels, in [0, 1], at each of four turns."""
    files = sorted((data / "person_images").glob("*.raw"))
    grey = np.stack([np.fromfile(file, np.uint8).reshape(96, 96, 1) for file in files])
    turned = np.concatenate([np.rot90(grey, turn, axes=(1, 2)) for turn in range(4)])
    return np.repeat(turned, 3, axis=3).astype(np.float32) / 255


def bytes_of_noise(data: Path) -> np.ndarray:
    """Return smooth noise in the unit of CIFAR-10's bytes, as the reference ResNet takes them."""
    del data
    coarse = np.random.default_rng(0).uniform(0, 255, (40, 8, 8, 3))
    return np.repeat(np.repeat(coarse, 4, axis=1), 4, axis=2).astype(np.float32)


@pytest.mark.parametrize(
    ("name", "samples", "worst_db"),
    [
        ("vww_96_float", people, 20),
        ("pretrainedResnet", bytes_of_noise, 15),
        ("ad01_fp32", machine_sounds, 20),
    ],
)
def test_a_published_float_model_runs_as_integers(
    name: str, samples: object, worst_db: int, shared_models: Path, shared_data: Path,
    tmp_path: Path,
) -> None:  # fmt: skip
    x = samples(shared_data)
    np.savez(tmp_path / "data.npz", x=x)
    source = shared_models / "mlperf_tiny" / f"{name}.tflite"
    out = tmp_path / "out.tflite"
    found = edgekit.convert(str(source), data=str(tmp_path / "data.npz"), out=out).inspection
    assert found.fully_integer
    assert not {"QUANTIZE", "DEQUANTIZE"} & {item.op for item in found.operators}
    entry, port = found.inputs[0], found.outputs[0]
    stored = quantize(x, scale=entry.scale, zero_point=entry.zero_point, dtype="int8")
    (codes,) = tflm.run(ModelFile.of(out.read_bytes()), (stored,))
    real = dequantize(codes, scale=port.scale, zero_point=port.zero_point)
    (wanted,) = litert.run(ModelFile.of(source.read_bytes()), (x,))
    noise = np.sum((real - wanted) ** 2) / np.sum(wanted**2)
    assert -10 * np.log10(noise) > worst_db
