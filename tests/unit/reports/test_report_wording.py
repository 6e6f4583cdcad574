import pytest

from edgekit.reports import wording


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (22016, "B", "21.5 KiB"),
        (14.2, "ms", "14.2 ms"),
        (850, "us", "850 µs"),
        (1500, "ms", "1.5 s"),
        (0.98888, "accuracy", "98.9 %"),
        (0.03456, "mean_absolute_error", "0.03456"),
        (451904, "MAC", "451,904 MAC"),
        (3, "", "3"),
    ],
)
def test_an_amount_is_told_in_the_unit_people_read(value: float, unit: str, text: str) -> None:
    assert wording.amount(value, unit) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0028, "0.28 pt"), (0.01, "1 pt"), (-0.00001, "0 pt"), (-0.05, "-5 pt"), (1.0, "100 pt")],
)
def test_a_difference_of_accuracies_is_told_in_points(value: float, text: str) -> None:
    assert wording.step(value, "accuracy") == text


def test_a_band_names_its_unit_once_where_both_ends_share_it() -> None:
    assert wording.band(95000, 105000, "B") == "92.8 to 102.5 KiB"
    assert wording.band(900, 2048, "B") == "900 B to 2 KiB"
    assert wording.band(None, 2048, "B") == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (0.00002, "20 µs"), (0.42, "420 ms"), (31.02, "31 s"), (124, "2 min 04 s")],
)
def test_a_duration_has_three_digits(seconds: float, text: str) -> None:
    assert wording.duration(seconds) == text


@pytest.mark.parametrize(("count", "text"), [(7_490_000, "7.49 M"), (451_904, "452 k"), (12, "12")])
def test_large_counts_have_a_prefix(count: int, text: str) -> None:
    assert wording.millions(count) == text


def test_what_would_steer_a_terminal_or_break_a_file_is_replaced() -> None:
    found = wording.clean("a\x1b[31mb\u202ec\ud800d\x00e\uffff\nf\tg")

    assert found == "a\ufffd[31mb\ufffdc\ufffdd\ufffde\ufffd f g"
    found.encode()
