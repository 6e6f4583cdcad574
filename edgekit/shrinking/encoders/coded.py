"""A coded tensor, and the metadata that all codings begin with."""

from dataclasses import dataclass

_METADATA_BYTES = 16
_METADATA_VERSION = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Coded:
    """What DECODE reads in place of a constant.

    Args:
        encoded: The bytes of the encoded tensor.
        ancillary: The bytes of the ancillary tensor: metadata and tables.
    """

    encoded: bytes
    ancillary: bytes

    @property
    def stored_bytes(self) -> int:
        """What both take in the file, without padding."""
        return len(self.encoded) + len(self.ancillary)


def metadata(kind: int, *fields: int) -> bytes:
    """Return the common metadata.

    Args:
        kind: 0 lookup table, 1 Huffman, 2 pruning.
        *fields: Bytes 4 and on: the coding's own version and parameters.
    """
    head = bytes([kind, _METADATA_VERSION, 0, 0, *fields])
    return head.ljust(_METADATA_BYTES, b"\0")
