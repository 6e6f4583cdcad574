"""Write the network of ../pytorch as an ONNX file, and the digits beside it.

python export.py && onnx2tf -i net.onnx -o converted && edgekit build
"""

import sys
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "pytorch"))


def main() -> None:
    """Write ``net.onnx`` and ``digits.npz`` beside this file."""
    from network import HELD_OUT, accuracy, digits, trained

    model = trained()
    print(f"accuracy in PyTorch: {accuracy(model):.4f}")  # noqa: T201  a script's answer
    sample = torch.zeros(1, 1, 8, 8)  # channels first, as ONNX has it; onnx2tf turns them
    torch.onnx.export(model, (sample,), str(HERE / "net.onnx"), input_names=["image"], dynamo=False)
    x, y = digits()
    x = np.moveaxis(x, 1, -1)  # as the converted file takes them
    train, test = slice(None, -HELD_OUT), slice(-HELD_OUT, None)
    np.savez(
        HERE / "digits.npz", x_train=x[train], y_train=y[train], x_test=x[test], y_test=y[test]
    )


if __name__ == "__main__":
    main()
