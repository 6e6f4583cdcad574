"""Latency: expectations are arithmetic shown here, or times published by others."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from graphs import GraphBuilder

from edgekit.devices.profile import KINDS, Cycles, Target, load_target
from edgekit.fit.latency.cost import covered_by, uncovered, work
from edgekit.fit.latency.cost_fit import LEAST_BANDS, Measurement, calibrate, usual_shape_of
from edgekit.fit.latency.least_squares import nonnegative_least_squares
from edgekit.fit.latency.predict import cycles, latency, operator_milliseconds
from edgekit.model.reader import Model, load, read
from edgekit.quantity import Quantity

TRUE = Cycles(
    convolution=3, pointwise=4, depthwise=8, fully_connected=5, output_element=20, call=1000
)


def network() -> Model:
    builder = GraphBuilder((1, 8, 8, 3), seed=2)
    x = builder.conv(builder.input, 4, kernel=3)
    x = builder.depthwise(x, kernel=3)
    x = builder.conv(x, 6)
    x = builder.average_pool(x, size=8)
    return read(builder.build(builder.fully_connected(builder.reshape(x, (1, 6)), 5)))


def measurement(name: str, **amounts: float) -> Measurement:
    amount = dict.fromkeys(KINDS, 0.0) | amounts
    cost = cycles(amount, TRUE)
    return Measurement(model=name, work=amount, operators=frozenset({"CONV_2D"}), cycles=cost)


def test_the_work_of_a_network() -> None:
    assert work(network().main) == {
        "convolution": 8 * 8 * 4 * 3 * 3 * 3,
        "depthwise": 8 * 8 * 4 * 3 * 3,
        "pointwise": 8 * 8 * 6 * 4,
        "fully_connected": 6 * 5,
        "output_element": 8 * 8 * (4 + 4 + 6) + 6 + 6 + 5,
        "call": 6,
    }


def test_milliseconds_are_cycles_over_the_clock_with_a_band() -> None:
    target = load_target("nucleo-l4r5zi")
    assert target.latency is not None
    known = replace(target.latency, cycles=TRUE, band=1.5)
    found = latency(network(), replace(target, latency=known))
    assert isinstance(found, Quantity)
    count = 3 * 6912 + 8 * 2304 + 4 * 1536 + 5 * 30 + 20 * 913 + 1000 * 6
    assert found.value == pytest.approx(1e3 * count / 120e6)
    assert found.low == pytest.approx(found.value / 1.5)
    assert found.high == pytest.approx(found.value * 1.5)
    assert (found.unit, found.kind) == ("ms", "predicted")
    assert known.source in found.source


def why_not(model: Model, target: Target) -> str:
    found = latency(model, target)
    assert isinstance(found, str)
    return found


def test_no_figure_without_a_calibration_of_the_stack() -> None:
    assert "no calibration covers cortex-m0plus with tflite-micro and cmsis-nn" in why_not(
        network(), load_target("pico")
    )


def test_no_figure_for_much_smaller_models_than_the_measured() -> None:
    target = load_target("nucleo-l4r5zi")
    assert target.latency is not None
    macs = 6912 + 2304 + 1536 + 30
    enough = replace(target, latency=replace(target.latency, least_macs=macs))
    assert isinstance(latency(network(), enough), Quantity)
    less = replace(target, latency=replace(target.latency, least_macs=macs + 1))
    assert "no calibration covers 0.0108 M multiply-accumulates" in why_not(network(), less)


def test_phones_say_which_kernels_and_threads_the_figure_is_of() -> None:
    builder = GraphBuilder((1, 96, 96, 16), seed=2)
    x = builder.depthwise(builder.conv(builder.input, 128, kernel=3), kernel=3)
    x = builder.conv(builder.conv(x, 256), 64)
    model = read(builder.build(builder.reshape(builder.average_pool(x, size=96), (1, 64))))
    found = latency(model, load_target("pixel-4"))
    assert isinstance(found, Quantity)
    assert "before XNNPACK" in found.source
    assert "4 threads" in found.source
    assert found.high is not None
    assert found.high / found.value > 2


def test_no_figure_for_operators_that_were_not_measured() -> None:
    builder = GraphBuilder((1, 8, 8, 3), seed=2)
    model = read(builder.build(builder.logistic(builder.conv(builder.input, 4, kernel=3))))
    assert "no calibration covers LOGISTIC" in why_not(model, load_target("nucleo-l4r5zi"))


def test_small_operators_are_let_pass() -> None:
    builder = GraphBuilder((1, 16, 16, 3), seed=2)
    x = builder.average_pool(builder.conv(builder.input, 8, kernel=3), size=16)
    model = read(builder.build(builder.logistic(x)))  # 8 of more than 2,000 elements
    assert isinstance(latency(model, load_target("nucleo-l4r5zi")), Quantity)


def test_pointwise_rows_do_not_cover_other_convolutions() -> None:
    builder = GraphBuilder((1, 8, 8, 4), seed=2)
    pointwise = read(builder.build(builder.conv(builder.input, 4))).main
    builder = GraphBuilder((1, 8, 8, 4), seed=2)
    wide = read(builder.build(builder.conv(builder.input, 4, kernel=3))).main
    assert covered_by(pointwise) == {"CONV_2D 1x1"}
    assert uncovered(wide, covered_by(pointwise)) == ("CONV_2D",)
    assert uncovered(wide, covered_by(wide)) == ()


def computing_in(model: Model, dtype: str) -> Model:
    tensors = tuple(
        replace(tensor, dtype=dtype) if tensor.dtype == "int8" else tensor
        for tensor in model.main.tensors
    )
    return replace(model, graphs=(replace(model.main, tensors=tensors),))


def test_float_models_have_cost_models_of_their_own_on_phones() -> None:
    builder = GraphBuilder((1, 96, 96, 16), seed=2)
    x = builder.conv(builder.conv(builder.input, 64, kernel=3), 32)
    model = computing_in(
        read(builder.build(builder.reshape(builder.average_pool(x, size=96), (1, 32)))), "float32"
    )
    found = latency(model, load_target("pixel-1"))
    assert isinstance(found, Quantity)
    assert "XNNPACK of March 2020, float32, 1 thread" in found.source
    each = operator_milliseconds(model, load_target("pixel-1"))
    assert sum(each) == pytest.approx(found.value)
    assert "no calibration covers float32 models on cortex-a7" in why_not(
        model, load_target("stm32mp135f-dk")
    )
    assert "computes in float32" in why_not(model, load_target("nucleo-l4r5zi"))


def test_no_figure_for_other_types() -> None:
    model = network()
    tensors = tuple(
        replace(tensor, dtype="int16") if tensor.dtype == "int8" and tensor.data is None else tensor
        for tensor in model.main.tensors
    )
    wider = replace(model, graphs=(replace(model.main, tensors=tensors),))
    assert "computes in int16" in why_not(wider, load_target("nucleo-l4r5zi"))


def test_several_measurements_fit_the_shape() -> None:
    rows = tuple(
        measurement(f"{kind} {size}", **{kind: 1e6 * size, "call": 10, "output_element": 1e4})
        for kind in KINDS[:4]
        for size in (1, 3)
    )
    wrong = Cycles(
        convolution=1, pointwise=1, depthwise=1, fully_connected=1, output_element=1, call=1
    )
    found = calibrate(rows, shape=wrong)
    for kind in KINDS[:4]:
        assert getattr(found.cycles, kind) == pytest.approx(getattr(TRUE, kind), rel=0.2)
    assert set(found.errors) == {row.model for row in rows}


def test_one_measurement_sets_the_scale_alone() -> None:
    row = measurement("net", convolution=2e6, depthwise=1e5, output_element=1e4, call=8)
    halved = Cycles(**{kind: getattr(TRUE, kind) / 2 for kind in KINDS})
    found = calibrate((row,), shape=halved)
    for kind in KINDS:
        assert getattr(found.cycles, kind) == pytest.approx(getattr(TRUE, kind))
    assert found.band == LEAST_BANDS[1]
    assert found.errors == {}


def test_the_band_holds_the_worst_model_left_out() -> None:
    rows = [
        measurement(f"net {size}", convolution=1e6 * size, output_element=1e4, call=9)
        for size in (1, 2, 3, 4)
    ]
    rows[2] = replace(rows[2], cycles=3 * rows[2].cycles)
    found = calibrate(tuple(rows), shape=TRUE)
    worst = max(abs(math.log(ratio)) for ratio in found.errors.values())
    assert found.band == pytest.approx(math.exp(worst))
    assert found.band > 2


def test_a_shape_is_found_whatever_the_scale_of_each_stack() -> None:
    rows = tuple(
        measurement(kind, **{kind: 1e6, "call": 30, "output_element": 3e4}) for kind in KINDS[:4]
    )
    faster = tuple(replace(row, cycles=row.cycles / 7) for row in rows)
    found = usual_shape_of((rows, faster))
    assert found.convolution == 1
    assert found.depthwise == pytest.approx(8 / 3, rel=0.2)
    again = usual_shape_of((faster, rows))
    assert [getattr(again, kind) for kind in KINDS] == pytest.approx(
        [getattr(found, kind) for kind in KINDS]
    )


def test_least_squares_against_arithmetic() -> None:
    # The free solution is (2, -1); with the second at 0 the first is 3 / 2 (rows (1,0), (1,1)).
    matrix = np.array([[1.0, 0.0], [1.0, 1.0]])
    assert nonnegative_least_squares(matrix, np.array([2.0, 1.0])) == pytest.approx([1.5, 0])
    assert nonnegative_least_squares(matrix, np.array([1.0, 3.0])) == pytest.approx([1, 2])
    assert nonnegative_least_squares(matrix, np.array([-1.0, -1.0])) == pytest.approx([0, 0])


@pytest.mark.parametrize("seed", range(20))
def test_least_squares_meets_its_optimality_conditions(seed: int) -> None:
    rng = np.random.default_rng(seed)
    matrix, wanted = rng.normal(size=(9, 6)), rng.normal(size=9)
    found = nonnegative_least_squares(matrix, wanted)
    pull = matrix.T @ (wanted - matrix @ found)  # Karush, Kuhn and Tucker
    assert (found >= 0).all()
    assert pull[found > 0] == pytest.approx(0, abs=1e-9)
    assert (pull[found == 0] <= 1e-9).all()


@pytest.mark.shared
@pytest.mark.parametrize(
    ("target", "model", "published_ms"),
    [  # MLPerf Tiny v0.7 (Renesas) and v1.0 (OctoML), and Espressif's esp-nn README
        ("ek-ra6m4", "mlperf_tiny/pretrainedResnet_quant.tflite", 246.18),
        ("ek-ra6m4", "mlperf_tiny/kws_ref_model.tflite", 50.57),
        ("nrf5340-dk", "mlperf_tiny/vww_96_int8.tflite", 232.02),
        ("nrf5340-dk", "mlperf_tiny/ad01_int8.tflite", 6.27),
        ("nucleo-l4r5zi", "mlperf_tiny/vww_96_int8.tflite", 301.2),
        ("esp32-s3", "tflite_micro/person_detect.tflite", 54.0),
        ("esp32-c3", "tflite_micro/person_detect.tflite", 426.0),
    ],
)
def test_published_times_lie_in_the_band(
    shared_models: Path, target: str, model: str, published_ms: float
) -> None:
    found = latency(load(shared_models / model), load_target(target))
    assert isinstance(found, Quantity)
    assert found.low is not None
    assert found.high is not None
    assert found.low <= published_ms <= found.high
    assert found.value == pytest.approx(published_ms, rel=0.25)
