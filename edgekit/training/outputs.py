"""The outputs of a Keras model by name: a score is of one."""

from typing import TYPE_CHECKING

from edgekit.model.single_output import check_one_output

if TYPE_CHECKING:
    from edgekit.training._tensorflow import Model

ONE_OUTPUT = "give a model with that output alone: keras.Model(model.inputs, model.outputs[0])"


def check_keras_output(model: "Model") -> None:
    """Refuse a Keras model with several outputs, where a score of one would be given.

    Raises:
        UnsupportedModelError: It has several; the message names them.
    """
    if len(model.outputs) == 1:  # a Sequential model has no names for its own
        return
    shapes = [tuple(tensor.shape) for tensor in model.outputs]
    check_one_output(list(zip(model.output_names, shapes, strict=True)), hint=ONE_OUTPUT)
