import threading
import time
from dataclasses import dataclass
from pathlib import Path

from edgekit.pipeline.reuse import Siblings, take_over
from edgekit.pipeline.stages import Stages, unwatched
from edgekit.runtimes.process import Progress


@dataclass(frozen=True, kw_only=True, slots=True)
class Sum:
    value: int


def add(folder: Path, siblings: Siblings | None, first: int, second: int, log: list[str]) -> Sum:
    """Run two stages, the second on what the first wrote, and note those that worked."""
    stages = Stages(folder / "stages", watch=unwatched, fresh=False, siblings=siblings)

    def start(draft: Path, progress: Progress) -> Sum:
        log.append("start")
        time.sleep(0.05)  # so that another that does not wait would work too
        (draft / "deep").mkdir()
        (draft / "deep" / "value").write_text(str(first))
        return Sum(value=first)

    def finish(draft: Path, progress: Progress) -> Sum:
        log.append("finish")
        return Sum(value=int((before / "deep" / "value").read_text()) + second)

    _, before = stages.run("start", {"first": first}, Sum, start)
    return stages.run("finish", {"second": second}, Sum, finish)[0]


def test_what_one_run_has_finished_another_takes_over(tmp_path: Path) -> None:
    points = tmp_path / "points"
    siblings = Siblings(folder=points)
    log: list[str] = []
    assert add(points / "a", siblings, 1, 2, log).value == 3
    assert add(points / "b", siblings, 1, 3, log).value == 4
    assert add(points / "c", siblings, 5, 3, log).value == 8
    assert log == ["start", "finish", "finish", "start", "finish"]
    assert (points / "b" / "stages" / "start" / "deep" / "value").read_text() == "1"


def test_runs_elsewhere_lend_too_and_without_siblings_none_does(tmp_path: Path) -> None:
    log: list[str] = []
    add(tmp_path / "usual", None, 1, 2, log)
    siblings = Siblings(folder=tmp_path / "points", others=(tmp_path / "usual",))
    add(tmp_path / "points" / "a", siblings, 1, 2, log)
    assert log == ["start", "finish"]
    add(tmp_path / "points" / "b", None, 1, 2, log)
    assert log == ["start", "finish"] * 2


def test_runs_at_the_same_time_wait_for_each_other(tmp_path: Path) -> None:
    siblings = Siblings(folder=tmp_path)
    log: list[str] = []
    threads = [
        threading.Thread(target=add, args=(tmp_path / name, siblings, 1, number, log))
        for number, name in enumerate("abcd")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(log) == ["finish"] * 4 + ["start"]


def test_a_replaced_stage_leaves_what_was_taken_over(tmp_path: Path) -> None:
    siblings = Siblings(folder=tmp_path)
    log: list[str] = []
    add(tmp_path / "a", siblings, 1, 2, log)
    add(tmp_path / "b", siblings, 1, 2, log)
    add(tmp_path / "a", siblings, 7, 2, log)
    assert (tmp_path / "a" / "stages" / "start" / "deep" / "value").read_text() == "7"
    assert (tmp_path / "b" / "stages" / "start" / "deep" / "value").read_text() == "1"


def test_a_stage_that_is_gone_meanwhile_is_not_taken_over(tmp_path: Path) -> None:
    assert not take_over(tmp_path / "absent", tmp_path / "mine")
    assert not (tmp_path / "mine").exists()
    assert list(tmp_path.iterdir()) == []
