"""Lossless size reduction: one pass a file, and the proof that no output changes."""

from edgekit.shrinking.proof import NotExactError
from edgekit.shrinking.shrink import Saving, Shrunk, shrink

__all__ = ["NotExactError", "Saving", "Shrunk", "shrink"]
