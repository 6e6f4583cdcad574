"""Codings of constant int8 tensors that TFLite-Micro's DECODE operator undoes.

Each module has one function, ``encode(tensor) -> Coded | None``; None where the coding cannot
hold the tensor. The layouts are those of TFLite-Micro's "DECODE Operator Design" of May 2025:
an encoded tensor, and an ancillary one that begins with 16 bytes of metadata.
"""

from edgekit.shrinking.encoders import huffman, lookup, pruning
from edgekit.shrinking.encoders.coded import Coded

ENCODERS = {
    "pruning": pruning.encode,
    "lookup": lookup.encode,
    "huffman": huffman.encode,
}
"""Each coding by the name that reports use."""

__all__ = ["ENCODERS", "Coded"]
