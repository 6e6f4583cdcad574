"""The samples that set ranges and tell accuracy: held out of a training, or all where none is."""

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from edgekit.data.reference import Vectors, holds_vectors, load_vectors, save_vectors
from edgekit.data.samples import load_given, load_held_out
from edgekit.errors import UnsupportedModelError
from edgekit.files.fingerprint import fingerprint
from edgekit.model.input_limits import known_ids
from edgekit.model.reader import read, read_bytes
from edgekit.model.single_output import scored_output
from edgekit.project.user_function import module_folders
from edgekit.runtimes.process import Worker, silent
from edgekit.runtimes.real import real_outputs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy.typing as npt

    from edgekit.data.samples import Dataset
    from edgekit.pipeline.stages import Stages
    from edgekit.project.project import Project
    from edgekit.runtimes.process import Progress
    from edgekit.specs import DataSpec

_CALIBRATION_NAME = "calibration.npy"
_VALIDATION_NAME = "validation.npz"


@dataclass(frozen=True, kw_only=True, slots=True)
class DataSummary:
    """How many samples each purpose got.

    Args:
        train_samples: Left for the training.
        calibration_samples: Held out of the training.
        calibration_indices: Where they stand among the source's samples.
        validation_samples: Held out of both.
        is_random: Whether the samples are chance, and no accuracy can be claimed.
        has_labels: Whether accuracy can be told.
        task: Whether the labels are classes, or numbers to come near to; None without labels.
        sha256: Digest of all samples and labels.
        notes: The numbers, in words.
        overlaps: A sentence for each pair of sets that share samples.
    """

    train_samples: int
    calibration_samples: int
    calibration_indices: tuple[int, ...]
    validation_samples: int
    is_random: bool
    has_labels: bool
    sha256: str
    notes: tuple[str, ...]
    overlaps: tuple[str, ...]
    task: Literal["classes", "numbers"] | None = None

    def metric(self, wish: str) -> str:
        """Return the metric that is meant where the project has the ``wish``."""
        if wish != "auto" or self.task is None:
            return wish
        return "accuracy" if self.task == "classes" else "mean_absolute_error"


def hold_out(
    project: "Project",
    stages: "Stages",
    worker: "Callable[[], Worker]",
    *,
    input_shape: tuple[int, ...],
    output_shape: tuple[int, ...] | None,
    ids: int | None = None,
) -> "tuple[DataSummary, Path]":
    """Return the numbers of the samples of a build, and the folder that its stage keeps them in.

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
        return _keep(draft, held_out)

    inputs = {
        "spec": asdict(project.data),
        "metric": project.metric,
        "content": fingerprint(project.data.source, project.directory),
        "seed": project.seed,
        "ids": ids,
    }
    return stages.run("data", inputs, DataSummary, work)


def calibration_samples(folder: "Path") -> "npt.NDArray[np.float32]":
    """Return the samples for calibration that `hold_out` kept, shape ``(samples, …)``."""
    samples: npt.NDArray[np.float32] = np.load(folder / _CALIBRATION_NAME, allow_pickle=False)
    return samples


def validation_samples(folder: "Path") -> Vectors:
    """Return the samples for validation that `hold_out` kept."""
    return load_vectors(folder / _VALIDATION_NAME)


@dataclass(frozen=True, kw_only=True, slots=True)
class Validation:
    """What a finished model is run on, and which samples of the user's they are, in words."""

    vectors: Vectors
    origin: str


def validation_vectors(
    model: bytes, spec: "DataSpec", *, directory: "Path", seed: int
) -> Validation:
    """Return the samples that a finished ``model`` is run on.

    They are the data's own test set, or else all samples: nothing is trained.

    Args:
        model: A whole `.tflite` file with one input.
        spec: Where the data are. The ``vectors.npz`` of a build holds inputs, labels and the
            float model's outputs, and is taken as it is.
        directory: Relative paths and the user's modules are found from here.
        seed: Of random data.

    Raises:
        InputError: Data that are missing, damaged or do not fit the model.
    """
    path = directory / spec.source
    if path.suffix == ".npz" and holds_vectors(path):
        origin = f"the validation samples of a build, in {spec.source}"
        return Validation(vectors=load_vectors(path), origin=origin)
    return _given(model, spec, directory=directory, seed=seed)


def scored_vectors(
    model: bytes, spec: "DataSpec", *, directory: "Path", seed: int, float_model: "Path | None"
) -> Validation:
    """Return `validation_vectors` for a ``model`` whose output is to be scored.

    Args:
        model: A whole `.tflite` file with one input and one output.
        spec: Where the data are.
        directory: Relative paths and the user's modules are found from here.
        seed: Of random data.
        float_model: A float `.tflite`, run in LiteRT for the reference; None: no reference but
            the one the vectors bring.

    Raises:
        InputError: Data that are missing, damaged or do not fit the model.
        UnsupportedModelError: The model has several inputs or outputs.
    """
    scored_output(read(model).main)
    given = validation_vectors(model, spec, directory=directory, seed=seed)
    if float_model is None:
        return given
    outputs = real_outputs("litert", read_bytes(float_model), given.vectors.inputs)
    return replace(given, vectors=replace(given.vectors, float_outputs=outputs))


def _keep(draft: "Path", held_out: "Dataset") -> DataSummary:
    """Write the samples for calibration and validation to ``draft`` and return their numbers."""
    np.save(draft / _CALIBRATION_NAME, held_out.x_calibration)
    vectors = Vectors(inputs=held_out.x_validation, labels=held_out.y_validation)
    save_vectors(draft / _VALIDATION_NAME, vectors)
    return DataSummary(
        train_samples=held_out.train_samples,
        calibration_samples=len(held_out.x_calibration),
        calibration_indices=held_out.calibration_indices,
        validation_samples=len(held_out.x_validation),
        is_random=held_out.is_random,
        has_labels=held_out.y_validation is not None,
        sha256=held_out.sha256,
        notes=held_out.notes,
        overlaps=held_out.overlaps,
        task=_task(held_out),
    )


def _task(data: "Dataset") -> Literal["classes", "numbers"] | None:
    if data.y_validation is None:
        return None
    return "classes" if data.are_classes else "numbers"


def _given(model: bytes, spec: "DataSpec", *, directory: "Path", seed: int) -> Validation:
    graph = read(model).main
    if len(graph.inputs) != 1 or not graph.outputs:
        raise UnsupportedModelError(
            f"the model has {len(graph.inputs)} inputs and {len(graph.outputs)} outputs; samples "
            "are for one input"
        )
    shapes = [graph.tensors[index].shape[1:] for index in graph.outputs]
    search = module_folders(directory, spec.source)
    with Worker("the data hook", search=search) as worker:  # a hook may import anything
        data = worker.call(
            load_given,
            silent,
            spec,
            directory=directory,
            input_shape=graph.tensors[graph.inputs[0]].shape[1:],
            output_shape=shapes[0] if len(shapes) == 1 else None,
            seed=seed,
            ids=known_ids(graph, graph.inputs[0]),
        )
    return Validation(vectors=Vectors(inputs=data.x, labels=data.y), origin=data.origin)
