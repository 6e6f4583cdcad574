"""Points built on this machine, several at a time, each in a process that may crash."""

import os
import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.comparison.point import PROCESS, Built, Failed, Job, build_point, failed
from edgekit.errors import EdgekitError, ToolError
from edgekit.runtimes.process import Worker, machine_memory_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgekit.pipeline.stages import Watch

# A point that trains holds TensorFlow in its trainer and in its converter, about 1 GB each.
_POINT_BYTES = 2_500_000_000
_MEMORY = Path("/proc/meminfo")


def run_here(
    jobs: "Sequence[Job]", *, at_once: int, watch: "Watch"
) -> Generator[tuple[Job, Built | Failed], None, None]:
    """Yield every job with what came of it, as they end.

    Args:
        jobs: What to build.
        at_once: How many are built at the same time.
        watch: Given a point's name, what is told of its progress; called in several threads.

    To close the iterator before its end, or an exception such as Ctrl-C, ends all processes.
    """
    crew = _Crew(watch)
    pool = ThreadPoolExecutor(at_once, thread_name_prefix="point")
    try:
        futures = {pool.submit(crew.build, job): job for job in jobs}
        for future in as_completed(futures):
            yield futures[future], future.result()
    finally:
        crew.dismiss()
        pool.shutdown(cancel_futures=True)
        crew.close()


def jobs_here() -> int:
    """Return how many points this machine builds at once: its cores, as memory allows."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(cores or 1, _free_bytes() // _POINT_BYTES))


class _Crew:
    """A process for each thread that builds, kept from point to point."""

    def __init__(self, watch: "Watch") -> None:
        self._watch = watch
        self._mine = threading.local()
        self._all: list[Worker] = []
        self._dismissed = False
        self._lock = threading.Lock()

    def build(self, job: Job) -> Built | Failed:
        """Return what came of ``job``."""
        try:
            with self._watch(job.name) as progress:
                return self._worker().call(build_point, progress, job)
        except EdgekitError as error:  # the process died: the next point gets another
            return failed(error)

    def dismiss(self) -> None:
        """End all processes; calls that wait for them fail, and no other is started."""
        with self._lock:
            self._dismissed = True
            for worker in self._all:
                worker.kill()

    def close(self) -> None:
        """Let go of all processes, once no thread waits for one."""
        for worker in self._all:
            worker.close()

    def _worker(self) -> Worker:
        worker: Worker | None = getattr(self._mine, "worker", None)
        if worker is not None and worker.is_alive:
            return worker
        with self._lock:
            if self._dismissed:
                raise ToolError("the study has ended")
            worker = self._mine.worker = Worker(PROCESS)
            self._all.append(worker)
        return worker


def _free_bytes() -> int:
    """Return the memory that may be taken, as the kernel counts it."""
    if not _MEMORY.is_file():
        return machine_memory_bytes()
    lines = dict(line.split(":", 1) for line in _MEMORY.read_text().splitlines())
    return 1024 * int(lines["MemAvailable"].split()[0])
