import json
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from graphs import GraphBuilder, random_inputs

import edgekit
from edgekit.cli import edgekit as command
from edgekit.data.reference import Vectors
from edgekit.errors import InputError, UnsupportedModelError
from edgekit.explanation.causes import RULES, wording
from edgekit.explanation.explain import explain, taken
from edgekit.model.file import ModelFile
from edgekit.model.float_twin import float_twin
from edgekit.model.reader import read
from edgekit.model.writer import write
from edgekit.runtimes import litert, tflm
from edgekit.verification.first_difference import first_difference

ROOT = Path(__file__).parents[2]

RNG = np.random.default_rng(11)


@pytest.fixture(scope="module")
def content() -> bytes:
    builder = GraphBuilder((1, 8, 8, 3), seed=7)
    x = builder.conv(builder.input, 6, kernel=3, stride=2, activation="relu")
    y = builder.conv(x, 6, kernel=3)
    x = builder.average_pool(builder.add(x, y), size=4)
    x = builder.fully_connected(builder.reshape(x, (1, 6)), 4)
    return builder.build(builder.softmax(x))


@pytest.fixture(scope="module")
def vectors() -> Vectors:
    inputs = RNG.normal(0, 2, (40, 8, 8, 3)).astype(np.float32)
    return Vectors(inputs=inputs, labels=RNG.integers(0, 4, 40))


@pytest.fixture
def files(content: bytes, vectors: Vectors, tmp_path: Path) -> tuple[str, str, str]:
    (tmp_path / "model.tflite").write_bytes(content)
    (tmp_path / "float.tflite").write_bytes(write(float_twin(read(content))))
    np.savez(tmp_path / "vectors.npz", inputs=vectors.inputs, labels=vectors.labels)
    names = ("model.tflite", "float.tflite", "vectors.npz")
    model, reference, data = (str(tmp_path / name) for name in names)
    return model, reference, data


def test_the_noise_of_the_input_is_that_of_its_rounding(content: bytes, vectors: Vectors) -> None:
    found = explain(ModelFile.of(content), vectors).operators[0]
    made = read(content).main.tensors[read(content).main.inputs[0]].quantization
    scale, zero = float(made.scales[0]), int(made.zero_points[0])
    x = vectors.inputs.astype(np.float64)
    rounded = (np.clip(np.rint(x / scale) + zero, -128, 127) - zero) * scale
    assert found.sqnr_db == pytest.approx(
        10 * np.log10(np.sum(x**2) / np.sum((x - rounded) ** 2)), abs=0.01
    )
    low, high = scale * (-128 - zero), scale * (127 - zero)
    outside = (x < low - scale / 2) | (x > high + scale / 2)
    assert found.beyond_fraction == pytest.approx(outside.mean(), abs=1e-6)


def test_every_operator_that_rounds_has_an_effect_of_its_own(
    content: bytes, vectors: Vectors
) -> None:
    found = explain(ModelFile.of(content), vectors)
    ops = [item.op for item in found.operators]
    assert ops == ["INPUT", "CONV_2D", "CONV_2D", "ADD", "AVERAGE_POOL_2D", "RESHAPE",
                   "FULLY_CONNECTED", "SOFTMAX"]  # fmt: skip
    assert [item.op for item in found.operators if item.index not in found.effects] == ["RESHAPE"]
    # Roundings are independent: their noise adds up to that of all, give or take.
    alone = sum(10 ** (-effect.sqnr_db / 10) for effect in found.effects.values())
    assert found.whole.sqnr_db == pytest.approx(-10 * np.log10(alone), abs=4)
    calibrated = [item.op for item in found.operators if item.is_calibrated]
    assert calibrated == ["INPUT", "CONV_2D", "CONV_2D", "ADD", "FULLY_CONNECTED"]


def test_its_own_twin_as_reference_changes_nothing(content: bytes, vectors: Vectors) -> None:
    reference = write(float_twin(read(content)))
    with_it = explain(ModelFile.of(content), vectors, reference=ModelFile.of(reference))
    assert with_it.effects == explain(ModelFile.of(content), vectors).effects
    assert with_it.has_reference


def test_runtimes_agree_or_differ_where_their_outputs_do() -> None:
    differing = 0
    for seed in range(2):
        builder = GraphBuilder((1, 4, 4, 8), seed=seed)
        x = builder.conv(builder.input, 8, kernel=3)
        model = builder.model(builder.add(x, builder.conv(x, 8)))
        content = write(model)
        (stored,) = random_inputs(model, 20, seed=seed)
        found = first_difference(ModelFile.of(content), stored)
        file = ModelFile.of(content)
        outputs = [runtime.run(file, (stored,))[0] for runtime in (litert, tflm)]
        if found is None:
            assert np.array_equal(*outputs)
            continue
        differing += 1
        tensor = model.main.tensors[model.main.operators[found.operator].outputs[0]]
        step = float(tensor.quantization.scales[0])
        assert found.litert != found.tflite_micro
        assert found.litert_real - found.tflite_micro_real == pytest.approx(
            step * (found.litert - found.tflite_micro), rel=1e-4
        )
        if found.operator == len(model.main.operators) - 1:
            place = (found.sample, *found.element[1:])
            assert [outputs[0][place], outputs[1][place]] == [found.litert, found.tflite_micro]
            assert found.differing_fraction == np.mean(outputs[0] != outputs[1])
    assert differing  # or this has tested nothing


def test_samples_of_both_signs_for_an_input_from_0_to_1_are_not_in_its_unit() -> None:
    builder = GraphBuilder((1, 16), seed=3, quantization=(1 / 255, -128))
    content = builder.build(builder.fully_connected(builder.input, 4))
    first = explain(
        ModelFile.of(content), Vectors(inputs=RNG.uniform(-1, 1, (40, 16)).astype(np.float32))
    )
    assert first.causes[0].cause == "unscaled_input"
    within = explain(
        ModelFile.of(content), Vectors(inputs=RNG.uniform(0, 1, (40, 16)).astype(np.float32))
    )
    assert "unscaled_input" not in [item.cause for item in within.causes]


def test_samples_are_taken_evenly() -> None:
    vectors = Vectors(inputs=np.arange(10, dtype=np.float32), labels=np.arange(10))
    assert taken(vectors, 4).labels.tolist() == [0, 3, 6, 9]
    assert len(taken(vectors, 100).inputs) == 10


def test_several_inputs_are_refused(vectors: Vectors) -> None:
    builder = GraphBuilder((1, 4))
    content = builder.build(builder.add(builder.input, builder.add_input((1, 4))))
    with pytest.raises(UnsupportedModelError, match="2 inputs and 1 graphs"):
        explain(ModelFile.of(content), vectors)


@pytest.mark.shared
def test_what_litert_refuses_is_refused_in_its_words(shared_models: Path) -> None:
    content = (shared_models / "tflite_micro" / "person_detect.tflite").read_bytes()
    zeros = Vectors(inputs=np.zeros((1, 96, 96, 1), np.float32))
    with pytest.raises(UnsupportedModelError, match="LiteRT refuses.*quantized_dimension"):
        explain(ModelFile.of(content), zeros)


def test_the_command_prints_json(files: tuple[str, str, str]) -> None:
    model, reference, data = files
    arguments = ["explain", model, "--data", data, "--reference", reference, "--json"]
    result = CliRunner().invoke(command, [*arguments, "--runtimes", "--samples", "20"])
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["schema"] == "edgekit.explain/1"
    assert document["samples"] == 20
    assert document["operators"][0]["op"] == "INPUT"
    assert document["integer"]["metric"] == "accuracy"
    assert "first_difference" in document["runtimes"]


def test_the_command_speaks_to_people_and_the_function_is_public(
    files: tuple[str, str, str], content: bytes
) -> None:
    model, _, data = files
    shown = CliRunner().invoke(command, ["explain", model, "--data", data, "--scale", "1"]).output
    assert "accuracy:" in shown
    assert "6 FULLY_CONNECTED" in shown or "5 FULLY_CONNECTED" in shown
    assert len(edgekit.explain(model, data=data).operators) == 8


def test_a_missing_model_is_the_users_error(files: tuple[str, str, str]) -> None:
    with pytest.raises(InputError, match="no such file"):
        edgekit.explain("absent.tflite", data=files[2])


def test_the_documentation_holds_each_rule_in_its_words() -> None:
    text = (ROOT / "docs" / "explain.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (.*) \| (.*) \|$", text, flags=re.MULTILINE)
    rules = [rule for row in RULES for rule in row]
    assert rows == [(rule.__name__, *wording(rule)) for rule in rules]
    assert all(remedy for rule in rules for remedy in wording(rule))
