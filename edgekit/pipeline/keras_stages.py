"""The half of a build that trains and converts: from a project to a `.tflite` and its vectors."""

from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.data.calibration_split import HeldOut
from edgekit.data.reference import Vectors
from edgekit.errors import InputError, UnsupportedModelError
from edgekit.files.fingerprint import code_of, fingerprint, versions
from edgekit.files.source import is_function
from edgekit.model.file import ModelFile
from edgekit.model.pruned_weights import FILE_NAME as MASKS_NAME
from edgekit.pipeline.data_stage import hold_out
from edgekit.pipeline.float_file_stages import float_file_stages, is_float_file, stages_of_file
from edgekit.pipeline.hand_over import (
    Converted,
    HandOver,
    calibrated_ranges,
    hand_over,
    keep_model,
    predict_stage,
)
from edgekit.runtimes.process import Progress, Worker
from edgekit.training._tensorflow import threads
from edgekit.training.aware.quantize import Quantized, quantize_aware
from edgekit.training.calibrated_quantization import calibrated, quantized
from edgekit.training.context import TrainingContext
from edgekit.training.converter import convert, warm
from edgekit.training.export import export
from edgekit.training.fit import Trained, train
from edgekit.training.keras.keep import CONVERTED, keep
from edgekit.training.load.load import FILE_NAME, LoadedModel, load, patience_seconds
from edgekit.training.predict import ANSWERS, predict
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


def stages_to_file(project: "Project", stages: "Stages") -> HandOver:
    """Load, train, prune, quantize and convert as ``project`` says, reusing finished stages.

    A float `.tflite` takes a way of its own, see `edgekit.pipeline.float_file_stages`.

    Raises:
        EdgekitError: What the user must put right.
    """
    if is_float_file(project):
        return float_file_stages(project, stages)
    _check(project)
    with _Processes(project.module_folders, apart=project.learns) as processes:
        return _KerasStages(project, stages, processes).run()


def training_of(project: "Project", loss: str) -> TrainingContext:
    """Return what every stage that trains is told of ``project``.

    Args:
        project: What was asked for.
        loss: The model's own.
    """
    return TrainingContext(
        loss=loss,
        train=project.train,
        data=project.data,
        metric=project.metric,
        directory=project.directory,
        seed=project.seed,
    )


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
    if project.data.is_random and project.learns:
        raise InputError(
            "random data cannot train a model",
            hint='for size and fit alone set [quantize] method = "ptq" and take away [prune] '
            "and the epochs of [train]",
        )


class _Processes:
    """TensorFlow's process and the converter's, started when they are first needed.

    Args:
        search: The user's own modules are found there.
        apart: Whether they are two. Where nothing is trained, importing TensorFlow takes most
            of the time, and one does both.
    """

    def __init__(self, search: tuple[Path, ...], *, apart: bool) -> None:
        self._search = search
        self._apart = apart
        self._opened = ExitStack()

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    @cached_property
    def trainer(self) -> Worker:
        started = self._opened.enter_context(Worker("TensorFlow", search=self._search))
        if self._apart:
            _ = self.converter  # what is trained anew is converted anew: it can import meanwhile
        return started

    @cached_property
    def converter(self) -> Worker:
        if not self._apart:
            return self.trainer
        started = self._opened.enter_context(Worker("the TFLite converter"))
        started.begin(warm)
        return started


class _KerasStages:
    """One run: each method a stage, given what the ones before left."""

    def __init__(self, project: "Project", stages: "Stages", processes: _Processes) -> None:
        self._project = project
        self._stages = stages
        self._processes = processes

    def run(self) -> HandOver:
        project = self._project
        loaded, folder = self._load()
        if loaded.kind == "kept":
            return self._run_kept(loaded, folder)
        if loaded.kind == "saved_model":
            return self._run_saved_model(loaded, project.directory / project.model.source)
        held = self._data(loaded)
        model = original = folder / FILE_NAME
        if project.train.epochs > 0:
            model = original = self._train(loaded, model)
        kernels: tuple[LayerSparsity, ...] = ()
        left: tuple[str, ...] = ()
        pruned = None
        if project.prune is not None:
            kernels, pruned = self._prune(loaded, model)
            model = pruned
        vectors = self._predict(original, pruned, held)
        if project.quantize.method == "qat":
            left, saved_model = self._quantize(loaded, model)
        else:
            saved_model = self._export(model)
        return replace(
            self._convert(saved_model, held, vectors),
            kernels=kernels,
            masks=None if pruned is None else pruned.with_name(MASKS_NAME),
            left=left,
        )

    def _run_kept(self, loaded: LoadedModel, folder: Path) -> HandOver:
        """Convert a Keras 3 model, which has passed the user's code and rebuilding alike."""
        held = self._data(loaded)
        vectors = self._predict(folder / ANSWERS, None, held)
        return self._convert(folder / CONVERTED, held, vectors)

    def _run_saved_model(self, loaded: LoadedModel, source: Path) -> HandOver:
        project = self._project
        if project.learns:
            raise UnsupportedModelError(
                f"{project.model.source}: a SavedModel without Keras layers cannot be trained",
                hint='set [quantize] method = "ptq", without [prune] and the epochs of [train], '
                "or give a .keras or .h5 file of Keras's own layers",
            )
        held = self._data(loaded)
        return self._convert(source, held, self._predict(source, None, held))

    def _load(self) -> tuple[LoadedModel, Path]:
        project = self._project

        def work(draft: Path, progress: Progress) -> LoadedModel:
            trainer = self._processes.trainer
            with trainer.within(patience_seconds(project.model.source, project.directory)):
                return trainer.call(
                    load if self._project.learns else keep,
                    progress,
                    project.model.source,
                    directory=project.directory,
                    out=draft,
                    seed=project.seed,
                    trusted=project.model.trusted,
                    modules=project.model.modules,
                )

        inputs = {
            "source": project.model.source,
            "content": fingerprint(project.model.source, project.directory),
            "trusted": project.model.trusted,
            "modules": code_of(project.directory) if project.model.modules else "",
            "learns": project.learns,
            "seed": project.seed,
            "versions": versions(),
            "threads": threads(),
            "edgekit": __version__,
        }
        return self._stages.run("load", inputs, LoadedModel, work)

    def _data(self, loaded: LoadedModel) -> HeldOut:
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
                context=training_of(self._project, loaded.loss),
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
                context=training_of(self._project, loaded.loss),
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
                context=training_of(self._project, loaded.loss),
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

    def _predict(self, original: Path, pruned: Path | None, held: HeldOut) -> Path:
        """Write the validation samples with the float models' outputs beside them."""

        def answered(vectors: Vectors, progress: Progress) -> Vectors:
            trainer = self._processes.trainer
            outputs = trainer.call(predict, progress, original, vectors.inputs)
            if pruned is None:
                return replace(vectors, float_outputs=outputs)
            after = trainer.call(predict, progress, pruned, vectors.inputs)
            return replace(vectors, float_outputs=outputs, pruned_outputs=after)

        return predict_stage(self._stages, held, answered)

    def _loss_code(self) -> str:
        """Return a digest of the project's own loss, or nothing where it names one of Keras."""
        loss = self._project.train.loss
        return fingerprint(loss, self._project.directory) if is_function(loss) else ""

    def _convert(self, saved_model: Path, held: HeldOut, vectors: Path) -> HandOver:
        spec = self._project.quantize

        def work(draft: Path, progress: Progress) -> Converted:
            converter, given = self._processes.converter, held.calibration()
            if spec.method == "qat" or spec.converted != "int8":
                content = converter.call(
                    convert, progress, saved_model, given, io=spec.io, scheme=spec.converted
                )
                return keep_model(draft, content, spec)
            floating = converter.call(calibrated, progress, saved_model, given)
            found = calibrated_ranges(ModelFile.of(floating), held, spec, progress)
            content = converter.call(quantized, progress, floating, found.ranges, io=spec.io)
            return keep_model(draft, content, spec, floating=floating, doubts=found.doubts)

        return hand_over(
            work,
            held=held,
            vectors_path=vectors,
            project=self._project,
            stages=self._stages,
        )
