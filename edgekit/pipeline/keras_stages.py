"""The half of a build that trains and converts: from a project to a `.tflite` and its vectors."""

from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.data.calibration_split import DataSummary, calibration_samples, validation_samples
from edgekit.data.reference import FILE_NAME as VECTORS_NAME
from edgekit.errors import InputError, UnsupportedModelError
from edgekit.files.fingerprint import fingerprint, versions
from edgekit.files.source import is_function
from edgekit.model.pruned_weights import FILE_NAME as MASKS_NAME
from edgekit.pipeline.data_stage import hold_out
from edgekit.pipeline.float_file_stages import float_half, is_float_file, stages_of_file
from edgekit.pipeline.hand_over import (
    Border,
    Converted,
    Finished,
    Predicted,
    finish,
    keep_model,
    keep_predictions,
)
from edgekit.quantization.calibration import calibrate
from edgekit.runtimes.process import Progress, Worker
from edgekit.training._tensorflow import threads
from edgekit.training.aware.quantize import Quantized, quantize_aware
from edgekit.training.calibrated_quantization import calibrated, quantized
from edgekit.training.converter import convert, warm
from edgekit.training.export import export
from edgekit.training.fit import Trained, train
from edgekit.training.load.load import FILE_NAME, LoadedModel, load, patience_seconds
from edgekit.training.predict import predict
from edgekit.training.pruning.prune import LayerSparsity, Pruned, prune
from edgekit.version import __version__

if TYPE_CHECKING:
    from typing import Self

    from edgekit.pipeline.stages import Stages
    from edgekit.project.project import Project

_SAVED_MODEL_NAME = "saved_model"


@dataclass(frozen=True, kw_only=True, slots=True)
class Exported:
    """What was written for the converter."""

    folder: str


def train_half(project: "Project", stages: "Stages") -> Border:
    """Load, train, prune, quantize and convert as ``project`` says, reusing finished stages.

    A float `.tflite` takes a way of its own, see `edgekit.pipeline.float_file_stages`.

    Raises:
        EdgekitError: What the user must put right.
    """
    if is_float_file(project):
        return float_half(project, stages)
    _check(project)
    with _Processes(project.module_folders) as processes:
        return _KerasStages(project, stages, processes).run()


def stages_of(project: "Project") -> tuple[str, ...]:
    """Return the names of the stages that ``project`` asks for, in their order."""
    if is_float_file(project):
        return stages_of_file(project)
    steps = {
        "load": True,
        "data": True,
        "train": project.train.epochs > 0,
        "prune": project.prune is not None,
        "predict": True,
        "quantize": project.quantize.method == "qat",
        "export": project.quantize.method == "ptq",
        "convert": True,
        "correct": project.quantize.bias_correction,
    }
    return tuple(name for name, wanted in steps.items() if wanted)


def _check(project: "Project") -> None:
    learns = project.train.epochs > 0 or project.prune or project.quantize.method == "qat"
    if project.data.is_random and learns:
        raise InputError(
            "random data cannot train a model",
            hint='for size and fit alone set [quantize] method = "ptq" and take away [prune] '
            "and the epochs of [train]",
        )


class _Processes:
    """TensorFlow's process and the converter's, started when they are first needed."""

    def __init__(self, search: tuple[Path, ...]) -> None:
        self._search = search
        self._opened = ExitStack()

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    @cached_property
    def trainer(self) -> Worker:
        started = self._opened.enter_context(Worker("TensorFlow", search=self._search))
        _ = self.converter  # what is trained anew is converted anew: it can import meanwhile
        return started

    @cached_property
    def converter(self) -> Worker:
        started = self._opened.enter_context(Worker("the TFLite converter"))
        started.begin(warm)
        return started


class _KerasStages:
    """One run of the training half: each method a stage, given what the ones before left."""

    def __init__(self, project: "Project", stages: "Stages", processes: _Processes) -> None:
        self._project = project
        self._stages = stages
        self._processes = processes

    def run(self) -> Border:
        project = self._project
        loaded, folder = self._load()
        if loaded.kind == "saved_model":
            return self._run_saved_model(loaded, project.directory / project.model.source)
        data, samples = self._data(loaded)
        model = original = folder / FILE_NAME
        if project.train.epochs > 0:
            model = original = self._train(loaded, model)
        kernels: tuple[LayerSparsity, ...] = ()
        left: tuple[str, ...] = ()
        pruned = None
        if project.prune is not None:
            kernels, pruned = self._prune(loaded, model)
            model = pruned
        vectors = self._predict(original, pruned, samples)
        if project.quantize.method == "qat":
            left, saved_model = self._quantize(loaded, model)
        else:
            saved_model = self._export(model)
        made = self._convert(saved_model, data, samples, vectors)
        return Border(
            model=made.model,
            vectors=vectors,
            data=data,
            kernels=kernels,
            masks=None if pruned is None else pruned.with_name(MASKS_NAME),
            left=left,
            correction=made.correction,
            doubts=made.doubts,
        )

    def _run_saved_model(self, loaded: LoadedModel, source: Path) -> Border:
        project = self._project
        if project.prune is not None or project.quantize.method == "qat" or project.train.epochs:
            raise UnsupportedModelError(
                f"{project.model.source}: a SavedModel without Keras layers cannot be trained",
                hint='set [quantize] method = "ptq", without [prune] and the epochs of [train], '
                "or give a .keras or .h5 file of Keras's own layers",
            )
        data, samples = self._data(loaded)
        vectors = self._predict(source, None, samples)
        made = self._convert(source, data, samples, vectors)
        return Border(
            model=made.model,
            vectors=vectors,
            data=data,
            correction=made.correction,
            doubts=made.doubts,
        )

    def _load(self) -> tuple[LoadedModel, Path]:
        project = self._project

        def work(draft: Path, progress: Progress) -> LoadedModel:
            trainer = self._processes.trainer
            with trainer.within(patience_seconds(project.model.source, project.directory)):
                return trainer.call(
                    load,
                    progress,
                    project.model.source,
                    directory=project.directory,
                    out=draft,
                    seed=project.seed,
                    trusted=project.model.trusted,
                )

        inputs = {
            "source": project.model.source,
            "content": fingerprint(project.model.source, project.directory),
            "trusted": project.model.trusted,
            "seed": project.seed,
            "versions": versions(),
            "threads": threads(),
            "edgekit": __version__,
        }
        return self._stages.run("load", inputs, LoadedModel, work)

    def _data(self, loaded: LoadedModel) -> tuple[DataSummary, Path]:
        return hold_out(
            self._project,
            self._stages,
            lambda: self._processes.trainer,
            input_shape=loaded.input_shape,
            output_shape=loaded.output_shape,
            ids=loaded.ids,
        )

    def _train(self, loaded: LoadedModel, model: Path) -> Path:
        def work(draft: Path, progress: Progress) -> Trained:
            return self._processes.trainer.call(
                train,
                progress,
                model,
                loss=loaded.loss,
                spec=self._project.train,
                data=self._project.data,
                metric=self._project.metric,
                directory=self._project.directory,
                seed=self._project.seed,
                out=draft / FILE_NAME,
            )

        inputs = {
            "train": asdict(self._project.train),
            "loss": self._loss_code(),
            "metric": self._project.metric,
        }
        return self._stages.run("train", inputs, Trained, work)[1] / FILE_NAME

    def _prune(self, loaded: LoadedModel, model: Path) -> tuple[tuple[LayerSparsity, ...], Path]:
        spec = self._project.prune
        assert spec is not None

        def work(draft: Path, progress: Progress) -> Pruned:
            return self._processes.trainer.call(
                prune,
                progress,
                model,
                spec=spec,
                loss=loaded.loss,
                train=self._project.train,
                data=self._project.data,
                metric=self._project.metric,
                directory=self._project.directory,
                seed=self._project.seed,
                out=draft / FILE_NAME,
            )

        inputs = {
            "prune": asdict(spec),
            "train": asdict(self._project.train),
            "loss": self._loss_code(),
            "metric": self._project.metric,
        }
        pruned, folder = self._stages.run("prune", inputs, Pruned, work)
        return pruned.layers, folder / FILE_NAME

    def _quantize(self, loaded: LoadedModel, model: Path) -> tuple[tuple[str, ...], Path]:
        def work(draft: Path, progress: Progress) -> Quantized:
            return self._processes.trainer.call(
                quantize_aware,
                progress,
                model,
                spec=self._project.quantize,
                loss=loaded.loss,
                train=self._project.train,
                data=self._project.data,
                metric=self._project.metric,
                directory=self._project.directory,
                seed=self._project.seed,
                out=draft / _SAVED_MODEL_NAME,
            )

        inputs = {
            "quantize": asdict(self._project.quantize),
            "train": asdict(self._project.train),
            "loss": self._loss_code(),
            "metric": self._project.metric,
        }
        quantized, folder = self._stages.run("quantize", inputs, Quantized, work)
        return quantized.left, folder / _SAVED_MODEL_NAME

    def _export(self, model: Path) -> Path:
        """Write the SavedModel to convert."""

        def work(draft: Path, progress: Progress) -> Exported:
            self._processes.trainer.call(export, progress, model, out=draft / _SAVED_MODEL_NAME)
            return Exported(folder=_SAVED_MODEL_NAME)

        return self._stages.run("export", {}, Exported, work)[1] / _SAVED_MODEL_NAME

    def _predict(self, original: Path, pruned: Path | None, samples: Path) -> Path:
        """Write the validation samples with the float models' outputs beside them."""

        def work(draft: Path, progress: Progress) -> Predicted:
            trainer = self._processes.trainer
            vectors = validation_samples(samples)
            outputs = trainer.call(predict, progress, original, vectors.inputs)
            if pruned is not None:
                after = trainer.call(predict, progress, pruned, vectors.inputs)
                vectors = replace(vectors, pruned_outputs=after)
            return keep_predictions(draft, vectors, outputs)

        return self._stages.run("predict", {}, Predicted, work)[1] / VECTORS_NAME

    def _loss_code(self) -> str:
        """Return a digest of the project's own loss, or nothing where it names one of Keras."""
        loss = self._project.train.loss
        return fingerprint(loss, self._project.directory) if is_function(loss) else ""

    def _convert(
        self, saved_model: Path, data: DataSummary, samples: Path, vectors: Path
    ) -> Finished:
        spec = self._project.quantize

        def work(draft: Path, progress: Progress) -> Converted:
            converter, given = self._processes.converter, calibration_samples(samples)
            if spec.method == "qat" or spec.converted != "int8":
                content = converter.call(
                    convert, progress, saved_model, given, io=spec.io, scheme=spec.converted
                )
                return keep_model(draft, content, spec)
            floating = converter.call(calibrated, progress, saved_model, given)
            found = calibrate(
                floating,
                given,
                method=spec.calibration,
                places=data.calibration_indices,
                progress=progress,
            )
            # By least and greatest the converter has its own, of the same samples.
            ranges = {} if spec.calibration == "minmax" else found.ranges
            content = converter.call(quantized, progress, floating, ranges, io=spec.io)
            return keep_model(draft, content, spec, floating=floating, doubts=found.doubts)

        return finish(
            work,
            samples=samples,
            vectors=vectors,
            project=self._project,
            stages=self._stages,
        )
