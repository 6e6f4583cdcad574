"""The version of edgekit, which files and reports of a build name."""

__version__ = "0.1.0"
