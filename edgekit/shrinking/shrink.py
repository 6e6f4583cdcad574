"""Shrink: smaller in flash, RAM and time, without changing one byte of any output."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.errors import UnsupportedModelError, UsageError
from edgekit.files.results import few, told
from edgekit.files.whole_files import write_bytes
from edgekit.model.file import ModelFile
from edgekit.model.macs import macs
from edgekit.model.shapes import check_shapes
from edgekit.model.writer import write
from edgekit.record.shrinking import Saving
from edgekit.runtimes.known import RUNTIMES
from edgekit.runtimes.process import Progress, silent
from edgekit.shrinking.certificate import Sessions, certify
from edgekit.shrinking.coding import CodedTensor, code
from edgekit.shrinking.dead_channels import dead_channels
from edgekit.shrinking.diet import diet
from edgekit.shrinking.fold import fold
from edgekit.shrinking.oracle import Oracle
from edgekit.shrinking.proof import proof_vectors
from edgekit.shrinking.redundant_operators import no_ops
from edgekit.shrinking.refusal import require_shrinkable
from edgekit.shrinking.size_map import size_map

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgekit.devices.profile import Target
    from edgekit.model.values import Model
    from edgekit.shrinking.oracle import Array

_ROUNDS = 4  # one pass can open the way for another; models seen here settle in two


@dataclass(frozen=True, kw_only=True, slots=True)
class Shrunk:
    """A model that gives the same outputs, byte for byte, from a smaller file.

    Args:
        file: What is left.
        before_bytes: Of the original file.
        passes: What each pass saved, in their order; they add up.
        vectors: Inputs for which the outputs were compared, of the whole model or of the changed
            operators by themselves: what the budget of work allows.
        whole_vectors: Inputs for which those of the whole model were; fewer than ``vectors``
            where the changed operators ran by themselves.
        runtimes: In which they were; LiteRT cannot run coded constants, and was asked before
            the coding.
        notes: What else a user should know of the proof.
        coded: The constants that were coded.
        arena_before_bytes: Least arena in TFLite-Micro on this 64-bit machine; None where it
            does not run the original.
        arena_after_bytes: The same of the shrunken model.
        macs_before: Multiply-accumulates of one invocation.
        macs_after: The same of the shrunken model.
        map_before: Bytes by part of the original file.
        map_after: The same of the shrunken file.
    """

    file: ModelFile
    before_bytes: int
    passes: tuple[Saving, ...]
    vectors: int
    whole_vectors: int
    runtimes: tuple[str, ...]
    notes: tuple[str, ...]
    coded: tuple[CodedTensor, ...]
    arena_before_bytes: int | None
    arena_after_bytes: int | None
    macs_before: int
    macs_after: int
    map_before: "Mapping[str, int]"
    map_after: "Mapping[str, int]"

    @property
    def content(self) -> bytes:
        """The file's bytes."""
        return self.file.content

    @property
    def after_bytes(self) -> int:
        """Of the shrunken file."""
        return len(self.content)

    def save(self, path: "str | Path") -> None:
        """Write the file to ``path``; it appears whole or not at all."""
        write_bytes(Path(path), self.content)

    def __repr__(self) -> str:
        return told(
            f"Shrunk: {self.before_bytes:,} to {self.after_bytes:,} B, the same outputs",
            passes=few((f"{item.name} {item.saved_bytes:,} B" for item in self.passes), most=5),
            proof=f"{self.vectors:,} inputs in {' and '.join(self.runtimes)}",
            arena=self.arena_before_bytes
            and f"{self.arena_before_bytes:,} to {self.arena_after_bytes:,} B on this host",
            macs=f"{self.macs_before:,} to {self.macs_after:,}",
            coded=few(item.tensor for item in self.coded),
            notes=few(self.notes),
        )


def shrink(
    file: ModelFile,
    *,
    target: "Target | None" = None,
    runtimes: tuple[str, ...] = (),
    ram_budget_bytes: int | None = None,
    data: "tuple[Array, ...] | None" = None,
    keep_names: bool = True,
    progress: Progress = silent,
) -> Shrunk:
    """Return a model shrunken, with the proof that its outputs are the same.

    Args:
        file: A fully integer model; float inputs and outputs behind QUANTIZE
            and DEQUANTIZE are fine. What cannot be improved comes back as it is.
        target: Where the model shall run: a phone's is proved in LiteRT alone, and needs no
            TFLite-Micro; coding asks whether its runtime decodes.
        runtimes: Names in `edgekit.runtimes.known.RUNTIMES`, where several targets are asked for;
            none: the target's, or all.
        ram_budget_bytes: Of the arena, as TFLite-Micro needs it on this 64-bit machine: weights
            are coded as far as it allows. None: none is coded.
        data: Stored values for each input, shape ``(samples, *shape[1:])``, for the proof.
        keep_names: Leave names of inputs and outputs and the signatures.
        progress: Told the vectors compared.

    Raises:
        UnsupportedModelError: A float, legacy or coded model, one with several graphs, or one
            whose operators give other shapes than it declares.
        UsageError: Coding for a target whose runtime has no DECODE operator, or for none.
        MissingDependencyError: TFLite-Micro is needed and not installed.
        NotExactError: The proof failed: a bug in edgekit.
    """
    _check_coding(target, ram_budget_bytes)
    original = file.model
    require_shrinkable(original)
    check_shapes(original)
    alone = ("litert",) if target is not None and target.runtime.name == "litert" else ()
    asked = runtimes or alone or tuple(RUNTIMES)
    with Sessions(asked) as sessions:
        runs = _running(file, sessions)
        plain, savings = lossless(file, Oracle(*sessions.oracles), keep_names=keep_names)
        made, coded = plain, tuple[CodedTensor, ...]()
        if ram_budget_bytes is not None:
            decoding, coded = code(
                plain.model, sessions.micro[0], ram_budget_bytes=ram_budget_bytes
            )
            made = ModelFile.of(write(decoding)) if coded else plain
            savings["coding"] = len(plain.content) - len(made.content)
        found = certify(file, plain, sessions, runs=runs, data=data, coded=made, progress=progress)
        arenas = _arenas((file, made), sessions) if "tflite-micro" in found.runtimes else None
        return Shrunk(
            file=made,
            before_bytes=len(file.content),
            passes=tuple(Saving(name=name, saved_bytes=item) for name, item in savings.items()),
            vectors=found.vectors,
            whole_vectors=found.whole_vectors,
            runtimes=found.runtimes,
            notes=found.notes,
            coded=coded,
            arena_before_bytes=arenas and arenas[0],
            arena_after_bytes=arenas and arenas[1],
            macs_before=_macs(original),
            macs_after=_macs(made.model),
            map_before=size_map(file.content),
            map_after=size_map(made.content),
        )


def _running(file: ModelFile, sessions: Sessions) -> tuple[str, ...]:
    """Return the runtimes that run the model.

    Raises:
        UnsupportedModelError: None does, with the first one's reason: nothing could be proved.
    """
    sample = proof_vectors(file.model, count=1)
    runs, refusals = [], []
    for name, (first, *_) in sessions.by_name.items():
        try:
            first.run(file.content, tuple(item[:1] for item in sample))
        except UnsupportedModelError as error:
            refusals.append(error)
        else:
            runs.append(name)
    if not runs:
        raise refusals[0]
    return tuple(runs)


def _arenas(files: tuple[ModelFile, ModelFile], sessions: Sessions) -> tuple[int, int]:
    """Return the least arena of two models, found side by side."""
    with ThreadPoolExecutor(len(files)) as pool:
        before, after = pool.map(
            lambda pair: pair[0].minimum_arena_bytes(pair[1]),
            zip(sessions.micro, files, strict=True),
        )
    return before, after


def _check_coding(target: "Target | None", ram_budget_bytes: int | None) -> None:
    """Refuse to code for a runtime that is not known to decode."""
    if ram_budget_bytes is None:
        return
    if not ram_budget_bytes >= 1:  # NaN is neither
        raise UsageError(f"an arena within {ram_budget_bytes} B holds no tensor")
    if target is None:
        raise UsageError(
            "weights can be coded for a target with the DECODE operator alone, and none is given",
            hint="add --target NAME; edgekit targets list shows all",
        )
    if not target.runtime.decode:
        raise UsageError(
            f"the runtime of '{target.name}' has no DECODE operator: weights cannot be coded",
            hint="leave out --ram-budget, or set runtime.decode = true in a profile of your own",
        )


def lossless(
    file: ModelFile, oracle: Oracle, *, keep_names: bool = True
) -> tuple[ModelFile, dict[str, int]]:
    """Return ``file`` after all passes but coding, and what each saved.

    A pass whose result is a larger file is not taken: a channel less can cost more in scales
    that are no longer shared than it saves in weights.
    """
    content = file.content
    current = diet(file.model, keep_names=keep_names)
    steps = {"folding": fold, "no-ops": no_ops, "dead channels": dead_channels}
    written = write(current)
    savings = {"diet": len(content) - len(written)} | dict.fromkeys(steps, 0)
    for _ in range(_ROUNDS):
        start = len(written)
        for name, step in steps.items():
            candidate = step(current, oracle)
            smaller = write(candidate)
            if len(smaller) <= len(written):
                savings[name] += len(written) - len(smaller)
                current, written = candidate, smaller
        if len(written) == start:
            break
    if len(written) >= len(content):
        return file, dict.fromkeys(savings, 0)
    return ModelFile.of(written), savings


def _macs(model: "Model") -> int:
    return sum(macs(model.main, operator) for operator in model.main.operators)
