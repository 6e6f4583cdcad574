"""From a SavedModel to a TFLite file; runs in a process of its own, for the converter can crash."""

import re
from typing import TYPE_CHECKING

import numpy as np

from edgekit.errors import InputError, ToolError, UnsupportedModelError
from edgekit.specs import INTEGER_SCHEMES
from edgekit.training._tensorflow import tensorflow
from edgekit.training.load.load import serving_signature

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy.typing as npt

    from edgekit.runtimes.process import Progress
    from edgekit.specs import Converted, IoType
    from edgekit.training._tensorflow import Module, Tensors

_CALLS = re.compile(r"(?:Stateful)?PartitionedCall(?:_\d+)?/")


def convert(
    progress: "Progress",
    saved_model: "Path",
    calibration: "npt.NDArray[np.float32]",
    *,
    io: "IoType" = "int8",
    scheme: "Converted" = "int8",
) -> bytes:
    """Return the SavedModel in the folder ``saved_model`` as a `.tflite` file, batch of 1.

    Args:
        progress: Told what goes on.
        saved_model: It serves one function of one input.
        calibration: Samples as the float model takes them; set the ranges of activations.
        io: Type of the file's inputs and outputs, for the integer schemes.
        scheme: ``"int8"`` all integer; ``"int16x8"`` 16-bit activations, 8-bit weights;
            ``"float16"`` and ``"dynamic"`` are for phones, not for microcontrollers;
            ``"float32"`` quantizes nothing.

    Raises:
        InputError: The calibration samples are empty, not finite, or do not fit.
        UnsupportedModelError: The converter refuses the model.
    """
    return run(converter(progress, saved_model, calibration, io=io, scheme=scheme))


def converter(
    progress: "Progress",
    saved_model: "Path",
    calibration: "npt.NDArray[np.float32]",
    *,
    io: "IoType",
    scheme: "Converted",
) -> "Module":
    """Return TensorFlow's converter with all set for `run`; arguments are those of `convert`.

    Raises:
        InputError: The calibration samples are empty, not finite, or do not fit.
    """
    tf = tensorflow()
    loaded = tf.saved_model.load(str(saved_model))
    signature = serving_signature(loaded, saved_model)
    (given,) = signature.structured_input_signature[1].values()
    _check_shape(given.shape, saved_model)
    _check_calibration(calibration, tuple(given.shape[1:]))
    if given.shape[0] == 1:  # our own exports
        made = tf.lite.TFLiteConverter.from_saved_model(str(saved_model))
    else:
        function = _static(tf, signature)
        made = tf.lite.TFLiteConverter.from_concrete_functions([function], loaded)
    if scheme != "float32":
        made.optimizations = [tf.lite.Optimize.DEFAULT]
    set_scheme(tf, made, scheme, io)

    def samples() -> "Iterator[list[object]]":
        for number, sample in enumerate(calibration):
            if number % 16 == 0:
                progress(number, len(calibration), "calibrating")
            yield [tf.cast(sample[np.newaxis], given.dtype)]

    if scheme in INTEGER_SCHEMES:
        made.representative_dataset = samples
    return made


def run(made: "Module") -> bytes:
    """Return what the converter ``made`` writes.

    Raises:
        UnsupportedModelError: It refuses the model.
        ToolError: It failed.
    """
    try:
        return bytes(made.convert())
    except Exception as error:  # the converter documents no type
        raise refusal(error) from error


def warm(progress: "Progress") -> None:
    """Import TensorFlow ahead of the conversion."""
    del progress
    tensorflow()


def _check_shape(shape: "Tensors", path: "Path") -> None:
    if any(size is None for size in shape[1:]):
        raise UnsupportedModelError(
            f"{path}: the input has no fixed shape {tuple(shape[1:])}",
            hint="save the model with every size of its input given",
        )


def _static(tf: "Module", signature: "Module") -> "Module":
    """Return the served function with a batch of 1, and constants for its variables."""
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2,
    )

    ((name, given),) = signature.structured_input_signature[1].items()

    def one(values: "Tensors") -> "Tensors":
        return signature(**{name: values})

    spec = tf.TensorSpec((1, *given.shape[1:]), given.dtype, name=name)
    concrete = tf.function(one, input_signature=[spec]).get_concrete_function()
    return _plainly_named(tf, convert_variables_to_constants_v2(concrete))


def _plainly_named(tf: "Module", frozen: "Module") -> "Module":
    """Return ``frozen`` without the names of the calls that its nodes were inlined from.

    Tensors of the file are called after nodes: ``conv2d/Conv2D`` tells a user more, in fewer
    bytes, than ``PartitionedCall/PartitionedCall/conv2d/Conv2D``.
    """
    definition = frozen.graph.as_graph_def()
    names = {node.name: node.name for node in definition.node}
    taken = set(names)
    for name in names:
        plain = _CALLS.sub("", name)
        if plain not in taken:
            names[name] = plain
            taken.add(plain)
    for node in definition.node:
        node.name = names[node.name]
        node.input[:] = [_renamed(item, names) for item in node.input]
    wrapped = tf.compat.v1.wrap_function(lambda: tf.import_graph_def(definition, name=""), [])
    feeds, fetches = (
        [wrapped.graph.get_tensor_by_name(_renamed(item.name, names)) for item in tensors]
        for tensors in (frozen.inputs, frozen.outputs)
    )
    return wrapped.prune(feeds, fetches)


def _renamed(tensor: str, names: dict[str, str]) -> str:
    """Return ``node:0`` or ``^node`` with the node's new name."""
    control = "^" if tensor.startswith("^") else ""
    node, colon, output = tensor.removeprefix("^").partition(":")
    return control + names[node] + colon + output


def set_scheme(tf: "Module", converter: "Module", scheme: "Converted", io: "IoType") -> None:
    """Tell TensorFlow's ``converter`` what ``scheme`` means."""
    kinds = tf.lite.OpsSet
    if scheme == "float16":
        converter.target_spec.supported_types = [tf.float16]
    elif scheme == "int16x8":
        converter.target_spec.supported_ops = [
            kinds.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
        ]
    elif scheme == "int8":
        converter.target_spec.supported_ops = [kinds.TFLITE_BUILTINS_INT8]
    if scheme in INTEGER_SCHEMES and io != "float32":
        wanted = tf.int16 if scheme == "int16x8" else getattr(tf, io)
        converter.inference_input_type = converter.inference_output_type = wanted


def _check_calibration(calibration: "npt.NDArray[np.float32]", shape: tuple[int, ...]) -> None:
    if len(calibration) == 0:
        raise InputError("there are no calibration samples", hint="give data, or --data random")
    if calibration.shape[1:] != shape:
        raise InputError(
            f"calibration samples have the shape {calibration.shape[1:]}, the model's input {shape}"
        )
    if calibration.dtype.kind not in "fiu" or not np.isfinite(calibration).all():
        raise InputError("the calibration samples hold NaN, infinity, or no numbers")


def refusal(error: Exception) -> UnsupportedModelError | ToolError:
    """Return what the converter says in ``error``, in one sentence."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    about = [line for line in lines if "op is neither" in line or "failed to legalize" in line]
    text = (about or lines or [type(error).__name__])[0][:300]
    if about:
        return UnsupportedModelError(f"TFLite has no operator for a part of the model: {text}")
    return ToolError(f"the TFLite converter failed: {text}")
