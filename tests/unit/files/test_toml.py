import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.errors import InputError
from edgekit.files.toml import Bytes, Microseconds, as_written, decode, read


@dataclass(frozen=True, kw_only=True, slots=True)
class Inner:
    flash: Bytes
    kind: Literal["a", "b"] = "a"


@dataclass(frozen=True, kw_only=True, slots=True)
class Outer:
    inner: Inner
    names: tuple[str, ...] = ()
    ratio: float = 0.5
    maybe: int | None = None
    flag: bool = False


def test_a_table_becomes_the_dataclass_with_units_read() -> None:
    table = {"inner": {"flash": "1KiB"}, "names": ["x"], "ratio": 1, "maybe": 3}
    assert decode(table, Outer, where="f") == Outer(
        inner=Inner(flash=1024), names=("x",), ratio=1.0, maybe=3
    )


@pytest.mark.parametrize(
    ("table", "message", "hint"),
    [
        ({}, "f: 'inner' is missing", None),
        ({"inner": {"flsh": "1B"}}, "f: unknown key 'inner.flsh'", "did you mean 'flash'?"),
        (
            {"inner": {"flash": 1}},
            "f: inner.flash is 1, not a text with a unit",
            'such as "256KiB"',
        ),
        ({"inner": {"flash": "1B", "kind": "c"}}, "f: inner.kind is 'c'", "known: a, b"),
        ({"inner": 3}, "f: inner is 3, not a table", None),
        (
            {"inner": {"flash": "1B"}, "names": "x"},
            "f: names is 'x', not an array",
            'in brackets: ["x"]',
        ),
        ({"inner": {"flash": "1B"}, "names": [1]}, "f: names[0] is 1, not a text", None),
        ({"inner": {"flash": "1B"}, "flag": 1}, "f: flag is 1, not true or false", None),
        ({"inner": {"flash": "1B"}, "maybe": True}, "f: maybe is True, not a whole number", None),
    ],
)
def test_a_wrong_table_is_refused_by_file_and_key(
    table: dict[str, object], message: str, hint: str | None
) -> None:
    with pytest.raises(InputError) as caught:
        decode(table, Outer, where="f")
    assert caught.value.message == message
    assert caught.value.hint == hint or hint is None


def test_a_given_field_cannot_be_set_by_the_file() -> None:
    table = {"inner": {"flash": "1B"}}
    assert decode(table, Outer, where="f", given={"ratio": 0.1}).ratio == 0.1
    with pytest.raises(InputError, match="unknown key 'ratio'"):
        decode({**table, "ratio": 0.2}, Outer, where="f", given={"ratio": 0.1})


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["inner", "names", "ratio", "maybe", "flag"]), _values))
def test_any_table_is_decoded_or_refused_and_nothing_else(table: dict[str, object]) -> None:
    try:
        assert isinstance(decode(table, Outer, where="f"), Outer)
    except InputError as error:
        assert error.message.startswith("f: ")


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"a = ", "is not TOML"), (b"\xff", "cannot be read"), (b"a=" + b"[" * 9999, "is not TOML")],
)
def test_a_file_that_is_no_toml_is_refused_by_name(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read(path)


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read(tmp_path / "absent.toml")


@dataclass(frozen=True, kw_only=True, slots=True)
class Either:
    limit: Inner | float | None = None
    sizes: tuple[Bytes, ...] = ()
    time: Microseconds | None = None


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"flsh": "1B"}, "f: unknown key 'limit.flsh'"),
        ("x", "f: limit is 'x', not a number"),
    ],
)
def test_what_may_be_a_table_or_a_number_is_told_apart_by_its_shape(
    value: object, message: str
) -> None:
    assert decode({"limit": {"flash": "1KiB"}}, Either, where="f").limit == Inner(flash=1024)
    assert decode({"limit": 1}, Either, where="f").limit == 1.0
    with pytest.raises(InputError) as caught:
        decode({"limit": value}, Either, where="f")
    assert caught.value.message == message


@given(
    st.builds(
        Either,
        limit=st.none() | st.floats(0, 1e6) | st.builds(Inner, flash=st.integers(0, 2**40)),
        sizes=st.lists(st.integers(0, 2**40)).map(tuple),
        time=st.none() | st.floats(0, 1e12),
    )
)
def test_what_was_decoded_can_be_written_and_decoded_again(value: Either) -> None:
    stored = json.loads(json.dumps(asdict(value)))
    assert decode(as_written(stored, Either), Either, where="f") == value
