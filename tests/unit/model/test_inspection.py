from pathlib import Path

import pytest
from graphs import GraphBuilder

from edgekit.errors import InputError
from edgekit.model.inspection import inspect, to_json, zero_fraction
from edgekit.model.reader import load, read


@pytest.fixture
def content() -> bytes:
    builder = GraphBuilder((1, 8, 8, 3), seed=7)
    image = builder.conv(builder.input, 16, kernel=3, stride=2)  # (1, 4, 4, 16)
    image = builder.depthwise(image, kernel=3)
    image = builder.average_pool(image, size=4)
    return builder.build(builder.fully_connected(builder.reshape(image, (1, 16)), 10))


def test_macs_and_parameters_are_those_of_the_shapes(content: bytes) -> None:
    inspection = inspect(read(content))
    found = {item.op: (item.macs, item.parameters) for item in inspection.operators}
    assert found["CONV_2D"] == (4 * 4 * 16 * 3 * 3 * 3, 16 * 3 * 3 * 3 + 16)
    assert found["DEPTHWISE_CONV_2D"] == (4 * 4 * 16 * 3 * 3, 3 * 3 * 16 + 16)
    assert found["FULLY_CONNECTED"] == (16 * 10, 16 * 10 + 10)
    assert found["RESHAPE"] == (0, 0)
    assert inspection.macs == sum(macs for macs, _ in found.values())
    assert inspection.fully_integer


def test_json_has_the_keys_that_outsiders_rely_on(content: bytes) -> None:
    document = to_json(inspect(read(content)))
    assert {"model", "macs", "parameters", "zero_weight_fraction", "fully_integer"} <= set(document)
    assert document["model"]["bytes"] == len(content)
    (port,) = document["inputs"]
    assert {"name", "shape", "dtype", "scale", "zero_point"} == set(port)


def test_zeros_are_counted_among_the_kernels_and_not_among_biases(content: bytes) -> None:
    inspection = inspect(read(content))
    kernels = [item for item in inspection.constants if item.is_kernel]
    zeros = sum(round(item.zero_fraction * item.bytes) for item in kernels)  # int8: a byte each
    weights = sum(item.bytes for item in kernels)
    assert zero_fraction(inspection.constants) == pytest.approx(zeros / weights)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "not a TFLite file"), (b"\x00" * 64, "not a TFLite file"), (b"????TFL3", "damaged")],
)
def test_what_is_no_model_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(content)


def test_a_model_cut_short_is_refused(content: bytes) -> None:
    for length in range(8, len(content), 97):
        try:
            read(content[:length])
        except InputError:
            continue
        pytest.fail(f"{length} of {len(content)} bytes were taken for a model")


@pytest.mark.shared
def test_published_macs_of_the_mlperf_tiny_models(shared_models: Path) -> None:
    # Banbury et al., MLPerf Tiny Benchmark (2021), table 3 gives the models; the counts are those
    # of the published rows' models: 7.5 M, 2.7 M, 12.5 M and 0.26 M.
    expected = {"vww_96_int8": 7.5, "kws_ref_model": 2.7, "pretrainedResnet_quant": 12.5}
    for name, millions in expected.items():
        found = inspect(load(shared_models / "mlperf_tiny" / f"{name}.tflite")).macs
        assert found / 1e6 == pytest.approx(millions, abs=0.06)
