"""Damage to bytes, texts and trees of values, for any format."""

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

_WORDS = (0, 1, 2, 4, 0x7F, 0xFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 4, 2**32 - 1)
_FRAGMENTS = (
    *(b"0", b"-1", b"1e999", b"nan", b"inf", b"99999999999999999999", b"0x", b"1_0", b"\xd9\xa3"),
    *(b"\x00", b"\xff\xfe", b"\xc3(", b"\xed\xa0\x80", b"\r", b"\x1b[2J", "\u2028".encode()),
    *(b'"', b"'", b"[", b"]", b"{", b"}", b"=", b",", b"\\", b"#", b"\n", b'"""', b"[[", b"null"),
    *(b'"' + b"9" * 400 + b'MiB"', b"9" * 5000, b"1e400", b"-0.0", b"1_000"),
    *(b"../../x", b"/etc/passwd", b"%s%n", b"{{", b"[/bold]", b"true", b"1979-05-27", b"[" * 3000),
)

_VALUES: tuple[object, ...] = (
    *(None, True, -1, 0, 2**70, 1e308, -0.0, float("nan"), "inf", "", "x" * 5000, "\ud800"),
    *("\x1b[2J", "</script><b>", "../../x", [], {}, ["a", 1], [[[[]]]], {"a": {"b": []}}),
    *("Lambda", "function", "os", "builtins", "keras", "io.write_file", "exec"),
)


def damaged_bytes(content: bytes, chance: "random.Random") -> bytes:
    """Return ``content`` with bits flipped, words overwritten, parts cut, doubled or moved."""
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        if not changed:
            break
        _DAMAGES[chance.randrange(len(_DAMAGES))](changed, chance)
    return bytes(changed)


def damaged_text(content: bytes, chance: "random.Random") -> bytes:
    """Return ``content`` with lines and words moved, and with what parsers stumble over."""
    if chance.random() < 0.15:
        return damaged_bytes(content, chance)
    lines = content.split(b"\n")
    for _ in range(chance.choice((1, 1, 2, 3))):
        place = chance.randrange(len(lines))
        match chance.randrange(6):
            case 0:
                lines.insert(place, lines[chance.randrange(len(lines))])
            case 1:
                del lines[place]
                lines = lines or [b""]
            case 2:
                lines[place] = _spliced(lines[place], chance)
            case 3:
                words = lines[place].split(b" ")
                words[chance.randrange(len(words))] = chance.choice(_FRAGMENTS)
                lines[place] = b" ".join(words)
            case 4:
                key, mark, _ = lines[place].partition(b"=")
                lines[place] = key + mark + b" " + chance.choice(_FRAGMENTS)
            case 5:
                lines[place] *= chance.choice((2, 50))
    return b"\n".join(lines)


def damaged_tree(value: object, chance: "random.Random") -> object:
    """Return a copy of a JSON value with one of its parts, at any depth, replaced or removed."""
    if isinstance(value, dict) and value and chance.random() < 0.9:
        changed = dict(value)
        key = chance.choice(sorted(changed))
        if chance.random() < 0.1:
            del changed[key]
        else:
            changed[key] = damaged_tree(changed[key], chance)
        return changed
    if isinstance(value, list) and value and chance.random() < 0.9:
        listed = list(value)
        place = chance.randrange(len(listed))
        listed[place] = damaged_tree(listed[place], chance)
        return listed * chance.choice((1, 1, 1, 2))
    return chance.choice(_VALUES)


def _spliced(line: bytes, chance: "random.Random") -> bytes:
    place = chance.randrange(len(line) + 1)
    kept = place + chance.choice((0, 0, 1, 3))
    return line[:place] + chance.choice(_FRAGMENTS) + line[kept:]


def _flip(content: bytearray, chance: "random.Random") -> None:
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)


def _overwrite(content: bytearray, chance: "random.Random") -> None:
    """Overwrite an aligned word: in a flatbuffer or an archive, a length or an offset."""
    place = 4 * chance.randrange(max(1, len(content) // 4))
    if place + 4 > len(content):
        return
    word = chance.choice((*_WORDS, len(content), chance.randrange(2**32)))
    content[place : place + 4] = struct.pack("<I", word % 2**32)


def _shift(content: bytearray, chance: "random.Random") -> None:
    """Move what looks like an offset by a little."""
    for _ in range(32):
        place = 4 * chance.randrange(max(1, len(content) // 4))
        word = content[place : place + 4]
        if len(word) == 4 and 0 < int.from_bytes(word, "little") < len(content):
            moved = int.from_bytes(word, "little") + chance.choice((-64, -4, -1, 1, 4, 64))
            content[place : place + 4] = struct.pack("<I", moved % 2**32)
            return


def _cut(content: bytearray, chance: "random.Random") -> None:
    del content[chance.randrange(len(content)) :]


def _remove(content: bytearray, chance: "random.Random") -> None:
    place = chance.randrange(len(content))
    del content[place : place + chance.choice((1, 4, 64))]


def _double(content: bytearray, chance: "random.Random") -> None:
    start, place = chance.randrange(len(content)), chance.randrange(len(content))
    content[place:place] = content[start : start + chance.choice((1, 4, 64, 512))]


def _fill(content: bytearray, chance: "random.Random") -> None:
    place = chance.randrange(len(content))
    count = min(chance.choice((1, 8, 64)), len(content) - place)
    content[place : place + count] = bytes([chance.choice((0, 0xFF, 0x80))]) * count


_DAMAGES = (_flip, _flip, _overwrite, _overwrite, _shift, _shift, _cut, _remove, _double, _fill)
