"""TFLite-Micro against LiteRT: the first operator that computes something else is named."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from click.testing import CliRunner
from graphs import GraphBuilder, random_inputs
from operator_graphs import GraphBuilder as RawBuilder
from operator_graphs import options

from edgekit.cli import edgekit
from edgekit.data.reference import Vectors
from edgekit.errors import UnsupportedModelError
from edgekit.model.file import ModelFile
from edgekit.model.reader import read
from edgekit.model.values import Model
from edgekit.model.writer import write
from edgekit.runtimes import litert, tflm
from edgekit.runtimes.real import real_outputs
from edgekit.verification import agreement as module
from edgekit.verification.agreement import Agreement, agreement
from edgekit.verification.divergence import differs, first_divergence
from edgekit.verification.limits import gates

Reals = npt.NDArray[np.float32]
BORDERS = np.arange(-4, 4, dtype=np.int16) * 1000


def comparing() -> bytes:
    """Return a GREATER of int16, to which TFLite-Micro's wheel says no whatever it is given."""
    builder = RawBuilder()
    source = builder.tensor((1, 8), "int16", scale=(0.01,))
    moved = builder.tensor((1, 2, 4), "int16", scale=(0.01,))
    borders = builder.tensor((1, 2, 4), "int16", data=BORDERS, scale=(0.01,))
    result = builder.tensor((1, 2, 4), "bool")
    table = options("ReshapeOptions", newShape=[1, 2, 4])
    builder.operator("RESHAPE", [source], [moved], table)
    builder.operator("GREATER", [moved, borders], [result])
    return builder.build([source], [result])


def convolutions() -> Model:
    builder = GraphBuilder((1, 6, 6, 3), seed=4)
    x = builder.conv(builder.input, 8, kernel=3, activation="relu")
    return builder.model(builder.softmax(builder.reshape(builder.mean(x), (1, 8))))


def outputs_of(content: bytes, inputs: Reals, *names: str) -> dict[str, Reals]:
    return {name: real_outputs(name, ModelFile.of(content), inputs) for name in names}


@pytest.mark.parametrize("names", [("litert", "tflite-micro"), ("tflite-micro",)])
def test_an_operator_that_tflite_micro_computes_wrongly(names: tuple[str, ...]) -> None:
    content = comparing()
    stored = np.random.default_rng(0).integers(-6000, 6000, (5, 8)).astype(np.int16)
    vectors = Vectors(inputs=(stored * 0.01).astype(np.float32))
    outputs = outputs_of(content, vectors.inputs, *names)
    right = (stored > BORDERS).reshape(5, 2, 4)  # what GREATER means
    assert not outputs["tflite-micro"].any()
    found = agreement(ModelFile.of(content), vectors, outputs)
    assert found is not None
    assert (found.samples, found.asked, found.differing) == (
        5,
        5,
        int(right.any(axis=(1, 2)).sum()),
    )
    assert found.first is not None
    assert (found.first.op, found.first.operator) == ("GREATER", 1)
    assert (found.first.litert, found.first.tflite_micro) == (1, 0)
    *_, finding = gates(None, (), accuracy_drop=None, agreement=found)
    assert not finding.passed
    assert "the first operator that differs is GREATER at 1, with 0 where LiteRT has 1" in (
        finding.message
    )


def test_verify_fails_where_the_runtimes_disagree(tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(comparing())
    found = CliRunner().invoke(
        edgekit, ["verify", str(tmp_path / "m.tflite"), "--data", "random"], standalone_mode=False
    )
    assert found.return_value == 1
    assert "GREATER at 1" in found.output.replace("\n", " ")


def test_runtimes_that_agree_are_not_asked_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    model = convolutions()
    content = write(model)
    stored = random_inputs(model, 16, seed=1)[0]
    vectors = Vectors(inputs=real(model, stored))
    outputs = outputs_of(content, vectors.inputs, "litert", "tflite-micro")
    monkeypatch.setattr(module.litert, "Session", None)  # no reference kernels are started
    assert agreement(ModelFile.of(content), vectors, outputs) == Agreement(
        samples=16, rounded=0, asked=0, differing=0, classes=0, steps=0.0
    )
    assert agreement(ModelFile.of(content), vectors, {"litert": outputs["litert"]}) is None


def real(model: Model, stored: npt.NDArray[np.generic]) -> Reals:
    made = model.main.tensors[model.main.inputs[0]].quantization
    assert made is not None
    return ((stored.astype(np.float32) - made.zero_points[0]) * made.scales[0]).astype(np.float32)


def test_what_the_fast_kernels_alone_round_otherwise_is_told_and_holds() -> None:
    """LiteRT's fast outputs are moved by three steps; the reference kernels are the real ones."""
    model = convolutions()
    content = write(model)
    stored = random_inputs(model, 16, seed=1)[0]
    vectors = Vectors(inputs=real(model, stored))
    outputs = outputs_of(content, vectors.inputs, "tflite-micro")
    outputs["litert"] = outputs["tflite-micro"].copy()
    outputs["litert"][:4] += np.float32(3 / 256)
    outputs["litert"][4:9] += np.float32(1 / 256)  # one step is not even asked about
    found = agreement(ModelFile.of(content), vectors, outputs)
    assert found is not None
    assert (found.rounded, found.asked, found.differing, found.first) == (4, 4, 0, None)
    *_, finding = gates(None, (), accuracy_drop=None, agreement=found)
    assert finding.passed
    assert finding.message.endswith("LiteRT's fast kernels round 4 of 16 otherwise")


def test_another_class_is_asked_about_however_near_it_is() -> None:
    model = convolutions()
    content = write(model)
    stored = random_inputs(model, 2, seed=1)[0]
    vectors = Vectors(inputs=real(model, stored), labels=np.array([0, 1]))
    micro = np.full((2, 8), 0.25, np.float32)
    micro[:, 0] += np.float32(1 / 256)
    lite = micro.copy()
    lite[1, 3] += np.float32(2 / 256)
    lite[1, 0] -= np.float32(1 / 256)
    found = agreement(ModelFile.of(content), vectors, {"litert": lite, "tflite-micro": micro})
    assert found is not None
    assert found.rounded == 1


def test_what_is_more_than_one_step() -> None:
    tensor = convolutions().main.tensors[0]
    values = np.zeros((2, 2), np.int8)
    assert not differs(tensor, values, values + np.int8(1))
    assert differs(tensor, values, values + np.int8(2))
    assert differs(replace(tensor, quantization=None), values, values + np.int8(1))  # no step
    floats = replace(tensor, quantization=None, dtype="float32")
    assert not differs(floats, np.float32([1000.0, 0.5]), np.float32([1000.0, 0.0]))
    assert differs(floats, np.float32([1.0, 0.5]), np.float32([1.0, 0.0]))
    assert not differs(floats, np.float32([np.nan]), np.float32([np.nan]))
    assert differs(floats, np.float32([np.nan]), np.float32([1.0]))


class Shifted(tflm.Session):
    """TFLite-Micro with one tensor so many steps away, and what follows as it is made of it."""

    steps, tensor = 0, -1

    def tensors(self, *args: object, **kwargs: object) -> tuple[npt.NDArray[np.generic], ...]:
        found = super().tensors(*args, **kwargs)  # type: ignore[arg-type]
        wanted = args[2]
        assert isinstance(wanted, tuple)
        place = wanted.index(self.tensor)
        moved = (found[place].astype(int) + self.steps).clip(-128, 127).astype(np.int8)
        return (*found[:place], moved, *found[place + 1 :])


@pytest.mark.parametrize(("steps", "named"), [(1, None), (-2, "MEAN")])
def test_the_operator_that_leaves_its_own_step_is_named(
    monkeypatch: pytest.MonkeyPatch, steps: int, named: str | None
) -> None:
    builder = GraphBuilder((1, 6, 6, 3), seed=4)
    x = builder.conv(builder.input, 8, kernel=3, activation="relu")
    model = builder.model(builder.mean(x))
    stored = random_inputs(model, 2, seed=1)[0]
    monkeypatch.setattr(Shifted, "steps", steps)
    monkeypatch.setattr(Shifted, "tensor", model.main.outputs[0])
    monkeypatch.setattr("edgekit.verification.divergence.tflm.Session", Shifted)
    found = first_divergence(ModelFile.of(write(model)), stored)
    assert (found and found.op) == named


def test_a_shape_that_only_shows_when_it_runs_is_refused_in_the_same_words() -> None:
    builder = RawBuilder()
    source = builder.tensor((1, 4), "int8")
    flags = builder.tensor((1, 4), "bool", data=[1, 0, 1, 1])
    result = builder.tensor((9, 2), "int64")
    builder.operator("WHERE", [flags], [result])
    kept = builder.tensor((1, 4), "int8")
    builder.operator("RELU", [source], [kept])
    content = builder.build([source], [kept])
    model = read(content)
    stored = np.zeros((1, 4), np.int8)

    class Silent(tflm.Session):
        def tensors(self, *args: object, **_: object) -> tuple[npt.NDArray[np.generic], ...]:
            wanted = args[2]
            assert isinstance(wanted, tuple)
            return tuple(np.zeros((1, *model.main.tensors[i].shape), np.int8) for i in wanted)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("edgekit.verification.divergence.tflm.Session", Silent)
        with pytest.raises(UnsupportedModelError, match=r"declared with the shape \(9, 2\)"):
            first_divergence(ModelFile.of(content), stored)


def test_samples_for_the_reference_kernels_are_bounded_by_their_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = convolutions()
    one = 36 * 8 * 27  # multiply-accumulates of the convolution
    monkeypatch.setattr(module, "_REFERENCE_MACS", 5 * one + 1)
    content = write(model)
    vectors = Vectors(inputs=real(model, random_inputs(model, 40, seed=1)[0]))
    found = agreement(
        ModelFile.of(content), vectors, outputs_of(content, vectors.inputs, "tflite-micro")
    )
    assert found is not None
    assert (found.samples, found.asked) == (40, 5)


def test_the_reference_kernels_are_others_than_the_fast_ones() -> None:
    """SUM of int8: LiteRT's two kernels disagree, and so TFLite-Micro is not blamed."""
    builder = RawBuilder()
    source = builder.tensor((1, 4, 4, 2), "int8")
    axes = builder.tensor((2,), "int32", data=[1, 2], scale=None)
    result = builder.tensor((1, 2), "int8")
    builder.operator("SUM", [source, axes], [result], options("ReducerOptions"))
    content = builder.build([source], [result])
    stored = np.random.default_rng(1).integers(-128, 128, (3, 4, 4, 2)).astype(np.int8)
    with litert.Session() as session:
        fast = session.run(content, (stored,))[0]
    with litert.Session(kernels="reference") as session:
        defining = session.run(content, (stored,))[0]
    right = stored.astype(int).sum(axis=(1, 2)).clip(-128, 127)
    assert np.array_equal(fast, right)
    assert not np.array_equal(defining, right)
    assert first_divergence(ModelFile.of(content), stored) is None


@pytest.mark.shared
def test_one_step_that_grows_behind_it_is_told_and_holds(shared_models: Path) -> None:
    """FULLY_CONNECTED rounds one logit otherwise than LiteRT; SOFTMAX makes two steps of it."""
    path = shared_models / "mlperf_tiny" / "kws_ref_model.tflite"
    found = CliRunner().invoke(
        edgekit, ["verify", str(path), "--data", "random"], standalone_mode=False
    )
    assert found.return_value == 0
    told = " ".join(found.output.split())
    assert "agree within one step in each operator; on 2 of 3 samples that grows to 2 steps" in told
