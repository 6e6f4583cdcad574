"""Where samples come from: an ``.npz`` file, the user's function, a folder of images, chance."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgekit.data.images import read_images
from edgekit.data.npz import read_arrays
from edgekit.errors import InputError
from edgekit.files.source import source_kind
from edgekit.project import user_function

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from typing import TypeGuard

    import numpy.typing as npt

    from edgekit.specs import DataSpec

    Array = npt.NDArray[np.generic]

_PAIR = 2  # inputs and labels
_RANDOM_SAMPLES = 320  # 200 for calibration by default, 64 for validation, a few batches to train
_MOST_RANDOM_VALUES = 2**29
_KEYS = ("x_train", "y_train", "x_test", "y_test")


@dataclass(frozen=True, kw_only=True, slots=True)
class Samples:
    """Inputs as the source holds them, and what is wanted of each, where it says so.

    Args:
        x: Shape ``(samples, …)``, any numeric dtype.
        y: Shape ``(samples, …)``, or None.
    """

    x: "Array"
    y: "Array | None" = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceData:
    """All that a source gives.

    Args:
        samples: For training, and for all else where there is no test set; None where there is
            a test set alone.
        test: The source's own test set.
        is_scaled: True where the values already are what the model takes.
    """

    samples: Samples | None
    test: Samples | None = None
    is_scaled: bool = False


def read_source(
    spec: "DataSpec",
    *,
    directory: "Path",
    input_shape: tuple[int, ...],
    seed: int,
    ids: int | None = None,
) -> SourceData:
    """Return the samples of ``spec.source``.

    Args:
        spec: What the project says of its data.
        directory: Relative paths and the user's modules are found from here.
        input_shape: Of the model, without the batch.
        seed: Of random data.
        ids: How many ids the model's input can hold, for random data; None: it holds no ids.

    Raises:
        InputError: The source is missing, damaged, or gives something else than samples.
    """
    path = directory / spec.source
    match source_kind(spec.source, directory):
        case "random":
            return _random(input_shape, seed=seed, ids=ids)
        case "folder":
            train, test = read_images(path, input_shape=input_shape, labels=spec.labels)
            return SourceData(
                samples=Samples(x=train[0], y=train[1]), test=test and Samples(x=test[0], y=test[1])
            )
        case "npz":
            return _from_mapping(_read_npz(path, trusted=spec.trusted), where=str(path))
        case "function":
            given = user_function.call(spec.source, directory, what="the data")
            return _from_object(given, where=spec.source, input_shape=input_shape)
    is_there = path.exists()
    raise InputError(
        f"{path}: not a data source that edgekit reads" if is_there else f"{path}: no such file",
        hint="data is an .npz file, module:function, a folder of images, or random",
    )


def _random(input_shape: tuple[int, ...], *, seed: int, ids: int | None) -> SourceData:
    if math.prod(input_shape) * _RANDOM_SAMPLES > _MOST_RANDOM_VALUES:
        raise InputError(f"random data for an input of the shape {input_shape} fill the memory")
    random, shape = np.random.default_rng(seed), (_RANDOM_SAMPLES, *input_shape)
    values = random.uniform(-1, 1, shape) if ids is None else random.integers(0, ids, shape)
    return SourceData(samples=Samples(x=values.astype(np.float32)), is_scaled=True)


def _read_npz(path: "Path", *, trusted: bool) -> "dict[str, Array]":
    arrays, names = read_arrays(path, (*_KEYS, "x", "y"), trusted=trusted)
    if not arrays:
        raise InputError(
            f"{path}: has the arrays {', '.join(names)[:200] or 'none'}, not x_train, x or x_test",
            hint="save numpy.savez(path, x_train=…, y_train=…, x_test=…, y_test=…) or x=…, y=…",
        )
    return {name: _unpacked(array) for name, array in arrays.items()}


def _unpacked(array: "Array") -> "Array":
    """Return an array of objects, such as one array a sample, as the numbers in them."""
    return np.asarray(array.tolist()) if array.dtype.hasobject else array


def _from_mapping(arrays: "Mapping[str, object]", *, where: str) -> SourceData:
    first = "x_train" if "x_train" in arrays else "x"
    if first not in arrays and "x_test" not in arrays:
        raise InputError(
            f"{where}: gives {', '.join(map(str, arrays)) or 'nothing'}, not x_train, x or x_test",
            hint="name the arrays x_train, y_train, x_test, y_test, or x, y",
        )
    samples = test = None
    if "x_test" in arrays:
        test = _samples(arrays["x_test"], arrays.get("y_test"), where=where)
    if first in arrays:
        targets = arrays.get("y_train" if first == "x_train" else "y")
        samples = _samples(arrays[first], targets, where=where)
    return SourceData(samples=samples, test=test)


def _from_object(given: object, *, where: str, input_shape: tuple[int, ...]) -> SourceData:
    """Return what a user's function gave, in any of the forms that the manual lists."""
    if isinstance(given, Mapping):
        return _from_mapping(given, where=where)
    if isinstance(given, (tuple, list)) and len(given) == 2:  # noqa: PLR2004  a pair
        first, second = given
        if _is_stream(first):
            return SourceData(
                samples=_drained(first, where=where, input_shape=input_shape),
                test=_drained(second, where=where, input_shape=input_shape),
            )
        if _is_pair(first) and _is_pair(second):
            return SourceData(
                samples=_samples(*first, where=where), test=_samples(*second, where=where)
            )
        return SourceData(samples=_samples(first, second, where=where))
    if _is_stream(given):
        return SourceData(samples=_drained(given, where=where, input_shape=input_shape))
    if hasattr(given, "__array__"):
        return SourceData(samples=_samples(given, None, where=where))
    raise InputError(
        f"{where}: gives a {type(given).__name__}, not samples",
        hint="return x and y, (x_train, y_train) and (x_test, y_test), or a tf.data.Dataset",
    )


def _is_pair(given: object) -> "TypeGuard[tuple[object, object]]":
    """Return whether ``given`` is inputs and labels, not inputs as nested lists."""
    return (
        isinstance(given, (tuple, list))
        and len(given) == 2  # noqa: PLR2004  a pair
        and all(hasattr(item, "__array__") for item in given)
    )


def _samples(x: object, y: object, *, where: str) -> Samples:
    try:
        return Samples(x=np.asarray(x), y=None if y is None else np.asarray(y))
    except ValueError as error:  # rows of different lengths
        raise InputError(f"{where}: samples are not arrays of one shape ({error})") from error


def _is_stream(given: object) -> bool:
    """Return whether ``given`` is a ``tf.data.Dataset``, without importing TensorFlow."""
    return hasattr(given, "element_spec") and hasattr(given, "as_numpy_iterator")


def _drained(stream: object, *, where: str, input_shape: tuple[int, ...]) -> Samples:
    """Return all that a ``tf.data.Dataset`` holds; its elements may be batches or samples."""
    if not _is_stream(stream):
        raise InputError(f"{where}: gives a tf.data.Dataset beside a {type(stream).__name__}")
    if int(stream.cardinality()) == -1:  # type: ignore[attr-defined]  # INFINITE_CARDINALITY
        raise InputError(f"{where}: the tf.data.Dataset never ends", hint="take .repeat() away")
    elements: Iterable[object] = stream.as_numpy_iterator()  # type: ignore[attr-defined]
    inputs: list[Array] = []
    targets: list[Array] = []
    for element in elements:
        parts = element if isinstance(element, tuple) else (element, None)
        if len(parts) != _PAIR:
            raise InputError(
                f"{where}: the elements of the tf.data.Dataset have {len(parts)} parts",
                hint="give pairs of inputs and labels; weights of samples are not taken",
            )
        x, y = parts
        inputs.append(np.asarray(x))
        if y is not None:
            targets.append(np.asarray(y))
    if not inputs:
        raise InputError(f"{where}: the tf.data.Dataset is empty")
    join = np.concatenate if _has_batch(inputs[0], input_shape) else np.stack
    try:
        return Samples(x=join(inputs), y=join(targets) if targets else None)
    except ValueError as error:  # elements of different shapes
        raise InputError(
            f"{where}: the elements of the tf.data.Dataset have shapes that cannot be joined "
            f"({str(error).splitlines()[0]})",
            hint=f"give samples of the shape {input_shape}, one by one or in batches",
        ) from error


def _has_batch(element: "Array", input_shape: tuple[int, ...]) -> bool:
    """Return whether ``element`` is a batch, one of a single sample included."""
    if _is_sample(element.shape[1:], input_shape):
        return not _is_sample(element.shape, input_shape) or element.shape[1:] == input_shape
    return element.ndim > len(input_shape) and not _is_sample(element.shape, input_shape)


def _is_sample(shape: tuple[int, ...], input_shape: tuple[int, ...]) -> bool:
    """Return whether an array of this shape is one sample, but for dimensions of one."""
    ones_apart = [size for size in shape if size != 1] == [
        size for size in input_shape if size != 1
    ]
    is_flat = len(shape) == 1 or len(input_shape) == 1
    return ones_apart or (is_flat and math.prod(shape) == math.prod(input_shape))
