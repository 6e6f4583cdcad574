"""An operator that ends its runtime is named: TFLite-Micro's wheel itself does the ending."""

from collections.abc import Iterator

import numpy as np
import pytest
from graphs import GraphBuilder

from edgekit.errors import ToolError, UnsupportedModelError
from edgekit.model.file import ModelFile
from edgekit.runtimes import litert, tflm
from edgekit.shrinking import shrink

SMALLEST = 2.0**-26  # softmax_common.cc: scale * beta * 2 ** (31 - 5) must be above 1


@pytest.fixture(scope="module")
def micro() -> Iterator[tflm.Session]:
    with tflm.Session() as session:
        yield session


def softmax_of(scale: float) -> bytes:
    builder = GraphBuilder((1, 4, 4, 2), seed=2)
    x = builder.conv(builder.input, 3, kernel=3)
    x = builder.fully_connected(builder.mean(x), 5)
    x = builder.quantize(x, quantization=(scale, 0))
    return builder.build(builder.softmax(x))


def inputs() -> tuple[np.ndarray, ...]:
    return (np.zeros((2, 4, 4, 2), np.int8),)


def test_a_softmax_of_too_small_a_scale_is_named(micro: tflm.Session) -> None:
    with pytest.raises(UnsupportedModelError) as caught:
        micro.run(softmax_of(0.9 * SMALLEST), inputs())
    assert "TFLite-Micro crashed (SIGABRT) at SOFTMAX (operator 4)" in caught.value.message
    assert "the scale of its input is 1.3e-08" in caught.value.message
    assert "none of 1.5e-08 or less" in caught.value.message
    assert len(micro.run(softmax_of(1.1 * SMALLEST), inputs())) == 1


def test_a_sum_of_too_small_a_scale_is_named(micro: tflm.Session) -> None:
    def summed(scale: float) -> bytes:
        builder = GraphBuilder((1, 4, 4, 2), seed=2, quantization=(0.5, 0))
        x = builder.conv(builder.input, 2, quantization=(0.25, 0))
        return builder.build(builder.add(builder.input, x, quantization=(scale, 0)))

    least = 2 * 0.5 / 2**20  # add_common.cc: twice the larger scale over 2 ** 20 times the output's
    with pytest.raises(UnsupportedModelError, match=r"at ADD \(operator 1\).*scale of its output"):
        micro.run(summed(0.9 * least), inputs())
    assert len(micro.run(summed(1.1 * least), inputs())) == 1


def test_shrink_goes_on_in_the_other_runtime() -> None:
    content = softmax_of(0.9 * SMALLEST)
    assert shrink(ModelFile.of(content)).runtimes == ("litert",)


def test_a_crash_of_unknown_cause_names_the_operator(
    micro: tflm.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgekit.runtimes.crash_site.failed_check", lambda *_: None)
    with pytest.raises(ToolError, match=r"at SOFTMAX \(operator 4\); the 4 operators before it"):
        micro.run(softmax_of(0.9 * SMALLEST), inputs())


def test_litert_reference_kernels_name_it_too() -> None:
    with (
        litert.Session(kernels="reference") as session,
        pytest.raises(UnsupportedModelError, match=r"LiteRT crashed \(SIGABRT\) at SOFTMAX"),
    ):
        session.run(softmax_of(0.9 * SMALLEST), inputs())
