"""Hand a float model over to the converter: a SavedModel of one function with a batch of 1."""

from typing import TYPE_CHECKING

from edgekit.training.files import read_model, save_for_conversion
from edgekit.training.load.lower import unroll

if TYPE_CHECKING:
    from pathlib import Path

    from edgekit.runtimes.process import Progress


def export(progress: "Progress", model: "Path", *, out: "Path") -> "Path":
    """Write the model in the ``.h5`` file ``model`` to the folder ``out`` and return it.

    A SavedModel without Keras layers needs no export: the converter takes its folder as it is.
    """
    progress(0, 1, "writing the model")
    save_for_conversion(unroll(read_model(model)), out)
    return out
