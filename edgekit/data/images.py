"""A folder of images by class, read to the size and the channels that a model takes."""

import struct
import warnings
import zlib
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from edgekit.errors import InputError, MissingDependencyError, suggestion

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    Labelled = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]

_ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".bmp"})
_MODES = {1: "L", 3: "RGB"}
_FORMATS = ("PNG", "JPEG", "BMP")  # whatever the file is called: Pillow knows many more


_DAMAGE = (
    AttributeError,
    EOFError,
    IndexError,
    KeyError,
    OSError,  # also an image of no known format
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What Pillow lets out on damaged files."""


def read_images(
    folder: "Path", *, input_shape: tuple[int, ...], labels: tuple[str, ...] = ()
) -> "tuple[Labelled, Labelled | None]":
    """Return the images of ``folder`` and their class numbers, and those of its test set.

    Images are resized (bilinear) to the model's input and made grey or RGB as it has one
    channel or three.

    Args:
        folder: Holds ``<class>/*.png``, or ``train/<class>/`` and ``test/<class>/``.
        input_shape: ``(height, width, channels)``.
        labels: The classes in the order of the model's outputs; empty: by name.

    Raises:
        MissingDependencyError: Pillow is not installed.
        InputError: The model takes no images, or the folder has none, or one is damaged.
    """
    if find_spec("PIL") is None:
        raise MissingDependencyError(
            f"{folder}: images need Pillow, which is not installed",
            hint='pip install "edgekit[images]"',
        )
    if len(input_shape) != 3 or input_shape[-1] not in _MODES:  # noqa: PLR2004  height, width, channels
        raise InputError(f"{folder}: the model's input {input_shape} is not an image")
    roots = (folder / "train", folder / "test")
    if not all(root.is_dir() for root in roots):
        return _labelled(folder, input_shape, labels or _classes(folder)), None
    names = labels or _classes(roots[0])
    return _labelled(roots[0], input_shape, names), _labelled(roots[1], input_shape, names)


def _classes(root: "Path") -> tuple[str, ...]:
    names = tuple(sorted(item.name for item in root.iterdir() if item.is_dir()))
    if not names:
        raise InputError(
            f"{root}: has no folder of images for each class",
            hint="put the images into <class>/*.png",
        )
    return names


def _labelled(root: "Path", input_shape: tuple[int, ...], names: tuple[str, ...]) -> "Labelled":
    for found in _classes(root):
        if found not in names:
            raise InputError(
                f"{root / found}: '{found}' is not one of the classes",
                hint=suggestion(found, names),
            )
    images = []
    numbers = []
    for number, name in enumerate(names):
        for path in sorted((root / name).glob("*")):
            if path.suffix.lower() in _ENDINGS and path.is_file():
                images.append(_image(path, input_shape))
                numbers.append(number)
    if not images:
        raise InputError(f"{root}: has no .png, .jpg or .bmp image")
    return np.stack(images), np.asarray(numbers, np.int64)


def _image(path: "Path", input_shape: tuple[int, ...]) -> "npt.NDArray[np.uint8]":
    from PIL import Image

    height, width, channels = input_shape
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(path, formats=_FORMATS)
        with image, warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of colours that are transparent
            fitted = image.convert(_MODES[channels])
            if fitted.size != (width, height):
                fitted = fitted.resize((width, height), Image.Resampling.BILINEAR)
            return np.asarray(fitted, np.uint8).reshape(input_shape)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InputError(
            f"{path}: unpacks to more than {Image.MAX_IMAGE_PIXELS:,} pixels",
            hint=f"make it smaller: the model sees {width} x {height}",
        ) from error
    except _DAMAGE as error:
        raise InputError(
            f"{path}: cannot be read as an image ({error})",
            hint="PNG, JPEG and BMP are read, whatever the file is called",
        ) from error
