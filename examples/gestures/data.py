"""BasicMotions from the sktime package: a watch's accelerometer and gyroscope, ten seconds each.

Forty recordings to learn from and forty to be tested on, 100 samples of six axes, of people
who stand, walk, run and play badminton.
"""

import numpy as np
from sktime.datasets import load_basic_motions

CLASSES = ["badminton", "running", "standing", "walking"]


def load() -> dict[str, np.ndarray]:
    """Return training and test recordings, float32 of shape ``(40, 100, 6)``, and their classes."""
    parts = {}
    for split in ("train", "test"):
        axes, names = load_basic_motions(split=split, return_type="numpy3d")
        parts[f"x_{split}"] = axes.transpose(0, 2, 1).astype(np.float32)
        parts[f"y_{split}"] = np.array([CLASSES.index(name) for name in names])
    return parts
