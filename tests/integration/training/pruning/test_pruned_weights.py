"""What a build claims of its zeros, held against LiteRT's own tensors of the converted file."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from edgekit.pipeline.build import build
from edgekit.project.project import Project
from edgekit.specs import DataSpec, ModelSpec, PruneSpec, QuantizeSpec

pytestmark = pytest.mark.train

CLASSES = 4


def convolutions(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((8, 8, 2)),
            layers.Conv2D(8, 3, padding="same", use_bias=False, name="eye"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.DepthwiseConv2D(3, name="depth"),
            layers.Conv2D(12, 1, activation="relu", name="point"),
            layers.Flatten(),
            layers.Dense(CLASSES, name="scores"),
        ]
    )


def recurrent(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((8, 16)),
            layers.LSTM(10, name="memory"),
            layers.Dense(CLASSES, name="scores"),
        ]
    )


def zeros_by_shape(path: Path) -> dict[tuple[int, ...], list[int]]:
    """Return the zeros in each int8 constant with several dimensions, by its shape."""
    plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(model_path=str(path), experimental_op_resolver_type=plain)
    interpreter.allocate_tensors()
    operators = interpreter._get_ops_details()
    made = {index for operator in operators for index in operator["outputs"]}
    made |= {details["index"] for details in interpreter.get_input_details()}
    read = {index for operator in operators for index in operator["inputs"]}
    found: dict[tuple[int, ...], list[int]] = {}
    for details in interpreter.get_tensor_details():
        is_kernel = set(details["quantization_parameters"]["zero_points"]) == {0}
        is_constant = details["index"] in read - made and details["dtype"] == np.int8
        if is_constant and is_kernel and len(details["shape"]) > 1:
            values = interpreter.get_tensor(details["index"])
            found.setdefault(tuple(details["shape"]), []).append(int(np.sum(values == 0)))
    return found


PRUNED = {
    "skip_last": (
        convolutions,
        PruneSpec(sparsity=0.75, epochs=2, skip_last=True),
        [(8, 3, 3, 2), (12, 1, 1, 8)],
    ),
    "depthwise": (
        convolutions,
        PruneSpec(sparsity=0.5, epochs=2, depthwise=True, layers={"[!d]*": 0.0}),
        [(1, 3, 3, 8)],
    ),
    "lstm": (
        recurrent,
        PruneSpec(sparsity=0.6, epochs=2, skip_last=True),
        [(10, 16)] * 4 + [(10, 10)] * 4,
    ),
    "channel": (
        convolutions,
        PruneSpec(sparsity=0.5, epochs=2, granularity="channel", skip_last=True),
        [(8, 3, 3, 2), (1, 3, 3, 8)],
    ),
}


@pytest.mark.parametrize(
    ("name", "method"),
    [("skip_last", "ptq"), ("depthwise", "qat"), ("lstm", "ptq"), ("channel", "qat")],
)
def test_the_sparsity_claimed_is_that_of_the_weights_pruned(
    name: str, method: Any, keras3: Any, tmp_path: Path
) -> None:
    make, spec, shapes = PRUNED[name]
    keras3.utils.set_random_seed(0)
    model = make(keras3)
    model.save(tmp_path / "net.keras")
    labels = np.arange(200) % CLASSES
    x = np.random.default_rng(0).normal(0, 1, (200, *model.input_shape[1:]))
    x[np.arange(200), labels] += 2
    np.savez(tmp_path / "data.npz", x=x.astype(np.float32), y=labels)
    project = Project(
        directory=tmp_path,
        model=ModelSpec(source="net.keras", name="net"),
        data=DataSpec(source="data.npz"),
        prune=spec,
        quantize=QuantizeSpec(method=method, epochs=1),
        shrink=False,
    )
    run = build(project)
    manifest: Any = run.manifest
    found = zeros_by_shape(run.directory / "model.tflite")
    zeros = sum(sum(found[shape]) for shape in set(shapes))
    weights = sum(int(np.prod(shape)) for shape in shapes)
    assert manifest["sparsity"] == pytest.approx(zeros / weights, abs=1e-9)
    assert manifest["sparsity"] >= spec.sparsity - 0.01  # type: ignore[operator]
    own = [sum(found[shape]) for shape in dict.fromkeys(shapes)]
    told = [round(item["in_file"] * item["weights"]) for item in manifest["layers"]]
    assert sorted(told) == sorted(own)
    assert not any("leaves out" in warning for warning in manifest["warnings"])
