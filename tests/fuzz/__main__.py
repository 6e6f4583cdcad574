"""Fuzz every parser: ``python tests/fuzz --inputs 20000 --seed 1``.

Prints a table, each fault with the line that does it again, and exits with 1 if there is one.
"""

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))  # the models that the tests build

import campaign
import trial
from subjects import Subject, all_subjects

from edgekit.errors import EdgekitError

MOST_GOOD = 40  # good inputs of each parser are taken first


def main() -> int:
    """Run a campaign, one subject, or one input."""
    parser = argparse.ArgumentParser(prog="python tests/fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=2000, help="damaged inputs in all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", action="append", help="a parser by its row's name")
    parser.add_argument("--at", type=int, help="take this one input here, with its traceback")
    parser.add_argument("--keep", type=Path, help="with --at: write the input to this file")
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time")
    parser.add_argument("--start", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--stop", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--trial", action="append", help=argparse.SUPPRESS)
    wish = parser.parse_args()
    subjects = all_subjects()
    if wish.trial is not None:
        for name in wish.trial:
            trial.run(subjects[name], seed=wish.seed, start=wish.start, stop=wish.stop)
        return 0
    chosen = [subjects[name] for name in wish.only or subjects]
    if wish.at is not None:
        return _again(chosen[0], wish)
    parts = sum(subject.share for subject in chosen)

    def run(subject: Subject) -> campaign.Tally:
        stop = round(wish.inputs * subject.share / parts)
        first = -min(len(subject.seeds()), MOST_GOOD)
        return campaign.run(subject.name, seed=wish.seed, start=first, stop=stop)

    with ThreadPoolExecutor(wish.jobs) as pool:
        tallies = list(pool.map(run, chosen))
    print(campaign.table(tallies))
    faults = [fault for tally in tallies for fault in tally.faults]
    for fault in faults:
        print(f"\n{fault.kind}: {fault.told}")
        print(
            f'  python tests/fuzz --seed {wish.seed} --only "{fault.subject}" --at {fault.number}'
        )
    return 1 if faults else 0


def _again(subject: Subject, wish: argparse.Namespace) -> int:
    content = trial.damaged(subject, seed=wish.seed, number=wish.at)
    if wish.keep is not None:
        wish.keep.write_bytes(content)
    folder = Path.cwd()
    try:
        subject.take(content, folder)
    except EdgekitError as error:
        print(f"refused: {error.message}")
    else:
        print("accepted")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
