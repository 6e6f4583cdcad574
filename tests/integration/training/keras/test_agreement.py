"""Quantization-aware Keras 3 models answer what their integer files answer in TFLite-Micro."""

from typing import Any

import numpy as np
import pytest
from aware_networks import NETWORKS, digits, micro_outputs

import edgekit
from edgekit.callbacks import MagnitudePruning
from edgekit.model.integer import require_integer
from edgekit.model.reader import read
from edgekit.specs import PruneSpec

pytestmark = pytest.mark.train
LEAST = 0.99  # of 397 samples; docs/training.md has all networks together


def trained(keras: Any, name: str, *, scheme: Any = "int8", sparsity: float = 0.0) -> Any:
    """Return a network fitted, quantization-aware and fitted again."""
    keras.utils.set_random_seed(0)
    x, y, _, _ = digits()
    model = NETWORKS[name](keras)
    model.compile(keras.optimizers.Adam(4e-3), "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=4, batch_size=64, verbose=0)
    aware = edgekit.quantize_aware(model, scheme=scheme)
    aware.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")
    epochs = 12 if sparsity else 3  # two classes of one probability are no agreement
    prune = [MagnitudePruning(PruneSpec(sparsity=sparsity, epochs=epochs))] if sparsity else []
    aware.fit(x, y, epochs=epochs, batch_size=64, verbose=0, callbacks=prune)
    return aware


def agreement(model: Any, content: bytes) -> float:
    _, _, images, _ = digits()
    here = model.predict(images, verbose=0).argmax(-1)
    return float(np.mean(here == micro_outputs(content, images).argmax(-1)))


@pytest.mark.parametrize("name", NETWORKS)
def test_the_class_is_the_same(keras3: Any, name: str) -> None:
    model = trained(keras3, name)
    content = edgekit.convert(model).content
    require_integer(read(content))
    assert agreement(model, content) >= LEAST


@pytest.mark.parametrize("name", ["residual", "separable"])
def test_with_three_quarters_of_zeros(keras3: Any, name: str) -> None:
    model = trained(keras3, name, sparsity=0.75)
    found = edgekit.convert(model)
    assert agreement(model, found.content) >= LEAST
    kernels = [
        item for item in found.inspection.constants if item.is_kernel and np.prod(item.shape) > 200
    ]
    assert kernels
    assert all(item.zero_fraction >= 0.74 for item in kernels if 1 not in item.shape[:1])


@pytest.mark.parametrize("name", ["residual", "separable"])
def test_sixteen_bits(keras3: Any, name: str) -> None:
    model = trained(keras3, name, scheme="int16x8")
    content = edgekit.convert(model).content
    graph = read(content).main
    kinds = {graph.tensors[index].dtype for item in graph.operators for index in item.outputs}
    assert kinds == {"int16"}
    assert agreement(model, content) >= LEAST


def test_weights_of_four_bits(keras3: Any) -> None:
    model = trained(keras3, "residual", scheme="int4")
    content = edgekit.convert(model).content
    weights = [item for item in read(content).main.tensors if item.dtype == "int4"]
    assert len(weights) == 3
    assert agreement(model, content) >= LEAST
    wrapper = model.get_layer("scores_linear")
    kernel = np.asarray(wrapper.layer.kernel)
    step = np.abs(kernel).max() / 7  # one for a FULLY_CONNECTED, by TFLite-Micro's kernel
    (stored,) = [item for item in weights if item.shape == kernel.T.shape]
    assert np.array_equal(stored.values(), np.round(kernel / step).T)
