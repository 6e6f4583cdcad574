"""How far a proportion seen on some samples may lie from the truth."""

from math import sqrt

_Z_95 = 1.959964  # the standard normal's 97.5 % quantile


def wilson_interval(proportion: float, samples: int) -> tuple[float, float]:
    """Return the 95 % interval of a proportion by Wilson's score, inside [0, 1].

    Args:
        proportion: The fraction of successes that was seen.
        samples: On how many; at least 1.
    """
    spread = _Z_95 * _Z_95 / samples
    centre = (proportion + spread / 2) / (1 + spread)
    half = (
        _Z_95
        / (1 + spread)
        * sqrt(proportion * (1 - proportion) / samples + spread / (4 * samples))
    )
    return max(0.0, centre - half), min(1.0, centre + half)
