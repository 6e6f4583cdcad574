"""Channel pruning: filters driven to zero in Keras, and gone from the shrunken file."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.callbacks import DeviceBudget, MagnitudePruning
from edgekit.errors import InputError, UnsupportedModelError
from edgekit.model.file import ModelFile
from edgekit.model.reader import Model, read
from edgekit.pipeline.build import build
from edgekit.project.project import Project
from edgekit.runtimes.process import Worker, silent
from edgekit.shrinking import shrink
from edgekit.specs import DataSpec, ModelSpec, PruneSpec, QuantizeSpec, TrainSpec
from edgekit.training.aware.quantize import quantize_aware
from edgekit.training.context import TrainingContext
from edgekit.training.converter import convert
from edgekit.training.files import save_for_conversion, save_model
from edgekit.training.load.load import load
from edgekit.training.pruning.channels import LEAST_CHANNELS, channel_groups
from edgekit.training.pruning.plan import plan
from edgekit.training.pruning.prune import prune
from edgekit.training.pruning.sensitivity import sensitivity

pytestmark = pytest.mark.train

CLASSES = 4


def samples(count: int = 256) -> tuple[Any, Any]:
    """Pictures of 8x8 with two channels; the label is the brightest quarter."""
    labels = np.arange(count) % CLASSES
    images = np.random.default_rng(0).normal(0, 0.4, (count, 8, 8, 2)).astype(np.float32)
    for image, label in zip(images, labels, strict=True):
        row, column = divmod(label, 2)
        image[4 * row : 4 * row + 4, 4 * column : 4 * column + 4] += 0.7
    return images, labels


def normal(layers: Any, x: Any, activation: str | None = "relu") -> Any:
    x = layers.BatchNormalization()(x)
    return layers.Activation(activation)(x) if activation else x


def sequential(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((8, 8, 2)),
            layers.Conv2D(12, 3, padding="same", use_bias=False, name="eye"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv2D(16, 3, padding="same", activation="relu", name="ear"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(24, activation="relu", name="hidden"),
            layers.Dense(CLASSES, name="scores"),
        ]
    )


def residual(keras: Any) -> Any:
    layers = keras.layers
    given = keras.Input((8, 8, 2))
    x = normal(layers, layers.Conv2D(8, 3, padding="same", name="stem")(given))
    y = normal(layers, layers.Conv2D(12, 3, padding="same", name="first")(x))
    y = normal(layers, layers.Conv2D(8, 3, padding="same", name="second")(y), None)
    x = layers.PReLU(shared_axes=[1, 2])(layers.Add()([x, y]))
    y = layers.Conv2D(8, 3, padding="same", name="third")(x)
    x = layers.Add()([x, y])  # behind a convolution without activation, with a bias
    return keras.Model(given, layers.Dense(CLASSES)(layers.GlobalAveragePooling2D()(x)))


def concatenating(keras: Any) -> Any:
    layers = keras.layers
    given = keras.Input((8, 8, 2))
    left = layers.Conv2D(6, 3, padding="same", activation="relu", name="left")(given)
    right = layers.Conv2D(10, 3, padding="same", activation="relu6", name="right")(given)
    x = layers.Concatenate()([left, right])
    x = normal(layers, layers.Conv2D(8, 3, strides=2, padding="same", name="both")(x))
    return keras.Model(given, layers.Dense(CLASSES)(layers.Flatten()(x)))


def separable(keras: Any) -> Any:
    layers = keras.layers
    given = keras.Input((8, 8, 2))
    x = normal(layers, layers.Conv2D(8, 3, padding="same", name="stem")(given))
    x = normal(layers, layers.DepthwiseConv2D(3, padding="same", name="deep")(x), "relu6")
    x = normal(layers, layers.Conv2D(16, 1, name="point")(x), None)
    x = layers.LeakyReLU()(x)
    x = layers.SeparableConv2D(12, 3, padding="same", activation="relu", name="split")(x)
    return keras.Model(given, layers.Dense(CLASSES)(layers.GlobalMaxPooling2D()(x)))


def compiled(make: Any, keras: Any) -> Any:
    keras.utils.set_random_seed(0)
    model = make(keras)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    return model


def fit(model: Any, spec: PruneSpec, *callbacks: Any, epochs: int = 3, **options: Any) -> Any:
    x, y = samples()
    pruning = [MagnitudePruning(spec), *callbacks]
    return model.fit(
        x, y, batch_size=16, verbose=0, epochs=epochs, callbacks=pruning, **options
    ).history


# The channels that each convolution and fully connected layer makes when half of them have gone.
# "stem", "second" and "third" of the residual network are one: they are added to each other.
NETWORKS = {
    sequential: [6, 8, 12, CLASSES],
    residual: [4, 6, 4, 4, CLASSES],
    concatenating: [3, 5, 4, CLASSES],
    separable: [4, 4, 8, 8, 6, CLASSES],
}


@pytest.fixture(scope="module")
def converter() -> Any:
    with Worker("the TFLite converter") as worker:
        yield worker


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("channels")
    x, y = samples()
    np.savez(folder / "data.npz", x=x, y=y)
    return folder


def made(model: Model) -> list[int]:
    """Return the channels that each layer with weights makes, in the order of the file."""
    graph = model.main
    return [
        graph.tensors[operator.outputs[0]].shape[-1]
        for operator in graph.operators
        if operator.op in {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"}
    ]


def layers_of(model: Any) -> set[tuple[str, ...]]:
    """Return the layers of each group, and the depthwise ones that follow them."""
    return {
        group.layers + tuple(part.kernel.layer for part in group.depthwise)
        for group in channel_groups(model)
    }


HALF = PruneSpec(sparsity=0.5, granularity="channel")


@pytest.mark.parametrize(
    ("make", "library"),
    [
        (sequential, "keras3"),
        (residual, "tf_keras"),
        (separable, "keras3"),
    ],
)
def test_half_of_the_channels_are_trained_away(
    make: Any, library: str, request: pytest.FixtureRequest, converter: Worker, folder: Path
) -> None:
    model = compiled(make, request.getfixturevalue(library))
    history = fit(model, HALF)
    assert history["sparsity"][-1] == pytest.approx(0.5, abs=1e-6)
    save_for_conversion(model, folder / "saved")
    content = converter.call(convert, silent, folder / "saved", samples(32)[0])
    shrunk = shrink(ModelFile.of(content))  # with identical outputs, or it would not come back
    assert made(read(shrunk.content)) == NETWORKS[make]
    assert shrunk.macs_after < 0.4 * shrunk.macs_before


@pytest.mark.parametrize("make", NETWORKS, ids=lambda make: make.__name__)
def test_they_stay_away_in_quantization_aware_training(
    make: Any, keras3: Any, converter: Worker, folder: Path
) -> None:
    keras3.utils.set_random_seed(0)
    make(keras3).save(folder / "model.keras")
    load(silent, "model.keras", directory=folder, out=folder)
    common: dict[str, Any] = {
        "loss": "",
        "train": TrainSpec(),
        "data": DataSpec(source="data.npz"),
        "directory": folder,
        "seed": 0,
    }
    spec = PruneSpec(sparsity=0.5, granularity="channel", epochs=3)
    pruned = prune(
        silent,
        folder / "model.h5",
        spec=spec,
        out=folder / "pruned.h5",
        context=TrainingContext(**common),
    )
    assert {layer.asked for layer in pruned.layers} == {0.5}
    assert {layer.reached for layer in pruned.layers} == {0.5}
    quantize_aware(
        silent,
        folder / "pruned.h5",
        spec=QuantizeSpec(method="qat", epochs=1),
        out=folder / "aware",
        context=TrainingContext(**common),
    )
    content = converter.call(convert, silent, folder / "aware", samples(32)[0])
    assert made(read(shrink(ModelFile.of(content)).content)) == NETWORKS[make]


def test_a_build_tells_the_truth_about_its_channels(keras3: Any, folder: Path) -> None:
    compiled(concatenating, keras3).save(folder / "net.keras")
    project = Project(
        directory=folder,
        model=ModelSpec(source="net.keras", name="net"),
        data=DataSpec(source="data.npz"),
        prune=replace(HALF, epochs=2),
    )
    manifest: Any = build(project).manifest
    # 3x3x2 by 6 and by 10, and 3x3x16 by 8; the last layer keeps its outputs and is not counted
    assert {item["weights"] for item in manifest["layers"]} == {108, 180, 1152}
    assert manifest["sparsity"] == pytest.approx(0.5, abs=0.02)
    assert manifest["channels_removed"]
    assert manifest["shrink"]["macs_after"] == manifest["model"]["macs"]
    assert manifest["shrink"]["macs_after"] < 0.4 * manifest["shrink"]["macs_before"]
    assert manifest["model"]["zero_weight_fraction"] < 0.1
    assert not any("channels" in warning for warning in manifest["warnings"])

    manifest = build(replace(project, shrink=False)).manifest
    assert any("still in the file" in warning for warning in manifest["warnings"])


def test_channels_that_are_one_are_found(keras3: Any, tf_keras: Any) -> None:
    for keras in (keras3, tf_keras):
        assert layers_of(sequential(keras)) == {("eye",), ("ear",), ("hidden",)}
        assert layers_of(residual(keras)) == {("stem", "second", "third"), ("first",)}
        assert layers_of(concatenating(keras)) == {("left",), ("right",), ("both",)}
        assert layers_of(separable(keras)) == {("stem", "deep"), ("point",), ("split",)}


def test_channels_meet_through_gates_sums_and_nested_models(keras3: Any) -> None:
    layers = keras3.layers
    given = keras3.Input((8, 8, 2))
    left = layers.Conv2D(4, 3, name="left")(given)
    right = layers.Conv2D(4, 3, name="right")(given)
    x = layers.Concatenate()([left, right])
    x = layers.Add()([x, layers.Conv2D(8, 3, name="whole")(given)])
    gate = layers.Dense(8, activation="sigmoid", name="gate")(layers.GlobalAveragePooling2D()(x))
    x = layers.Multiply()([x, layers.Reshape((1, 1, 8))(gate)])
    inner = keras3.Input((6, 6, 8))
    nested = keras3.Model(inner, layers.Conv2D(6, 3, padding="same", name="inner")(inner))
    model = keras3.Model(given, layers.Dense(CLASSES)(layers.Flatten()(nested(x))))
    assert layers_of(model) == {("left", "right", "whole", "gate"), ("inner",)}
    (group, _) = channel_groups(model)
    assert group.count == 8
    parts = {part.kernel.layer: part.channels.tolist() for part in group.filters}
    assert parts["left"] + parts["right"] == parts["whole"] == parts["gate"]


def test_layers_that_are_called_twice_make_their_channels_once(keras3: Any) -> None:
    layers = keras3.layers
    given = keras3.Input((8, 8, 2))
    eye, normal_twice = layers.Conv2D(6, 3, padding="same", name="eye"), layers.BatchNormalization()
    left = normal_twice(eye(given))
    right = normal_twice(layers.Conv2D(6, 3, padding="same", name="other")(given))
    again = eye(layers.Conv2D(2, 1, name="before")(given))
    x = layers.Flatten()(layers.Concatenate()([left, right, again]))
    model = keras3.Model(given, layers.Dense(CLASSES)(x))
    assert {frozenset(names) for names in layers_of(model)} == {
        frozenset({"eye", "other"}),
        frozenset({"before"}),
    }


@pytest.mark.parametrize(
    "reader",
    [
        lambda layers, x: layers.Softmax()(x),
        lambda layers, x: layers.Conv2D(8, 3, groups=2)(x),
        lambda layers, x: layers.Conv2DTranspose(8, 3)(x),
        lambda layers, x: layers.Permute((3, 1, 2))(x),
        lambda layers, x: layers.Add()([x, layers.Conv2D(1, 1, name="one")(x)]),
        # a channel of sigmoid(0) = 1/2 is no zero behind the padding of the next convolution
        lambda layers, x: layers.Conv2D(4, 3, padding="same", name="next")(
            layers.Activation("sigmoid")(x)
        ),
        lambda layers, x: x * 2 + 1,
    ],
)
def test_channels_that_must_stay_are_left_alone(keras3: Any, reader: Any) -> None:
    layers = keras3.layers
    given = keras3.Input((8, 8, 2))
    x = reader(layers, layers.Conv2D(8, 3, name="source")(given))
    groups = layers_of(keras3.Model(given, layers.Dense(CLASSES)(layers.Flatten()(x))))
    assert not any("source" in group for group in groups)


def test_a_channel_goes_with_its_bias_and_its_normalization(tf_keras: Any) -> None:
    model = sequential(tf_keras)
    kernel = model.get_layer("eye").kernel
    # norms 12, 1, 11, 2, 10, 3, … of the twelve filters
    scale = np.array([12, 1, 11, 2, 10, 3, 9, 4, 8, 5, 7, 6])
    kernel.assign(np.ones(kernel.shape) * scale)
    goal, *_ = plan(model, HALF)
    masks = goal.masks(1.0)
    arrays = {array.attribute: mask for array, mask in zip(goal.arrays, masks, strict=True)}
    kept = scale > 6
    assert sorted(arrays) == ["beta", "kernel", "moving_mean"]
    assert (arrays["kernel"] == kept).all()
    assert (arrays["beta"] == kept).all()
    assert (arrays["moving_mean"] == kept).all()


def test_a_filter_without_weights_still_makes_its_bias(tf_keras: Any) -> None:
    model = sequential(tf_keras)
    (group,) = (item for item in channel_groups(model) if item.layers == ("ear",))
    kernel, bias = model.get_layer("ear").get_weights()
    kernel[..., 3:5] = 0
    bias[3] = 0.5  # what unstructured pruning leaves of a filter: a constant, to be kept
    model.get_layer("ear").set_weights([kernel, bias])
    assert np.flatnonzero(~group.alive()).tolist() == [4]


def test_every_kernel_keeps_some_channels(tf_keras: Any) -> None:
    for criterion in ("ratio", "global"):
        spec = PruneSpec(sparsity=0.95, granularity="channel", criterion=criterion)
        for goal in plan(residual(tf_keras), spec):
            for mask in goal.masks(1.0)[: len(goal.kernels)]:
                filters = mask.reshape(-1, mask.shape[-1]).any(axis=0).sum()
                assert filters >= LEAST_CHANNELS


def test_a_global_share_is_counted_over_all_channels(tf_keras: Any) -> None:
    model = sequential(tf_keras)
    for name, strong in (("eye", 10), ("ear", 6), ("hidden", 12)):  # of 12, 16 and 24
        kernel = model.get_layer(name).kernel
        scale = np.where(np.arange(kernel.shape[-1]) < strong, 10, 1)
        kernel.assign(np.ones(kernel.shape) * scale)
    spec = PruneSpec(sparsity=24 / 52, granularity="channel", criterion="global")
    shares = {goal.kernels[0].layer: goal.sparsity for goal in plan(model, spec)}
    assert shares == pytest.approx({"eye": 2 / 12, "ear": 10 / 16, "hidden": 12 / 24})


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"skip_first": True}, {"ear": 0.5, "hidden": 0.5}),
        ({"skip_last": True}, {"eye": 0.5, "ear": 0.5}),
        ({"layers": {"e*": 0.25, "scores": 0.0}}, {"eye": 0.25, "ear": 0.25, "hidden": 0.5}),
    ],
    ids=str,
)
def test_layers_are_chosen_by_name(
    tf_keras: Any, options: dict[str, Any], expected: dict[str, float]
) -> None:
    spec = PruneSpec(sparsity=0.5, granularity="channel", **options)
    goals = plan(sequential(tf_keras), spec)
    assert {goal.kernels[0].layer: goal.sparsity for goal in goals} == expected


def test_a_layer_named_with_others_speaks_for_all_that_go_with_it(tf_keras: Any) -> None:
    spec = PruneSpec(sparsity=0.5, granularity="channel", layers={"second": 0.25})
    shares = [goal.sparsity for goal in plan(residual(tf_keras), spec)]
    assert shares == [0.25, 0.5]


def test_what_cannot_be_met_is_refused(tf_keras: Any) -> None:
    spec = PruneSpec(sparsity=0.5, granularity="channel", layers={"scores": 0.5})
    with pytest.raises(InputError, match="no layer that can be pruned is called 'scores'"):
        plan(sequential(tf_keras), spec)
    given = tf_keras.Input((8,))
    with pytest.raises(UnsupportedModelError, match="those of its outputs must stay"):
        plan(tf_keras.Model(given, tf_keras.layers.Dense(4)(given)), HALF)


def test_the_sensitivity_of_coupled_layers_is_one(tf_keras: Any, folder: Path) -> None:
    save_model(residual(tf_keras), folder / "fresh.h5")
    found = sensitivity(
        silent,
        folder / "fresh.h5",
        spec=HALF,
        context=TrainingContext(
            loss="",
            train=TrainSpec(),
            data=DataSpec(source="data.npz"),
            directory=folder,
            seed=0,
        ),
    )
    assert [curve.name for curve in found.layers] == ["stem", "first"]
    # 3x3 from 2, 12 and 8 to 8 channels, and from 8 to 12
    assert [curve.weights for curve in found.layers] == [9 * (2 + 12 + 8) * 8, 9 * 8 * 12]


def test_a_budget_is_told_of_channels_that_go(keras3: Any) -> None:
    model = compiled(concatenating, keras3)
    budget = DeviceBudget("nucleo-l4r5zi", out_of_reach="ignore")
    history = fit(model, PruneSpec(sparsity=0.5, granularity="channel", warmup_epochs=1.0), budget)
    # 8x8x16 of 3x3x2, 4x4x8 of 3x3x16 and 4 of 128; then half of the channels on both sides
    whole, half = 64 * 16 * 18 + 16 * 8 * 144 + 4 * 128, 64 * 8 * 18 + 16 * 4 * 72 + 4 * 64
    assert (history["macs"][0], history["macs"][-1]) == (whole, half)
    for figure in ("predicted_flash_bytes", "predicted_arena_bytes"):
        assert history[figure][-1] < history[figure][0]


def test_a_resumed_training_leaves_channels_dead(keras3: Any, tmp_path: Path) -> None:
    first = compiled(residual, keras3)
    stop = keras3.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: setattr(first, "stop_training", epoch == 1)
    )
    fit(first, HALF, stop, epochs=4)
    dead = [~group.alive() for group in channel_groups(first)]
    assert 0 < dead[0].sum() <= 4
    first.save_weights(tmp_path / "halfway.weights.h5")
    second = compiled(residual, keras3)
    second.load_weights(tmp_path / "halfway.weights.h5")
    fit(second, HALF, epochs=4, initial_epoch=2)
    for group, before in zip(channel_groups(second), dead, strict=True):
        assert not (group.alive() & before).any()
        assert group.alive().sum() == group.count / 2
