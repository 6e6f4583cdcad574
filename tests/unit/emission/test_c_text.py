import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.emission.c_text import (
    byte_rows,
    comment_text,
    float_literal,
    literal,
    string_literal,
    value_rows,
)


@given(st.binary(max_size=200))
def test_bytes_to_c_and_back(content: bytes) -> None:
    text = byte_rows(content)
    assert bytes(int(word, 16) for word in re.findall(r"0x[0-9a-f]{2}(?=,)", text)) == content
    assert all(len(line) <= 80 for line in text.splitlines())
    assert re.fullmatch(r"((    )?0x[0-9a-f]{2},[ \n]?(    )?)*", text)


@given(st.lists(st.integers(-128, 127), min_size=1, max_size=60))
def test_int8_to_c_and_back(values: list[int]) -> None:
    text = value_rows(np.array(values, np.int8))
    assert [int(word) for word in text.replace(",", " ").split()] == values


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_float_literals_read_back_as_the_very_same_value(value: float) -> None:
    text = float_literal(value)
    assert re.fullmatch(r"-?\d+(\.\d+)?(e[+-]?\d+)?f", text)
    assert "." in text or "e" in text  # `1f` is no C
    assert np.float32(text.removesuffix("f")).tobytes() == np.float32(value).tobytes()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.int16(-32768), "-32768"),
        (np.bool_(True), "true"),  # noqa: FBT003
        (np.int64(-(2**63)), "INT64_MIN"),
        (np.int64(5), "5LL"),
        (np.uint8(255), "255"),
        (np.float32(0.1), "0.1f"),
    ],
)
def test_literals(value: np.generic, text: str) -> None:
    assert literal(value) == text


def test_comments_cannot_end_early() -> None:
    assert comment_text("a */ b /* c\n  d") == "a * / b / * c d"


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
@pytest.mark.parametrize("text", ["plain", 'a "b" \\ c', "größer", "??/ ??=", "1\x012", "\xff9"])
def test_strings_as_a_compiler_reads_them(tmp_path: Path, text: str) -> None:
    source = tmp_path / "a.c"
    source.write_text(
        f"#include <stdio.h>\nint main(void) {{ fputs({string_literal(text)}, stdout); return 0; }}"
    )
    subprocess.run(
        ["gcc", "-std=c11", "-Wall", "-Werror", "-trigraphs", source, "-o", tmp_path / "a"],
        check=True,
    )
    printed = subprocess.run([tmp_path / "a"], check=True, capture_output=True).stdout
    assert printed.decode() == text


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
def test_arrays_as_a_compiler_reads_them(tmp_path: Path) -> None:
    content = bytes(range(256)) * 3 + b"end"
    source = tmp_path / "a.c"
    source.write_text(
        "#include <stdio.h>\n"
        f"static const unsigned char a[] = {{\n{byte_rows(content)}\n}};\n"
        "int main(void) { return fwrite(a, 1, sizeof(a), stdout) != sizeof(a); }\n"
    )
    subprocess.run(
        ["gcc", "-std=c11", "-Wall", "-Werror", source, "-o", tmp_path / "a"], check=True
    )
    assert subprocess.run([tmp_path / "a"], check=True, capture_output=True).stdout == content
