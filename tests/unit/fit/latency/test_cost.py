"""Which operators may be missing from a calibration: a tenth of the work, and no more."""

import pytest
from graphs import GraphBuilder

from edgekit.fit.latency.cost import uncovered
from edgekit.model.reader import read
from edgekit.model.values import Graph


def with_logistic(channels: int, *, pooled: int) -> Graph:
    """Return a convolution, and a sigmoid on what is left of it after pooling."""
    builder = GraphBuilder((1, 10, 10, 1), seed=1)
    x = builder.conv(builder.input, channels, kernel=3)
    return read(builder.build(builder.logistic(builder.average_pool(x, size=pooled)))).main


# Elements: the convolution writes 100 a channel, pooling by 5 reads so many, the sigmoid writes 4;
# pooling by 2 leaves 25.
@pytest.mark.parametrize(
    ("pooled", "missing"),
    [
        (5, ()),  # 4 of 204
        (2, ("LOGISTIC",)),  # 25 of 225: a ninth
    ],
)
def test_a_tenth_of_the_elements_may_be_uncovered(pooled: int, missing: tuple[str, ...]) -> None:
    graph = with_logistic(4, pooled=pooled)
    assert uncovered(graph, {"CONV_2D", "AVERAGE_POOL_2D"}) == missing


@pytest.mark.parametrize(("filters", "missing"), [(1, ("CONV_2D",)), (9, ()), (8, ("CONV_2D",))])
def test_a_tenth_of_the_multiply_accumulates_may_be_uncovered(
    filters: int, missing: tuple[str, ...]
) -> None:
    """A 3 x 3 convolution beside ``filters`` pointwise ones that do as much each."""
    builder = GraphBuilder((1, 4, 4, 9), seed=1)
    outputs = [builder.conv(builder.input, 9) for _ in range(filters)]
    outputs.append(builder.conv(builder.input, 1, kernel=3))
    graph = read(builder.build(*outputs)).main
    # Each has 4 * 4 * 9 * 9 multiply-accumulates; the elements are 144 each.
    assert uncovered(graph, {"CONV_2D 1x1"}) == missing
