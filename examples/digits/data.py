"""Handwritten digits from the scikit-learn package: 1,797 images of 8x8 pixels, 0 to 16."""

import numpy as np
from sklearn.datasets import load_digits


def load() -> tuple[np.ndarray, np.ndarray]:
    """Return the images, float32 of shape ``(1797, 8, 8, 1)``, and their digits."""
    images, digits = load_digits(return_X_y=True)
    return images.reshape(-1, 8, 8, 1).astype(np.float32), digits
