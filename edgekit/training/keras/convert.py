"""From a Keras 3 model to a `.tflite` file, as it is: nothing is rebuilt in another Keras."""

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from edgekit.errors import InputError, UnsupportedModelError
from edgekit.model.edit import map_tensors
from edgekit.model.integer import float_tensors, require_integer
from edgekit.model.operators import kind_of
from edgekit.model.reader import read
from edgekit.model.writer import write
from edgekit.quantization.coarse_weights import int4_weights
from edgekit.training._tensorflow import tensorflow
from edgekit.training.converter import run, set_scheme
from edgekit.training.keras.aware import Aware
from edgekit.training.keras.inlined import Inlined
from edgekit.training.keras.observe import Observe
from edgekit.training.keras.precision import precision_of
from edgekit.training.keras.quantize_aware import left
from edgekit.training.keras.trace import trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt

    from edgekit.model.values import Model as TFLiteModel
    from edgekit.model.values import Tensor
    from edgekit.record.model import FloatTensor
    from edgekit.specs import Converted, Scheme
    from edgekit.training._tensorflow import Model, Module
    from edgekit.training.keras.precision import AwareScheme

    Samples = Sequence[npt.NDArray[np.generic]]


def is_aware(model: "Model") -> bool:
    """Return whether ``model`` was made by `edgekit.quantize_aware`."""
    return any(isinstance(item, (Aware, Inlined, Observe)) for item in model.layers)


def scheme_of(model: "Model") -> "AwareScheme":
    """Return the scheme of a quantization-aware ``model``."""
    found = [item for item in model.layers if isinstance(item, (Aware, Inlined, Observe))]
    return precision_of(found[0].scheme).scheme


def convert_aware(model: "Model", *, data: "Samples | None" = None) -> bytes:
    """Return a quantization-aware Keras 3 ``model`` as a fully-integer `.tflite` file.

    Args:
        model: Of `edgekit.quantize_aware`, trained.
        data: For each input its samples, shape ``(samples, …)``: they set the ranges inside of
            layers that could not be looked into. None where there are none such.

    Raises:
        InputError: Some ranges were never seen, or ``data`` is needed.
        UnsupportedModelError: The converter refuses the model, or leaves floats in it.
    """
    scheme = scheme_of(model)
    made = _converter(trace(model), model)
    tf = tensorflow()
    made.optimizations = [tf.lite.Optimize.DEFAULT]
    kind = tf.int16 if scheme == "int16x8" else tf.int8
    made.inference_input_type = made.inference_output_type = kind
    if scheme == "int16x8":
        made._experimental_low_bit_qat = True  # noqa: SLF001  the ranges' own bits, 16
    if data is not None:
        if scheme == "int16x8":
            raise InputError(
                "the converter calibrates no int16x8 model that has ranges already",
                hint='edgekit.quantize_aware(model, scheme="int8")',
            )
        made.representative_dataset = _representative(model, data)
        made.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    found = read(run(made))
    _require_ranges(model, found, given=data is not None)
    if scheme == "int4":
        return write(int4_weights(found).model)
    return write(_with_wide_biases(found) if scheme == "int16x8" else found)


def convert(model: "Model", *, data: "Samples", scheme: "Scheme" = "int8") -> bytes:
    """Return a trained Keras 3 ``model`` as a `.tflite` file, quantized after training.

    Args:
        model: Built, with any layers that TensorFlow can trace.
        data: For each input its samples, shape ``(samples, …)``: they set the ranges.
        scheme: As `edgekit.training.converter.convert`.

    Raises:
        InputError: The samples are empty, not finite, or do not fit.
        UnsupportedModelError: The converter refuses the model.
    """
    made = _converter(trace(model), model)
    kind: Converted = "int8" if scheme == "int4" else scheme
    if kind != "float32":
        made.optimizations = [tensorflow().lite.Optimize.DEFAULT]
    set_scheme(tensorflow(), made, kind, "int8")
    if kind in {"int8", "int16x8"}:
        made.representative_dataset = _representative(model, data)
    content = run(made)
    if kind in {"int8", "int16x8"}:
        require_integer(read(content))
    return write(int4_weights(read(content)).model) if scheme == "int4" else content


def _converter(concrete: "Module", model: "Model") -> "Module":
    return tensorflow().lite.TFLiteConverter.from_concrete_functions([concrete], model)


def _representative(model: "Model", data: "Samples") -> "Callable[[], Iterator[list[object]]]":
    shapes = [tuple(item.shape[1:]) for item in model.inputs]
    found = [np.asarray(item) for item in data]
    if [item.shape[1:] for item in found] != shapes:
        raise InputError(
            f"the samples have the shapes {[item.shape[1:] for item in found]}, the model's "
            f"inputs {shapes}"
        )
    if not len(found[0]):
        raise InputError("there are no calibration samples", hint="give some of the training data")
    if any(item.dtype.kind == "f" and not np.isfinite(item).all() for item in found):
        raise InputError("the calibration samples hold NaN or infinity")
    kinds = [str(item.dtype) for item in model.inputs]

    def samples() -> "Iterator[list[object]]":
        for row in zip(*found, strict=True):
            yield [item[np.newaxis].astype(kind) for item, kind in zip(row, kinds, strict=True)]

    return samples


def _require_ranges(model: "Model", found: "TFLiteModel", *, given: bool) -> None:
    """Refuse a file with floats, and say which layers they belong to."""
    floats = float_tensors(found)
    unseen = left(model)
    names = [f"'{name}' ({reason})" for name, reason in unseen.items()]
    names += [f"'{name}'" for name in _layers_of(model, floats) if name not in unseen]
    if not floats:
        return
    if given or not names:
        require_integer(found)
    if scheme_of(model) == "int16x8":
        raise UnsupportedModelError(
            "the converter has no 16-bit form of a part of the model, most often a constant that "
            f"is added or multiplied; floats are left in {', '.join(names)}",
            hint='edgekit.quantize_aware(model, scheme="int8")',
        )
    raise InputError(
        f"no range was learned inside of {', '.join(names)}",
        hint="edgekit.convert(model, data=x_train[:500])",
    )


def _layers_of(model: "Model", floats: "tuple[FloatTensor, ...]") -> list[str]:
    """Return the layers after which tensors of the file are named, once each."""
    known = {layer.name for layer in model.layers}
    parts = [part for item in floats for part in re.split("[/;]", item.name)]
    names = [name for part in parts for name in (part, part.rpartition("_")[0]) if name in known]
    return list(dict.fromkeys(names))


def _with_wide_biases(model: "TFLiteModel") -> "TFLiteModel":
    """Return a model of 16-bit activations with biases of 64 bits.

    TFLite-Micro's DEPTHWISE_CONV_2D reads them so, whatever their type; after training the
    converter writes them so, and with ranges in the graph it does not.
    """
    biases = {
        operator.inputs[place]
        for operator in model.main.operators
        if 0 <= (place := kind_of(operator).bias) < len(operator.inputs)
    }

    def widened(tensor: "Tensor") -> "Tensor":
        if tensor.index not in biases or tensor.dtype != "int32" or tensor.data is None:
            return tensor
        values = np.frombuffer(tensor.data, "<i4").astype("<i8")
        return replace(tensor, dtype="int64", data=values.tobytes())

    return map_tensors(model, widened)
