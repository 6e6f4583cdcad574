"""What the tables of a project file refuse, in one sentence each."""

import math

from edgekit.errors import InputError


def check_confidence(key: str, value: float) -> None:
    """Refuse a confidence that shows nothing, or that no number of samples can give.

    Raises:
        InputError: It is not from 0.5 to below 1; the message has the dotted ``key``.
    """
    if not 0.5 <= value < 1:  # noqa: PLR2004  a coin knows as much
        raise InputError(f"{key} is {value:g}, not from 0.5 to below 1", hint="such as 0.95")


def check_fraction(key: str, value: float, *, example: str) -> None:
    """Refuse a value that is no fraction between 0 and 1.

    Raises:
        InputError: It is not; the message has the dotted ``key`` and the hint the ``example``.
    """
    if not 0 < value < 1:
        raise InputError(
            f"{key} is {value:g}, not a fraction between 0 and 1", hint=f"such as {example}"
        )


def check_count(key: str, value: int, *, least: int) -> None:
    """Refuse a value below ``least``.

    Raises:
        InputError: It is; the message has the dotted ``key``.
    """
    if value < least:
        raise InputError(f"{key} is {value}, not {least} or more")


def check_drop(key: str, value: float) -> None:
    """Refuse a loss that is negative, infinite or NaN.

    Raises:
        InputError: It is; the message has the dotted ``key``.
    """
    if not 0 <= value < math.inf:
        raise InputError(f"{key} is {value:g}, not 0 or more")


def check_sparsity(key: str, value: float | None) -> None:
    """Refuse a fraction of zeros that is none, or that leaves nothing.

    Raises:
        InputError: It is; the message has the dotted ``key``.
    """
    if value is not None and not 0 <= value < 1:
        raise InputError(f"{key} is {value:g}, not from 0 to below 1")
