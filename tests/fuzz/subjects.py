"""What is fuzzed: each parser with its good inputs, its damage, and the call that takes it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One parser.

    Args:
        name: Its row in the table.
        seeds: Good inputs: all are accepted.
        damage: From a good input to a bad one.
        take: Given the input and an empty folder to work in; returns, or raises `EdgekitError`.
        share: Of the inputs of a campaign, relative to the others.
        starts_processes: Whether starting one is its work.
    """

    name: str
    seeds: "Callable[[], tuple[bytes, ...]]"
    damage: "Callable[[bytes, random.Random], bytes]"
    take: "Callable[[bytes, Path], object]"
    share: int = 10
    starts_processes: bool = False


def all_subjects() -> "dict[str, Subject]":
    """Return every subject by its name."""
    from file_subjects import FILES
    from keras_subjects import KERAS
    from model_subjects import MODELS

    return {subject.name: subject for subject in (*MODELS, *FILES, *KERAS)}
