"""Real models of every converter age go through reader and writer unchanged."""

from pathlib import Path

import numpy as np
import pytest

from edgekit.model.reader import read
from edgekit.model.writer import write
from edgekit.runtimes import tflm

SHARED = Path(__file__).parents[3] / "shared" / "models"
NAMES = sorted(str(path.relative_to(SHARED)) for path in SHARED.rglob("*.tflite"))

pytestmark = pytest.mark.shared


@pytest.mark.parametrize("name", NAMES)
def test_write_read_write_is_the_identity(shared_models: Path, name: str) -> None:
    original = (shared_models / name).read_bytes()
    content = write(read(original))
    assert write(read(content)) == content
    assert len(content) < len(original)


def test_outputs_in_tflite_micro_stay() -> None:
    rng = np.random.default_rng(0)
    with tflm.Session() as session:
        for name in NAMES:
            original = (SHARED / name).read_bytes()
            graph = read(original).main
            if any(graph.tensors[index].dtype != "int8" for index in graph.inputs):
                continue
            shape = graph.tensors[graph.inputs[0]].shape
            inputs = (rng.integers(-128, 128, (2, *shape[1:]), dtype=np.int8),)
            expected = session.run(original, inputs)
            np.testing.assert_array_equal(session.run(write(read(original)), inputs), expected)
