"""Which layers a pruning spec speaks of: by pattern, and from the first to the last."""

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from edgekit.errors import InputError, suggestion

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edgekit.specs import PruneSpec


_SHOWN = 8


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


def check_frozen(spec: "PruneSpec", frozen: "Iterable[str]", others: "Iterable[str]") -> None:
    """Refuse a pattern that asks zeros of frozen layers alone: they are not trained, nor pruned.

    Raises:
        InputError: There is one.
    """
    frozen, others = tuple(frozen), tuple(others)
    for pattern, sparsity in spec.layers.items():
        asked = [name for name in frozen if sparsity > 0 and fnmatchcase(name, pattern)]
        if asked and not any(fnmatchcase(name, pattern) for name in others):
            raise InputError(
                f"prune.layers: '{pattern}' asks for zeros in {quoted(asked)}, which "
                f"{'is' if len(asked) == 1 else 'are'} frozen (trainable = False)",
                hint=f'[prune.layers] "{pattern}" = 0, or train the layer',
            )


def quoted(names: "Iterable[str]") -> str:
    """Return the names in quotation marks, the first eight of many."""
    first, *rest = (f"'{name}'" for name in names)
    shown = [first, *rest[: _SHOWN - 1]]
    more = len(rest) + 1 - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def unskipped(spec: "PruneSpec", names: tuple[str, ...]) -> frozenset[str]:
    """Return ``names`` without the first and the last, where those are to be left alone."""
    last = len(names) - int(spec.skip_last)
    return frozenset(names[int(spec.skip_first) : last])
