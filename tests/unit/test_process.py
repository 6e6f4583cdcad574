"""The functions sent to a worker stand in this module; workers find it by the search path."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from edgekit.errors import InputError, ToolError
from edgekit.process import Progress, Worker, silent

HERE = (Path(__file__).parents[2],)  # this module is tests.unit.test_process


def double(progress: Progress, number: int) -> int:
    progress(1, 2, "half way")
    return 2 * number


def refuse(progress: Progress) -> None:
    raise InputError("no", hint="yes")


def fail(progress: Progress) -> None:
    print("the last words")
    raise ZeroDivisionError("oh")


def crash(progress: Progress) -> None:
    os.write(2, b"about to crash\n")
    os.kill(os.getpid(), signal.SIGSEGV)


def shout(progress: Progress) -> int:
    os.write(1, b"straight to the C stream\n")
    return 1


def test_a_function_runs_elsewhere_and_its_progress_is_told_here() -> None:
    told = []
    with Worker("w", search=HERE) as worker:
        answer = worker.call(double, lambda *state: told.append(state), 21)
    assert answer == 42
    assert told == [(1, 2, "half way")]


def test_a_refusal_there_is_the_same_refusal_here() -> None:
    with Worker("w", search=HERE) as worker, pytest.raises(InputError, match="no") as caught:
        worker.call(refuse, silent)
    assert caught.value.hint == "yes"


def test_a_failure_there_is_a_tool_error_with_what_it_printed() -> None:
    with (
        Worker("the tool", search=HERE) as worker,
        pytest.raises(ToolError, match="the tool failed: ZeroDivisionError: oh.*the last words"),
    ):
        worker.call(fail, silent)


def test_a_crash_there_is_a_tool_error_here() -> None:
    with (
        Worker("the tool", search=HERE) as worker,
        pytest.raises(ToolError, match="the tool crashed .SIGSEGV.*about to crash"),
    ):
        worker.call(crash, silent)


def test_work_that_was_begun_does_not_answer_for_another() -> None:
    with Worker("w", search=HERE) as worker:
        worker.begin(shout)
        assert worker.call(double, silent, 4) == 8


def test_what_is_printed_there_does_not_disturb_the_answers() -> None:
    with Worker("w", search=HERE) as worker:
        assert worker.call(shout, silent) == 1
        assert "straight to the C stream" in worker.noise()


def test_a_worker_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        textwrap.dedent("""
        import time
        from edgekit.process import Worker
        worker = Worker("w")
        print(worker._process.pid, flush=True)
        time.sleep(60)
        """)
    )
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
    for _ in range(100):
        if not Path(f"/proc/{child}").exists():
            return
        time.sleep(0.1)
    pytest.fail(f"worker {child} outlived its parent")
