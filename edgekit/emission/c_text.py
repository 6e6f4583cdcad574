"""Values as C source text. Large arrays go through tables of ready-made text, not byte by byte."""

import string
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

COMMENT_COLUMNS = 76
"""The most of a line of a comment."""
_INDENT = b"    "
_PLAIN = frozenset(string.ascii_letters + string.digits + " !#$%&'()*+,-./:;<=>@[]^_`{|}~")
_BYTES_A_LINE = 12  # "0x1c, " twelve times and the indent: 76 columns


def byte_rows(content: bytes) -> str:
    """Return ``content`` as rows of ``0x1c, 0x00, …``, the inside of a ``uint8_t`` array."""
    return _rows(np.frombuffer(content, np.uint8), _hexadecimal(), _BYTES_A_LINE)


def value_rows(values: "npt.NDArray[np.generic]") -> str:
    """Return stored values in row-major order, the inside of an array of their own C type."""
    flat = np.ascontiguousarray(values).reshape(-1)
    match flat.dtype.name:
        case "int8":
            return _rows(flat.view(np.uint8), _decimal("int8"), _BYTES_A_LINE)
        case "uint8":
            return _rows(flat, _decimal("uint8"), _BYTES_A_LINE)
        case _:
            return "\n".join(
                "    " + " ".join(f"{literal(value)}," for value in flat[start : start + 5])
                for start in range(0, len(flat), 5)  # "-1.17549435e-38f," five times fits a line
            )


def literal(value: np.generic) -> str:
    """Return one value as a C literal that reads back as the very same value."""
    if isinstance(value, np.floating):
        return float_literal(float(value))
    if isinstance(value, np.bool_):
        return "true" if value else "false"
    if value.dtype.itemsize < 8:  # noqa: PLR2004  bytes of the widest integer
        return str(value)
    # The least 64-bit integer has no literal of its own: its minus is applied afterwards.
    return "INT64_MIN" if int(value) == -(2**63) else f"{value}LL"


def float_literal(value: float) -> str:
    """Return a float32 as the shortest C literal that reads back as the very same value."""
    text = str(np.float32(value))
    return f"{text}f" if "." in text or "e" in text else f"{text}.0f"


def macro_literal(value: float) -> str:
    """Return a float32 as the body of a macro: a minus stays with its number."""
    text = float_literal(value)
    return f"({text})" if value < 0 else text


def string_literal(text: str) -> str:
    r"""Return ``text`` as a C string literal in UTF-8; what is not plain ASCII is octal.

    Octal escapes end after three digits; hexadecimal ones would swallow the letters behind.
    """
    escaped = "".join(
        chr(code) if chr(code) in _PLAIN else f"\\{code:03o}" for code in text.encode()
    )
    return f'"{escaped}"'


def comment_text(text: str) -> str:
    """Return ``text`` on one line, safe inside a C comment: it neither ends nor turns it around."""
    line = " ".join(text.replace("*/", "* /").replace("/*", "/ *").split())
    return "".join(letter if letter.isprintable() else "?" for letter in line)


def _rows(codes: "npt.NDArray[np.uint8]", table: "npt.NDArray[np.uint8]", columns: int) -> str:
    """Return a row of ``columns`` entries of ``table`` a line, each line indented."""
    cells = table[codes]
    whole = len(codes) // columns
    body = cells[: whole * columns].reshape(whole, columns * table.shape[1])
    indent = np.broadcast_to(np.frombuffer(_INDENT, np.uint8), (whole, len(_INDENT)))
    # Each cell ends in a blank: the last one of a line becomes the line's end.
    lines = np.hstack([indent, body])
    lines[:, -1] = ord("\n")
    rest = cells[whole * columns :].tobytes()
    text = lines.tobytes() + (_INDENT + rest if rest else b"")
    return text.rstrip().decode("ascii")


@cache
def _hexadecimal() -> "npt.NDArray[np.uint8]":
    return _table(f"0x{code:02x}, " for code in range(256))


@cache
def _decimal(dtype: str) -> "npt.NDArray[np.uint8]":
    values = np.arange(256, dtype=np.uint8).view(dtype)
    return _table(f"{value:4d}, " for value in values.tolist())


def _table(cells: "Iterable[str]") -> "npt.NDArray[np.uint8]":
    texts = [cell.encode("ascii") for cell in cells]
    return np.frombuffer(b"".join(texts), np.uint8).reshape(len(texts), -1)
