"""Sizes of C structures as a target's compiler lays them out."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgekit.devices.profile import Abi as AbiName


@dataclass(frozen=True, kw_only=True, slots=True)
class Abi:
    """Widths of the types that differ between targets.

    Args:
        pointer_bytes: Of a pointer, ``size_t`` and ``ptrdiff_t``.
        enum_bytes: Of an enumeration with fewer than 128 values.
    """

    pointer_bytes: int
    enum_bytes: int

    def struct_bytes(self, fields: str) -> int:
        """Return ``sizeof`` a structure, padding included.

        Args:
            fields: One letter a field, in order: ``P`` pointer or ``size_t``, ``E`` enumeration,
                ``q`` int64 or double, ``i`` int32 or float, ``h`` int16, ``b`` int8 or bool;
                spaces are ignored. A nested structure is written in parentheses.
        """
        size, alignment = self._layout(iter(fields.replace(" ", "")))
        return align_up(size, alignment)

    def alignment(self, fields: str) -> int:
        """Return ``alignof`` the structure ``fields``."""
        return self._layout(iter(fields.replace(" ", "")))[1]

    def _layout(self, fields: "Iterator[str]") -> tuple[int, int]:
        size, alignment = 0, 1
        for letter in fields:
            if letter == ")":
                break
            if letter == "(":
                inner, step = self._layout(fields)
                width = align_up(inner, step)
            else:
                width = step = self._width(letter)
            size = align_up(size, step) + width
            alignment = max(alignment, step)
        return size, alignment

    def _width(self, letter: str) -> int:
        match letter:
            case "P":
                return self.pointer_bytes
            case "E":
                return self.enum_bytes
            case _:
                return {"q": 8, "i": 4, "h": 2, "b": 1}[letter]


ABIS: "dict[AbiName, Abi]" = {
    "arm-eabi": Abi(pointer_bytes=4, enum_bytes=1),
    "ilp32": Abi(pointer_bytes=4, enum_bytes=4),
    "lp64": Abi(pointer_bytes=8, enum_bytes=4),
}


def align_up(count: int, step: int) -> int:
    """Return the least multiple of ``step`` that is ``count`` or more."""
    return -(-count // step) * step
