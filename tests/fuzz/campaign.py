"""Damaged inputs by the thousand, in processes that are watched from outside."""

import json
import os
import select
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
FAULTS = ("crash", "hang", "memory", "outside")
_GRACE_SECONDS = 60.0  # without a word, importing included; then the process is ended


@dataclass(frozen=True)
class Fault:
    """What one input did, and how to do it again."""

    subject: str
    number: int
    kind: str
    told: str


@dataclass
class Tally:
    """What became of the inputs of one subject."""

    subject: str
    counts: Counter[str] = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)

    def add(self, number: int, kind: str, told: str = "") -> None:
        self.counts[kind] += 1
        if kind in FAULTS:
            self.faults.append(Fault(self.subject, number, kind, told))


def run(subject: str, *, seed: int, start: int, stop: int) -> Tally:
    """Return what became of the inputs ``start`` to ``stop`` of one subject.

    A process that dies or falls silent is a fault of the input that it had begun; the next one
    goes on behind it.
    """
    tally = Tally(subject)
    number = start
    while number < stop:
        begun = None
        for line in _lines(subject, seed=seed, start=number, stop=stop):
            if "begun" in line:
                begun = int(line["begun"])
            elif "done" in line:
                tally.add(int(line["done"]), line["outcome"], line.get("told", ""))
                number, begun = int(line["done"]) + 1, None
            else:
                kind = "hang" if line["ended"] == "silent" else "crash"
                if begun is None:
                    raise RuntimeError(f"{subject}: {line['told']}")
                tally.add(begun, kind, f"the process ended: {line['told']}")
                number = begun + 1
    return tally


def _lines(subject: str, *, seed: int, start: int, stop: int) -> "Iterator[dict[str, str]]":
    """Yield what the process prints; at last ``ended`` if it did not come to its end."""
    command = [sys.executable, str(HERE), "--trial", subject]
    numbers = [f"--seed={seed}", f"--start={start}", f"--stop={stop}"]
    with subprocess.Popen(
        [*command, *numbers],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        held = b""
        while select.select([process.stdout], [], [], _GRACE_SECONDS)[0]:
            content = os.read(process.stdout.fileno(), 65536)
            if not content:
                if process.wait() != 0:
                    last = process.stderr.read().decode(errors="replace").splitlines()[-3:]
                    yield {"ended": "died", "told": f"exit {process.returncode}: {last}"}
                return
            *lines, held = (held + content).split(b"\n")
            yield from (json.loads(line) for line in lines)
        process.kill()
        yield {"ended": "silent", "told": f"no word for {_GRACE_SECONDS:g} s"}


def table(tallies: list[Tally]) -> str:
    """Return one row a subject, and their sum."""
    heads = ("parser", "inputs", "refused", "accepted", "crashes", "hangs", "memory", "outside")
    kinds = ("refused", "accepted", *FAULTS)
    rows = [
        (tally.subject, sum(tally.counts.values()), *(tally.counts[kind] for kind in kinds))
        for tally in tallies
    ]
    sums = ("all", *(sum(row[place] for row in rows) for place in range(1, len(heads))))  # type: ignore[misc]
    cells = [[str(cell) for cell in row] for row in (heads, *rows, sums)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(heads))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    )
