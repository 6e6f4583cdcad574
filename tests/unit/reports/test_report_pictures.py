from collections.abc import Sequence

import pytest
import report_manifests as manifests
from hypothesis import given
from hypothesis import strategies as st

from edgekit.reports.manifest import read
from edgekit.reports.pictures.accuracy import accuracy_picture
from edgekit.reports.pictures.arena import arena_picture
from edgekit.reports.pictures.confusion import confusion_picture
from edgekit.reports.pictures.treemap import Cell, Part, parts, treemap


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=45))
def test_the_areas_of_a_treemap_are_as_the_bytes_and_fill_it(sizes: list[int]) -> None:
    items = [Part(name="", family="other", bytes=size) for size in sorted(sizes, reverse=True)]
    cells = treemap(items)

    for cell, item in zip(cells, items, strict=True):
        share = cell.width * cell.height / 100**2
        assert share == pytest.approx(item.bytes / sum(sizes), rel=1e-6)
        assert cell.x >= -1e-9
        assert cell.y >= -1e-9
        assert cell.x + cell.width <= 100 + 1e-6
        assert cell.y + cell.height <= 100 + 1e-6


@given(st.lists(st.integers(1, 1000), min_size=2, max_size=12))
def test_no_two_cells_of_a_treemap_overlap(sizes: list[int]) -> None:
    cells = treemap(
        [Part(name="", family="other", bytes=size) for size in sorted(sizes, reverse=True)]
    )

    assert not any(
        _overlap(first, second)
        for index, first in enumerate(cells)
        for second in cells[index + 1 :]
    )


def _overlap(first: Cell, second: Cell) -> bool:
    across = min(first.x + first.width, second.x + second.width) - max(first.x, second.x)
    down = min(first.y + first.height, second.y + second.height) - max(first.y, second.y)
    return across > 1e-6 and down > 1e-6


def test_rows_of_a_treemap_end_where_they_would_become_less_square() -> None:
    # By hand, on 2.4 x 1: the first two parts of .6 stand alone, .6 wide and 1 high (1.67); two
    # in one column would be .5 high and 1.2 wide (2.4). Then .4 alone would be 2.5, .4 with .3
    # is 1.63, and with .2 besides 4.05.
    items = [Part(name="", family="other", bytes=size) for size in (6, 6, 4, 3, 2, 2, 1)]
    first, second, third, fourth = treemap(items)[:4]

    assert (first.x, first.width, first.height) == pytest.approx((0, 25, 100))
    assert (second.x, second.width, second.height) == pytest.approx((25, 25, 100))
    assert (third.x, third.width, third.height) == pytest.approx((50, 70 / 2.4, 400 / 7))
    assert (fourth.x, fourth.y, fourth.height) == pytest.approx((50, 400 / 7, 300 / 7))


def test_the_parts_add_up_to_the_file_and_the_rest_is_named() -> None:
    found = parts(read(manifests.passing()))

    assert sum(part.bytes for part in found) == 22016
    # 144 + 64 + 4,608 + 128 + 9,216 + 128 + 320 + 40 bytes of tensors.
    assert next(part.bytes for part in found if part.family == "file") == 22016 - 14648


def test_many_tensors_become_forty_and_one_for_the_rest() -> None:
    found = parts(read(manifests.large()))

    assert len(found) == 41
    assert any(part.name == "20 smaller tensors" for part in found)


def test_without_tensors_there_is_no_treemap() -> None:
    assert treemap(parts(read(manifests.minimal()))) == ()


def test_the_arena_marks_the_operator_and_the_tensors_of_its_peak() -> None:
    run = read(manifests.passing())
    assert run.arena is not None
    picture = arena_picture(run.arena)
    assert picture is not None

    assert [bar.step.index for bar in picture.bars if bar.is_peak] == [1]
    assert {block.tensor.name for block in picture.blocks if block.is_at_peak} == {
        "conv2d/Relu",
        "conv2d_1/Relu",
    }
    # The second of seven operators; 3,072 of 3,072 bytes; from byte 1,024 to 3,072 of the plan.
    tall = next(block for block in picture.blocks if block.tensor.name == "conv2d_1/Relu")
    assert tall.x == pytest.approx(100 / 7)
    assert tall.width == pytest.approx(200 / 7)
    assert (tall.y, tall.height) == pytest.approx((0, 100 * 2048 / 3072))


def test_a_lifetime_that_points_outside_the_graph_stays_in_the_picture() -> None:
    manifest = manifests.passing()
    manifest["arena"]["tensors"] = [
        {"name": "early", "first": -5, "last": 0, "offset": 0, "bytes": 8},
        {"name": "late", "first": 3, "last": 99, "offset": 0, "bytes": 8},
        {"name": "nowhere", "first": 50, "last": 60, "offset": 0, "bytes": 8},
    ]
    run = read(manifest)
    assert run.arena is not None
    picture = arena_picture(run.arena)
    assert picture is not None

    assert [block.tensor.name for block in picture.blocks] == ["early", "late"]
    assert all(block.x >= 0 and block.x + block.width <= 100.001 for block in picture.blocks)


def test_the_axis_of_accuracy_covers_every_interval_with_round_ticks() -> None:
    picture = accuracy_picture(read(manifests.failing()))
    assert picture is not None

    assert [row.name for row in picture.rows] == [
        "float",
        "pruned",
        "int8 in litert",
        "int8 in tflite-micro",
    ]
    assert [tick.label for tick in picture.ticks] == [
        "90 %",
        "92 %",
        "94 %",
        "96 %",
        "98 %",
        "100 %",
    ]
    assert all(0 <= row.low <= row.at <= row.high <= 100 for row in picture.rows)
    # 94.72 % between 90 and 100.
    assert picture.rows[3].at == pytest.approx(47.2)


@pytest.mark.parametrize("values", [(0.03, 0.034), (0.0, 0.0), (12345.0, 20000.0)])
def test_an_error_is_drawn_as_a_point_without_an_interval(values: Sequence[float]) -> None:
    manifest = manifests.passing()
    first, last = values
    manifest["accuracy"] |= {
        "metric": "mean_absolute_error",
        "float": first,
        "pruned": None,
        "int8": last,
    }
    manifest["verification"] = None
    picture = accuracy_picture(read(manifest))
    assert picture is not None

    assert [row.interval for row in picture.rows] == ["", ""]
    assert all(0 <= row.low == row.at == row.high <= 100 for row in picture.rows)
    assert 2 <= len(picture.ticks) <= 8


def test_the_worst_confusions_come_first() -> None:
    picture = confusion_picture(read(manifests.passing()))
    assert picture is not None

    assert [(pair.true, pair.predicted, pair.count) for pair in picture.pairs] == [
        ("8", "1", 3),
        ("3", "9", 1),
    ]
    assert (picture.errors, picture.samples) == (4, 360)
    assert picture.share(8, 1) == pytest.approx(3 / 36)


def test_a_matrix_of_many_classes_is_told_by_its_pairs() -> None:
    picture = confusion_picture(read(manifests.large()))
    assert picture is not None

    assert picture.counts is None
    assert len(picture.pairs) == 8
