"""The stage that holds samples out of the training."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from edgekit.data.calibration_split import DataSummary, HeldOut, keep_samples
from edgekit.data.samples import load_held_out
from edgekit.files.fingerprint import fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from edgekit.pipeline.stages import Stages
    from edgekit.project.project import Project
    from edgekit.runtimes.process import Progress, Worker


def hold_out(
    project: "Project",
    stages: "Stages",
    worker: "Callable[[], Worker]",
    *,
    input_shape: tuple[int, ...],
    output_shape: tuple[int, ...] | None,
    ids: int | None = None,
) -> HeldOut:
    """Return the samples that a build holds out, kept by their stage.

    Args:
        project: Where the data are, and the seed of their split.
        stages: Of the run.
        worker: Returns the process that reads the data; asked only where they are read anew.
        input_shape: Of the model, without the batch.
        output_shape: The same; None: targets are not checked against it.
        ids: How many ids the model's input can hold; None: it holds no ids.

    Raises:
        EdgekitError: Data that are missing, damaged or do not fit the model.
    """

    def work(draft: "Path", progress: "Progress") -> DataSummary:
        held_out = worker().call(
            load_held_out,
            progress,
            project.data,
            directory=project.directory,
            input_shape=input_shape,
            output_shape=output_shape,
            metric=project.metric,
            seed=project.seed,
            ids=ids,
        )
        return keep_samples(draft, held_out)

    inputs = {
        "spec": asdict(project.data),
        "metric": project.metric,
        "content": fingerprint(project.data.source, project.directory),
        "seed": project.seed,
        "ids": ids,
    }
    summary, folder = stages.run("data", inputs, DataSummary, work)
    return HeldOut(summary=summary, folder=folder)
