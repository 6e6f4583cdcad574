"""What went into a build, and which stages it had."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """One stage of the build; the seconds it took are known right after the build alone.

    Args:
        name: Of the stage.
        seconds: That it took.
        reused: Whether its result was there already.
        notes: What it has to say.
    """

    name: str
    seconds: float | None = None
    reused: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Inputs:
    """Digests of the model, the project's code and the profiles; and TensorFlow's threads.

    A rebuild can tell by them whether the same goes in.

    Args:
        model: SHA-256 of the model's file, or digest of its folder; None of a function's.
        code: Digest of the project's ``.py`` files; None where it names no function of its own.
        targets: Digest of each target's profile, by name.
        threads: Of TensorFlow: another number adds up in another order.
    """

    model: str | None = None
    code: str | None = None
    targets: Mapping[str, str] | None = None
    threads: int | None = None
