"""What edgekit's build costs over the same training and conversion written by hand with tfmot.

    python benchmarks/build_overhead.py

Both run one after the other on the digits example, each in a fresh process, and the ratio of
their wall times is printed. edgekit does more in its time: it loads and bridges the Keras 3
model, verifies on both runtimes, holds the model against targets, writes C and the report.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parent.parent


def seconds(command: list[str]) -> float:
    """Return the wall time of ``command``, which must succeed."""
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    return time.perf_counter() - start


def main() -> None:
    """Print the times of both and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="runs of each, taken in turns")
    rounds = parser.parse_args().rounds
    ours, by_hand = [], []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            run, file = Path(folder) / f"run{number}", Path(folder) / "by_hand.tflite"
            build = [sys.executable, "-m", "edgekit", "build", "examples/digits"]
            ours.append(seconds([*build, "--out", str(run)]))
            by_hand.append(seconds([sys.executable, "benchmarks/by_hand/digits.py", str(file)]))
            print(f"round {number + 1}: edgekit {ours[-1]:.1f} s, by hand {by_hand[-1]:.1f} s")
    ratio = median(ours) / median(by_hand)
    print(f"ratio of the medians: {ratio:.3f}")


if __name__ == "__main__":
    main()
