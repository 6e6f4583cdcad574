"""The grids of quantization-aware training, by arithmetic."""

import pytest

from edgekit.errors import UsageError
from edgekit.training.keras.precision import fixed_range, moving_share, precision_of


@pytest.mark.parametrize(
    ("kind", "scale", "zero_point"),
    [("softmax", 1 / 256, -128), ("sigmoid", 1 / 256, -128), ("tanh", 1 / 128, 0)],
)
def test_fixed_ranges_of_eight_bits(kind: str, scale: float, zero_point: int) -> None:
    low, high = fixed_range(kind, precision_of("int8"))  # type: ignore[arg-type]
    assert (high - low) / 255 == scale
    assert -128 - round(low / scale) == zero_point


@pytest.mark.parametrize("kind", ["softmax", "sigmoid", "tanh"])
def test_fixed_ranges_of_sixteen_bits(kind: str) -> None:
    low, high = fixed_range(kind, precision_of("int16x8"))  # type: ignore[arg-type]
    assert low == -high
    assert high / 32767 == 1 / 32768


def test_the_first_batches_count_the_same() -> None:
    average = 0.0
    for seen, value in enumerate([1.0, 2.0, 6.0]):
        average += moving_share(seen, momentum=0.99) * (value - average)
    assert average == pytest.approx(3.0)
    assert moving_share(10_000, momentum=0.99) == pytest.approx(0.01)


def test_bits() -> None:
    assert precision_of("int4").weight_bits == 4
    assert precision_of("int4").activation_bits == 8
    assert precision_of("int16x8").symmetric
    with pytest.raises(UsageError, match="int7") as caught:
        precision_of("int7")
    assert str(caught.value.hint).startswith("did you mean 'int")
