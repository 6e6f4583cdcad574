"""The functions sent to a worker stand in this module; workers find it by the search path."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from pickle import PicklingError

import numpy as np
import pytest

from edgekit.errors import InputError, ToolError
from edgekit.runtimes.process import (
    Bounds,
    Progress,
    Worker,
    bounded,
    machine_memory_bytes,
    silent,
)

HERE = (Path(__file__).parents[3],)  # this module is tests.integration.runtimes.test_process


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


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError, BrokenPipeError])
def test_an_aborted_call_does_not_answer_for_the_next(error: type[BaseException]) -> None:
    def stop(done: int, total: int, detail: str = "") -> None:
        raise error

    with Worker("the tool", search=HERE) as worker:
        with pytest.raises(error):
            worker.call(double, stop, 21)
        assert not worker.is_alive
        with pytest.raises(ToolError, match="the tool was ended, because a call before this one"):
            worker.call(double, silent, 4)


def test_ctrl_c_while_a_call_waits_ends_the_worker() -> None:
    with Worker("the tool", search=HERE) as worker:
        timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            worker.call(sleep, silent, 60.0)
        timer.join()
        assert not worker.is_alive


def test_a_runtime_answers_after_an_aborted_call() -> None:
    from graphs import GraphBuilder

    from edgekit.runtimes import litert

    def stop(done: int, total: int, detail: str = "") -> None:
        raise KeyboardInterrupt

    builder = GraphBuilder((1, 4), seed=0)
    model = builder.build(builder.logistic(builder.input))
    low, high = (np.full((1, 4), value, np.int8) for value in (-128, 127))
    with litert.Session() as session:
        before = session.run(model, (low,))[0]
        with pytest.raises(KeyboardInterrupt):
            session.run(model, (high,), progress=stop)
        assert (session.run(model, (low,))[0] == before).all()


def test_what_cannot_be_sent_leaves_the_worker_alone() -> None:
    with Worker("w", search=HERE) as worker:
        with pytest.raises((AttributeError, PicklingError)):
            worker.call(lambda _: 1, silent)
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
        from edgekit.runtimes.process import Worker
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


def sleep(progress: Progress, seconds: float) -> None:
    time.sleep(seconds)


def work_on(progress: Progress, seconds: float) -> str:
    for number in range(10):
        time.sleep(seconds / 10)
        progress(number, 10)
    return "done"


def take_memory(progress: Progress, count: int) -> int:
    return len(bytearray(count))


def print_without_end(progress: Progress) -> int:
    for _ in range(100):
        try:
            os.write(2, b"x" * 10_000)
        except OSError:
            return 1
    return 0


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def own_number(progress: Progress) -> int:
    return os.getpid()


def test_a_worker_that_falls_silent_is_ended() -> None:
    with Worker("the sleeper", search=HERE) as worker:
        number = worker.call(own_number, silent)
        start = time.monotonic()
        with (
            worker.within(0.5),
            pytest.raises(ToolError, match="the sleeper gave no sign of life for 0.5 s and was"),
        ):
            worker.call(sleep, silent, 60.0)
        assert time.monotonic() - start < 20
        assert not worker.is_alive
        assert not is_running(number)


def test_a_worker_that_reports_progress_may_take_its_time() -> None:
    with Worker("the worker", search=HERE, bounds=Bounds(silence_seconds=60.0)) as worker:
        worker.call(shout, silent)  # once it has started
        with worker.within(2.0):
            assert worker.call(work_on, silent, 3.0) == "done"
        assert worker._bounds.silence_seconds == 60.0


def test_a_worker_does_not_take_all_memory() -> None:
    with Worker("the glutton", search=HERE, bounds=Bounds(memory_bytes=2**28)) as worker:
        assert worker.call(take_memory, silent, 2**20) == 2**20
        with pytest.raises(ToolError, match="the glutton needed more than the 256 MiB that it"):
            worker.call(take_memory, silent, 2**29)
        assert worker.call(take_memory, silent, 2**20) == 2**20  # and goes on


def test_no_worker_takes_more_memory_than_there_is() -> None:
    with Worker("the glutton", search=HERE) as worker, pytest.raises(ToolError, match="more than"):
        worker.call(take_memory, silent, 2 * machine_memory_bytes())


def test_a_worker_does_not_fill_the_disk_with_what_it_prints() -> None:
    with Worker("the talker", search=HERE, bounds=Bounds(printed_bytes=100_000)) as worker:
        assert worker.call(print_without_end, silent) == 1
        assert len(worker.noise()) == 100_000


def test_a_program_does_not_take_all_memory() -> None:
    program = [sys.executable, "-c", "bytearray(2**29)"]
    for memory_bytes, ends_well in ((2**28, False), (2**31, True)):
        command = bounded(program, memory_bytes=memory_bytes)
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        assert (done.returncode == 0) == ends_well
        assert ("MemoryError" in done.stderr) != ends_well
