"""The callbacks in a user's own training, with both Keras."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edgekit
from edgekit.callbacks import DeviceBudget, IntegerCheckpoint, MagnitudePruning
from edgekit.errors import InputError, UnsupportedModelError, UsageError
from edgekit.model.integer import require_integer
from edgekit.model.reader import load
from edgekit.specs import PruneSpec

pytestmark = [pytest.mark.train, pytest.mark.parametrize("library", ["keras3", "tf_keras"])]


@pytest.fixture
def keras(request: pytest.FixtureRequest, library: str) -> Any:
    found = request.getfixturevalue(library)
    found.utils.set_random_seed(0)
    return found


def samples(count: int = 320) -> tuple[Any, Any]:
    """Pictures with one bright half; the label says which."""
    labels = np.arange(count) % 2
    images = np.random.default_rng(0).normal(0, 0.3, (count, 8, 8, 1)).astype(np.float32)
    images[labels == 0, :4] += 1
    images[labels == 1, 4:] += 1
    return images, labels


def network(keras: Any) -> Any:
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(8, 3, activation="relu", name="eye"),
            layers.DepthwiseConv2D(3, name="depth"),
            layers.Flatten(),
            layers.Dense(24, activation="relu", name="hidden"),
            layers.Dense(2, activation="softmax", name="scores"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def zeros(model: Any, layer: str) -> float:
    kernel = model.get_layer(layer).get_weights()[0]
    return float(np.mean(kernel == 0))


def fit(model: Any, callback: Any, epochs: int = 4, **options: Any) -> Any:
    x, y = samples()
    return model.fit(
        x, y, epochs=epochs, batch_size=16, verbose=0, callbacks=[callback], **options
    ).history


def test_each_kernel_has_the_zeros_asked(keras: Any) -> None:
    model = network(keras)
    history = fit(model, MagnitudePruning(PruneSpec(sparsity=0.75)))
    for layer in ("eye", "hidden", "scores"):
        assert zeros(model, layer) == pytest.approx(0.75, abs=0.005)
    assert zeros(model, "depth") == 0
    assert history["sparsity"] == sorted(history["sparsity"])
    assert history["sparsity"][-1] == pytest.approx(0.75, abs=0.005)
    assert history["accuracy"][-1] > 0.95
    assert [type(layer).__name__ for layer in model.layers].count("Conv2D") == 1  # no wrappers


@pytest.mark.parametrize("steps_per_execution", [1, 7])
def test_steps_may_come_several_at_once(keras: Any, steps_per_execution: int) -> None:
    model = network(keras)
    model.compile(
        optimizer="sgd",
        loss="sparse_categorical_crossentropy",
        steps_per_execution=steps_per_execution,
    )
    fit(model, MagnitudePruning(PruneSpec(sparsity=0.6)), epochs=2)
    assert zeros(model, "hidden") == pytest.approx(0.6, abs=0.005)


def test_a_resumed_training_ends_where_an_unbroken_one_does(keras: Any, tmp_path: Path) -> None:
    spec = PruneSpec(sparsity=0.75)
    whole = network(keras)
    unbroken = fit(whole, MagnitudePruning(spec))["sparsity"]

    first = network(keras)
    stop = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: setattr(first, "stop_training", epoch == 1)
    )
    x, y = samples()
    pruning = [MagnitudePruning(spec), stop]
    with pytest.warns(UserWarning, match="ended after epoch 2 of 4, before the sparsity"):
        broken = first.fit(x, y, epochs=4, batch_size=16, verbose=0, callbacks=pruning).history
    first.save_weights(tmp_path / "halfway.weights.h5")

    second = network(keras)
    second.load_weights(tmp_path / "halfway.weights.h5")
    rest = fit(second, MagnitudePruning(spec), initial_epoch=2)["sparsity"]
    assert [*broken["sparsity"], *rest] == pytest.approx(unbroken, abs=1e-9)
    was_zero = first.get_layer("hidden").get_weights()[0] == 0
    assert (second.get_layer("hidden").get_weights()[0][was_zero] == 0).all()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"sparsity": 0.5, "warmup_epochs": 2.0}, {"hidden": 0.5, "eye": 0.5}),
        ({"sparsity": 0.5, "schedule": "constant", "warmup_steps": 9}, {"hidden": 0.5}),
        ({"sparsity": 0.5, "layers": {"e*": 0.0, "hidden": 0.9}}, {"eye": 0, "hidden": 0.9}),
        ({"sparsity": 0.5, "skip_first": True, "skip_last": True}, {"eye": 0, "scores": 0}),
        ({"sparsity": 0.5, "depthwise": True}, {"depth": 0.5}),
        ({"granularity": "n_by_m"}, {"eye": 0, "hidden": 0.5, "scores": 0.5}),
        (
            {"sparsity": 0.5, "granularity": "block", "layers": {"eye": 0.0}, "block": (4, 8)},
            {"hidden": 0.5},
        ),
    ],
    ids=str,
)
def test_what_is_asked_is_what_is_there(
    keras: Any, options: dict[str, Any], expected: dict[str, float]
) -> None:
    model = network(keras)
    fit(model, MagnitudePruning(PruneSpec(epochs=4, **options)), epochs=3)
    for layer, sparsity in expected.items():
        assert zeros(model, layer) == pytest.approx(sparsity, abs=0.01)


def test_global_and_threshold_criteria_count_on_the_weights_at_the_start(keras: Any) -> None:
    names = ("eye", "hidden", "scores")
    model = network(keras)
    start = {name: np.abs(model.get_layer(name).get_weights()[0]) for name in names}
    fit(model, MagnitudePruning(PruneSpec(criterion="threshold", threshold=0.5)), epochs=1)
    for name in names:
        expected = np.mean(start[name] < 0.5 * start[name].mean())
        assert zeros(model, name) == pytest.approx(expected, abs=0.005)

    model = network(keras)
    start = {name: np.abs(model.get_layer(name).get_weights()[0]) for name in names}
    fit(model, MagnitudePruning(PruneSpec(criterion="global", sparsity=0.8)), epochs=1)
    limit = np.quantile(np.concatenate([item.reshape(-1) for item in start.values()]), 0.8)
    for name in names:
        assert zeros(model, name) == pytest.approx(np.mean(start[name] < limit), abs=0.01)


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"layers": {"hiden": 0.5}}, InputError, "no layer that can be pruned is called 'hiden'"),
        ({"granularity": "block"}, InputError, "layer 'eye' is a Conv2D: blocks"),
        ({"warmup_steps": 80}, InputError, "the sparsity cannot be reached"),
        ({"layers": {"*": 0.0}}, UnsupportedModelError, "leaves every layer alone"),
    ],
)
def test_a_wish_that_cannot_be_met_is_refused(
    keras: Any, options: dict[str, Any], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        fit(network(keras), MagnitudePruning(PruneSpec(sparsity=0.5, **options)))


def test_a_budget_is_told_each_epoch(keras: Any, tmp_path: Path) -> None:
    model = network(keras)
    x, y = samples()
    callbacks = [
        MagnitudePruning(PruneSpec(sparsity=0.9)),
        DeviceBudget("nucleo-l4r5zi"),
        keras.callbacks.CSVLogger(tmp_path / "log.csv"),
    ]
    history = model.fit(x, y, epochs=3, batch_size=16, verbose=0, callbacks=callbacks).history
    # 6x6x8 convolutions of 9, 4x4x8 of 9, 128x24 and 24x2
    macs = 6 * 6 * 8 * 9 + 4 * 4 * 8 * 9 + 128 * 24 + 24 * 2
    assert history["macs"] == [macs] * 3
    coded = history["predicted_coded_flash_bytes"]
    assert coded[-1] < coded[0]
    assert coded[-1] < history["predicted_flash_bytes"][-1]  # whose zeros stay bytes
    # at least the two largest neighbours: 6x6x8 in and 4x4x8 out
    assert history["predicted_arena_bytes"][0] >= 6 * 6 * 8 + 4 * 4 * 8
    assert "predicted_arena_bytes" in (tmp_path / "log.csv").read_text()


def test_a_budget_and_check_tell_the_same_flash_of_the_same_file(
    keras: Any, tmp_path: Path
) -> None:
    x, y = samples()
    model = network(keras)
    history = fit(model, DeviceBudget("nucleo-l4r5zi"))
    checkpoint = IntegerCheckpoint(
        tmp_path / "model.tflite", validation_data=(x[:8], y[:8]), calibration=x[8:16]
    )
    fit(model, checkpoint)
    (found,) = edgekit.check(tmp_path / "model.tflite", targets=("nucleo-l4r5zi",))
    assert found.flash_bytes is not None
    assert found.arena_bytes is not None
    assert history["predicted_flash_bytes"][-1] == found.flash_bytes.value
    assert history["predicted_arena_bytes"][-1] == found.arena_bytes.value


def test_a_checkpoint_refuses_a_model_with_several_outputs(keras: Any, tmp_path: Path) -> None:
    x, y = samples()
    model = network(keras)
    flat = model.layers[-2].output
    number = keras.layers.Dense(1, name="number")(flat)
    both = keras.Model(model.inputs, [number, model.outputs[0]])
    both.compile("adam", ["mse", "sparse_categorical_crossentropy"])
    checkpoint = IntegerCheckpoint(
        tmp_path / "model.tflite", validation_data=(x[:8], y[:8]), calibration=x[8:16]
    )
    with pytest.raises(UnsupportedModelError, match=r"the model has 2 outputs \('number' \(\?, 1"):
        both.fit(x, [y, y], verbose=0, callbacks=[checkpoint])


def test_a_model_that_can_never_fit_ends_the_training(keras: Any, tmp_path: Path) -> None:
    profile = (Path(__file__).parents[3] / "targets" / "nucleo-l4r5zi.toml").read_text()
    (tmp_path / "tiny.toml").write_text(profile.replace("640KiB", "5KiB"))
    assert "5KiB" in (tmp_path / "tiny.toml").read_text()
    budget = DeviceBudget(str(tmp_path / "tiny.toml"), out_of_reach="stop")
    with pytest.warns(UserWarning, match="the model cannot fit tiny: it needs an arena of"):
        history = fit(network(keras), budget)
    assert len(history.get("loss", [])) <= 1


def test_the_epoch_whose_integer_model_is_best_is_kept(keras: Any, tmp_path: Path) -> None:
    x, y = samples()
    path = tmp_path / "best.tflite"
    checkpoint = IntegerCheckpoint(path, validation_data=(x[:64], y[:64]), calibration=x[64:96])
    model = network(keras)
    history = fit(model, checkpoint, epochs=3)
    assert checkpoint.best is not None
    assert checkpoint.best.value == max(history["val_int8_accuracy"])
    assert checkpoint.best_epoch == int(np.argmax(history["val_int8_accuracy"]))
    require_integer(load(path))
    model.load_weights(tmp_path / "best.weights.h5")


def nested(keras: Any) -> Any:
    """Return a network whose first half is a model of its own, with a normalization."""
    layers = keras.layers
    eye = [
        keras.Input((8, 8, 1)),
        layers.Conv2D(8, 3, name="eye"),
        layers.BatchNormalization(name="normal"),
    ]
    given = keras.Input((8, 8, 1))
    values = layers.Flatten()(keras.Sequential(eye, name="inner")(given))
    hidden = layers.Dense(24, activation="relu", name="hidden")(values)
    model = keras.Model(given, layers.Dense(2, activation="softmax", name="scores")(hidden))
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    return model


@pytest.mark.parametrize("granularity", ["unstructured", "channel"])
def test_frozen_layers_keep_their_weights_and_are_told(keras: Any, granularity: Any) -> None:
    model = nested(keras)
    model.get_layer("inner").trainable = False
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")  # tf_keras asks for it
    before = [item.copy() for item in model.get_layer("inner").get_weights()]
    pruning = MagnitudePruning(PruneSpec(sparsity=0.5, granularity=granularity))
    with pytest.warns(UserWarning, match="not pruned, for they are frozen: 'eye'$"):
        fit(model, pruning, epochs=2)
    for old, new in zip(before, model.get_layer("inner").get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert zeros(model, "hidden") == pytest.approx(0.5, abs=0.01)

    model.get_layer("inner").trainable = True  # the second part of a transfer: all is trained
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    fit(model, pruning, epochs=2)
    assert zeros(model.get_layer("inner"), "eye") == pytest.approx(0.5, abs=0.01)


def test_a_frozen_layer_that_is_asked_for_by_name_is_refused(keras: Any) -> None:
    model = network(keras)
    model.get_layer("eye").trainable = False
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    with pytest.raises(InputError, match="asks for zeros in 'eye', which is frozen"):
        fit(model, MagnitudePruning(PruneSpec(sparsity=0.5, layers={"ey*": 0.9})))
    model.trainable = False
    with pytest.raises(UnsupportedModelError, match="'scores' are frozen"):
        MagnitudePruning(PruneSpec(sparsity=0.5)).goals_for(model)


def test_a_second_model_is_pruned_and_the_first_is_left_alone(keras: Any) -> None:
    pruning = MagnitudePruning(PruneSpec(sparsity=0.75))
    first, second = network(keras), network(keras)
    fit(first, pruning, epochs=2)
    before = [item.copy() for item in first.get_weights()]
    fit(second, pruning, epochs=2)
    assert zeros(second, "hidden") == pytest.approx(0.75, abs=0.005)
    for old, new in zip(before, first.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("first", [True, False], ids=["before", "behind"])
def test_the_best_epoch_at_the_sparsity_comes_back(keras: Any, first: bool) -> None:
    x, y = samples()
    model, pruning = network(keras), MagnitudePruning(PruneSpec(sparsity=0.75))
    # By this the first epoch is the best of all: its weights are not pruned yet.
    stop = keras.callbacks.EarlyStopping(
        monitor="loss", mode="max", patience=9, restore_best_weights=True
    )
    seen: list[Any] = []
    watch = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append((logs["val_loss"], model.get_weights()))
    )
    order = [stop, pruning] if first else [pruning, stop]
    with pytest.warns(UserWarning, match=r"not the 75.0% that pruning reached.*EarlyStopping"):
        model.fit(
            x, y, epochs=6, batch_size=16, verbose=0, validation_data=(x[:64], y[:64]),
            callbacks=[*order, watch],
        )  # fmt: skip
    assert zeros(model, "hidden") < 0.7
    at_sparsity = [place for place, (_, item) in enumerate(seen) if np.mean(item[4] == 0) > 0.74]
    best = min(at_sparsity, key=lambda place: seen[place][0])
    assert pruning.best_epoch == best
    pruning.restore_best_weights()
    for mine, wanted in zip(model.get_weights(), seen[best][1], strict=True):
        np.testing.assert_array_equal(mine, wanted)


def test_a_training_that_keeps_its_sparsity_warns_of_nothing(keras: Any) -> None:
    model, pruning = network(keras), MagnitudePruning(PruneSpec(sparsity=0.75))
    with pytest.raises(UsageError, match="no epoch has reached the sparsity asked"):
        pruning.restore_best_weights()
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        fit(model, pruning)
    pruning.restore_best_weights()
    assert zeros(model, "hidden") == pytest.approx(0.75, abs=0.005)


def test_the_integer_model_that_is_kept_has_the_sparsity(keras: Any, tmp_path: Path) -> None:
    x, y = samples()
    path = tmp_path / "best.tflite"
    pruning = MagnitudePruning(PruneSpec(sparsity=0.9))
    checkpoint = IntegerCheckpoint(
        path, validation_data=(x[:64], y[:64]), calibration=x[64:96], pruning=pruning
    )
    model = network(keras)
    model.fit(x, y, epochs=3, batch_size=16, verbose=0, callbacks=[pruning, checkpoint])
    model.load_weights(tmp_path / "best.weights.h5")
    assert zeros(model, "hidden") == pytest.approx(0.9, abs=0.005)
