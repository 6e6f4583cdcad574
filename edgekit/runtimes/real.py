"""A `.tflite` as a function of real numbers: stored as its input, run, and read from its output."""

from typing import TYPE_CHECKING

from edgekit.errors import InputError, UnsupportedModelError
from edgekit.model.single_output import scored_output
from edgekit.model.tensor_values import real_values, stored_values
from edgekit.runtimes.known import RUNTIMES
from edgekit.runtimes.process import Progress, silent

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from edgekit.model.file import ModelFile
    from edgekit.model.values import Model, Tensor
    from edgekit.runtimes.tflm import Array


def real_outputs(
    runtime: str,
    file: "ModelFile",
    inputs: "npt.NDArray[np.float32]",
    *,
    progress: Progress = silent,
) -> "npt.NDArray[np.float32]":
    """Return the output of a model as real numbers, shape ``(samples, …)``.

    Args:
        runtime: A name in `edgekit.runtimes.known.RUNTIMES`.
        file: A model with one input and one output, float or integer.
        inputs: Real numbers, shape ``(samples, *input shape without the batch)``.
        progress: Told the samples done.

    Raises:
        InputError: The inputs do not fit the model.
        UnsupportedModelError: The runtime refuses the model, or it has several inputs or outputs.
    """
    tensor = scored_output(file.model.main)
    stored = (stored_inputs(file.model, inputs),)
    outputs = RUNTIMES[runtime](file, stored, progress=progress)[0]
    return real_values(outputs, tensor)


def stored_inputs(model: "Model", inputs: "npt.NDArray[np.float32]") -> "Array":
    """Return real ``inputs``, shape ``(samples, …)``, as the input of ``model`` stores them.

    Raises:
        InputError: The inputs do not fit the model.
        UnsupportedModelError: The model has several inputs.
    """
    graph = model.main
    if len(graph.inputs) != 1:
        raise UnsupportedModelError(f"the model has {len(graph.inputs)} inputs; verify takes one")
    return _stored(inputs, graph.tensors[graph.inputs[0]])


def _stored(inputs: "npt.NDArray[np.float32]", tensor: "Tensor") -> "Array":
    if inputs.shape[1:] != tensor.shape[1:]:
        raise InputError(
            f"samples have the shape {inputs.shape[1:]}, the model's input {tensor.shape[1:]}"
        )
    return stored_values(inputs, tensor)
