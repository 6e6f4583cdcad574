"""What a firmware takes of flash and RAM, and how much of it is the model: from GNU ld's map.

The map is what ``-Wl,-Map=firmware.map`` writes. It does not say what kind each section is of,
so that is told from addresses, load addresses, the memories' attributes and the names that
compilers give; see `_Section`.
"""

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edgekit.errors import InputError
from edgekit.model.reader import read_bytes

if TYPE_CHECKING:
    from pathlib import Path

TOOLCHAIN = "GNU ld"
_ALIGNMENT_BYTES = 64  # the most that compilers align an object to: a line of a cache


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelArray:
    """An array whose name ends in ``_model``, as ``edgekit emit`` writes them.

    Args:
        size: In bytes, from its symbol to the next one, or to the end of its piece of a section.
        exact: Whether nothing follows it in its piece: then no alignment is counted with it.
    """

    size: int
    exact: bool

    def holds(self, file_bytes: int) -> bool:
        """Return whether a file of so many bytes can be its content."""
        if self.exact:
            return self.size == file_bytes
        return 0 <= self.size - file_bytes < _ALIGNMENT_BYTES


@dataclass(frozen=True, kw_only=True, slots=True)
class FirmwareSize:
    """What the linker laid out.

    Args:
        flash_bytes: What is stored: code, constants, the model, and the initial values of data.
        ram_bytes: Data, zeroed data, and what else lies in RAM, such as copied code and a stack
            that is a section.
        models: Those that it holds, in the map's order.
        toolchain: Whose map it is.
    """

    flash_bytes: int
    ram_bytes: int
    models: tuple[ModelArray, ...]
    toolchain: str = TOOLCHAIN

    @property
    def model_bytes(self) -> int | None:
        """Of all models together; None where none was found."""
        return sum(array.size for array in self.models) if self.models else None

    def array_of(self, file_bytes: int) -> ModelArray | None:
        """Return the shortest array that can hold a file of ``file_bytes``; None: none can.

        Files of the same length are not told apart: a map has no contents.
        """
        fitting = [array for array in self.models if array.holds(file_bytes)]
        return min(fitting, key=lambda array: array.size, default=None)

    @property
    def code_bytes(self) -> int | None:
        """What is stored beside the model; None where no model was found."""
        return None if self.model_bytes is None else self.flash_bytes - self.model_bytes


def read_map(path: "Path") -> FirmwareSize:
    """Return the sizes in the linker map ``path``.

    Raises:
        InputError: No such file, the map of another linker, or one without sections.
    """
    text = read_bytes(path).decode(errors="replace")
    _, heading, listing = text.partition("Linker script and memory map")
    if not heading:
        raise _other_map(path, text)
    regions = _regions(text)
    stored = [item for item in _sections(listing) if item.allocated and item.size]
    flash = sum(item.size for item in stored if item.has_content)
    if not flash:
        raise InputError(
            f"{path}: this map of {TOOLCHAIN} lists no section that holds code",
            hint="the link may have failed: link again with -Wl,-Map=FILE",
        )
    models = [array for item in stored for array in item.models()]
    return FirmwareSize(
        flash_bytes=flash,
        ram_bytes=sum(item.size for item in stored if item.lies_in_ram(regions)),
        models=tuple(models),
    )


_OTHERS = (
    (re.compile(r"Tool: armlink|^Image Symbol Table|armlink", re.MULTILINE), "Arm's armlink"),
    (re.compile(r"IAR ELF Linker|^# *IAR ", re.MULTILINE), "IAR's ilinkarm"),
    (re.compile(r"^ *VMA +LMA +Size +Align +Out +In +Symbol", re.MULTILINE), "LLVM's lld"),
    (re.compile(r"^ *VMA +Size +Align +Out +In +Symbol", re.MULTILINE), "mold"),
    (re.compile(r"^ *Address +Size +Align +Out +In +Symbol", re.MULTILINE), "LLVM's lld"),
    (re.compile(r"^# Object files:", re.MULTILINE), "Apple's ld"),
    (re.compile(r"^Archive member included because of file|^Memory map$", re.MULTILINE), "gold"),
    (re.compile(r"TI ARM (?:Clang )?Linker", re.MULTILINE), "TI's linker"),
    (re.compile(r"Preferred load address is", re.MULTILINE), "Microsoft's linker"),
)
"""How the maps of other linkers begin, or a line that only they have."""


def _other_map(path: "Path", text: str) -> InputError:
    hint = "give the map that arm-none-eabi-gcc writes: LC_ALL=C, -Wl,-Map=firmware.map"
    for mark, linker in _OTHERS:
        if mark.search(text):
            return InputError(
                f"{path}: this is a map of {linker}, and edgekit reads those of {TOOLCHAIN} alone",
                hint=hint,
            )
    return InputError(f"{path}: this is no linker map of {TOOLCHAIN}", hint=hint)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Region:
    """One memory of the linker script."""

    name: str
    origin: int
    length: int
    attributes: str

    @property
    def is_ram(self) -> bool | None:
        """Whether programs write there; None where the script does not say."""
        if re.search("flash|rom", self.name, re.IGNORECASE):
            return False  # some scripts give theirs the attribute w
        return "w" in self.attributes if self.attributes else None


_REGION = re.compile(
    r"^(\S+)[ \t]+0x([0-9a-f]{1,16})[ \t]+0x([0-9a-f]{1,16})[ \t]*(\S*)", re.MULTILINE
)


def _regions(text: str) -> tuple[_Region, ...]:
    _, _, after = text.partition("Memory Configuration")
    table, _, _ = after.partition("Linker script and memory map")
    return tuple(
        _Region(name=name, origin=int(origin, 16), length=int(length, 16), attributes=attributes)
        for name, origin, length, attributes in _REGION.findall(table)
        if name != "*default*"
    )


@dataclass(kw_only=True, slots=True)
class _Piece:
    """What one object file gives to a section."""

    name: str
    address: int
    size: int
    symbols: list[tuple[int, str]] = field(default_factory=list)


_NO_BITS = re.compile(
    r"\.?(?!text|data|rodata)(?:[a-z0-9]+\.)?(?:[st]?bss|dynbss|noinit|heap|stack)(?:[._].*)?|COMMON"
)
_NOT_LOADED = re.compile(
    r"\.debug.*|\.z?debug.*|\.stab.*|\.comment.*|\.line|\.mdebug.*|\.note\.GNU-stack"
    r"|\.(?:ARM|riscv|gnu)\.attributes|\.xtensa\.info|\.xt\..*|\.(?:sym|str|shstr)tab|/DISCARD/"
)
_CODE = re.compile(r"\.text(?:\..*)?")


@dataclass(kw_only=True, slots=True)
class _Section:
    """A section of the firmware with its pieces; ``load_address`` is where it is copied from."""

    name: str
    address: int
    size: int
    load_address: int | None
    has_data: bool = False  # the script itself puts bytes there
    pieces: list[_Piece] = field(default_factory=list)

    @property
    def allocated(self) -> bool:
        """Whether the section is in the device's memory at all."""
        return not _NOT_LOADED.fullmatch(self.name)

    @property
    def has_content(self) -> bool:
        """Whether it must be stored: gaps, stacks, heaps and zeroed data are not."""
        filled = (item for item in self.pieces if item.size)
        return self.has_data or any(not _NO_BITS.fullmatch(item.name) for item in filled)

    def lies_in_ram(self, regions: tuple[_Region, ...]) -> bool:
        """Return whether the section takes RAM while the firmware runs."""
        copied = self.load_address is not None and self.load_address != self.address
        if copied and self.has_content:
            return True
        for region in regions:
            if region.origin <= self.address < region.origin + region.length:
                return not self.has_content if region.is_ram is None else region.is_ram
        return not self.has_content

    def models(self) -> list[ModelArray]:
        """Return each array whose name ends in ``_model``."""
        found = []
        for piece in self.pieces:
            if _CODE.fullmatch(piece.name) or _NO_BITS.fullmatch(piece.name):
                continue  # functions and pointers are called so too
            places = sorted({address for address, _ in piece.symbols})
            end = piece.address + piece.size
            starts = {place for place, name in piece.symbols if name.endswith("_model")}
            if not piece.symbols and piece.name.endswith("_model"):
                starts = {piece.address}  # a static array: a section of its own, and no symbol
            for start in starts:
                after = bisect_right(places, start)
                last = after == len(places)
                found.append(ModelArray(size=(end if last else places[after]) - start, exact=last))
        return found


_NUMBERS = (
    r"\s+0x(?P<address>[0-9a-f]{1,16})\s+0x(?P<size>[0-9a-f]{1,16})"
    r"(?:\s+load address 0x(?P<load>[0-9a-f]{1,16}))?"
)
_OUTPUT = re.compile(r"(?P<name>\S+)" + _NUMBERS + r"\s*")
_INPUT = re.compile(r" (?P<name>[^\s*]\S*)" + _NUMBERS + r"(?: \S.*)?\s*")
_DATA = re.compile(r"\s+0x[0-9a-f]{1,16}\s+0x[0-9a-f]{1,16} (?:BYTE|SHORT|LONG|S?QUAD) .*")
_SYMBOL = re.compile(r"\s{2,}0x(?P<address>[0-9a-f]{1,16})\s{2,}(?P<name>\S.*)")
_LONE_NAME = re.compile(r" ?[^\s*]\S*\s*")


def _sections(listing: str) -> list[_Section]:
    """Return the sections with their pieces and symbols, in the map's order."""
    sections: list[_Section] = []
    for line in _joined(listing.partition("\nCross Reference Table")[0]):
        if match := _OUTPUT.fullmatch(line):
            load = match["load"]
            sections.append(
                _Section(
                    name=match["name"],
                    address=int(match["address"], 16),
                    size=int(match["size"], 16),
                    load_address=None if load is None else int(load, 16),
                )
            )
        elif sections:
            _add(sections[-1], line)
    return sections


def _add(section: _Section, line: str) -> None:
    """Take what ``line`` says of ``section``: a piece, a symbol of the last one, or bytes."""
    if match := _INPUT.fullmatch(line):
        address, size = int(match["address"], 16), int(match["size"], 16)
        section.pieces.append(_Piece(name=match["name"], address=address, size=size))
    elif _DATA.fullmatch(line):
        section.has_data = True
    elif (match := _SYMBOL.fullmatch(line)) and section.pieces:
        piece, address = section.pieces[-1], int(match["address"], 16)
        if piece.address <= address < piece.address + piece.size:
            piece.symbols.append((address, match["name"].rstrip()))


def _joined(listing: str) -> list[str]:
    """Return the lines; a long name and the numbers on the line after it become one."""
    lines: list[str] = []
    name = ""
    for line in listing.splitlines():
        if name and re.match(r"\s+0x", line):
            lines.append(name + line)
            name = ""
            continue
        name = line.rstrip() if _LONE_NAME.fullmatch(line) else ""
        lines += [] if name else [line]
    return lines
