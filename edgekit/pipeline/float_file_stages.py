"""The first half of a build from a float `.tflite`: no training, and no TensorFlow."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from edgekit.data.calibration_split import HeldOut
from edgekit.errors import UnsupportedModelError
from edgekit.files.fingerprint import fingerprint, versions
from edgekit.files.source import source_kind
from edgekit.files.whole_files import write_bytes
from edgekit.model.file import ModelFile
from edgekit.model.input_limits import known_ids
from edgekit.model.reader import load, read_bytes
from edgekit.model.single_output import scored_output
from edgekit.pipeline.data_stage import hold_out
from edgekit.pipeline.hand_over import (
    FLOAT_NAME,
    Converted,
    HandOver,
    calibrated_ranges,
    hand_over,
    keep_model,
    predict_stage,
)
from edgekit.quantization.posttraining import check_installed, prepared, quantize_float_file
from edgekit.runtimes import litert
from edgekit.runtimes.process import Worker
from edgekit.version import __version__

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

    from edgekit.data.reference import Vectors
    from edgekit.pipeline.stages import Stages
    from edgekit.project.project import Project
    from edgekit.runtimes.process import Progress


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadedFile:
    """The shapes of a float file's input and output, without the batch, and how many ids it takes.

    Args:
        input_shape: Without the batch.
        output_shape: The same; None of several outputs: labels fit none of them by themselves.
        ids: How many ids the input can hold; None: it holds no ids.
    """

    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...] | None
    ids: int | None = None


def is_float_file(project: "Project") -> bool:
    """Return whether the model of ``project`` is a `.tflite` file."""
    return source_kind(project.model.source, project.directory) == "tflite"


def check_scored(project: "Project") -> None:
    """Refuse to build a float file with several outputs: a score is of one.

    `edgekit.pipeline.convert.convert`, which scores nothing, takes it.

    Raises:
        UnsupportedModelError: It has several; the message names them.
    """
    path = project.directory / project.model.source
    if is_float_file(project) and path.is_file():
        scored_output(load(path).main)


def float_file_stages(project: "Project", stages: "Stages") -> HandOver:
    """Load, calibrate and quantize the float `.tflite` of ``project``, reusing finished stages.

    The float model's answers, which accuracy is held against, are LiteRT's.

    Raises:
        EdgekitError: What the user must put right.
    """
    _check(project)
    with _FloatFileStages(project, stages) as opened:
        return opened.run()


def stages_of_file(project: "Project") -> tuple[str, ...]:
    """Return the names of the stages of `float_file_stages`, in their order."""
    corrects = project.quantize.bias_correction
    return ("load", "data", "predict", "convert", *(("correct",) if corrects else ()))


def _check(project: "Project") -> None:
    """Refuse what only a model that can be trained can do, and a quantizer that is not there."""
    asked = {
        "train.epochs": project.train.epochs > 0,
        "[prune]": project.prune is not None,
        'quantize.method = "qat"': project.quantize.method == "qat",
    }
    unmet = [name for name, wanted in asked.items() if wanted]
    if unmet:
        raise UnsupportedModelError(
            f"{project.model.source}: a .tflite file cannot be trained, which {', '.join(unmet)} "
            f"{'asks' if len(unmet) == 1 else 'ask'} for",
            hint=f"take away {', '.join(unmet)}, or give the Keras model",
        )
    if project.quantize.converted != "float32":
        check_installed()


class _FloatFileStages:
    """One run: each method a stage, given what the ones before left."""

    def __init__(self, project: "Project", stages: "Stages") -> None:
        self._project = project
        self._stages = stages

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, *_: object) -> None:
        if "_worker" in vars(self):
            self._worker.close()

    @cached_property
    def _worker(self) -> Worker:
        """The process of the quantizer and of the user's own modules, started when needed."""
        return Worker("litert-quantizer", search=self._project.module_folders)

    def run(self) -> HandOver:
        loaded, folder = self._load()
        held = self._data(loaded)
        floating = ModelFile.of((folder / FLOAT_NAME).read_bytes())
        return self._convert(floating, held, self._predict(floating, held))

    def _load(self) -> "tuple[LoadedFile, Path]":
        project = self._project
        path = project.directory / project.model.source

        def work(draft: "Path", progress: "Progress") -> LoadedFile:
            progress(0, 1, "reading the model")
            content = prepared(read_bytes(path), name=project.model.source)
            write_bytes(draft / FLOAT_NAME, content)
            graph = ModelFile.of(content).model.main
            shapes = [graph.tensors[index].shape[1:] for index in graph.outputs]
            return LoadedFile(
                input_shape=graph.tensors[graph.inputs[0]].shape[1:],
                output_shape=shapes[0] if len(shapes) == 1 else None,
                ids=known_ids(graph, graph.inputs[0]),
            )

        inputs = {
            "source": project.model.source,
            "content": fingerprint(project.model.source, project.directory),
            "versions": versions(),
            "edgekit": __version__,
        }
        return self._stages.run("load", inputs, LoadedFile, work)

    def _data(self, loaded: LoadedFile) -> HeldOut:
        return hold_out(
            self._project,
            self._stages,
            lambda: self._worker,
            input_shape=loaded.input_shape,
            output_shape=loaded.output_shape,
            ids=loaded.ids,
        )

    def _predict(self, floating: ModelFile, held: HeldOut) -> "Path":
        def answered(vectors: "Vectors", progress: "Progress") -> "Vectors":
            outputs = litert.run(floating, (vectors.inputs,), progress=progress)[0]
            return replace(vectors, float_outputs=np.asarray(outputs, np.float32))

        return predict_stage(self._stages, held, answered)

    def _convert(self, floating: ModelFile, held: HeldOut, vectors: "Path") -> HandOver:
        spec = self._project.quantize

        def work(draft: "Path", progress: "Progress") -> Converted:
            content = floating.content
            if spec.converted == "float32":
                return keep_model(draft, content, spec)
            found = calibrated_ranges(floating, held, spec, progress) if spec.is_integer else None
            quantized = self._worker.call(
                quantize_float_file,
                progress,
                content,
                held.calibration(),
                scheme=spec.converted,
                io=spec.io,
                ranges=None if found is None else found.ranges,
            )
            doubts = () if found is None else found.doubts
            return keep_model(draft, quantized, spec, floating=content, doubts=doubts)

        return hand_over(
            work,
            held=held,
            vectors_path=vectors,
            project=self._project,
            stages=self._stages,
        )
