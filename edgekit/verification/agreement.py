"""Do TFLite-Micro and LiteRT compute the same? Step by step, and where they first part."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgekit.data.labels import hold_classes
from edgekit.errors import UnsupportedModelError
from edgekit.model.macs import macs
from edgekit.model.tensor_values import is_quantized, real_values
from edgekit.runtimes import litert
from edgekit.runtimes.process import Progress, silent
from edgekit.runtimes.real import stored_inputs
from edgekit.verification.divergence import FLOAT_STEP, first_divergence
from edgekit.verification.first_difference import FirstDifference
from edgekit.verification.metrics import classes_of_outputs

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from edgekit.data.reference import Vectors
    from edgekit.model.file import ModelFile
    from edgekit.model.values import Graph, Model, Tensor

    Reals = npt.NDArray[np.float32]

_MICRO, _LITE = "tflite-micro", "litert"
_REFERENCE_MACS = 2_000_000_000  # of all samples together: some 10 s of one core
_TRACED_SAMPLES = 4  # in which the first operator is looked for: all tensors are held at once
_MORE_THAN_ONE_STEP = 1.5  # steps are whole, and real numbers only nearly
_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, kw_only=True, slots=True)
class Agreement:
    """TFLite-Micro held against LiteRT on the same samples.

    Args:
        samples: How many were given to both.
        rounded: On how many LiteRT's fast kernels differ by more than one step, or in the class.
        asked: On how many its reference kernels were run.
        differing: On how many of these they differ by more than one step, or in the class.
        classes: On how many of these in the class.
        steps: The largest difference of an output from the reference kernels', in steps.
        first: The first operator that differs from its reference kernel by more than one step on
            equal inputs; None where there is none: what differs then is one step that grew.
    """

    samples: int
    rounded: int
    asked: int
    differing: int
    classes: int
    steps: float
    first: FirstDifference | None = None


def agreement(
    file: "ModelFile",
    vectors: "Vectors",
    outputs: "Mapping[str, Reals]",
    *,
    progress: Progress = silent,
) -> Agreement | None:
    """Return how far TFLite-Micro's outputs are from LiteRT's; None without the one or the other.

    Where LiteRT's fast kernels give what TFLite-Micro gives, within one step, the two agree.
    Samples on which they do not are run through LiteRT's reference kernels, which define the
    operators: as many as 2 G multiply-accumulates allow, evenly spaced. Where these differ too,
    the operators are asked one by one.

    Args:
        file: A model with one input.
        vectors: The samples, with labels where there are any: they tell whether there are classes.
        outputs: Of the first output, real values by runtime, as `edgekit.verification.verify`
            has them.
        progress: Told the samples done.

    Raises:
        ToolError: The reference kernels crashed.
    """
    if _MICRO not in outputs:
        return None
    parsed = file.model
    micro, fast = outputs[_MICRO], outputs.get(_LITE)
    step = _step(parsed.main, micro)
    has_classes = _has_classes(vectors, micro)
    every = np.arange(len(micro))
    apart = every if fast is None else every[_apart(micro, fast, step, has_classes=has_classes)]
    chosen = apart[_spaced(len(apart), _most_samples(parsed))]
    rounded = 0 if fast is None else len(apart)
    if not len(chosen):
        return _same(len(micro), rounded)
    stored = stored_inputs(parsed, vectors.inputs[chosen])
    try:
        with litert.Session(kernels="reference") as session:
            given = session.run(file.content, (stored,), progress=progress)[0]
    except UnsupportedModelError:
        return None
    reference = real_values(given, parsed.main.tensors[parsed.main.outputs[0]])
    found = micro[chosen]
    wrong = _apart(found, reference, step, has_classes=has_classes)
    furthest = np.argsort(-_distance(found, reference), kind="stable")
    worst = furthest[wrong[furthest]][: min(_TRACED_SAMPLES, _most_samples(parsed))]
    return Agreement(
        samples=len(micro),
        rounded=rounded,
        asked=len(chosen),
        differing=int(wrong.sum()),
        classes=int(_other_class(found, reference).sum()) if has_classes else 0,
        steps=float(_distance(found, reference).max(initial=0) / step),
        first=first_divergence(file, stored[worst], progress=progress) if len(worst) else None,
    )


def _same(samples: int, rounded: int) -> Agreement:
    return Agreement(samples=samples, rounded=rounded, asked=0, differing=0, classes=0, steps=0.0)


def _apart(
    one: "Reals", other: "Reals", step: float, *, has_classes: bool
) -> "npt.NDArray[np.bool_]":
    """Return the samples that differ by more than one step, or in the class."""
    far = np.asarray(_distance(one, other) > _MORE_THAN_ONE_STEP * step)
    return far | _other_class(one, other) if has_classes else far


def _distance(one: "Reals", other: "Reals") -> "npt.NDArray[np.float64]":
    """Return the largest difference of an output in each sample; beside NaN the largest float."""
    first, second = (item.reshape(len(item), -1).astype(np.float64) for item in (one, other))
    same = (first == second) | (np.isnan(first) & np.isnan(second))
    with np.errstate(invalid="ignore"):
        apart = np.where(same, 0.0, np.abs(first - second))
    bounded = np.nan_to_num(apart, nan=_LARGEST, posinf=_LARGEST)
    return np.asarray(bounded.max(axis=1, initial=0.0), np.float64)


def _other_class(one: "Reals", other: "Reals") -> "npt.NDArray[np.bool_]":
    both = classes_of_outputs(np.concatenate([one, other.reshape(one.shape)]))
    return np.asarray(both[: len(one)] != both[len(one) :])


def _has_classes(vectors: "Vectors", outputs: "Reals") -> bool:
    width = math.prod(outputs.shape[1:])
    return vectors.labels is not None and hold_classes(vectors.labels, width)


def _step(graph: "Graph", outputs: "Reals") -> float:
    """Return the real number of one step of the first output."""
    scale = _scale(_stored_output(graph))
    if scale is not None:
        return scale
    if graph.tensors[graph.outputs[0]].is_float:
        peak = float(np.abs(outputs[np.isfinite(outputs)]).max(initial=0.0))
        return max(peak, float(np.finfo(np.float32).tiny)) * FLOAT_STEP
    return 0.5  # whole numbers such as places of a largest value: none is near another


def _stored_output(graph: "Graph") -> "Tensor":
    """Return the first output, or what the DEQUANTIZE reads that writes it."""
    output = graph.outputs[0]
    for operator in graph.operators:
        if operator.op == "DEQUANTIZE" and operator.outputs[0] == output:
            return graph.tensors[operator.inputs[0]]
    return graph.tensors[output]


def _scale(tensor: "Tensor") -> float | None:
    made = tensor.quantization
    return float(made.scales[0]) if made is not None and is_quantized(tensor) else None


def _most_samples(model: "Model") -> int:
    one = sum(macs(model.main, operator) for operator in model.main.operators)
    return max(1, _REFERENCE_MACS // max(one, 1))


def _spaced(count: int, most: int) -> "npt.NDArray[np.intp]":
    """Return at most ``most`` places out of ``count``, evenly spaced."""
    return np.unique(np.linspace(0, max(count - 1, 0), min(count, most)).round().astype(np.intp))
