"""A batch in two processes gives what one process gives."""

import numpy as np
import pytest
from graphs import GraphBuilder, random_inputs

from edgekit.model.file import ModelFile
from edgekit.model.macs import work
from edgekit.model.reader import read
from edgekit.runtimes import litert, tflm
from edgekit.runtimes.parallel import run_in_halves
from edgekit.runtimes.process import silent

RUNTIMES = [tflm.Session, litert.Session]


@pytest.mark.parametrize("opened", RUNTIMES, ids=["tflite-micro", "litert"])
@pytest.mark.parametrize("samples", [1, 2, 7])
def test_the_outputs_do_not_depend_on_the_halves(opened: type, samples: int) -> None:
    builder = GraphBuilder((1, 4, 4, 2), seed=1)
    x = builder.mean(builder.conv(builder.input, 4, kernel=3))
    content = builder.build(builder.fully_connected(x, 3), x)
    inputs = random_inputs(read(content), samples)
    told: list[tuple[int, int]] = []
    long = 2 * work(read(content))
    found = run_in_halves(
        opened,
        ModelFile.of(content),
        inputs,
        long=long,
        progress=lambda done, total, _="": told.append((done, total)),
    )
    with opened() as session:
        wanted = session.run(content, inputs, progress=silent)
    assert all(np.array_equal(*pair) for pair in zip(found, wanted, strict=True))
    assert [len(item) for item in found] == [samples, samples]
    assert all(done <= total == samples for done, total in told)
