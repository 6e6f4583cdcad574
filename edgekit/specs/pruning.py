"""The table of how zeros come into the weights."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

from edgekit.errors import InputError
from edgekit.files.toml import Bytes
from edgekit.specs.checks import check_count, check_fraction, check_types

_USUAL = {"block": (4, 4), "n_by_m": (2, 4)}  # which nobody has asked for


@dataclass(frozen=True, kw_only=True, slots=True)
class PruneSpec:
    """How small weights are driven to zero; see ``docs/pruning.md``.

    Args:
        sparsity: Fraction of exact zeros asked: of each kernel with the criterion ``"ratio"``,
            of all together with ``"global"``. ``"auto"`` gives each kernel its share by what
            it costs, so that all fit into ``size``.
        schedule: ``"polynomial"`` rises to the sparsity, ``"constant"`` starts with it.
        epochs: Of training under the schedule.
        warmup_epochs: Trained before pruning begins.
        warmup_steps: Trained before pruning begins, after ``warmup_epochs``.
        criterion: Which weights go: the smallest of each kernel (``"ratio"``) or of the network
            (``"global"``), those below ``threshold`` times their kernel's mean magnitude
            (``"threshold"``), or below ``threshold`` itself (``"absolute"``).
        threshold: For the last two criteria.
        granularity: Single weights, blocks of Dense layers, some of each group of weights, or
            whole channels with all that makes them, ranked by the norm of their filters: the
            sparsity is then the share of the channels, which `shrink` removes.
        block: Rows and columns of a block.
        n_by_m: Zeros in each group of inputs, and the inputs of a group.
        depthwise: Whether depthwise kernels are pruned too.
        skip_first: Whether the first prunable layer is left alone.
        skip_last: Whether the last one is.
        layers: Sparsity of the layers whose name matches a pattern, such as ``"conv*"``; 0
            leaves them alone; the last match counts.
        size: With ``"auto"``: bytes that the pruned kernels may take as one byte for each
            weight that is left, and one bit for each that there was.
    """

    sparsity: float | Literal["auto"] | None = None
    schedule: Literal["polynomial", "constant"] = "polynomial"
    epochs: int = 4
    warmup_epochs: float = 0.0
    warmup_steps: int = 0
    criterion: Literal["ratio", "global", "threshold", "absolute"] = "ratio"
    threshold: float | None = None
    granularity: Literal["unstructured", "block", "n_by_m", "channel"] = "unstructured"
    block: tuple[int, ...] = _USUAL["block"]
    n_by_m: tuple[int, ...] = _USUAL["n_by_m"]
    depthwise: bool = False
    skip_first: bool = False
    skip_last: bool = False
    layers: Mapping[str, float] = field(default_factory=dict)
    size: Bytes | None = None

    def __post_init__(self) -> None:
        check_types(self, "prune")
        check_count("prune.epochs", self.epochs, least=1)
        check_count("prune.warmup_steps", self.warmup_steps, least=0)
        if self.warmup_epochs < 0:
            raise InputError(f"prune.warmup_epochs is {self.warmup_epochs:g}, not 0 or more")
        if self.warmup_epochs >= self.epochs:
            raise InputError(
                f"prune.warmup_epochs is {self.warmup_epochs:g} and prune.epochs {self.epochs}: "
                "the sparsity cannot be reached",
                hint="raise prune.epochs above the warm-up",
            )
        for pattern, sparsity in self.layers.items():
            if not 0 <= sparsity < 1:
                raise InputError(f"prune.layers.{pattern} is {sparsity:g}, not from 0 to below 1")
        self._check_amount()
        self._check_granularity()

    def override(self, layer: str) -> float | None:
        """Return what the last pattern that matches ``layer`` says, or None."""
        matching = [value for pattern, value in self.layers.items() if fnmatchcase(layer, pattern)]
        return matching[-1] if matching else None

    def _check_amount(self) -> None:
        if self.size is not None and self.size <= 0:
            raise InputError(f"prune.size is {self.size}, which nothing fits into")
        if self.size is not None and self.sparsity != "auto":
            raise InputError('prune.size has a meaning for sparsity = "auto" alone')
        if self.criterion in {"threshold", "absolute"}:
            if self.threshold is None or self.threshold <= 0:
                raise InputError(f"prune.threshold is missing for the criterion '{self.criterion}'")
            if self.sparsity is not None:
                raise InputError("prune.sparsity and prune.threshold cannot both be given")
        elif self.threshold is not None:
            raise InputError(
                f"prune.threshold has no meaning for the criterion '{self.criterion}'",
                hint='set criterion = "threshold" or "absolute"',
            )
        elif self.sparsity == "auto":
            self._check_auto()
        elif self.granularity != "n_by_m":
            if self.sparsity is None:
                raise InputError("'prune.sparsity' is missing", hint="such as 0.75")
            check_fraction("prune.sparsity", self.sparsity, example="0.75")

    def _check_auto(self) -> None:
        if self.size is None:
            raise InputError(
                'prune.size is missing for sparsity = "auto"', hint='such as size = "20KiB"'
            )
        if (self.criterion, self.granularity) != ("ratio", "unstructured"):
            raise InputError('prune.sparsity = "auto" is for single weights by ratio alone')

    def _check_granularity(self) -> None:
        if self.granularity == "block" and (len(self.block) != 2 or min(self.block) < 1):  # noqa: PLR2004
            raise InputError(f"prune.block is {list(self.block)}, not rows and columns")
        for key, granularity in (("block", "block"), ("n_by_m", "n_by_m")):
            value = getattr(self, key)
            if self.granularity != granularity and tuple(value) != _USUAL[key]:
                raise InputError(
                    f"prune.{key} is {list(value)}, which has no meaning for the granularity "
                    f"'{self.granularity}'",
                    hint=f'set granularity = "{granularity}", or take it away',
                )
        if self.granularity == "channel":
            self._check_channels()
        if self.granularity != "n_by_m":
            return
        if len(self.n_by_m) != 2 or not 0 < self.n_by_m[0] < self.n_by_m[1]:  # noqa: PLR2004
            raise InputError(f"prune.n_by_m is {list(self.n_by_m)}, not such as [2, 4]")
        zeros, group = self.n_by_m
        if self.criterion != "ratio" or self.sparsity not in {None, zeros / group}:
            raise InputError(
                f"{zeros} zeros in each {group} weights are a sparsity of {zeros / group:g}",
                hint="take prune.sparsity and prune.criterion away",
            )

    def _check_channels(self) -> None:
        if self.criterion in {"threshold", "absolute"}:
            raise InputError(
                f"the criterion '{self.criterion}' counts single weights, not channels",
                hint='set prune.criterion = "ratio" or "global", with prune.sparsity',
            )
        if self.depthwise:
            raise InputError(
                "prune.depthwise has no meaning for channels: a depthwise convolution loses those "
                "of the layer before it",
                hint="take prune.depthwise away",
            )
