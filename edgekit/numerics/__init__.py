"""The arithmetic of quantization and pruning on NumPy arrays, with the runtimes' own rounding."""

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
