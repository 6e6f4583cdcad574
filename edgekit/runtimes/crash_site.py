"""The operator at which a runtime crashes: found by cutting the graph, and named with its cause."""

from dataclasses import replace
from typing import TYPE_CHECKING

from edgekit.errors import CrashError, EdgekitError, ToolError, UnsupportedModelError
from edgekit.model.edit import compact, with_main
from edgekit.model.reader import read
from edgekit.model.writer import write

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt

    from edgekit.model.values import Graph, Model, Operator

    Inputs = tuple[npt.NDArray[np.generic], ...]

_SOFTMAX_BITS = 26  # TFLite-Micro, softmax_common.cc: beta * scale * 2 ** 26 must be above 1
_SUM_BITS = {"int8": 20, "uint8": 20, "int16": 15}  # add_common.cc and sub_common.cc, left_shift


def located(
    error: CrashError, model: bytes, inputs: "Inputs", run: "Callable[[bytes, Inputs], object]"
) -> EdgekitError:
    """Return ``error`` with the first operator that crashes the runtime, and why.

    Args:
        error: What running the whole model raised.
        model: The `.tflite` file.
        inputs: On which it crashed.
        run: Runs a model in the same runtime, and raises `CrashError` where that crashes.

    Returns:
        An `UnsupportedModelError` where the cause is known, else a `ToolError`; ``error``
        itself where the crash does not come again.
    """
    parsed = read(model)
    operators = parsed.main.operators

    def crashes(count: int) -> bool:
        try:
            run(write(_first(parsed, count)), tuple(item[:1] for item in inputs))
        except CrashError:
            return True
        except EdgekitError:
            return False
        return False

    runs, fails = 0, len(operators)
    if not crashes(fails):
        return error
    while fails - runs > 1:
        middle = (runs + fails) // 2
        runs, fails = (runs, middle) if crashes(middle) else (middle, fails)
    culprit = operators[fails - 1]
    where = f"{error.message.partition(';')[0]} at {culprit.op} (operator {culprit.index})"
    cause = failed_check(parsed.main, culprit)
    if cause is None:
        return ToolError(
            f"{where}; the {fails - 1} operators before it run",
            hint=f"replace this {culprit.op} in the model, and convert it again",
        )
    return UnsupportedModelError(
        f"{where}: {cause}",
        hint="values this small come of weights that were never trained, or of calibration samples "
        "unlike real ones: give a trained model and its own data",
    )


def _first(model: "Model", count: int) -> "Model":
    """Return a model of the first ``count`` operators: its outputs are all that none reads."""
    graph = model.main
    kept = graph.operators[:count]
    read_there = {index for operator in kept for index in operator.inputs}
    outputs = tuple(
        index for operator in kept for index in operator.outputs if index not in read_there
    )
    bare = replace(model, signatures=(), metadata=(), legacy_metadata=None)
    return compact(with_main(bare, replace(graph, operators=kept, outputs=outputs)))


def failed_check(graph: "Graph", operator: "Operator") -> str | None:
    """Return which check ``operator`` fails in TFLite-Micro's kernel, which ends the program.

    None where none is known to fail.
    """
    around = [
        graph.tensors[index] for index in (*operator.inputs, *operator.outputs) if index != -1
    ]
    made = [tensor.quantization for tensor in around]
    scales = [float(item.scales[0]) for item in made if item is not None and item.scales.size]
    if len(scales) != len(around):
        return None
    match operator.op, len(scales):
        case "SOFTMAX" | "LOG_SOFTMAX", 2:
            return _small_softmax(operator, scales[0])
        case "ADD" | "SUB", 3:
            bits = _SUM_BITS.get(around[-1].dtype)
            return None if bits is None else _small_sum(max(scales[:2]), scales[2], bits)
        case _:
            return None


def _small_softmax(operator: "Operator", scale: float) -> str | None:
    beta = float(getattr(operator.options, "beta", 1.0) or 1.0)
    least = 1 / (beta * 2**_SOFTMAX_BITS)
    if scale > least:
        return None
    return (
        f"the scale of its input is {scale:.2g}, and its kernel takes none of {least:.2g} or less"
    )


def _small_sum(greatest: float, scale: float, bits: int) -> str | None:
    least = 2 * greatest / 2**bits
    if scale > least:
        return None
    return (
        f"the scale of its output is {scale:.2g}, and beside an input of {greatest:.2g} its kernel "
        f"takes none of {least:.2g} or less"
    )
