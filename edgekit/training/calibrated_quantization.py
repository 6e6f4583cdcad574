"""Post-training quantization to int8 in two steps, with ranges of our own between them.

TensorFlow's converter calibrates by the least and the greatest value alone. It can stop after that
and go on from a file with ranges: the way of its own QuantizationDebugger, which is not public.
The file is the one that it writes at once, byte for byte but for the order of its metadata.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from edgekit.model.edit import map_tensors
from edgekit.model.reader import read
from edgekit.model.values import ObservedRange
from edgekit.model.writer import write
from edgekit.training._tensorflow import tensorflow
from edgekit.training.converter import converter, refusal, run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy.typing as npt

    from edgekit.model.values import Tensor
    from edgekit.numerics.ranges import Range
    from edgekit.runtimes.process import Progress
    from edgekit.specs import IoType


def calibrated(
    progress: "Progress", saved_model: "Path", calibration: "npt.NDArray[np.float32]"
) -> bytes:
    """Return the SavedModel as a float `.tflite` with the range of each activation in it.

    Arguments and errors are those of `edgekit.training.converter.convert`.
    """
    made = converter(progress, saved_model, calibration, io="int8", scheme="int8")
    made._experimental_calibrate_only = True  # noqa: SLF001  see above
    return run(made)


def quantized(
    progress: "Progress", content: bytes, ranges: "Mapping[str, Range]", *, io: "IoType"
) -> bytes:
    """Return the file of `calibrated` as integers.

    Args:
        progress: Told what goes on.
        content: What `calibrated` returned.
        ranges: Of activations by name; the others keep the range they have.
        io: Type of the file's inputs and outputs.

    Raises:
        UnsupportedModelError: The converter refuses the model.
        ToolError: It failed.
    """
    tf = tensorflow()
    from tensorflow.lite.python import convert as steps

    progress(0, 1, "quantizing")
    model = map_tensors(read(content), lambda tensor: _with_range(tensor, ranges))
    kind = getattr(tf, io)
    try:
        whole = steps.mlir_quantize(write(model), input_data_type=kind, output_data_type=kind)
        return bytes(steps.deduplicate_readonly_buffers(whole))
    except Exception as error:  # the converter documents no type
        raise refusal(error) from error


def _with_range(tensor: "Tensor", ranges: "Mapping[str, Range]") -> "Tensor":
    found = ranges.get(tensor.name)
    if found is None or tensor.observed is None:
        return tensor
    low, high = (np.array([value], np.float32) for value in (found.low, found.high))
    return replace(tensor, observed=ObservedRange(low=low, high=high))
