from collections.abc import Callable

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


@pytest.mark.parametrize(
    ("unit", "count"),
    # SI: k, M and G are powers of 1,000, and so is KB; IEC 80000-13: Ki, Mi and Gi those of 1,024.
    [
        ("B", 1), ("kB", 1_000), ("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000),
        ("KiB", 1_024), ("MiB", 1_048_576), ("GiB", 1_073_741_824),
    ],
)  # fmt: skip
def test_each_unit_of_size_is_so_many_bytes(unit: str, count: int) -> None:
    assert parse_bytes(f"1{unit}") == count
    assert parse_bytes(f" 12.5 {unit} ") == round(12.5 * count)


@pytest.mark.parametrize(("unit", "count"), [("us", 1), ("µs", 1), ("ms", 1_000), ("s", 1_000_000)])
def test_each_unit_of_time_is_so_many_microseconds(unit: str, count: int) -> None:
    assert parse_microseconds(f"2.5{unit}") == 2.5 * count


@pytest.mark.parametrize(
    ("unit", "count"), [("Hz", 1), ("kHz", 1_000), ("MHz", 1_000_000), ("GHz", 1_000_000_000)]
)
def test_each_unit_of_frequency_is_so_many_hertz(unit: str, count: int) -> None:
    assert parse_hertz(f"7{unit}") == 7 * count


@pytest.mark.parametrize(
    ("read", "message", "hint"),
    [
        (
            parse_bytes,
            "'7 apples' is not a size",
            'write a number and one of B, kB, KB, MB, GB, KiB, MiB, GiB, such as "256KiB"',
        ),
        (
            parse_microseconds,
            "'7 apples' is not a time",
            'write a number and one of us, µs, ms, s, such as "20ms"',
        ),
        (
            parse_hertz,
            "'7 apples' is not a frequency",
            'write a number and one of Hz, kHz, MHz, GHz, such as "120MHz"',
        ),
    ],
)
def test_a_refusal_names_the_units_and_an_example_that_is_read(
    read: Callable[[str], float], message: str, hint: str
) -> None:
    with pytest.raises(InputError) as caught:
        read("7 apples")
    assert (caught.value.message, caught.value.hint) == (message, hint)
    assert read(hint.split('"')[1]) > 0


def test_what_no_machine_counts_is_refused_in_one_line() -> None:
    assert parse_bytes(f"{2**63}B") == 2**63
    digits = "9" * 60
    with pytest.raises(InputError) as caught:
        parse_bytes(f"{digits}B")
    assert caught.value.message == f"'{digits[:40]}' is not a size: it is beyond any"


@pytest.mark.parametrize("text", ["256", "KiB", "-1KiB", "1 kib", "20ms", "1e3B", ""])
def test_what_is_no_size_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InputError, match="is not a size") as caught:
        parse_bytes(text)
    assert caught.value.hint is not None
    assert "256KiB" in caught.value.hint


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"), (1023, "1023 B"), (1024, "1 KiB"), (22_016, "21.5 KiB"), (2**21, "2 MiB"),
        (2**30, "1 GiB"), (5 * 2**40, "5120 GiB"), (-2048, "-2 KiB"),
    ],
)  # fmt: skip
def test_sizes_are_written_as_people_read_them(count: int, text: str) -> None:
    assert format_bytes(count) == text


def test_a_number_without_source_or_a_prediction_without_band_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="^a quantity needs a source$"):
        Quantity(value=1, unit="B", kind="host", source="")
    for ends in ({}, {"low": 0.5}, {"high": 2.0}):
        with pytest.raises(ValueError, match="^a predicted quantity needs a band: model$"):
            Quantity(value=1, unit="B", kind="predicted", source="model", **ends)
    Quantity(value=1, unit="B", kind="predicted", source="model", low=0.5, high=2.0)
