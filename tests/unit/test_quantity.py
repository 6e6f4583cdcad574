import pytest

from edgekit.errors import InputError
from edgekit.quantity import (
    Quantity,
    format_bytes,
    parse_bytes,
    parse_hertz,
    parse_microseconds,
)


@pytest.mark.parametrize(
    ("text", "count"),
    [("256KiB", 262_144), ("1.5 MB", 1_500_000), ("17B", 17), ("2MiB", 2_097_152)],
)
def test_sizes_are_read_in_their_units(text: str, count: int) -> None:
    assert parse_bytes(text) == count


def test_times_and_frequencies_are_read_in_their_units() -> None:
    assert parse_microseconds("20ms") == 20_000
    assert parse_hertz("120MHz") == 120_000_000


@pytest.mark.parametrize("text", ["256", "KiB", "-1KiB", "1 kib", "20ms", "1e3B", ""])
def test_what_is_no_size_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InputError, match="is not a size") as caught:
        parse_bytes(text)
    assert caught.value.hint is not None
    assert "256KiB" in caught.value.hint


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (1023, "1023 B"), (22_016, "21.5 KiB"), (2**21, "2 MiB")]
)
def test_sizes_are_written_as_people_read_them(count: int, text: str) -> None:
    assert format_bytes(count) == text


def test_a_number_without_source_or_a_prediction_without_band_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="source"):
        Quantity(value=1, unit="B", kind="host", source="")
    with pytest.raises(ValueError, match="band"):
        Quantity(value=1, unit="B", kind="predicted", source="model")
