"""Quantization-aware training in Keras 3 against quantization after training, on digits.

    python benchmarks/aware.py [--seeds 3] [--epochs 15] [NETWORK …]

Each network is trained in float; quantized after training; and trained on with its rounding,
at 0 and at 75 % zeros. Accuracy is TFLite-Micro's on 359 digits that no training saw;
agreement is the share of them to which the trained Keras model and the file give one class.
"""

import argparse
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
from aware_networks import NETWORKS, micro_outputs

import edgekit
from edgekit.callbacks import MagnitudePruning
from edgekit.specs import PruneSpec
from edgekit.training._tensorflow import Model, keras3

SPARSITIES = (0.0, 0.75)
_TEST = 359


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """What one training came to: accuracies and agreement in [0, 1]."""

    network: str
    seed: int
    sparsity: float
    float_accuracy: float
    after_training: float
    aware: float
    same: int


def main() -> None:
    """Train, convert, run, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="*", default=list(NETWORKS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=15)
    options = parser.parse_args()
    figures = [
        figure
        for network in options.networks
        for seed in range(options.seeds)
        for figure in measured(network, seed, options.epochs)
    ]
    report(figures)


def measured(network: str, seed: int, epochs: int) -> list[Figure]:
    """Return the figures of one network and seed, at each sparsity."""
    keras = keras3()
    keras.utils.set_random_seed(seed)
    x, y, images, labels = split(seed)
    model = NETWORKS[network](keras)
    compiled(model, 3e-3)
    model.fit(x, y, epochs=epochs, batch_size=64, verbose=0)
    found = []
    for sparsity in SPARSITIES:
        pruned = keras.models.clone_model(model)
        pruned.set_weights(model.get_weights())
        fine_tune(pruned, x, y, sparsity, epochs)
        aware = edgekit.quantize_aware(model)
        fine_tune(aware, x, y, sparsity, epochs)
        stored = micro_outputs(edgekit.convert(aware).content, images).argmax(-1)
        here = aware.predict(images, verbose=0).argmax(-1)
        plain = micro_outputs(edgekit.convert(pruned, data=x[:300]).content, images).argmax(-1)
        figure = Figure(
            network=network,
            seed=seed,
            sparsity=sparsity,
            float_accuracy=accuracy(pruned.predict(images, verbose=0).argmax(-1), labels),
            after_training=accuracy(plain, labels),
            aware=accuracy(stored, labels),
            same=int(np.sum(here == stored)),
        )
        print(figure, file=sys.stderr, flush=True)
        found.append(figure)
    return found


def fine_tune(model: Model, x: np.ndarray, y: np.ndarray, sparsity: float, epochs: int) -> None:
    """Train ``model`` on with a third of the learning rate, pruning it where that is asked."""
    callbacks = [MagnitudePruning(PruneSpec(sparsity=sparsity, epochs=epochs))] if sparsity else []
    compiled(model, 1e-3)
    model.fit(x, y, epochs=epochs, batch_size=64, verbose=0, callbacks=callbacks)


def compiled(model: Model, learning_rate: float) -> None:
    """Make ``model`` ready; these networks are too small for XLA to be worth its compilation."""
    adam = keras3().optimizers.Adam(learning_rate)
    model.compile(adam, "sparse_categorical_crossentropy", jit_compile=False)


def split(seed: int) -> tuple[np.ndarray, ...]:
    """Return the digits to train with and those to test on, one split a seed."""
    from sklearn.datasets import load_digits

    found = load_digits()
    order = np.random.default_rng(seed).permutation(len(found.target))
    x, y = (found.images / 16).astype(np.float32)[order, ..., None], found.target[order]
    return x[:-_TEST], y[:-_TEST], x[-_TEST:], y[-_TEST:]


def accuracy(classes: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of right classes."""
    return float(np.mean(classes == labels))


def report(figures: list[Figure]) -> None:
    """Print the table of docs/training.md."""
    print("| network | zeros | float | after training | aware | same class |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for network in dict.fromkeys(item.network for item in figures):
        for sparsity in SPARSITIES:
            mine = [
                item for item in figures if (item.network, item.sparsity) == (network, sparsity)
            ]
            cells = (
                spread([getattr(item, name) for item in mine])
                for name in ("float_accuracy", "after_training", "aware")
            )
            same = sum(item.same for item in mine)
            total = _TEST * len(mine)
            print(f"| {network} | {sparsity:.0%} | {' | '.join(cells)} | {same} of {total} |")
    same, total = sum(item.same for item in figures), _TEST * len(figures)
    print(f"\nThe same class on {same} of {total} samples ({same / total:.2%}).")
    gain = [100 * (item.aware - item.after_training) for item in figures]
    print(f"Aware less after training: {statistics.mean(gain):+.2f} points a training.")


def spread(values: list[float]) -> str:
    """Return mean and standard deviation in percent."""
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{100 * statistics.mean(values):.1f} ± {100 * deviation:.1f}"


if __name__ == "__main__":
    main()
