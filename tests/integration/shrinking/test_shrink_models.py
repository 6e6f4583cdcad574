"""Official models, untouched weights: the sizes that issue 5 asks for, proved."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgekit.devices.profile import load_target
from edgekit.model.edit import map_tensors
from edgekit.model.file import ModelFile
from edgekit.model.reader import read
from edgekit.model.values import Tensor
from edgekit.model.writer import write
from edgekit.runtimes import litert, tflm
from edgekit.shrinking import shrink
from edgekit.shrinking.oracle import Oracle
from edgekit.shrinking.proof import first_difference, proof_vectors
from edgekit.shrinking.shrink import lossless

pytestmark = pytest.mark.shared


def test_visual_wake_words_loses_its_dead_half(shared_models: Path) -> None:
    shrunk = shrink(ModelFile.of((shared_models / "mlperf_tiny/vww_96_int8.tflite").read_bytes()))
    assert shrunk.vectors >= 1000
    assert shrunk.before_bytes == 333_288
    assert shrunk.after_bytes <= 85_000
    assert shrunk.macs_after <= 4_300_000
    assert shrunk.arena_before_bytes is not None
    assert shrunk.arena_after_bytes is not None
    assert shrunk.arena_after_bytes <= shrunk.arena_before_bytes


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("mlperf_tiny/kws_ref_model.tflite", 43_000),
        ("mlperf_tiny/pretrainedResnet_quant.tflite", 98_496 * 0.93),  # its diet in FACTS: 7 %
        ("mlperf_tiny/str_ww_ref_model.tflite", 74_520 * 0.9),
        ("mltk/visual_wake_words/visual_wake_words.tflite", 85_000),  # float at both ends
        ("mltk/anomaly_detection/anomaly_detection.tflite", 280_280 * 0.99),
        ("tflite_micro/person_detect.tflite", 300_568 * 0.9),
        ("tflite_micro/micro_speech_quantized.tflite", 18_800 * 0.98),
    ],
)
def test_a_model_gets_smaller_and_answers_the_same(
    shared_models: Path, name: str, most: float
) -> None:
    content = (shared_models / name).read_bytes()
    with tflm.Session() as micro, litert.Session() as light:
        file = ModelFile.of(content)
        slim = lossless(file, Oracle(micro, light))[0].content
        inputs = proof_vectors(file.model, count=40)
        assert first_difference(content, slim, inputs, micro) is None
    assert len(slim) <= most


def test_a_pruned_autoencoder_is_coded(shared_models: Path) -> None:
    def prune(tensor: Tensor) -> Tensor:
        if tensor.dtype != "int8" or tensor.data is None:
            return tensor
        values = tensor.values().astype(np.int16)
        least = np.quantile(np.abs(values), 0.8, method="higher")
        kept = np.where(np.abs(values) <= least, 0, values).astype(np.int8)
        return replace(tensor, data=kept.tobytes())

    original = read((shared_models / "mlperf_tiny/ad01_int8.tflite").read_bytes())
    content = write(map_tensors(original, prune))
    target = load_target("nucleo-l4r5zi")
    shrunk = shrink(ModelFile.of(content), target=target, ram_budget_bytes=96 * 2**10)
    assert shrunk.after_bytes <= 98_000
    assert shrunk.arena_after_bytes is not None
    assert shrunk.arena_after_bytes <= 96 * 2**10
    assert "tflite-micro" in shrunk.runtimes
