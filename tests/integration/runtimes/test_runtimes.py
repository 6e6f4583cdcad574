from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from graphs import GraphBuilder, random_inputs

from edgekit.errors import InputError, UnsupportedModelError
from edgekit.model.file import ModelFile
from edgekit.model.reader import read
from edgekit.runtimes import litert, tflm


@pytest.fixture(scope="module")
def content() -> bytes:
    builder = GraphBuilder((1, 6, 6, 2), seed=1)
    image = builder.conv(builder.input, 4, kernel=3)
    return builder.build(builder.average_pool(image, size=2))


@pytest.fixture(scope="module")
def session() -> Iterator[tflm.Session]:
    with tflm.Session() as opened:
        yield opened


def test_both_runtimes_give_the_same_integers_to_one_step(
    content: bytes, session: tflm.Session
) -> None:
    inputs = random_inputs(read(content), 20, seed=3)
    (micro,) = session.run(content, inputs)
    (lite,) = litert.run(ModelFile.of(content), inputs)
    assert micro.dtype == np.int8
    assert micro.shape == (20, *lite.shape[1:])
    assert np.abs(micro.astype(int) - lite).max() <= 1  # one int8 step


def test_sixteen_bytes_less_than_the_least_arena_do_not_do(
    content: bytes, session: tflm.Session
) -> None:
    least = session.minimum_arena_bytes(ModelFile.of(content))
    inputs = random_inputs(read(content), 1, seed=0)
    assert session.run(content, inputs, arena_bytes=least)[0].shape[0] == 1
    with pytest.raises(UnsupportedModelError, match="TFLite-Micro refuses"):
        session.run(content, inputs, arena_bytes=least - 16)


def test_progress_is_told(content: bytes, session: tflm.Session) -> None:
    told = []
    session.run(
        content,
        random_inputs(read(content), 65, seed=0),
        progress=lambda *state: told.append(state),
    )
    assert [(done, total) for done, total, *_ in told] == [(0, 65), (64, 65)]


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "least"),
    # Measured on this wheel by bisection by hand; the recorded total of the first says 3,984.
    [("ad01_int8", 4640), ("kws_ref_model", 24272)],
)
def test_the_least_arena_is_the_measured_one(
    name: str, least: int, shared_models: Path, session: tflm.Session
) -> None:
    content = (shared_models / "mlperf_tiny" / f"{name}.tflite").read_bytes()
    assert session.minimum_arena_bytes(ModelFile.of(content)) == least


@pytest.mark.shared
def test_refusals_carry_the_runtimes_reason(shared_models: Path, session: tflm.Session) -> None:
    dynamic = (shared_models / "mlperf_tiny" / "ad01_ToyCar_dynrange.tflite").read_bytes()
    with pytest.raises(UnsupportedModelError, match="FLOAT32 with filter type: INT8"):
        session.minimum_arena_bytes(ModelFile.of(dynamic))
    person = (shared_models / "tflite_micro" / "person_detect.tflite").read_bytes()
    zeros = np.zeros((1, 96, 96, 1), np.int8)
    with pytest.raises(UnsupportedModelError, match="LiteRT refuses.*quantized_dimension"):
        litert.run(ModelFile.of(person), (zeros,))
    assert session.run(person, (zeros,))[0].shape == (1, 2)  # which TFLite-Micro runs


def test_a_damaged_model_is_an_error_and_no_crash(content: bytes, session: tflm.Session) -> None:
    with pytest.raises(InputError):
        session.run(content[: len(content) // 2], (np.zeros((1, 6, 6, 2), np.int8),))
