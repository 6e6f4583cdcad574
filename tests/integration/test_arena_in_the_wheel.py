"""The plan of the arena against bisection in TFLite-Micro's wheel: exact, to the byte."""

from pathlib import Path

import pytest
from random_graphs import random_graph

from edgekit.errors import EdgekitError
from edgekit.fit.arena.interpreter import HOST
from edgekit.fit.arena.plan import plan
from edgekit.model.file import ModelFile
from edgekit.model.reader import read
from edgekit.runtimes import tflm


@pytest.mark.shared
def test_the_plan_meets_the_wheel_on_real_models(shared_models: Path) -> None:
    compared = 0
    with tflm.Session() as session:
        for path in sorted(shared_models.rglob("*.tflite")):
            content = path.read_bytes()
            try:
                least = session.minimum_arena_bytes(ModelFile.of(content))
            except EdgekitError:
                continue  # a hybrid model: it runs on no microcontroller
            assert plan(read(content), HOST).arena_bytes == least, path.name
            compared += 1
    assert compared == 22


def test_the_plan_meets_the_wheel_on_random_graphs() -> None:
    with tflm.Session() as session:
        for seed in range(40):
            content = random_graph(seed)
            least = session.minimum_arena_bytes(ModelFile.of(content))
            assert plan(read(content), HOST).arena_bytes == least, seed
