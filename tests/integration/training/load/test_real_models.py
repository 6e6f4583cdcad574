"""Models that people publish become fully-integer files that TFLite-Micro runs."""

from pathlib import Path

import numpy as np
import pytest

from edgekit.data.samples import load_data
from edgekit.model.integer import require_integer
from edgekit.model.reader import read
from edgekit.runtimes import tflm
from edgekit.runtimes.process import Worker, silent
from edgekit.specs import DataSpec
from edgekit.training.converter import convert
from edgekit.training.export import export
from edgekit.training.load.load import FILE_NAME, load

pytestmark = [pytest.mark.train, pytest.mark.shared]

MODELS = [
    "ad01.h5",
    "pretrainedResnet.h5",
    "vww_96.h5",
    "str_ww_ref_model.h5",
    "kws_ref_model_savedmodel",
]


@pytest.mark.parametrize("name", MODELS)
def test_a_published_model_is_converted(shared_models: Path, tmp_path: Path, name: str) -> None:
    folder = shared_models / "mlperf_tiny"
    with Worker("TensorFlow") as trainer:
        loaded = trainer.call(load, silent, name, directory=folder, out=tmp_path)
        saved_model = folder / name
        if loaded.kind == "keras":
            saved_model = tmp_path / "saved"
            trainer.call(export, silent, tmp_path / FILE_NAME, out=saved_model)
    spec = DataSpec(source="random", calibration_samples=8)
    samples = load_data(spec, directory=folder, input_shape=loaded.input_shape, seed=0)
    with Worker("the TFLite converter") as converter:
        content = converter.call(convert, silent, saved_model, samples.x_calibration)
    require_integer(read(content))
    with tflm.Session() as session:
        (outputs,) = session.run(content, (np.zeros((2, *loaded.input_shape), np.int8),))
    assert outputs.shape == (2, *loaded.output_shape)
