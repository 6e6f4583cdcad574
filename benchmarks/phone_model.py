"""What a phone's model takes: MobileNetV2 1.0 at 224 x 224, post-training, for a Pixel 4 alone.

    python benchmarks/phone_model.py ../shared/models/mlperf_tiny/vww_96_int8.tflite

Builds it from random weights and random data, and shrinks visual wake words, each in a fresh
process, one after the other. Every row is a time in seconds, what was asked for on two cores that
do nothing else, and their ratio; a ratio above 1 ends the program with 1. The load of the machine
is printed before and after: other work makes the times mean nothing.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_TARGET = "pixel-4"
_BUILD_SECONDS, _SHRINK_SECONDS, _SMALL_SECONDS = 120.0, 60.0, 10.0  # asked for
_MODEL = """\
import sys
import keras
keras.utils.set_random_seed(0)
keras.applications.MobileNetV2(weights=None).save(sys.argv[1])
"""
_PROJECT = f"""\
targets = ["{_TARGET}"]

[model]
source = "mobilenet.keras"
name = "mobilenet"

[data]
source = "random"

[quantize]
method = "ptq"
"""


def main(small: Path) -> int:
    """Print the table, and return 1 where a time is above what was asked for."""
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run(
            [sys.executable, "-c", _MODEL, "mobilenet.keras"],
            cwd=folder,
            check=True,
            capture_output=True,
        )
        (folder / "edgekit.toml").write_text(_PROJECT)
        build = _seconds(["build", str(folder), "--out", str(folder / "run")])
        timings = json.loads((folder / "run/timings.json").read_text())["stages"]
        stages = {item["name"]: item["seconds"] for item in timings}
        manifest = json.loads((folder / "run/manifest.json").read_text())
        shrink = _seconds(["shrink", str(small), "--out", str(folder / "small.tflite")])
        small_bytes = (folder / "small.tflite").stat().st_size
    rows = [
        ("build of MobileNetV2", build, _BUILD_SECONDS),
        ("of which shrink", stages["shrink"], _SHRINK_SECONDS),
        (f"shrink of {small.stem}", shrink, _SMALL_SECONDS),
    ]
    print("| what | seconds | asked | ratio |\n| --- | ---: | ---: | ---: |")
    for what, seconds, asked in rows:
        print(f"| {what} | {seconds:.1f} | {asked:.0f} | {seconds / asked:.2f} |")
    print("stages: " + ", ".join(f"{name} {seconds:.1f}" for name, seconds in stages.items()))
    proof = manifest["shrink"]
    print(f"proof: {proof['vectors']} vectors in {' and '.join(proof['runtimes'])}")
    print(f"{small.stem}: {small.stat().st_size:,} -> {small_bytes:,} B")
    print(f"load {os.getloadavg()[0]:.1f} after")
    return int(any(seconds > asked for _, seconds, asked in rows))


def _seconds(arguments: list[str]) -> float:
    """Return the wall time of an edgekit command, which must succeed."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "edgekit", *arguments], check=True, capture_output=True)
    return time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
