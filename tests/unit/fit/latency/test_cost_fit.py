"""What pulls a cost model: sums small enough to be done by hand."""

import pytest

from edgekit.devices.profile import KINDS, Cycles
from edgekit.fit.latency.cost_fit import Measurement, calibrate, usual_shape_of

FLAT = Cycles(convolution=1, pointwise=1, depthwise=1, fully_connected=1, output_element=1, call=1)


def measured(model: str, kind: str, *, cycles_each: float) -> Measurement:
    """A model of a million of one kind of work, and nothing else."""
    work = dict.fromkeys(KINDS, 0.0) | {kind: 1e6}
    return Measurement(
        model=model, work=work, operators=frozenset({"CONV_2D"}), cycles=1e6 * cycles_each
    )


@pytest.mark.parametrize(("models", "band"), [(1, 1.5), (2, 1.5), (3, 1.4), (4, 1.4), (9, 1.4)])
def test_models_that_agree_have_the_least_band_of_their_number(models: int, band: float) -> None:
    rows = tuple(measured(f"net {i}", "convolution", cycles_each=3) for i in range(models))
    assert calibrate(rows, shape=FLAT).band == pytest.approx(band)


def test_the_usual_shape_weighs_a_fifth_of_a_measurement() -> None:
    rows = (measured("a", "convolution", cycles_each=1), measured("b", "depthwise", cycles_each=4))
    found = calibrate(rows, shape=FLAT).cycles
    # The flat shape fits (1, 1/4) best at s = (1 + 1/4) / (1 + 1/16); then each coefficient c is
    # where (c a - 1)^2 + (0.2 (c / s - 1))^2 is least, with a = 1 and a = 1/4.
    s = 1.25 / 1.0625
    assert found.convolution == pytest.approx((1 + 0.04 / s) / (1 + 0.04 / s**2))
    assert found.depthwise == pytest.approx((1 / 4 + 0.04 / s) / (1 / 16 + 0.04 / s**2))
    assert found.pointwise == pytest.approx(s)  # of which nothing was measured


def test_the_first_guess_weighs_a_twentieth_of_the_measurements() -> None:
    rows = (measured("a", "convolution", cycles_each=1), measured("b", "depthwise", cycles_each=8))
    found = usual_shape_of((rows,))
    assert found.convolution == 1
    # At the shape d the scale k fits (1, d / 8) best; d comes out of it again, pulled to 2 with
    # 0.05^2 for each of the two rows, as 1 is to 1.
    d, pull = found.depthwise, 2 * 0.05**2
    k = (1 + d / 8) / (1 + d**2 / 64)
    convolution = (k + pull) / (k**2 + pull)
    depthwise = (k / 8 + pull / 2) / (k**2 / 64 + pull / 4)
    assert d == pytest.approx(depthwise / convolution)
    assert 2 < d < 8
    assert found.output_element == pytest.approx(5 / convolution)
