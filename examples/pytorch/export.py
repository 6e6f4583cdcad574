"""Write the trained PyTorch network as a float `.tflite` by litert-torch, and the digits beside it.

python export.py && edgekit build
"""

from pathlib import Path

import litert_torch
import numpy as np
import torch
from network import HELD_OUT, accuracy, digits, trained

HERE = Path(__file__).parent


def main() -> None:
    """Write ``net.tflite`` and ``digits.npz`` beside this file."""
    model = trained()
    print(f"accuracy in PyTorch: {accuracy(model):.4f}")  # noqa: T201  a script's answer
    # Microcontrollers hold images with the channels last; so does every data source of edgekit.
    channels_last = litert_torch.to_channel_last_io(model, args=[0])
    sample = torch.zeros(1, 8, 8, 1)  # a batch of 1: its size is fixed in the file
    litert_torch.convert(channels_last, (sample,)).export(str(HERE / "net.tflite"))
    x, y = digits()
    x = np.moveaxis(x, 1, -1)
    train, test = slice(None, -HELD_OUT), slice(-HELD_OUT, None)
    np.savez(
        HERE / "digits.npz", x_train=x[train], y_train=y[train], x_test=x[test], y_test=y[test]
    )


if __name__ == "__main__":
    main()
