"""Builds killed at random moments, each resumed and held against one that was left alone.

    python benchmarks/kill_builds.py
    python benchmarks/kill_builds.py --first 20 --count 10

A small network is trained, pruned, quantized and emitted once, undisturbed. Each trial builds it
in a new folder, ends that build at a moment drawn over its whole time by a signal drawn from
four ways, and builds again. It says whether the killed build left a manifest, how long its
processes lived on, what the second call answered, whether every artifact has the bytes of the
undisturbed build, and what was left lying about. The exit code is 1 if any trial fails.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

MODEL = """\
import keras

def make():
    keras.utils.set_random_seed(1)
    model = keras.Sequential([
        keras.Input((8, 8, 1)),
        keras.layers.Conv2D(4, 3, activation="relu"),
        keras.layers.Flatten(),
        keras.layers.Dense(2, activation="softmax"),
    ])
    model.compile("adam", "sparse_categorical_crossentropy")
    return model
"""
DATA = """\
import numpy as np

def load():
    random = np.random.default_rng(0)
    y = random.integers(0, 2, 400)
    x = random.normal(size=(400, 8, 8, 1)) + y[:, None, None, None]
    return x.astype(np.float32), y
"""
PROJECT = """\
targets = ["nano-33-ble"]
[model]
source = "model:make"
name = "tiny"
[data]
source = "data:load"
[train]
epochs = 1
[prune]
sparsity = 0.5
epochs = 1
"""
WAYS = {
    "SIGKILL": (signal.SIGKILL, False),
    "SIGKILL to all": (signal.SIGKILL, True),
    "SIGTERM": (signal.SIGTERM, False),
    "SIGINT": (signal.SIGINT, False),
}
"""Which signal, and whether the workers get it too and not the parent alone."""
_MARK = "EDGEKIT_KILL_STUDY"
_MOST_SECONDS = 120.0  # of a build here, however busy the machine
_ORPHAN_SECONDS = 10.0  # a worker looks for its parent twice a second, when its imports let it


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """What one killed build led to.

    Args:
        way: How it was killed; a name in `WAYS`.
        moment_seconds: After which it was killed.
        manifest: Whether it had left a manifest.
        orphan_seconds: How long its processes lived on; infinite: they had to be ended.
        resume_seconds: The second build.
        code: Its exit code.
        reused: Stages that it did not do again.
        problems: What must not be.
    """

    way: str
    moment_seconds: float
    manifest: bool
    orphan_seconds: float
    resume_seconds: float
    code: int
    reused: int
    problems: tuple[str, ...]


def write_project(folder: Path) -> None:
    """Write the small project into ``folder``."""
    folder.mkdir(parents=True)
    (folder / "model.py").write_text(MODEL)
    (folder / "data.py").write_text(DATA)
    (folder / "edgekit.toml").write_text(PROJECT)


def trial(project: Path, expected: dict[str, bytes], way: str, moment_seconds: float) -> Trial:
    """Build ``project``, kill that after ``moment_seconds``, build again and look at it all.

    A build that is done by then is tried again in a new folder, and killed a fifth sooner.
    """
    out = project.parent / "run" / uuid.uuid4().hex
    mark = uuid.uuid4().hex
    number, everyone = WAYS[way]
    process = _start(project, out, mark)
    try:
        process.wait(moment_seconds)
    except subprocess.TimeoutExpired:
        for worker in _marked(mark) if everyone else (process.pid,):
            _send(worker, number)
        process.wait(_MOST_SECONDS)
    assert process.stderr is not None
    process.stderr.close()
    if process.returncode == 0:
        return trial(project, expected, way, 0.8 * moment_seconds)
    manifest = (out / "manifest.json").exists()
    lies = manifest and not expected.items() <= artifacts(out).items()
    start = time.perf_counter()
    resumed = _start(project, out, uuid.uuid4().hex)  # at once: workers may be dying still
    orphan_seconds = _orphans(mark)
    words = resumed.communicate(timeout=_MOST_SECONDS)[1]
    resume_seconds = time.perf_counter() - start
    problems = _problems(out, expected, code=resumed.returncode, words=words)
    if lies:
        problems += ("a manifest of files that were not there",)
    if orphan_seconds > _ORPHAN_SECONDS:
        problems += ("processes that outlive the build",)
    return Trial(
        way=way,
        moment_seconds=moment_seconds,
        manifest=manifest,
        orphan_seconds=orphan_seconds,
        resume_seconds=resume_seconds,
        code=resumed.returncode,
        reused=_reused(out),
        problems=problems,
    )


def artifacts(run: Path) -> dict[str, bytes]:
    """Return what a build delivers, by its path: all but its stages and its timings."""
    return {
        str(path.relative_to(run)): path.read_bytes()
        for path in sorted(run.rglob("*"))
        if path.is_file() and path.relative_to(run).parts[0] not in {"stages", "timings.json"}
    }


def undisturbed(project: Path) -> tuple[dict[str, bytes], float]:
    """Return the artifacts of a build that is left alone, and its seconds."""
    out = project.parent / "run" / "undisturbed"
    start = time.perf_counter()
    process = _start(project, out, uuid.uuid4().hex)
    words = process.communicate(timeout=_MOST_SECONDS)[1]
    if process.returncode:
        raise SystemExit(f"the undisturbed build failed:\n{words}")
    return artifacts(out), time.perf_counter() - start


def _start(project: Path, out: Path, mark: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "edgekit", "build", str(project), "--out", str(out)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, _MARK: mark},
        start_new_session=True,
        # A shell in the background has it ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )


def _problems(out: Path, expected: dict[str, bytes], *, code: int, words: str) -> tuple[str, ...]:
    """Return what is wrong with a resumed build, in words."""
    if code:
        return (f"exit code {code}: {words.strip().splitlines()[-1:]}",)
    found = artifacts(out)
    differing = [path for path in {*found, *expected} if found.get(path) != expected.get(path)]
    drafts = [str(path.relative_to(out)) for path in out.rglob(".*") if path.parent != out]
    problems = [f"other bytes: {', '.join(sorted(differing))}"] if differing else []
    problems += [f"left lying about: {', '.join(drafts)}"] if drafts else []
    problems += ["a traceback"] if "Traceback" in words else []
    return tuple(problems)


def _reused(out: Path) -> int:
    try:
        document = json.loads((out / "timings.json").read_text())
    except OSError:
        return 0
    return sum(stage["reused"] for stage in document["stages"])


def _orphans(mark: str) -> float:
    """Return the seconds until no process with ``mark`` is left; end those that stay."""
    start = time.perf_counter()
    while left := _marked(mark):
        if time.perf_counter() - start > 2 * _ORPHAN_SECONDS:
            for worker in left:
                _send(worker, signal.SIGKILL)
            return float("inf")
        time.sleep(0.02)
    return time.perf_counter() - start


def _marked(mark: str) -> tuple[int, ...]:
    """Return the processes that a build with ``mark`` in its environment started, and itself."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"{_MARK}={mark}".encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:  # it has ended meanwhile, or is another user's
            continue
    return tuple(found)


def _send(process: int, number: signal.Signals) -> None:
    try:
        os.kill(process, number)
    except ProcessLookupError:
        return


def main() -> None:
    """Print a row for each trial and the sums."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--first", type=int, default=0, help="number of the first trial")
    parser.add_argument("--count", type=int, default=50, help="how many")
    parser.add_argument("--seed", type=int, default=0, help="of the moments and signals")
    options = parser.parse_args()
    print("| trial | killed by | after | reused | orphans lived | exit | problems |", flush=True)
    print("| ---: | --- | ---: | ---: | ---: | ---: | --- |", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        write_project(project)
        expected, seconds = undisturbed(project)
        done = []
        for number in range(options.first, options.first + options.count):
            chance = random.Random(f"{options.seed} {number}")  # noqa: S311  no secret
            way = chance.choice(list(WAYS))
            item = trial(project, expected, way, chance.uniform(0, seconds))
            done.append(item)
            print(
                f"| {number} | {item.way} | {item.moment_seconds:.2f} s | {item.reused} | "
                f"{item.orphan_seconds:.2f} s | {item.code} | {'; '.join(item.problems)} |",
                flush=True,
            )
    failed = sum(bool(item.problems) for item in done)
    print(f"\n{len(done)} builds of {seconds:.1f} s were killed, {failed} did not come right")
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    main()
