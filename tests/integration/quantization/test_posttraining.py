"""Float `.tflite` files become integer ones: through the command's own function and its worker."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from graphs import GraphBuilder

import edgekit
from edgekit.cli import edgekit as command
from edgekit.data.samples import load_data
from edgekit.errors import MissingDependencyError, UnsupportedModelError
from edgekit.model.edit import with_main
from edgekit.model.file import ModelFile
from edgekit.model.float_twin import float_twin
from edgekit.model.inspection import Inspection
from edgekit.model.reader import Model, load
from edgekit.model.writer import write
from edgekit.numerics.integers import dequantize, quantize
from edgekit.quantization import posttraining
from edgekit.runtimes import litert, tflm
from edgekit.specs import DataSpec

RNG = np.random.default_rng(3)
SAMPLES = RNG.normal(0, 1, (60, 8, 8, 3)).astype(np.float32)


def network() -> Model:
    """Return a float network without a signature, as old converters wrote them."""
    builder = GraphBuilder((1, 8, 8, 3), seed=4)
    x = builder.conv(builder.input, 6, kernel=3, stride=2, activation="relu")
    x = builder.average_pool(builder.add(x, builder.conv(x, 6)), size=4)
    return float_twin(builder.model(builder.fully_connected(builder.reshape(x, (1, 6)), 4)))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("float.tflite").write_bytes(write(network()))
    np.savez("data.npz", x=SAMPLES)
    return tmp_path


def convert(**options: object) -> Inspection:
    out = Path("out.tflite")
    return edgekit.convert("float.tflite", data="data.npz", out=out, **options).inspection


def stored(x: np.ndarray, found: Inspection) -> np.ndarray:
    port = found.inputs[0]
    return quantize(x, scale=port.scale, zero_point=port.zero_point, dtype=port.dtype)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("scheme", "io"), [("int8", "int8"), ("int8", "uint8"), ("int16x8", "int8")]
)
def test_the_integer_file_computes_what_the_float_file_does(scheme: str, io: str) -> None:
    found = convert(scheme=scheme, io=io)
    assert found.fully_integer
    kind = "int16" if scheme == "int16x8" else io
    assert [found.inputs[0].dtype, found.outputs[0].dtype] == [kind, kind]
    (wanted,) = litert.run(ModelFile.of(Path("float.tflite").read_bytes()), (SAMPLES,))
    content = Path("out.tflite").read_bytes()
    (codes,) = tflm.run(ModelFile.of(content), (stored(SAMPLES, found),))
    port = found.outputs[0]
    real = dequantize(codes, scale=port.scale, zero_point=port.zero_point)
    noise = np.sum((real - wanted) ** 2) / np.sum(wanted**2)
    assert noise < (1e-4 if scheme == "int16x8" else 1e-2)  # 40 and 20 dB


@pytest.mark.usefixtures("folder")
def test_ranges_are_the_least_and_greatest_of_all_calibration_samples() -> None:
    port = convert().inputs[0]
    # Unlabelled samples: 12 of 60 validate, one is left to train with, the others calibrate.
    lows, highs = SAMPLES.min(axis=(1, 2, 3)), SAMPLES.max(axis=(1, 2, 3))
    whole = float(highs.max() - lows.min())
    assert port.scale * 255 == pytest.approx(whole, rel=0.2)
    typical = float(np.median(highs) - np.median(lows))
    assert port.scale * 255 > 1.15 * typical  # a moving average would stay near this


@pytest.mark.usefixtures("folder")
def test_uint8_differs_from_int8_by_128_alone() -> None:
    found = convert(io="int8")
    (codes,) = tflm.run(ModelFile.of(Path("out.tflite").read_bytes()), (stored(SAMPLES, found),))
    found = convert(io="uint8")
    (shifted,) = tflm.run(ModelFile.of(Path("out.tflite").read_bytes()), (stored(SAMPLES, found),))
    assert shifted.dtype == np.uint8
    assert np.array_equal(shifted.astype(int) - 128, codes)


@pytest.mark.usefixtures("folder")
def test_float_io_has_its_border_and_no_more() -> None:
    found = convert(io="float32")
    ops = [item.op for item in found.operators]
    assert (ops[0], ops[-1], ops.count("QUANTIZE")) == ("QUANTIZE", "DEQUANTIZE", 1)
    assert len(found.float_tensors) == 2


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("scheme", ["dynamic", "float16"])
def test_schemes_for_phones_run_in_litert(scheme: str) -> None:
    before = Path("float.tflite").read_bytes()
    convert(scheme=scheme)
    after = Path("out.tflite").read_bytes()
    (wanted,), (found,) = (
        litert.run(ModelFile.of(content), (SAMPLES,)) for content in (before, after)
    )
    assert np.abs(found - wanted).max() < 0.05 * np.abs(wanted).max()
    kinds = {tensor.dtype for tensor in load(Path("out.tflite")).main.tensors}
    assert ("float16" if scheme == "float16" else "int8") in kinds


def test_the_command_takes_a_float_file(folder: Path) -> None:
    del folder
    arguments = ["convert", "float.tflite", "--data", "data.npz", "--out", "out.tflite"]
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 0, result.output
    assert "fully integer" in result.output
    again = edgekit.convert("float.tflite", data="data.npz", out=Path("again.tflite"))
    assert again.inspection.sha256 == edgekit.inspect("out.tflite").sha256  # same input, same bytes


@pytest.mark.usefixtures("folder")
def test_the_command_tells_its_warnings_and_the_effect_of_bias_correction() -> None:
    shape = SAMPLES.shape[1:]
    drawn = load_data(DataSpec(source="data.npz"), directory=Path(), input_shape=shape, seed=0)
    faulty = SAMPLES.copy()
    faulty[drawn.calibration_indices[2]] *= 100
    np.savez("data.npz", x=faulty)
    arguments = ["convert", "float.tflite", "--data", "data.npz", "--out", "out.tflite"]
    arguments += ["--calibration", "percentile", "--bias-correction"]
    result = CliRunner().invoke(command, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["schema"] == "edgekit.convert/1"
    correction = found["bias_correction"]
    assert correction["metric"] == "mean_absolute_error"  # of the outputs: there are no labels
    assert correction["samples"] == 12
    assert len(correction["layers"]) == 3
    told = CliRunner().invoke(command, arguments).output
    assert f"{correction['before']:.4g} before and {correction['after']:.4g} after" in told
    assert "calibration sample 2" in found["warnings"][0]
    assert [f"warning: {item}" for item in found["warnings"]] == [
        line for line in told.splitlines() if line.startswith("warning: ")
    ]


@pytest.mark.usefixtures("folder")
def test_an_operator_that_stays_float_is_named() -> None:
    builder = GraphBuilder((1, 8, 8, 3))
    model = float_twin(builder.model(builder.unary("SIN", builder.conv(builder.input, 3))))
    Path("float.tflite").write_bytes(write(model))
    with pytest.raises(UnsupportedModelError, match="not fully integer.*SIN at"):
        convert()
    assert not Path("out.tflite").exists()


@pytest.mark.usefixtures("folder")
def test_an_integer_model_is_refused() -> None:
    convert()
    Path("out.tflite").rename("float.tflite")
    with pytest.raises(UnsupportedModelError, match="quantized already .it holds int32, int8"):
        convert()


@pytest.mark.usefixtures("folder")
def test_a_batch_of_two_and_two_inputs_are_refused() -> None:
    model = network()
    tensors = list(model.main.tensors)
    tensors[0] = replace(tensors[0], shape=(2, 8, 8, 3))
    wide = with_main(model, replace(model.main, tensors=tuple(tensors)))
    Path("float.tflite").write_bytes(write(wide))
    with pytest.raises(UnsupportedModelError, match="a batch of 1 is needed"):
        convert()
    builder = GraphBuilder((1, 4))
    two = float_twin(builder.model(builder.add(builder.input, builder.add_input((1, 4)))))
    Path("float.tflite").write_bytes(write(two))
    with pytest.raises(UnsupportedModelError, match="2 inputs and 1 graphs, where one of each"):
        convert()


@pytest.mark.usefixtures("folder")
def test_without_the_quantizer_its_line_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posttraining, "find_spec", lambda _: None)
    with pytest.raises(MissingDependencyError, match="not installed") as refusal:
        convert()
    assert refusal.value.hint == 'pip install "edgekit[quantizer]"'
