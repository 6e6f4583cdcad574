"""What a proof runs on: counted by hand, and held against faults that it must find."""

from dataclasses import replace

import numpy as np
import pytest
from graphs import GraphBuilder

from edgekit.devices.profile import load_target
from edgekit.errors import MissingDependencyError
from edgekit.model.file import ModelFile
from edgekit.model.macs import work
from edgekit.model.reader import read
from edgekit.model.values import Model
from edgekit.model.writer import write
from edgekit.runtimes import tflm
from edgekit.shrinking import NotExactError, shrink
from edgekit.shrinking.budget import BUDGET, CORNERS, VECTORS, affordable
from edgekit.shrinking.certificate import Sessions, certify
from edgekit.shrinking.changed_region import changed_region
from edgekit.shrinking.proof import proof_vectors

RUNS = ("tflite-micro", "litert")


def network(*, dead: tuple[int, ...]) -> bytes:
    """Return three convolutions and a fully connected layer; the last convolution has the dead."""
    builder = GraphBuilder((1, 12, 12, 2), seed=4)
    x = builder.conv(builder.input, 24, kernel=3)
    x = builder.conv(x, 24, kernel=3, stride=2)
    x = builder.conv(x, 8, dead=dead, activation="relu")
    return builder.build(builder.fully_connected(builder.mean(x), 4))


def with_changed_weight(content: bytes, operator: int, place: int) -> bytes:
    """Return the model with one weight of an operator changed as far as can be."""
    model = read(content)
    graph = model.main
    index = graph.operators[operator].inputs[1]
    values = graph.tensors[index].values().copy()
    values.flat[place] = -127 if values.flat[place] > 0 else 127
    tensors = list(graph.tensors)
    tensors[index] = replace(tensors[index], data=values.tobytes())
    return write(replace(model, graphs=(replace(graph, tensors=tuple(tensors)),)))


def operators(model: Model) -> list[str]:
    return [operator.op for operator in model.main.operators]


def test_the_work_of_a_model_is_counted_by_hand() -> None:
    convolutions = 144 * 24 * 9 * 2 + 36 * 24 * 9 * 24 + 36 * 8 * 24
    values = 144 * 24 + 36 * 24 + 36 * 8 + 8 + 4
    assert work(read(network(dead=()))) == convolutions + 8 * 4 + 16 * values


@pytest.mark.parametrize(
    ("units", "vectors"),
    [
        (1, VECTORS),
        (BUDGET["tflite-micro"] // VECTORS, VECTORS),
        (BUDGET["tflite-micro"] // 60, 60),
        (10**12, CORNERS),
    ],
)
def test_as_many_vectors_as_the_budget_of_the_slowest_runtime_allows(
    units: int, vectors: int
) -> None:
    assert affordable(units, RUNS) == vectors
    assert affordable(units, ("litert",)) >= vectors


def test_corners_come_first_and_data_never_push_them_out() -> None:
    content = network(dead=())
    data = (np.full((9, 12, 12, 2), 3, np.int8),)
    for count in (CORNERS, CORNERS + 1, 12):
        (vectors,) = proof_vectors(ModelFile.of(content).model, data, count=count)
        assert len(vectors) == count
        assert [item.min() for item in vectors[:2]] == [-128, 127]
        assert np.unique(vectors[3]).tolist() == [-128, 127]
    assert (vectors == 3).all(axis=(1, 2, 3)).sum() > 3  # 6 of 12


def test_only_what_changed_is_in_the_region() -> None:
    content = network(dead=(1, 5))
    small = shrink(ModelFile.of(content)).content
    region = changed_region(read(content), read(small))
    assert region is not None
    assert operators(region.before) == operators(region.after)
    assert operators(region.before) == ["CONV_2D", "MEAN", "FULLY_CONNECTED"]
    source = region.before.main.tensors[region.before.main.inputs[0]]
    assert source.shape == (1, 6, 6, 24)
    kernels = [
        part.main.tensors[part.main.operators[0].inputs[1]].shape
        for part in (region.before, region.after)
    ]
    assert kernels == [(8, 1, 1, 24), (6, 1, 1, 24)]
    assert changed_region(read(content), read(content)) is None


def test_a_changed_part_is_proved_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    content = network(dead=(1, 5))
    whole = shrink(ModelFile.of(content))
    assert (whole.vectors, whole.whole_vectors) == (1000, 1000)
    monkeypatch.setattr("edgekit.shrinking.certificate.SMALL", 0)
    part = shrink(ModelFile.of(content))
    assert part.content == whole.content
    assert (part.vectors, part.whole_vectors) == (1000, 200)


@pytest.mark.parametrize("operator", [0, 1, 2, 4])
def test_a_fault_is_found_by_part_or_whole(operator: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgekit.shrinking.certificate.SMALL", 0)
    content = network(dead=())
    other = with_changed_weight(content, operator, 3)
    with Sessions(RUNS) as sessions, pytest.raises(NotExactError, match="gives another output"):
        certify(ModelFile.of(content), ModelFile.of(other), sessions, runs=RUNS)


def test_phones_need_no_tflite_micro(monkeypatch: pytest.MonkeyPatch) -> None:
    content = network(dead=(1, 5))
    both = shrink(ModelFile.of(content))

    def absent(_: object) -> None:
        raise MissingDependencyError("TFLite-Micro is not installed")

    monkeypatch.setattr(tflm.Session, "__init__", absent)
    with pytest.raises(MissingDependencyError):
        shrink(ModelFile.of(content))
    phone = shrink(ModelFile.of(content), target=load_target("pixel-4"))
    assert phone.content == both.content
    assert phone.runtimes == ("litert",)
    assert phone.arena_before_bytes is None


class RoundsElsewhere:
    """A runtime that gives another output each time."""

    calls = 0

    def run(
        self, model: bytes, inputs: tuple[np.ndarray, ...], **_: object
    ) -> tuple[np.ndarray, ...]:
        del model
        self.calls += 1
        return (np.full((len(inputs[0]), 4), self.calls, np.int8),)


def test_xnnpacks_own_rounding_is_told_and_fails_nothing() -> None:
    content = network(dead=(1, 5))
    small = shrink(ModelFile.of(content)).content
    with Sessions(("litert",)) as sessions:
        sessions.by_name = {"litert": (RoundsElsewhere(),)}
        found = certify(ModelFile.of(content), ModelFile.of(small), sessions, runs=("litert",))
        assert found.runtimes == ("litert",)
        assert "XNNPACK rounds" in found.notes[0]
        with pytest.raises(NotExactError):
            other = with_changed_weight(content, 4, 3)
            certify(ModelFile.of(content), ModelFile.of(other), sessions, runs=("litert",))
