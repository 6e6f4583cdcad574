"""The fuzzing of every parser in short; in full: ``python tests/fuzz --inputs 20000``."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FUZZ = Path(__file__).parents[1] / "fuzz"
GOOD, DAMAGED = 3, 14  # inputs of each parser
SLOW = {"tflite: explain"}  # it starts a process for each input


@pytest.fixture(scope="module")
def names() -> list[str]:
    code = f"import sys; sys.path[:0] = [{str(FUZZ)!r}, {str(FUZZ.parent / 'support')!r}]\n"
    code += "import json, subjects; print(json.dumps(list(subjects.all_subjects())))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def test_no_damaged_file_does_more_than_be_refused(names: list[str]) -> None:
    fast = [name for name in names if name not in SLOW]
    trials = [word for name in fast for word in ("--trial", name)]
    done = subprocess.run(
        [sys.executable, FUZZ, *trials, "--seed=20", f"--start=-{GOOD}", f"--stop={DAMAGED}"],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    outcomes = [line["outcome"] for line in lines if "done" in line]
    faults = [line for line in lines if line.get("outcome", "accepted") not in OUTCOMES]
    assert not faults
    assert len(outcomes) == len(fast) * (GOOD + DAMAGED)
    assert min(outcomes.count(outcome) for outcome in OUTCOMES) > len(outcomes) // 5


OUTCOMES = ("accepted", "refused")


FAULTY = """
import os, random, sys, time
sys.path[:0] = {paths!r}
import trial
from pathlib import Path
from subjects import Subject
from edgekit.errors import InputError

trial.SECONDS = trial.CPU_SECONDS = 0.3

def take(content, folder):
    match content.decode():
        case "accepted": return
        case "refused": raise InputError("no")
        case "two lines": raise InputError("a\\nb")
        case "crash": raise IndexError
        case "sleep": time.sleep(60)
        case "loop":
            while True: pass
        case "memory": bytearray(2**33)
        case "outside": Path("../outside").write_text("x")
        case "inside": Path("inside").write_text("x")
        case "process": os.system("true")

trial.run(
    Subject(name="s", seeds=lambda: ({cases!r}), damage=lambda content, chance: content, take=take),
    seed=0, start=-{count}, stop=0,
)
"""
FINDS = {
    "accepted": "accepted",
    "refused": "refused",
    "two lines": "crash",
    "crash": "crash",
    "sleep": "hang",
    "loop": "hang",
    "memory": "memory",
    "outside": "outside",
    "inside": "accepted",
    "process": "outside",
}


def test_the_fuzzing_finds_what_it_looks_for() -> None:
    cases = tuple(name.encode() for name in FINDS)
    paths = [str(FUZZ), str(FUZZ.parent)]
    script = FAULTY.format(paths=paths, cases=cases, count=len(cases))
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=60
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["outcome"] for line in found if "done" in line] == list(FINDS.values())
