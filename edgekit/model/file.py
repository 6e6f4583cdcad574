"""A `.tflite` file and the model in it: parsed once, and handed on as itself."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgekit.model.reader import read, read_bytes
from edgekit.model.values import Model

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelFile:
    """A whole `.tflite` file; make one with `ModelFile.of` or `ModelFile.at`.

    Args:
        content: Its bytes: what a runtime, which is a process of its own, is given.
        model: The same, read.
    """

    content: bytes
    model: Model

    @staticmethod
    def of(content: bytes, *, name: str = "the model") -> "ModelFile":
        """Return the file of these bytes.

        Args:
            content: A whole `.tflite` file.
            name: Of the file, for messages.

        Raises:
            InputError: Not a TFLite file, or a damaged one.
            UnsupportedModelError: See `edgekit.model.reader.read`.
        """
        return ModelFile(content=content, model=read(content, name=name))

    @staticmethod
    def at(path: "Path") -> "ModelFile":
        """Return the file at ``path``.

        Raises:
            InputError: It is missing, cannot be read, or is not a TFLite file.
            UnsupportedModelError: See `edgekit.model.reader.read`.
        """
        return ModelFile.of(read_bytes(path), name=str(path))
