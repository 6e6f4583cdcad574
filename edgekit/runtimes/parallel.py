"""A long batch in two processes at once; the outputs are those of one."""

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from edgekit.model.macs import work
from edgekit.runtimes.process import silent

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    import numpy.typing as npt

    from edgekit.model.file import ModelFile
    from edgekit.runtimes.process import Progress
    from edgekit.runtimes.session import RuntimeSession

    Array = npt.NDArray[np.generic]


def run_in_halves(
    opened: "Callable[[], AbstractContextManager[RuntimeSession]]",
    file: "ModelFile",
    inputs: "tuple[Array, ...]",
    *,
    long: int,
    progress: "Progress",
) -> "tuple[Array, ...]":
    """Return the model's outputs; a batch that is much work is shared by two sessions.

    Args:
        opened: Starts a session.
        file: The model.
        inputs: As the session's `run` takes them; samples do not depend on each other.
        long: Work that takes this runtime longer than a process takes to start.
        progress: Told the samples done, as far as the first half tells.
    """
    samples, model = len(inputs[0]), file.content
    with opened() as first:
        if samples * work(file.model) < long:
            return first.run(model, inputs, progress=progress)
        middle = (samples + 1) // 2

        def scaled(done: int, total: int, detail: str = "") -> None:
            progress(min(done * samples // total, samples), samples, detail)

        with opened() as second, ThreadPoolExecutor(1) as pool:
            rest = tuple(item[middle:] for item in inputs)
            later = pool.submit(second.run, model, rest, progress=silent)
            early = first.run(model, tuple(item[:middle] for item in inputs), progress=scaled)
            pairs = zip(early, later.result(), strict=True)
            return tuple(np.concatenate(pair) for pair in pairs)
