"""What an epoch of quantization-aware training costs against a plain one.

    python benchmarks/aware_epoch.py [--steps 8] [--rounds 3] [--xla]

MobileNetV2 0.35 on random images of 96 x 96; epochs of both take turns, and the median counts.
"""

import argparse
import statistics
import time

import numpy as np

import edgekit
from edgekit.training._tensorflow import Model, keras3

_BATCH = 32


def main() -> None:
    """Train both in turns and print their epochs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--xla", action="store_true")
    options = parser.parse_args()
    keras = keras3()
    plain = keras.applications.MobileNetV2((96, 96, 3), 0.35, weights=None, classes=10)
    models = {"plain": plain, "aware": edgekit.quantize_aware(plain)}
    seconds: dict[str, list[float]] = {name: [] for name in models}
    for model in models.values():
        model.compile("sgd", "sparse_categorical_crossentropy", jit_compile=options.xla)
        epoch(model, 2)  # traces and compiles
    for _ in range(options.rounds):
        for name, model in models.items():
            seconds[name].append(epoch(model, options.steps))
    medians = {name: statistics.median(found) for name, found in seconds.items()}
    for name, found in medians.items():
        print(f"{name}: {1000 * found / options.steps:.0f} ms a step of {_BATCH}")
    print(f"{medians['aware'] / medians['plain']:.2f} times a plain epoch")


def epoch(model: Model, steps: int) -> float:
    """Return the seconds that an epoch takes."""
    generator = np.random.default_rng(0)
    x = generator.normal(0, 1, (_BATCH * steps, 96, 96, 3)).astype(np.float32)
    y = generator.integers(0, 10, _BATCH * steps)
    begin = time.perf_counter()
    model.fit(x, y, batch_size=_BATCH, verbose=0)
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
