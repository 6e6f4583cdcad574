"""Shrink real models and print the table of docs/shrink.md.

    python benchmarks/shrink_models.py ../shared/models/mlperf_tiny/*.tflite

Every model is proved equal on 1,000 inputs. The last rows set the smallest 80 % of the weights
of the first fully connected model to zero, and code it under budgets of RAM.
"""

import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from edgekit.devices.profile import load_target
from edgekit.errors import UnsupportedModelError
from edgekit.model.edit import map_tensors
from edgekit.model.file import ModelFile
from edgekit.model.reader import read
from edgekit.model.values import Tensor
from edgekit.model.writer import write
from edgekit.shrinking import Shrunk, shrink

_COLUMNS = ("flash", "MACs", "arena")
_TARGET = "nucleo-l4r5zi"  # its runtime has DECODE
_BUDGETS_BYTES = (16 * 2**10, 32 * 2**10, 96 * 2**10)


def main(paths: list[Path]) -> None:
    """Print one row a model that shrink takes."""
    pairs = [f"{column} {when}" for column in _COLUMNS for when in ("before", "after")]
    print(f"| model | {' | '.join(pairs)} | seconds |")
    print("| --- |" + " ---: |" * 7)
    for path in paths:
        try:
            _row(path.stem, path.read_bytes(), budget_bytes=None)
        except UnsupportedModelError as error:
            print(f"{path.stem}: {error.message}", file=sys.stderr)
    dense = next((path for path in paths if path.stem == "ad01_int8"), None)
    if dense is None:
        return
    pruned = write(
        map_tensors(read(dense.read_bytes()), lambda tensor: prune(tensor, sparsity=0.8))
    )
    _row("ad01_int8, 80 % zeros", pruned, budget_bytes=None)
    for budget in _BUDGETS_BYTES:
        _row(f"ad01_int8, 80 % zeros, coded in {budget >> 10} KiB", pruned, budget_bytes=budget)


def prune(tensor: Tensor, *, sparsity: float) -> Tensor:
    """Return an int8 constant with its smallest weights set to zero."""
    if tensor.dtype != "int8" or tensor.data is None:
        return tensor
    values = tensor.values().astype(np.int16)
    least = np.quantile(np.abs(values), sparsity, method="higher")
    kept = np.where(np.abs(values) <= least, 0, values).astype(np.int8)
    return replace(tensor, data=kept.tobytes())


def _row(name: str, content: bytes, *, budget_bytes: int | None) -> None:
    start = time.perf_counter()
    target = None if budget_bytes is None else load_target(_TARGET)
    result = shrink(ModelFile.of(content), target=target, ram_budget_bytes=budget_bytes)
    cells = [f"{value:,}" for value in _figures(result)]
    print(f"| {name} | {' | '.join(cells)} | {time.perf_counter() - start:.1f} |", flush=True)


def _figures(result: Shrunk) -> tuple[int, ...]:
    assert result.arena_before_bytes is not None
    assert result.arena_after_bytes is not None
    return (
        result.before_bytes,
        result.after_bytes,
        result.macs_before,
        result.macs_after,
        result.arena_before_bytes,
        result.arena_after_bytes,
    )


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
