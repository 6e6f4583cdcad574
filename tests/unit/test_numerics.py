import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edgekit.numerics import dequantize, quantize


def test_halves_round_away_from_zero_and_ends_saturate() -> None:
    real = np.array([0.5, -0.5, 1.5, -2.5, 0.49999997, 1e9, -1e9], np.float32)
    # With a scale of 1 and a zero point of 3, by hand: 0.5 -> 1, -0.5 -> -1, 1.5 -> 2, -2.5 -> -3.
    assert quantize(real, scale=1.0, zero_point=3, dtype="int8").tolist() == [
        4,
        2,
        5,
        0,
        3,
        127,
        -128,
    ]


@given(
    st.integers(-128, 127),
    st.floats(2.0**-20, 1024.0, width=32),
    st.integers(-128, 127),
)
def test_every_stored_value_survives_the_way_to_real_and_back(
    stored: int, scale: float, zero_point: int
) -> None:
    real = dequantize(np.array([stored], np.int8), scale=scale, zero_point=zero_point)
    assert quantize(real, scale=scale, zero_point=zero_point, dtype="int8").tolist() == [stored]
