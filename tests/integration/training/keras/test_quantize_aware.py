"""What `edgekit.quantize_aware` returns is a Keras model like any other."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aware_networks import NETWORKS, digits, residual

import edgekit
from edgekit.callbacks import MagnitudePruning
from edgekit.errors import InputError, UnsupportedModelError, UsageError
from edgekit.model.reader import read
from edgekit.specs import PruneSpec

pytestmark = pytest.mark.train


def random(*shape: int) -> Any:
    return np.random.default_rng(0).normal(0, 1, shape).astype(np.float32)


def operators(content: bytes) -> list[str]:
    return [item.op for item in read(content).main.operators]


def seen(model: Any, samples: Any) -> Any:
    """Return a quantization-aware model that has seen the ranges of ``samples``."""
    aware = edgekit.quantize_aware(model)
    aware(samples, training=True)
    return aware


@pytest.mark.parametrize("name", ["residual", "attention"])
def test_it_is_saved_loaded_and_cloned(keras3: Any, name: str, tmp_path: Path) -> None:
    x = digits()[0][:32]
    model = seen(NETWORKS[name](keras3), x)
    expected = model.predict(x, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras3.saving.load_model(tmp_path / "model.keras")
    assert np.array_equal(loaded.predict(x, verbose=0), expected)
    clone = keras3.models.clone_model(model)
    clone.set_weights(model.get_weights())
    assert np.array_equal(clone.predict(x, verbose=0), expected)
    model.summary(print_fn=lambda *_, **__: None)


def test_it_is_trained_by_a_step_of_the_users_own(keras3: Any) -> None:
    class Halved(keras3.Model):  # type: ignore[misc, name-defined]
        def train_step(self, data: Any) -> Any:
            import tensorflow as tf

            x, y = data
            with tf.GradientTape() as tape:
                loss = 0.5 * self.compute_loss(x, y, self(x, training=True))
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply(gradients, self.trainable_variables)
            return {"halved": loss}

    x, y, _, _ = digits()
    plain = residual(keras3)
    model = edgekit.quantize_aware(Halved(plain.inputs, plain.outputs))
    model.compile("adam", "sparse_categorical_crossentropy")
    history = model.fit(x[:256], y[:256], epochs=3, verbose=0).history
    assert history["halved"][-1] < history["halved"][0]


def test_mixed_precision_keeps_kernels_in_float32(keras3: Any) -> None:
    x, y, _, _ = digits()
    keras3.mixed_precision.set_global_policy("mixed_float16")
    try:
        plain = residual(keras3)
        model = edgekit.quantize_aware(plain)
    finally:
        keras3.mixed_precision.set_global_policy("float32")
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x[:128], y[:128], verbose=0)
    assert {item.dtype for item in model.weights} == {"float32"}
    assert model.get_layer("first").compute_dtype == "float16"
    assert set(operators(edgekit.convert(model).content)) <= {
        "CONV_2D", "ADD", "MAX_POOL_2D", "RESHAPE", "FULLY_CONNECTED", "SOFTMAX",
    }  # fmt: skip


def test_pruned_weights_stay_zero_in_the_file(keras3: Any) -> None:
    x, y, _, _ = digits()
    model = edgekit.quantize_aware(residual(keras3))
    model.compile("adam", "sparse_categorical_crossentropy")
    pruning = MagnitudePruning(PruneSpec(sparsity=0.75, epochs=2))
    model.fit(x[:512], y[:512], epochs=2, verbose=0, callbacks=[pruning])
    kernel = np.asarray(model.get_layer("second").layer.kernel)
    assert np.mean(kernel == 0) == pytest.approx(0.75, abs=0.005)
    graph = read(edgekit.convert(model).content).main
    convolutions = [item for item in graph.operators if item.op == "CONV_2D"]
    stored = graph.tensors[convolutions[1].inputs[1]].values()
    assert np.all(stored[np.transpose(kernel, (3, 0, 1, 2)) == 0] == 0)


def test_normalization_is_folded_and_nothing_is_rounded_twice(keras3: Any) -> None:
    x = digits()[0][:64]
    found = operators(edgekit.convert(seen(NETWORKS["nested"](keras3), x)).content)
    assert "MUL" not in found
    assert "QUANTIZE" not in found


def test_inputs_of_a_concatenation_have_one_scale(keras3: Any) -> None:
    layers = keras3.layers
    given = keras3.Input((4,), name="x")
    found = [layers.Dense(3, activation="relu")(given), layers.Dense(2)(given)]
    outputs = layers.Dense(2)(layers.Concatenate()(found))
    content = edgekit.convert(seen(keras3.Model(given, outputs), random(64, 4))).content
    graph = read(content).main
    (joined,) = [item for item in graph.operators if item.op == "CONCATENATION"]
    scales = {
        float(graph.tensors[index].quantization.scales[0])  # type: ignore[union-attr]
        for index in (*joined.inputs, *joined.outputs)
    }
    assert len(scales) == 1
    assert "QUANTIZE" not in operators(content)


def test_the_model_given_is_left_as_it_was(keras3: Any) -> None:
    x = digits()[0][:64]
    model = residual(keras3)
    before, weights = model.predict(x, verbose=0), model.get_weights()
    seen(model, x)
    assert np.array_equal(model.predict(x, verbose=0), before)
    assert all(np.array_equal(*pair) for pair in zip(model.get_weights(), weights, strict=True))


def test_frozen_layers_stay_frozen(keras3: Any) -> None:
    base = residual(keras3)
    base.trainable = False
    model = keras3.Sequential([keras3.Input((8, 8, 1)), base, keras3.layers.Dense(3)])
    aware = edgekit.quantize_aware(model)
    assert len(aware.trainable_weights) == 2


def test_several_inputs_and_outputs_keep_their_names(keras3: Any) -> None:
    layers = keras3.layers
    given = {name: keras3.Input((4,), name=name) for name in ("left", "right")}
    x = layers.Add()(list(given.values()))
    outputs = {"up": layers.Dense(2, name="a")(x), "down": layers.Dense(3, name="b")(x)}
    aware = edgekit.quantize_aware(keras3.Model(given, outputs))
    samples = {name: random(16, 4) for name in given}
    aware(samples, training=True)
    assert {key: value.shape[1] for key, value in aware(samples).items()} == {"up": 2, "down": 3}
    assert len(read(edgekit.convert(aware).content).main.outputs) == 2


def test_ranges_that_were_never_seen(keras3: Any) -> None:
    with pytest.raises(InputError, match="no range was ever seen at"):
        edgekit.convert(edgekit.quantize_aware(residual(keras3)))


def test_a_layer_that_is_left_asks_for_data(keras3: Any) -> None:
    class Doubled(keras3.layers.Layer):  # type: ignore[misc, name-defined]
        def call(self, values: Any) -> Any:
            import tensorflow as tf

            return tf.nn.relu(tf.raw_ops.Mul(x=tf.raw_ops.Add(x=values, y=values), y=0.5) + 1.0)

    given = keras3.Input((4,))
    x = Doubled(name="odd")(keras3.layers.Dense(4)(given))
    model = keras3.Model(given, keras3.layers.Dense(2)(x))
    samples = random(64, 4)
    aware = seen(model, samples)
    with pytest.raises(InputError, match="'odd'") as caught:
        edgekit.convert(aware)
    assert "data=" in str(caught.value.hint)
    edgekit.convert(aware, data=samples)


def test_a_layer_of_the_users_own_is_looked_into(keras3: Any) -> None:
    class Gated(keras3.layers.Layer):  # type: ignore[misc, name-defined]
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.dense = keras3.layers.Dense(4, activation="tanh")

        def build(self, shape: Any) -> None:
            self.dense.build(shape)
            self.scale = self.add_weight(shape=(4,), initializer="ones", name="scale")

        def call(self, values: Any) -> Any:
            gate = keras3.ops.sigmoid(values) * self.scale
            return self.dense(values) * gate

    given = keras3.Input((4,))
    model = keras3.Model(given, keras3.layers.Dense(2)(Gated()(given)))
    content = edgekit.convert(seen(model, random(64, 4))).content
    assert operators(content) == [
        "LOGISTIC", "MUL", "FULLY_CONNECTED", "TANH", "MUL", "FULLY_CONNECTED",
    ]  # fmt: skip


def test_an_unknown_scheme_and_a_subclassed_model(keras3: Any) -> None:
    with pytest.raises(UsageError, match="'int7'"):
        edgekit.quantize_aware(residual(keras3), scheme="int7")  # type: ignore[arg-type]

    class Own(keras3.Model):  # type: ignore[misc, name-defined]
        def call(self, values: Any) -> Any:
            return values

    with pytest.raises(UnsupportedModelError, match="Own"):
        edgekit.quantize_aware(Own())


def test_any_model_is_converted_after_its_training(keras3: Any) -> None:
    layers = keras3.layers
    model = keras3.Sequential(
        [
            keras3.Input((8, 8, 1)),
            layers.RandomFlip("horizontal"),
            layers.Dropout(0.5),
            layers.Conv2D(4, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(3),
        ]
    )
    samples = random(32, 8, 8, 1)
    made = edgekit.convert(model, data=samples)
    assert operators(made.content) == ["CONV_2D", "RESHAPE", "FULLY_CONNECTED"]
    with pytest.raises(UsageError, match="no ranges"):
        edgekit.convert(model)
    with pytest.raises(InputError, match="shapes"):
        edgekit.convert(model, data=samples[:, :4])


def test_layer_normalization_has_an_integer_form_after_training(keras3: Any) -> None:
    given = keras3.Input((6,))
    model = keras3.Model(given, keras3.layers.LayerNormalization()(keras3.layers.Dense(6)(given)))
    before = model.predict(random(8, 6), verbose=0)
    assert "NEG" not in operators(edgekit.convert(model, data=random(64, 6)).content)
    assert np.array_equal(model.predict(random(8, 6), verbose=0), before)


def test_attention_with_dropout_and_scaled_inputs(keras3: Any) -> None:
    layers = keras3.layers
    adapted = layers.Normalization()
    adapted.adapt(random(64, 4, 8))
    given = keras3.Input((4, 8))
    x = layers.Rescaling(2.0, offset=-1.0)(adapted(given))
    x = layers.MultiHeadAttention(2, 4, dropout=0.1)(x, x)
    model = keras3.Model(given, layers.Dense(3)(x))
    found = operators(edgekit.convert(seen(model, random(64, 4, 8))).content)
    assert found[:4] == ["MUL", "ADD", "MUL", "ADD"]
    assert "DIV" not in found
    assert "SOFTMAX" in found


def test_a_base_that_is_called_as_in_use_keeps_its_statistics(keras3: Any) -> None:
    base = residual(keras3)
    given = keras3.Input((8, 8, 1))
    model = keras3.Model(given, keras3.layers.Dense(3)(base(given, training=False)))
    aware = edgekit.quantize_aware(model)
    normal = aware.get_layer("first").normalization
    before = np.asarray(normal.moving_mean)
    aware(digits()[0][:64], training=True)
    assert np.array_equal(np.asarray(normal.moving_mean), before)
