import pytest

from edgekit.reports.statistics import wilson_interval


@pytest.mark.parametrize(
    ("successes", "samples", "low", "high"),
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_wilson_interval_is_the_published_one(
    successes: int, samples: int, low: float, high: float
) -> None:
    found = wilson_interval(successes / samples, samples)

    assert found == pytest.approx((low, high), abs=5e-5)
