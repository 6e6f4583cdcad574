"""Which layers a pruning spec speaks of: by pattern, and from the first to the last."""

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from edgekit.errors import InputError, suggestion

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edgekit.specs import PruneSpec


def check_patterns(patterns: "Iterable[str]", names: tuple[str, ...]) -> None:
    """Refuse a pattern of ``[prune.layers]`` that matches none of these layers.

    Raises:
        InputError: There is one.
    """
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise InputError(
                f"prune.layers: no layer that can be pruned is called '{pattern}'",
                hint=suggestion(pattern, names) if names else None,
            )


def unskipped(spec: "PruneSpec", names: tuple[str, ...]) -> frozenset[str]:
    """Return ``names`` without the first and the last, where those are to be left alone."""
    last = len(names) - int(spec.skip_last)
    return frozenset(names[int(spec.skip_first) : last])
