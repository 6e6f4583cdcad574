"""Count the work of the large networks of Keras' applications: benchmarks/keras_networks.csv.

python benchmarks/keras_networks.py     writes it; imports TensorFlow, downloads nothing
"""

import csv
import os
from pathlib import Path
from typing import TYPE_CHECKING

os.environ["TF_USE_LEGACY_KERAS"] = "1"

from tf_keras import applications, layers

from edgekit.devices.profile import KINDS

if TYPE_CHECKING:
    from tf_keras import Model

PATH = Path(__file__).parent / "keras_networks.csv"
SIZES = {"InceptionV3": 299, "InceptionResNetV2": 299, "NASNetMobile": 224, "ResNet101V2": 299}
PLAIN = {
    layers.Add: "ADD",
    layers.AveragePooling2D: "AVERAGE_POOL_2D",
    layers.Concatenate: "CONCATENATION",
    layers.GlobalAveragePooling2D: "MEAN",
    layers.MaxPooling2D: "MAX_POOL_2D",
}
"""The operators without weights; batch normalization, ReLU, padding and cropping are folded."""


def main() -> None:
    """Write the table."""
    with PATH.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("network", *KINDS, "operators"))
        for name, size in SIZES.items():
            model = getattr(applications, name)(weights=None, input_shape=(size, size, 3))
            work, operators = counted(model)
            numbers = [int(work[kind]) for kind in KINDS]
            writer.writerow((name, *numbers, "; ".join(sorted(operators))))


def counted(model: "Model") -> tuple[dict[str, float], set[str]]:
    """Return the work of ``model``, and its operators."""
    work: dict[str, float] = dict.fromkeys(KINDS, 0.0)
    operators: set[str] = set()

    def add(op: str, outputs: int, kind: str = "", macs: int = 0) -> None:
        operators.add(op)
        work["output_element"] += outputs
        work["call"] += 1
        if kind:
            work[kind] += macs

    for layer in model.layers:
        shape = layer.output_shape
        outputs = 1
        for length in (shape[0] if isinstance(shape, list) else shape)[1:]:
            outputs *= length
        match layer:
            case layers.SeparableConv2D():
                _, rows, columns, depth = layer.input_shape
                rows, columns = shape[1:3]
                size = layer.kernel_size[0] * layer.kernel_size[1]
                inner = rows * columns * depth
                add("DEPTHWISE_CONV_2D", inner, "depthwise", inner * size)
                add("CONV_2D 1x1", outputs, "pointwise", outputs * depth)
            case layers.Conv2D():
                height, width = layer.kernel_size
                macs = outputs * height * width * layer.input_shape[-1]
                if height == width == 1:
                    add("CONV_2D 1x1", outputs, "pointwise", macs)
                else:
                    add("CONV_2D", outputs, "convolution", macs)
            case layers.Dense():
                add("FULLY_CONNECTED", outputs, "fully_connected", outputs * layer.input_shape[-1])
                add("SOFTMAX", outputs)
            case _ if type(layer) in PLAIN:
                add(PLAIN[type(layer)], outputs)
            case _:
                pass
    return work, operators


if __name__ == "__main__":
    main()
