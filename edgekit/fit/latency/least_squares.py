"""Least squares with coefficients that cannot be negative."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt


def nonnegative_least_squares(
    matrix: "npt.NDArray[np.float64]", wanted: "npt.NDArray[np.float64]"
) -> "npt.NDArray[np.float64]":
    """Return the ``x >= 0`` with the least ``|matrix x - wanted|``.

    Lawson and Hanson's active-set method (Solving Least Squares Problems, 1974, chapter 23):
    coefficients are let in one by one where the residual pulls them up, and those that the
    solution would make negative are put back to zero on the way.

    Args:
        matrix: float64, shape ``(rows, coefficients)``.
        wanted: float64, shape ``(rows,)``.

    Returns:
        float64, shape ``(coefficients,)``.
    """
    count = matrix.shape[1]
    solution = np.zeros(count)
    active = np.zeros(count, dtype=bool)
    tolerance = 10 * np.finfo(float).eps * float(np.abs(matrix.T @ wanted).max(initial=1.0))
    for _ in range(3 * count + 1):  # each turn lets one in; Lawson and Hanson's own bound
        pull = matrix.T @ (wanted - matrix @ solution)
        if active.all() or pull[~active].max() <= tolerance:
            break
        active[np.flatnonzero(~active)[int(pull[~active].argmax())]] = True
        solution = _feasible(matrix, wanted, solution, active)
    return solution


def _feasible(
    matrix: "npt.NDArray[np.float64]",
    wanted: "npt.NDArray[np.float64]",
    start: "npt.NDArray[np.float64]",
    active: "npt.NDArray[np.bool_]",
) -> "npt.NDArray[np.float64]":
    """Return the solution over ``active``, which loses the coefficients that come out negative."""
    while True:
        proposal = np.zeros(len(start))
        proposal[active] = np.linalg.lstsq(matrix[:, active], wanted, rcond=None)[0]
        negative = active & (proposal <= 0)
        if not negative.any():
            return proposal
        steps = start[negative] / (start[negative] - proposal[negative])
        start = start + steps.min() * (proposal - start)
        active &= start > 0
        start = np.where(active, start, 0.0)
