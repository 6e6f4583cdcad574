"""How many bits weights and activations have, and the ranges that the runtimes fix."""

from dataclasses import dataclass
from typing import Literal, get_args

from edgekit.errors import UsageError, suggestion

AwareScheme = Literal["int8", "int4", "int16x8"]
FixedRange = Literal["softmax", "sigmoid", "tanh"]

_WEIGHT_BITS = {"int8": 8, "int4": 4, "int16x8": 8}
_ACTIVATION_BITS = {"int8": 8, "int4": 8, "int16x8": 16}
_BYTE, _SHORT = 256, 32768


@dataclass(frozen=True, kw_only=True, slots=True)
class Precision:
    """The grids of a scheme.

    Args:
        scheme: Its name.
        weight_bits: Of a weight, symmetric around 0.
        activation_bits: Of an activation; 16 bits are symmetric around 0, 8 are not.
    """

    scheme: AwareScheme
    weight_bits: int
    activation_bits: int

    @property
    def symmetric(self) -> bool:
        """Whether an activation's zero point is 0."""
        return self.activation_bits == 16  # noqa: PLR2004  as said


def precision_of(scheme: str) -> Precision:
    """Return the grids of ``scheme``.

    Raises:
        UsageError: No scheme that is trained has this name.
    """
    for name in get_args(AwareScheme):
        if name == scheme:
            return Precision(
                scheme=name,
                weight_bits=_WEIGHT_BITS[name],
                activation_bits=_ACTIVATION_BITS[name],
            )
    raise UsageError(
        f"no scheme of quantization-aware training is called '{scheme}'",
        hint=suggestion(scheme, get_args(AwareScheme)),
    )


def fixed_range(kind: FixedRange, precision: Precision) -> tuple[float, float]:
    """Return the least and the greatest value that an operator's output has in the runtimes.

    TFLite fixes the output of SOFTMAX and LOGISTIC to a scale of 1/256 and a zero point of
    -128, of TANH to 1/128 and 0, and with 16 bits of all three to 1/32768 and 0.
    """
    if precision.symmetric:
        last = (_SHORT - 1) / _SHORT
        return -last, last
    if kind == "tanh":
        half = _BYTE // 2
        return -1.0, (half - 1) / half
    return 0.0, (_BYTE - 1) / _BYTE


def moving_share(seen: float, momentum: float) -> float:
    """Return the share of the newest batch in an average over ``seen`` batches before it.

    The first batches count the same; later ones fade with ``momentum``, as ever.
    """
    return max(1.0 / (seen + 1.0), 1.0 - momentum)
