from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import pytest

from edgekit.errors import UsageError
from edgekit.pipeline.stages import Stages, claimed
from edgekit.runtimes.process import Progress, silent


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    number: int
    notes: tuple[str, ...] = ()


def stages(folder: Path, *, fresh: bool = False) -> Stages:
    return Stages(folder, watch=lambda _: nullcontext(silent), fresh=fresh)


class Work:
    """Counts how often it is done."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, draft: Path, progress: Progress) -> Result:
        self.times += 1
        (draft / "file").write_text("kept")
        return Result(number=7, notes=("said",))


def test_a_finished_stage_is_reused_with_its_files_and_notes(tmp_path: Path) -> None:
    work = Work()
    stages(tmp_path).run("one", {"a": 1}, Result, work)
    again = stages(tmp_path)
    result, folder = again.run("one", {"a": 1}, Result, work)
    assert (work.times, result.number) == (1, 7)
    assert (folder / "file").read_text() == "kept"
    assert (again.done[0].reused, again.done[0].notes) == (True, ("said",))


def test_a_stage_runs_again_when_its_inputs_or_those_before_it_change(tmp_path: Path) -> None:
    first, second = Work(), Work()

    def build(a: int, b: int) -> None:
        run = stages(tmp_path)
        run.run("one", {"a": a}, Result, first)
        run.run("two", {"b": b}, Result, second)

    build(1, 1)
    build(1, 2)
    assert (first.times, second.times) == (1, 2)
    build(2, 2)
    assert (first.times, second.times) == (2, 3)


def test_a_stage_runs_again_when_asked_or_when_its_record_is_damaged(tmp_path: Path) -> None:
    work = Work()
    stages(tmp_path).run("one", {}, Result, work)
    stages(tmp_path, fresh=True).run("one", {}, Result, work)
    assert work.times == 2
    (tmp_path / "one" / "result.json").write_text('{"key": ')
    stages(tmp_path).run("one", {}, Result, work)
    assert work.times == 3


def test_a_stage_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail(draft: Path, progress: Progress) -> Result:
        (draft / "file").write_text("half")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        stages(tmp_path).run("one", {}, Result, fail)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_other_files_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(UsageError, match="not a run directory") as caught, claimed(tmp_path):
        pass
    assert caught.value.hint == "choose another: --out DIR"
    assert [item.name for item in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_second_build_into_the_same_folder_is_refused(tmp_path: Path) -> None:
    with (
        claimed(tmp_path / "run"),
        pytest.raises(UsageError, match="another build is at work"),
        claimed(tmp_path / "run"),
    ):
        pass
    with claimed(tmp_path / "run"):  # free again
        pass


def test_drafts_of_a_killed_build_are_removed(tmp_path: Path) -> None:
    with claimed(tmp_path / "run") as folder:
        (folder / "stages").mkdir()
    (folder / "stages" / ".prune.x1").mkdir()
    (folder / ".report.html.ab12cd34").touch()
    with claimed(tmp_path / "run") as folder:
        assert list((folder / "stages").iterdir()) == []
        (folder / "stages" / ".late.x2").mkdir()  # by a process that was dying still
    assert sorted(item.name for item in folder.rglob("*")) == [".edgekit-run", "stages"]
