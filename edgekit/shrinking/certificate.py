"""The proof of a shrunken model: in which runtimes, on how many vectors, of what part.

A small model runs whole on 1,000 vectors, another one on as many as the budget of work allows.
Where the operators that changed are the lesser part of the work, they run by themselves, and the
whole model runs on a few vectors besides.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgekit.errors import ToolError, UnsupportedModelError
from edgekit.model.macs import work
from edgekit.model.writer import write
from edgekit.runtimes import litert, tflm
from edgekit.runtimes.known import TITLES
from edgekit.runtimes.process import Progress, silent
from edgekit.shrinking.budget import AFTER_REGION, SMALL, affordable
from edgekit.shrinking.changed_region import changed_region, is_provable
from edgekit.shrinking.proof import NotExactError, first_difference, proof_vectors, prove

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from edgekit.model.file import ModelFile
    from edgekit.runtimes.session import RuntimeSession
    from edgekit.shrinking.oracle import Array

_HALF = 0.5  # of the budget, for the changed operators; the other one for the whole model
_PROCESSES = 2  # that share the work of a proof; threads within them use what cores are left
_OWN_ROUNDING = (
    "XNNPACK rounds some outputs of the shrunken model in another way on this processor; LiteRT's "
    "other kernels give the same bytes before and after"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Certificate:
    """What was proved.

    Args:
        vectors: On which the whole model was run, or the changed operators by themselves.
        whole_vectors: On which the whole model was; fewer where the changed operators were.
        runtimes: In which both models gave the same bytes.
        notes: What else a user should know.
    """

    vectors: int
    whole_vectors: int
    runtimes: tuple[str, ...]
    notes: tuple[str, ...] = ()


class Sessions:
    """The runtimes of a proof, open as long as the ``with``.

    Args:
        runtimes: Names in `edgekit.runtimes.known.RUNTIMES`. LiteRT alone, which is for phones,
            runs its fast kernels, and is the oracle by its reference kernels; beside TFLite-Micro
            it runs the plain ones.

    Raises:
        MissingDependencyError: TFLite-Micro is asked for, and not installed.
    """

    def __init__(self, runtimes: tuple[str, ...]) -> None:
        self.is_fast = "tflite-micro" not in runtimes
        with ExitStack() as opened:
            self.micro: tuple[tflm.Session, ...] = ()
            if self.is_fast:
                threads = max(1, (os.cpu_count() or 1) // _PROCESSES)
                self.light = tuple(
                    opened.enter_context(litert.Session(kernels="fast", threads=threads))
                    for _ in range(_PROCESSES)
                )
                reference = opened.enter_context(litert.Session(kernels="reference"))
                self.oracles: tuple[RuntimeSession, ...] = (reference,)
            else:
                self.micro = tuple(opened.enter_context(tflm.Session()) for _ in range(_PROCESSES))
                self.light = (opened.enter_context(litert.Session()),)
                self.oracles = (self.micro[0], self.light[0])
            self._opened = opened.pop_all()
        listed: Mapping[str, tuple[RuntimeSession, ...]] = {
            "tflite-micro": self.micro,
            "litert": self.light,
        }
        self.by_name: Mapping[str, tuple[RuntimeSession, ...]] = {
            name: listed[name] for name in listed if name in runtimes
        }

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()


def certify(
    before: "ModelFile",
    plain: "ModelFile",
    sessions: Sessions,
    *,
    runs: tuple[str, ...],
    data: "tuple[Array, ...] | None" = None,
    coded: "ModelFile | None" = None,
    progress: Progress = silent,
) -> Certificate:
    """Prove that a shrunken model gives the bytes of the original.

    Args:
        before: The original.
        plain: The shrunken model before any coding.
        sessions: Of the runtimes asked for.
        runs: Those that run the original.
        data: As `edgekit.shrinking.proof.proof_vectors` takes them.
        coded: The model after coding, for TFLite-Micro; None: as ``plain``.
        progress: Told the vectors done.

    Raises:
        NotExactError: An output differs, or a runtime refuses the shrunken model alone.
    """
    cost = work(before.model) + work(plain.model)
    count, alone = affordable(cost, runs), 0
    if cost * count > SMALL and coded in (None, plain):
        alone = _prove_region(before, plain, sessions, runs, cost)
    if alone:
        count = min(AFTER_REGION, affordable(cost, runs, share=_HALF))
    inputs = proof_vectors(before.model, data, count=count)
    afters = {"tflite-micro": (coded or plain).content, "litert": plain.content}
    proved, notes = [], list[str]()
    with ThreadPoolExecutor(len(runs)) as pool:  # LiteRT beside TFLite-Micro
        told = dict.fromkeys(runs, silent) | {runs[0]: progress}
        results = {
            name: pool.submit(
                _prove, before.content, afters[name], inputs, sessions, name, told[name]
            )
            for name in runs
        }
    for name, result in results.items():
        same, note = result.result()
        proved += [name] if same else []
        notes += [note] if note else []
    return Certificate(
        vectors=alone or len(inputs[0]),
        whole_vectors=len(inputs[0]),
        runtimes=tuple(proved),
        notes=tuple(notes),
    )


def _prove(
    before: bytes,
    after: bytes,
    inputs: "tuple[Array, ...]",
    sessions: Sessions,
    name: str,
    progress: Progress,
) -> tuple[bool, str]:
    """Return whether a runtime gave the same bytes, and what is to be told of it."""
    runtimes = sessions.by_name[name]
    try:
        return prove(before, after, inputs, *runtimes, name=TITLES[name], progress=progress), ""
    except NotExactError:
        if not sessions.is_fast:
            raise
    with litert.Session() as one, litert.Session() as other:
        same = prove(before, after, inputs, one, other, name=TITLES[name], progress=progress)
    return same, _OWN_ROUNDING


def _prove_region(
    before: "ModelFile", after: "ModelFile", sessions: Sessions, runs: tuple[str, ...], cost: int
) -> int:
    """Return on how many vectors the changed operators gave the same bytes by themselves.

    0 where that would be no cheaper, cannot be told, or is not so: the whole model decides then.
    """
    old, new = before.model, after.model
    region = changed_region(old, new) if is_provable(old) and is_provable(new) else None
    if region is None or not (is_provable(region.before) and is_provable(region.after)):
        return 0
    smaller = work(region.before) + work(region.after)
    if smaller > _HALF * cost:
        return 0
    first, second = write(region.before), write(region.after)
    inputs = proof_vectors(region.before, count=affordable(smaller, runs, share=_HALF))
    try:
        differs = any(
            first_difference(first, second, inputs, *sessions.by_name[name]) is not None
            for name in runs
        )
    except (UnsupportedModelError, ToolError):  # a part that a runtime takes within a whole alone
        return 0
    return 0 if differs else len(inputs[0])
