"""Flash: the model's bytes and the code of the interpreter with exactly its operators."""

from typing import TYPE_CHECKING

from edgekit.quantity import Quantity

if TYPE_CHECKING:
    from edgekit.flatbuffer.model import Model


def model_quantity(model: "Model") -> Quantity:
    """Return the model's own bytes: the whole file is flashed."""
    return Quantity(value=model.file_bytes, unit="B", kind="measured", source="length of the file")
