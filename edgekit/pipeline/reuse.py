"""Run directories side by side: what one has finished, another takes over."""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edgekit.files.whole_files import whole_folder

_LOCKS = ".locks"


@dataclass(frozen=True, kw_only=True, slots=True)
class Siblings:
    """The runs that a run may take finished stages from.

    Args:
        folder: Holds run directories that may be at work at the same time.
        others: Run directories elsewhere.
    """

    folder: Path
    others: tuple[Path, ...] = ()

    @contextlib.contextmanager
    def turn(self, key: str) -> Iterator[None]:
        """Hold ``key`` for one run; others wait here, and then find what it has finished.

        Args:
            key: Of a stage, or the name of a run.
        """
        locks = self.folder / _LOCKS
        locks.mkdir(parents=True, exist_ok=True)
        with (locks / key).open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # let go when the file is closed, or its process dies
            yield

    def stages(self, name: str) -> tuple[Path, ...]:
        """Return the folders of the stage ``name`` in all of these runs."""
        runs = (*self.others, *sorted(self.folder.glob("*")))
        return tuple(path for path in (run / "stages" / name for run in runs) if path.is_dir())


def take_over(stage: Path, folder: Path) -> bool:
    """Make ``folder`` the same as the finished ``stage``; its files are shared where they can be.

    Returns:
        Whether it worked: the run that ``stage`` belongs to may replace it at any time.
    """
    try:
        with whole_folder(folder) as draft:
            shutil.copytree(stage, draft, copy_function=_link, dirs_exist_ok=True)
    except (OSError, shutil.Error):
        return False
    return True


def _link(source: str, target: str) -> None:
    """Give the file ``source`` a second name; nothing writes into a finished stage."""
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)
