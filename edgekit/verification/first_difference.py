"""The first operator at which LiteRT and TFLite-Micro differ."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgekit.model.tensor_values import real_values
from edgekit.runtimes import litert, tflm
from edgekit.runtimes.process import Progress, silent

if TYPE_CHECKING:
    import numpy.typing as npt

    from edgekit.model.file import ModelFile
    from edgekit.model.values import Model, Operator

    Array = npt.NDArray[np.generic]


@dataclass(frozen=True, kw_only=True, slots=True)
class FirstDifference:
    """Where two runtimes first part; every operator before gave the same bytes.

    Args:
        operator: Index of the operator.
        op: Its kind.
        tensor: The name of what it writes.
        sample: The first sample on which it differs.
        element: Indices of the element with the largest difference there.
        litert: LiteRT's stored value of that element.
        tflite_micro: TFLite-Micro's.
        litert_real: The real number that LiteRT's stands for.
        tflite_micro_real: The same of TFLite-Micro's.
        differing_fraction: Of the operator's outputs over all samples.
        differing_operators: How many operators differ, this one and those that follow from it.
    """

    operator: int
    op: str
    tensor: str
    sample: int
    element: tuple[int, ...]
    litert: float
    tflite_micro: float
    litert_real: float
    tflite_micro_real: float
    differing_fraction: float
    differing_operators: int


def first_difference(
    file: "ModelFile", stored: "Array", *, progress: Progress = silent
) -> FirstDifference | None:
    """Return the first operator at which LiteRT and TFLite-Micro differ, or None.

    Args:
        file: The model; both runtimes get the same bytes.
        stored: Input values as the model stores them, shape ``(samples, …)``.
        progress: Told the samples done.

    Raises:
        UnsupportedModelError: One of the runtimes refuses the model.
        MissingDependencyError: TFLite-Micro is not installed.
    """
    model = file.model
    operators = [item for item in model.main.operators if item.outputs]
    wanted = tuple(item.outputs[0] for item in operators)
    with tflm.Session() as session:
        micro = session.tensors(file.content, (stored,), wanted, progress=progress)
    with litert.Session() as session:
        lite = session.tensors(file.content, (stored,), wanted, progress=progress)
    parted = [
        (operator, a, b)
        for operator, a, b in zip(operators, lite, micro, strict=True)
        if not np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    ]
    if not parted:
        return None
    return difference_at(model, *parted[0], differing=len(parted))


def difference_at(
    model: "Model", operator: "Operator", lite: "Array", micro: "Array", *, differing: int
) -> FirstDifference:
    """Return the difference of what ``operator`` writes first, shape ``(samples, *shape)``."""
    tensor = model.main.tensors[operator.outputs[0]]
    apart = np.abs(lite.astype(np.float64) - micro.astype(np.float64))
    sample = int(np.argmax(apart.reshape(len(apart), -1).any(axis=1)))
    place = (sample, *_largest(apart[sample]))
    return FirstDifference(
        operator=operator.index,
        op=operator.op,
        tensor=tensor.name,
        sample=sample,
        element=place[1:],
        litert=float(lite[place]),
        tflite_micro=float(micro[place]),
        litert_real=float(real_values(lite[place][np.newaxis], tensor)[0]),
        tflite_micro_real=float(real_values(micro[place][np.newaxis], tensor)[0]),
        differing_fraction=float(np.mean(apart != 0)),
        differing_operators=differing,
    )


def _largest(values: "npt.NDArray[np.float64]") -> tuple[int, ...]:
    """Return the indices of the largest of ``values``."""
    return tuple(int(item) for item in np.unravel_index(int(values.argmax()), values.shape))
