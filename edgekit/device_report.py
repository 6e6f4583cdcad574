"""The import path that users have of the parser of a board's report."""

from edgekit.runtimes.device_report import parse

__all__ = ["parse"]
