"""Ranges come from what LiteRT computes; doubts from samples that were made to raise them."""

import numpy as np
import pytest
from graphs import GraphBuilder

from edgekit.errors import InputError
from edgekit.model.file import ModelFile
from edgekit.model.float_twin import float_twin
from edgekit.model.reader import read
from edgekit.model.writer import write
from edgekit.numerics.ranges import Range, spread
from edgekit.quantization.calibration import calibrate, doubts, observe
from edgekit.runtimes import litert
from edgekit.runtimes.process import silent
from edgekit.specs import QuantizeSpec

RNG = np.random.default_rng(5)
SAMPLES = RNG.normal(0, 1, (40, 8, 8, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def model() -> bytes:
    builder = GraphBuilder((1, 8, 8, 3), seed=4)
    x = builder.conv(builder.input, 6, kernel=3, stride=2, activation="relu")
    x = builder.average_pool(builder.add(x, builder.conv(x, 6)), size=4)
    end = builder.fully_connected(builder.reshape(x, (1, 6)), 4)
    return write(float_twin(builder.model(end)))


def test_each_computed_tensor_has_the_range_of_its_values_in_litert(
    model: bytes, light: litert.Session
) -> None:
    graph = read(model).main
    found = calibrate(ModelFile.of(model), SAMPLES, method="minmax", progress=silent)
    assert found.doubts == ()
    assert len(found.ranges) == 1 + len(graph.operators)
    for operator in graph.operators:
        (values,) = light.tensors(model, (SAMPLES,), operator.outputs)
        wanted = Range(low=min(0.0, values.min()), high=max(0.0, values.max()))
        assert found.ranges[graph.tensors[operator.outputs[0]].name] == wanted
    entry = graph.tensors[graph.inputs[0]].name
    assert found.ranges[entry] == Range(low=SAMPLES.min(), high=SAMPLES.max())


def test_one_sample_a_hundred_times_as_large_is_named_with_its_place(model: bytes) -> None:
    faulty = SAMPLES.copy()
    faulty[7] *= 100
    places = range(1000, 1040)
    found = calibrate(ModelFile.of(model), faulty, method="minmax", places=places, progress=silent)
    (sentence,) = found.doubts
    assert "calibration sample 7 (number 1007 of the data) alone sets the range" in sentence
    assert 'set calibration = "percentile"' in sentence
    clipped = calibrate(
        ModelFile.of(model), faulty, method="percentile", places=places, progress=silent
    )
    assert "the calibration 'percentile' leaves it out" in clipped.doubts[0]
    whole = calibrate(ModelFile.of(model), SAMPLES, method="minmax", progress=silent).ranges
    for name, item in clipped.ranges.items():
        assert item.high <= whole[name].high
        assert item.low >= whole[name].low
        assert found.ranges[name].high - found.ranges[name].low > 20 * (item.high - item.low)


def rows(*ends: float) -> np.ndarray:
    """Return samples of two values each, that reach from 0 to these ends."""
    return np.array([[0.0, end] for end in ends])


@pytest.mark.parametrize(
    ("ends", "words"),
    [
        ((1, 1, 1, 1, 1, 1.4), ()),  # 1.4 times: healthy
        ((1, 1, 1, 1, 1, 2.5), ("sample 5 alone sets the range of 1 of 1 tensors, 2.5 times",)),
        # Every other sample reaches twice as far: no sample alone does.
        ((1, 2, 1, 2, 1, 2), ("differ 1.5 times or more, 2 times",)),
        ((1, 2, 1, 2, 1, 9), ("sample 5 alone", "differ 1.5 times or more, 2 times")),
        ((1, 3, 1), ()),  # too few to tell
    ],
)
def test_doubts_are_what_the_figures_say(ends: tuple[float, ...], words: tuple[str, ...]) -> None:
    found = doubts({"x": spread(rows(*ends))})
    assert len(found) == len(words)
    for sentence, word in zip(found, words, strict=True):
        assert word in sentence


def test_tensors_that_are_all_but_constant_raise_no_doubts() -> None:
    noise = spread(rows(1e-9, 1e-9, 1e-9, 1e-9, 9e-9, 1e-9))
    assert doubts({"x": spread(rows(1, 1, 1, 1, 1, 1)), "y": noise}) == ()
    assert doubts({"x": spread(rows(0, 0, 0, 0))}) == ()
    small = spread(rows(1e-5, 1e-5, 1e-5, 1e-5, 9e-5, 1e-5))  # but ten times a millionth is seen
    assert len(doubts({"x": spread(rows(1, 1, 1, 1, 1, 1)), "y": small})) == 1


def test_samples_go_through_in_parts_and_come_out_in_order(model: bytes) -> None:
    spreads = observe(ModelFile.of(model), SAMPLES, silent)  # 40 are two parts of 16 and a rest
    entry = read(model).main.tensors[0].name
    assert spreads[entry].highs == pytest.approx(SAMPLES.max(axis=(1, 2, 3)))


@pytest.mark.parametrize("option", [{"calibration": "mse"}, {"bias_correction": True}])
def test_options_of_calibration_are_refused_where_nothing_is_calibrated(option: dict) -> None:
    QuantizeSpec(**option)
    QuantizeSpec(scheme="int4", **option)
    with pytest.raises(InputError, match="no meaning for the method 'qat', which learns"):
        QuantizeSpec(method="qat", **option)
    for scheme in ("int16x8", "float16", "dynamic"):
        with pytest.raises(InputError, match=f"no meaning for the scheme '{scheme}'"):
            QuantizeSpec(scheme=scheme, **option)
