"""The arithmetic of quantization and pruning on NumPy arrays, with the runtimes' own rounding.

Its functions are loaded when they are first used: who only names a method needs no NumPy.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgekit.numerics.integers import (
        MOST_BITS,
        QuantizedWeights,
        Range,
        activation_range,
        along,
        correct_bias,
        dequantize,
        dequantize_weights,
        prune_by_ratio,
        prune_by_threshold,
        quantize,
        quantize_weights,
        round_to_float8,
        sparsity,
        weight_steps,
    )

__all__ = [
    "MOST_BITS",
    "QuantizedWeights",
    "Range",
    "activation_range",
    "along",
    "correct_bias",
    "dequantize",
    "dequantize_weights",
    "prune_by_ratio",
    "prune_by_threshold",
    "quantize",
    "quantize_weights",
    "round_to_float8",
    "sparsity",
    "weight_steps",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'edgekit.numerics' has no attribute '{name}'")
    from edgekit.numerics import integers

    return getattr(integers, name)
