"""What a finished model is run on: its data's test set, or all samples, for nothing is trained."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edgekit.data.reference import Vectors, holds_vectors, load_vectors
from edgekit.data.samples import load_given
from edgekit.errors import UnsupportedModelError
from edgekit.files.source import module_folders, source_kind
from edgekit.model.file import ModelFile
from edgekit.model.input_limits import known_ids
from edgekit.model.reader import read_bytes
from edgekit.model.single_output import scored_output
from edgekit.runtimes.process import Worker, silent
from edgekit.runtimes.real import real_outputs

if TYPE_CHECKING:
    from pathlib import Path

    from edgekit.model.values import Model
    from edgekit.specs import DataSpec


@dataclass(frozen=True, kw_only=True, slots=True)
class Validation:
    """What a finished model is run on, and which samples of the user's they are, in words."""

    vectors: Vectors
    origin: str


def validation_vectors(
    model: "Model", spec: "DataSpec", *, directory: "Path", seed: int
) -> Validation:
    """Return the samples that a finished ``model`` is run on.

    They are the data's own test set, or else all samples: nothing is trained.

    Args:
        model: One with one input.
        spec: Where the data are. The ``vectors.npz`` of a build holds inputs, labels and the
            float model's outputs, and is taken as it is.
        directory: Relative paths and the user's modules are found from here.
        seed: Of random data.

    Raises:
        InputError: Data that are missing, damaged or do not fit the model.
    """
    path = directory / spec.source
    if source_kind(spec.source, directory) == "npz" and holds_vectors(path):
        origin = f"the validation samples of a build, in {spec.source}"
        return Validation(vectors=load_vectors(path), origin=origin)
    return _given(model, spec, directory=directory, seed=seed)


def scored_vectors(
    model: "Model", spec: "DataSpec", *, directory: "Path", seed: int, float_model: "Path | None"
) -> Validation:
    """Return `validation_vectors` for a ``model`` whose output is to be scored.

    Args:
        model: One with one input and one output.
        spec: Where the data are.
        directory: Relative paths and the user's modules are found from here.
        seed: Of random data.
        float_model: A float `.tflite`, run in LiteRT for the reference; None: no reference but
            the one the vectors bring.

    Raises:
        InputError: Data that are missing, damaged or do not fit the model.
        UnsupportedModelError: The model has several inputs or outputs.
    """
    scored_output(model.main)
    given = validation_vectors(model, spec, directory=directory, seed=seed)
    if float_model is None:
        return given
    outputs = real_outputs("litert", ModelFile.of(read_bytes(float_model)), given.vectors.inputs)
    return replace(given, vectors=replace(given.vectors, float_outputs=outputs))


def _given(model: "Model", spec: "DataSpec", *, directory: "Path", seed: int) -> Validation:
    graph = model.main
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
