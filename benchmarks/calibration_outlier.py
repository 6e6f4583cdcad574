"""What one faulty calibration sample costs an int8 model, by method of calibration.

    python benchmarks/calibration_outlier.py examples/pytorch/net.tflite examples/pytorch/digits.npz

Needs litert-quantizer, no TensorFlow. Of 100 training samples one is multiplied by 100; accuracy is
LiteRT's on the test set.
"""

import sys
from pathlib import Path

import numpy as np

from edgekit.model.file import ModelFile
from edgekit.numerics.ranges import METHODS
from edgekit.quantization.calibration import calibrate
from edgekit.quantization.posttraining import prepared, quantize_float_file
from edgekit.runtimes.process import Worker, silent
from edgekit.runtimes.real import real_outputs
from edgekit.verification.metrics import score_outputs

SAMPLES = 100
DRAWS = 3
FACTOR = 100


def main(model: str, data: str) -> None:
    """Print a line for each draw of samples and each method: without the fault, and with it."""
    content = prepared(Path(model).read_bytes())
    with np.load(data) as arrays:
        x, inputs, labels = arrays["x_train"], arrays["x_test"], arrays["y_test"]

    def accuracy(quantized: bytes) -> float:
        return score_outputs(real_outputs("litert", ModelFile.of(quantized), inputs), labels).value

    print(f"float {accuracy(content):.4f}, {len(labels)} samples")
    with Worker("litert-quantizer") as worker:
        for seed in range(DRAWS):
            good = x[np.random.default_rng(seed).permutation(len(x))[:SAMPLES]]
            faulty = good.copy()
            faulty[seed] *= FACTOR
            for method in METHODS:
                found = []
                for samples in (good, faulty):
                    made = calibrate(ModelFile.of(content), samples, method=method, progress=silent)
                    ranges = None if method == "minmax" else made.ranges
                    quantized = worker.call(
                        quantize_float_file, silent, content, samples, ranges=ranges
                    )
                    found.append(accuracy(quantized))
                print(f"draw {seed}  {method:10}  {found[0]:.4f}  {found[1]:.4f}")
            wide = worker.call(quantize_float_file, silent, content, faulty, scheme="int16x8")
            print(f"draw {seed}  int16x8             {accuracy(wide):.4f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
