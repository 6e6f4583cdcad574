"""Lossless size reduction: one pass a file, and the proof that no output changes."""

from edgekit.record.shrinking import Saving
from edgekit.shrinking.proof import NotExactError
from edgekit.shrinking.shrink import Shrunk, shrink

__all__ = ["NotExactError", "Saving", "Shrunk", "shrink"]
