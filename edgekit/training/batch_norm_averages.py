"""Batch normalization's averages, estimated again once a training has pruned the weights."""

from typing import TYPE_CHECKING

from edgekit.training.aware.ranges import set_statistics

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from edgekit.training._tensorflow import Model
    from edgekit.training.loss import Objective

_SAMPLES = 2048  # means over them err by a forty-fifth of a spread
_LEAST_BATCH = 32  # the variance of fewer is too small by more than a thirtieth


def estimate_averages(
    model: "Model",
    inputs: "npt.NDArray[np.float32]",
    goal: "Objective",
    *,
    batch_size: int,
) -> tuple[str, ...]:
    """Set the averages of ``model`` to those of its weights of now, unless its loss rises.

    Args:
        model: A compiled tf_keras model; its weights stay. Frozen layers keep their averages.
        inputs: The training samples, in an order that is not that of the classes.
        goal: What is wanted of each of them.
        batch_size: Of the training.

    Returns:
        What was done and what it gained, in words; nothing without batch normalization.
    """
    count = min(_SAMPLES, len(inputs))
    samples, targets = inputs[:count], goal.targets[:count]
    before, weights = _loss(model, samples, targets), model.get_weights()
    names = set_statistics(model, samples, batch_size=max(batch_size, _LEAST_BATCH))
    if not names:
        return ()
    after = _loss(model, samples, targets)
    layers = f"{len(names)} BatchNormalization {'layer' if len(names) == 1 else 'layers'}"
    figures = f"the loss on {count:,} training samples went from {before:.4g} to {after:.4g}"
    if not after <= before:
        model.set_weights(weights)
        return (f"averages of {layers} left as trained: estimated again, {figures}",)
    return (f"averages of {layers} estimated again: {figures}",)


def _loss(model: "Model", samples: "npt.NDArray[np.float32]", targets: object) -> float:
    found = model.evaluate(samples, targets, batch_size=256, verbose=0)
    return float(found[0] if isinstance(found, list) else found)
