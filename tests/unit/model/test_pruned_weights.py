"""Pruned kernels found again in a file: by the name of their layer, or by their zeros."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from graphs import GraphBuilder

from edgekit.model.pruned_weights import (
    Located,
    PrunedKernel,
    fraction_of,
    load_masks,
    locate,
    save_masks,
)
from edgekit.model.reader import Model, read
from edgekit.model.writer import write

CONV, FIRST, SECOND, LAST = "net/eye/Conv2D", "net/a/MatMul", "net/quant_b/MatMul;x", "net/o/MatMul"


def masks() -> dict[str, np.ndarray]:
    """Return what is kept of three kernels, in Keras's shapes; two Dense layers are of one size."""
    rng = np.random.default_rng(0)
    return {
        "eye": rng.random((3, 3, 2, 4)) < 0.5,
        "a": rng.random((8, 8)) < 0.4,
        "b": rng.random((8, 8)) < 0.3,
    }


def file(names: tuple[str, ...] = (CONV, FIRST, SECOND, LAST)) -> Model:
    """Return a file whose kernels have the zeros of `masks`, and one more that was not pruned."""
    keep = masks()
    builder = GraphBuilder((1, 4, 4, 2))
    x = builder.mean(builder.conv(builder.input, 4, kernel=3))
    x = builder.fully_connected(x, 8)
    found = [builder.operators[0].inputs[1]]
    for _ in range(3):
        x = builder.fully_connected(x, 8)
        found.append(builder.operators[-1].inputs[1])
    stored = (keep["eye"].transpose(3, 0, 1, 2), keep["a"].T, keep["b"].T, np.ones((8, 8)))
    for index, mask, name in zip(found, stored, names, strict=True):
        builder.set_data(index, np.where(mask, 7, 0).astype(np.int8))
        builder.tensors[index] = replace(builder.tensors[index], name=name)
    return read(write(builder.model(x)))


def kernels() -> list[PrunedKernel]:
    return [
        PrunedKernel(layer=name, attribute="kernel", keep=keep) for name, keep in masks().items()
    ]


def counted(found: tuple[Located, ...], model: Model) -> list[tuple[str, int, int]]:
    return [(model.main.tensors[item.tensors[0]].name, item.zeros, item.weights) for item in found]


def test_the_zeros_of_what_was_pruned_are_counted_and_no_others() -> None:
    keep = masks()
    model = file()
    found = locate(model, kernels())
    zeros = {name: int((~mask).sum()) for name, mask in keep.items()}
    assert counted(found, model) == [
        (CONV, zeros["eye"], 72),
        (FIRST, zeros["a"], 64),
        (SECOND, zeros["b"], 64),
    ]
    assert fraction_of(found) == pytest.approx(sum(zeros.values()) / 200)
    (alone,) = locate(model, kernels()[:1])
    assert alone.fraction == zeros["eye"] / 72


def test_kernels_without_a_name_are_told_by_their_zeros() -> None:
    model = file(("arith.constant1", "", "tfl.pseudo_qconst", ""))
    found = [(item.zeros, item.weights) for item in locate(model, kernels())]
    assert found == [(int((~mask).sum()), mask.size) for mask in masks().values()]


def test_the_gates_of_a_recurrent_kernel_are_counted_together() -> None:
    keep = masks()
    whole = np.concatenate([keep["b"], np.ones((8, 8), bool), keep["a"], keep["b"]], axis=1)
    rng = np.random.default_rng(1)
    builder = GraphBuilder((1, 8))
    x = builder.input
    for gate in np.split(whole, 4, axis=1):
        x = builder.fully_connected(x, 8)
        values = np.where(gate.T, rng.integers(1, 9, (8, 8)), 0)
        builder.set_data(builder.operators[-1].inputs[1], values.astype(np.int8))
    model = read(write(builder.model(x)))
    (found,) = locate(model, [PrunedKernel(layer="mem", attribute="cell.kernel", keep=whole)])
    assert (len(set(found.tensors)), found.weights) == (4, 256)
    assert found.zeros == int((~whole).sum())


def test_zeros_that_were_lost_on_the_way_are_not_claimed() -> None:
    keep = masks()
    lost = PrunedKernel(layer="a", attribute="kernel", keep=np.zeros((8, 8), bool))
    (found,) = locate(file(), [lost])
    assert (found.zeros, found.weights) == (int((~keep["a"]).sum()), 64)


def test_a_kernel_that_is_not_in_the_file_is_left_out() -> None:
    stranger = PrunedKernel(layer="z", attribute="kernel", keep=np.zeros((5, 5), bool))
    (found,) = locate(file(), [stranger])
    assert (found.tensors, found.fraction) == ((), None)
    assert fraction_of((found,)) is None


def test_masks_are_kept_in_their_order(tmp_path: Path) -> None:
    wanted = [np.arange(places) % 2 == 0 for places in range(1, 13)]
    save_masks(tmp_path / "masks.npz", wanted)
    for one, other in zip(load_masks(tmp_path / "masks.npz"), wanted, strict=True):
        np.testing.assert_array_equal(one, other)


def pairs(masks: tuple[np.ndarray, np.ndarray], names: tuple[str, str]) -> Model:
    """Return a file of two fully connected layers whose kernels have the zeros of ``masks``."""
    builder = GraphBuilder((1, 6))
    x = builder.input
    for mask, name in zip(masks, names, strict=True):
        x = builder.fully_connected(x, 6)
        index = builder.operators[-1].inputs[1]
        builder.set_data(index, np.where(mask, 3, 0).astype(np.int8))
        builder.tensors[index] = replace(builder.tensors[index], name=name)
    return read(write(builder.model(x)))


def test_the_two_kernels_of_a_separable_layer_are_told_apart_by_their_zeros() -> None:
    rng = np.random.default_rng(2)
    pointwise, depthwise = rng.random((6, 6)) < 0.5, rng.random((6, 6)) < 0.2
    model = pairs((depthwise, pointwise.T), ("net/split/depthwise", "net/split/separable_conv2d"))
    kernels = [
        PrunedKernel(layer="split", attribute="pointwise_kernel", keep=pointwise[None, None]),
        PrunedKernel(layer="split", attribute="depthwise_kernel", keep=depthwise),
    ]
    wanted = [int((~item).sum()) for item in (pointwise, depthwise)]
    assert [item.zeros for item in locate(model, kernels)] == wanted


def test_kernels_alike_are_not_counted_as_one() -> None:
    keep = np.random.default_rng(3).random((6, 6)) < 0.5
    model = pairs((keep.T, (keep & (np.arange(6) > 2)).T), ("", ""))
    kernels = [PrunedKernel(layer=name, attribute="kernel", keep=keep) for name in "ab"]
    first, second = locate(model, kernels)
    assert first.tensors != second.tensors
