"""Spoken digits for benchmarks: log-mel energies of recordings, and a small network for them.

The recordings are those of the Free Spoken Digit Dataset: six speakers say each digit fifty
times, at 8 kHz, cut or padded to one second. They are read from ../shared/data. Takes 0 to 4 of
each speaker and digit are the test set, as the dataset's authors split it: the test set holds
recordings that the training never saw, of speakers that it knows.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt
    from keras import Model

    Floats = npt.NDArray[np.float32]

RECORDINGS = Path(__file__).parents[2] / "shared" / "data" / "fsdd" / "fsdd_8k_1s.npz"
_RATE_HZ = 8000
_FRAME, _HOP = 256, 160  # 32 ms every 20 ms: 49 frames
_BANDS = 20
_LOWEST_HZ = 100.0
_MOMENTUM = 0.9  # of the statistics: an epoch has 40 steps
_MIDDLE, _SPREAD = -7.0, 4.0  # of the logarithms, so that most inputs lie in -2 to 2


def data() -> "tuple[tuple[Floats, npt.NDArray[np.uint8]], tuple[Floats, npt.NDArray[np.uint8]]]":
    """Return 2,700 recordings to train with and 300 to test, as features, and their digits."""
    with np.load(RECORDINGS) as stored:
        recordings, digits, is_test = stored["x"], stored["y"], stored["is_test"]
    features = log_mel(recordings)
    return (features[~is_test], digits[~is_test]), (features[is_test], digits[is_test])


def log_mel(recordings: "npt.NDArray[np.int16]") -> "Floats":
    """Return log-mel energies, float32, shape ``(recordings, 49, 20, 1)``.

    Args:
        recordings: int16, shape ``(recordings, 8000)``.
    """
    starts = np.arange(0, recordings.shape[1] - _FRAME + 1, _HOP)
    places = starts[:, None] + np.arange(_FRAME)
    window = np.hanning(_FRAME).astype(np.float32)
    bands = _triangles()
    found = []
    for recording in recordings:
        frames = recording[places].astype(np.float32) / 2**15 * window
        power = np.abs(np.fft.rfft(frames, axis=1)).astype(np.float32) ** 2
        found.append(np.log(power @ bands + 1e-6))
    return ((np.stack(found) - _MIDDLE) / _SPREAD)[..., np.newaxis].astype(np.float32)


def _triangles() -> "Floats":
    """Return triangular bands, evenly spread on the mel scale, shape ``(129, 20)``."""
    ends = _mel(np.array([_LOWEST_HZ, _RATE_HZ / 2]))
    corners = 700 * (10 ** (np.linspace(ends[0], ends[1], _BANDS + 2) / 2595) - 1)
    frequencies = np.fft.rfftfreq(_FRAME, 1 / _RATE_HZ)[:, None]
    rising = (frequencies - corners[:-2]) / (corners[1:-1] - corners[:-2])
    falling = (corners[2:] - frequencies) / (corners[2:] - corners[1:-1])
    return np.clip(np.minimum(rising, falling), 0, None).astype(np.float32)


def _mel(frequency_hz: "npt.NDArray[np.float64]") -> "npt.NDArray[np.float64]":
    return 2595 * np.log10(1 + frequency_hz / 700)


def network() -> "Model":
    """Return a small network of depthwise-separable convolutions, not yet trained."""
    import keras

    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((49, _BANDS, 1)),
            layers.Conv2D(32, (5, 3), strides=2, padding="same", use_bias=False),
            layers.BatchNormalization(momentum=_MOMENTUM),
            layers.ReLU(),
            *_separable(layers, 48, strides=2),
            *_separable(layers, 64, strides=1),
            layers.AveragePooling2D((13, 5)),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )


def _separable(layers, channels: int, *, strides: int) -> "list[object]":  # noqa: ANN001  keras.layers
    return [
        layers.DepthwiseConv2D(3, strides=strides, padding="same", use_bias=False),
        layers.BatchNormalization(momentum=_MOMENTUM),
        layers.ReLU(),
        layers.Conv2D(channels, 1, use_bias=False),
        layers.BatchNormalization(momentum=_MOMENTUM),
        layers.ReLU(),
    ]
