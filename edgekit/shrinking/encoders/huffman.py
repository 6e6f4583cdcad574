"""Huffman: frequent values get short codes; tables of 16-bit entries undo them.

The decoder takes as many bits as a table is wide and reads the entry at that index. An entry
with its top bit set holds a value and how many of the bits belong to its code; another one
leads to a table for the bits that follow.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgekit.shrinking.encoders.coded import Coded, metadata

if TYPE_CHECKING:
    import numpy.typing as npt

    from edgekit.model.values import Tensor

_KIND = 1
_VERSION = 1
_FOUND = 0x8000  # top bit of an entry with a value
_COUNT_SHIFT = 11  # of the 4 bits that count code bits, or the next table's width less one
_FARTHEST = 0x7FF  # entries from an entry to its table: 11 bits
_LIMITS = range(8, 15)  # bits of the longest code; 255 values need 8
_WIDTHS = range(1, 11)  # bits of the first table
_WORD_BYTES = 4  # the decoder reads words, one of them ahead


@dataclass(frozen=True, kw_only=True, slots=True)
class _Code:
    """The code of one value: its ``bits`` as a number, and how many they are."""

    value: int
    bits: int
    length: int


def encode(tensor: "Tensor") -> Coded | None:
    """Return the values of int8 ``tensor`` as Huffman codes, or None for a single value."""
    stored = tensor.values().reshape(-1)
    values, places, counts = np.unique(stored, return_inverse=True, return_counts=True)
    if len(values) == 1:
        return None
    best: tuple[int, list[_Code], int, list[int]] | None = None
    for limit in _LIMITS:
        lengths = _code_lengths(counts.tolist(), limit)
        codes = _canonical(values.tolist(), lengths)
        stream_bits = int(np.dot(counts, lengths))
        for width in _WIDTHS:
            table = _tables(codes, width)
            if table is None:
                continue
            cost = stream_bits + 16 * len(table)
            if best is None or cost < best[0]:
                best = (cost, codes, width, table)
    if best is None:
        return None
    _, codes, width, table = best
    by_value = {code.value: code for code in codes}
    head = metadata(_KIND, _VERSION, (width - 1) << 4)
    return Coded(
        encoded=_stream([by_value[value] for value in values.tolist()], places.reshape(-1)),
        ancillary=head + np.array(table, "<u2").tobytes(),
    )


def _code_lengths(counts: list[int], limit: int) -> list[int]:
    """Return the lengths of an optimal prefix code with none above ``limit`` bits.

    Package-merge (Larmore and Hirschberg, 1990): in each of ``limit`` rounds the cheapest items
    are paired into packages, which join the single values in the next one.
    """
    singles = sorted((count, (index,)) for index, count in enumerate(counts))
    packages: list[tuple[int, tuple[int, ...]]] = []
    for _ in range(limit):
        row = sorted(singles + packages)
        packages = [
            (row[place][0] + row[place + 1][0], row[place][1] + row[place + 1][1])
            for place in range(0, len(row) - 1, 2)
        ]
    lengths = [0] * len(counts)
    for _, members in packages[: len(counts) - 1]:
        for index in members:
            lengths[index] += 1
    return lengths


def _canonical(values: list[int], lengths: list[int]) -> list[_Code]:
    """Return codes in ascending order, the shortest first."""
    codes = []
    bits, last = 0, 0
    for length, value in sorted(zip(lengths, values, strict=True)):
        bits <<= length - last
        codes.append(_Code(value=value, bits=bits, length=length))
        bits, last = bits + 1, length
    return codes


def _tables(codes: list[_Code], width: int) -> list[int] | None:
    """Return the entries of all tables, the first ``width`` bits wide; None if out of reach."""
    if width > max(code.length for code in codes):
        return None
    table = [0] * (1 << width)
    longer: dict[int, list[_Code]] = {}
    for code in codes:
        spare = width - code.length
        if spare < 0:
            rest = code.length + spare  # bits that the first table has read
            prefix = code.bits >> (code.length - rest)
            longer.setdefault(prefix, []).append(code)
            continue
        entry = _FOUND | code.length << _COUNT_SHIFT | code.value & 0xFF
        for filler in range(1 << spare):
            table[(code.bits << spare) + filler] = entry
    for prefix, group in longer.items():
        deeper = max(code.length for code in group) - width
        offset = len(table) - prefix
        if offset > _FARTHEST:
            return None
        table[prefix] = (deeper - 1) << _COUNT_SHIFT | offset
        rests = [
            _Code(
                value=code.value,
                bits=code.bits & ((1 << (code.length - width)) - 1),
                length=code.length - width,
            )
            for code in group
        ]
        table += _tables(rests, deeper) or []
    return table


def _stream(codes: list[_Code], places: "npt.NDArray[np.intp]") -> bytes:
    """Return the codes of all elements, most significant bit first, in whole words and one more.

    Args:
        codes: Of the distinct values.
        places: For each element the place of its value among ``codes``.
    """
    lengths = np.array([code.length for code in codes])
    longest = int(lengths.max())
    # One row of bits for each code, at the left; what lies beyond its length is dropped.
    shifted = np.array([code.bits << (longest - code.length) for code in codes])
    rows = (shifted[:, None] >> np.arange(longest - 1, -1, -1) & 1).astype(np.uint8)
    valid = np.arange(longest) < lengths[:, None]
    bits = rows[places][valid[places]]
    packed = np.packbits(bits).tobytes()
    whole = -(-len(packed) // _WORD_BYTES) * _WORD_BYTES
    return packed.ljust(whole + _WORD_BYTES, b"\0")
