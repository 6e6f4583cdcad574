"""How far a runtime may go with a model, which may be anybody's."""

import time
from typing import TYPE_CHECKING

from edgekit.runtimes.process import Bounds

if TYPE_CHECKING:
    from edgekit.runtimes.process import Progress

RUNTIME = Bounds(memory_bytes=4 * 2**30, printed_bytes=64 * 2**20, silence_seconds=120.0)
"""Of each runtime's process: far from what models of microcontrollers and phones need."""

_EVERY_SAMPLES, _EVERY_SECONDS = 64, 0.5


class Pace:
    """Reports progress often enough to be alive, and not so often that it takes time itself."""

    def __init__(self, progress: "Progress", total: int) -> None:
        self._progress = progress
        self._total = total
        self._due = 0.0

    def __call__(self, done: int) -> None:
        """Report ``done`` samples, if they are many or the last report is long ago."""
        if done % _EVERY_SAMPLES == 0 or time.monotonic() >= self._due:
            self._progress(done, self._total)
            self._due = time.monotonic() + _EVERY_SECONDS
