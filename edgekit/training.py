"""The half of a build that trains and converts: from a project to a `.tflite` and its vectors."""

from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgekit import __version__
from edgekit.artifacts import write_bytes
from edgekit.data import Dataset, load_held_out
from edgekit.errors import InputError, UnsupportedModelError
from edgekit.fingerprint import fingerprint, versions
from edgekit.flatbuffer.integer import require_integer
from edgekit.flatbuffer.model import read
from edgekit.hook import is_hook
from edgekit.process import Progress, Worker
from edgekit.sources import RANDOM
from edgekit.train.convert import convert, warm
from edgekit.train.export import export
from edgekit.train.fit import Trained, train
from edgekit.train.load import FILE_NAME, LoadedModel, load
from edgekit.train.predict import predict
from edgekit.train.prune import LayerSparsity, Pruned, prune
from edgekit.train.quantize import Quantized, quantize_aware
from edgekit.vectors import FILE_NAME as VECTORS_NAME
from edgekit.vectors import Vectors, load_vectors, save_vectors

if TYPE_CHECKING:
    from typing import Self

    from edgekit.project import Project
    from edgekit.stages import Stages

MODEL_NAME = "model.tflite"
_CALIBRATION_NAME = "calibration.npy"
_VALIDATION_NAME = "validation.npz"
_SAVED_MODEL_NAME = "saved_model"


@dataclass(frozen=True, kw_only=True, slots=True)
class DataSummary:
    """How many samples each purpose got.

    Args:
        train_samples: Left for the training.
        calibration_samples: Held out of the training.
        validation_samples: Held out of both.
        is_random: Whether the samples are chance, and no accuracy can be claimed.
        has_labels: Whether accuracy can be told.
        notes: The numbers, in words.
        overlaps: A sentence for each pair of sets that share samples.
    """

    train_samples: int
    calibration_samples: int
    validation_samples: int
    is_random: bool
    has_labels: bool
    notes: tuple[str, ...]
    overlaps: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Exported:
    """What was written for the converter."""

    folder: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Predicted:
    """How many samples the float models were run on."""

    samples: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Converted:
    """The size of the file that the converter wrote."""

    bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Border:
    """What crosses from the training half to the rest.

    Args:
        model: The fully-integer `.tflite` file.
        vectors: The ``vectors.npz`` with validation samples and the float model's outputs.
        data: How many samples each purpose got.
        kernels: Zeros asked and reached, by layer; empty without pruning.
        left: Layers that quantization-aware training could not take.
    """

    model: Path
    vectors: Path
    data: DataSummary
    kernels: tuple[LayerSparsity, ...] = ()
    left: tuple[str, ...] = ()


def train_half(project: "Project", stages: "Stages") -> Border:
    """Load, train, prune, quantize and convert as ``project`` says, reusing finished stages.

    Raises:
        EdgekitError: What the user must put right.
    """
    _check(project)
    with _Processes(project.directory) as processes:
        return _Half(project, stages, processes).run()


def stages_of(project: "Project") -> tuple[str, ...]:
    """Return the names of the stages that ``project`` asks for, in their order."""
    steps = {
        "load": True,
        "data": True,
        "train": project.train.epochs > 0,
        "prune": project.prune is not None,
        "predict": True,
        "quantize": project.quantize.method == "qat",
        "export": project.quantize.method == "ptq",
        "convert": True,
    }
    return tuple(name for name, wanted in steps.items() if wanted)


def _check(project: "Project") -> None:
    learns = project.train.epochs > 0 or project.prune or project.quantize.method == "qat"
    if project.data.source == RANDOM and learns:
        raise InputError(
            "random data cannot train a model",
            hint='for size and fit alone set [quantize] method = "ptq" and take away [prune] '
            "and the epochs of [train]",
        )


class _Processes:
    """TensorFlow's process and the converter's, started when they are first needed."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._opened = ExitStack()

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    @cached_property
    def trainer(self) -> Worker:
        started = self._opened.enter_context(Worker("TensorFlow", search=(self._directory,)))
        _ = self.converter  # what is trained anew is converted anew: it can import meanwhile
        return started

    @cached_property
    def converter(self) -> Worker:
        started = self._opened.enter_context(Worker("the TFLite converter"))
        started.begin(warm)
        return started


class _Half:
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
        return Border(
            model=self._convert(saved_model, samples),
            vectors=vectors,
            data=data,
            kernels=kernels,
            left=left,
        )

    def _run_saved_model(self, loaded: LoadedModel, source: Path) -> Border:
        project = self._project
        if project.prune is not None or project.quantize.method == "qat" or project.train.epochs:
            raise UnsupportedModelError(
                f"{project.model.source}: a SavedModel without Keras layers cannot be trained",
                hint='save the model as .keras or .h5, or set [quantize] method = "ptq" alone',
            )
        data, samples = self._data(loaded)
        vectors = self._predict(source, None, samples)
        return Border(model=self._convert(source, samples), vectors=vectors, data=data)

    def _load(self) -> tuple[LoadedModel, Path]:
        project = self._project

        def work(draft: Path, progress: Progress) -> LoadedModel:
            return self._processes.trainer.call(
                load,
                progress,
                project.model.source,
                directory=project.directory,
                out=draft,
                seed=project.seed,
            )

        inputs = {
            "source": project.model.source,
            "content": fingerprint(project.model.source, project.directory),
            "seed": project.seed,
            "versions": versions(),
            "edgekit": __version__,
        }
        return self._stages.run("load", inputs, LoadedModel, work)

    def _data(self, loaded: LoadedModel) -> tuple[DataSummary, Path]:
        project = self._project

        def work(draft: Path, progress: Progress) -> DataSummary:
            held_out = self._processes.trainer.call(
                load_held_out,
                progress,
                project.data,
                directory=project.directory,
                input_shape=loaded.input_shape,
                output_shape=loaded.output_shape,
                seed=project.seed,
            )
            np.save(draft / _CALIBRATION_NAME, held_out.x_calibration)
            save_vectors(
                draft / _VALIDATION_NAME,
                Vectors(inputs=held_out.x_validation, labels=held_out.y_validation),
            )
            return _summary(held_out)

        inputs = {
            "spec": asdict(project.data),
            "content": fingerprint(project.data.source, project.directory),
            "seed": project.seed,
        }
        return self._stages.run("data", inputs, DataSummary, work)

    def _train(self, loaded: LoadedModel, model: Path) -> Path:
        def work(draft: Path, progress: Progress) -> Trained:
            return self._processes.trainer.call(
                train,
                progress,
                model,
                loss=loaded.loss,
                spec=self._project.train,
                data=self._project.data,
                directory=self._project.directory,
                seed=self._project.seed,
                out=draft / FILE_NAME,
            )

        inputs = {"train": asdict(self._project.train), "loss": self._loss_code()}
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
                directory=self._project.directory,
                seed=self._project.seed,
                out=draft / FILE_NAME,
            )

        inputs = {
            "prune": asdict(spec),
            "train": asdict(self._project.train),
            "loss": self._loss_code(),
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
                directory=self._project.directory,
                seed=self._project.seed,
                out=draft / _SAVED_MODEL_NAME,
            )

        inputs = {
            "quantize": asdict(self._project.quantize),
            "train": asdict(self._project.train),
            "loss": self._loss_code(),
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
            vectors = load_vectors(samples / _VALIDATION_NAME)
            outputs = trainer.call(predict, progress, original, vectors.inputs)
            if not np.isfinite(outputs).all():
                raise UnsupportedModelError(
                    "the float model's outputs hold NaN or infinity: its weights are broken",
                    hint="train it again, or with a lower learning rate",
                )
            if pruned is not None:
                after = trainer.call(predict, progress, pruned, vectors.inputs)
                vectors = replace(vectors, pruned_outputs=after)
            save_vectors(draft / VECTORS_NAME, replace(vectors, float_outputs=outputs))
            return Predicted(samples=len(vectors.inputs))

        return self._stages.run("predict", {}, Predicted, work)[1] / VECTORS_NAME

    def _loss_code(self) -> str:
        """Return a digest of the project's own loss, or nothing where it names one of Keras."""
        loss = self._project.train.loss
        return fingerprint(loss, self._project.directory) if is_hook(loss) else ""

    def _convert(self, saved_model: Path, samples: Path) -> Path:
        io, scheme = self._project.quantize.io, self._project.quantize.scheme

        def work(draft: Path, progress: Progress) -> Converted:
            calibration = np.load(samples / _CALIBRATION_NAME, allow_pickle=False)
            content = self._processes.converter.call(
                convert, progress, saved_model, calibration, io=io, scheme=scheme
            )
            if scheme in ("int8", "int16x8"):
                require_integer(read(content), io=io)
            write_bytes(draft / MODEL_NAME, content)
            return Converted(bytes=len(content))

        return (
            self._stages.run("convert", {"io": io, "scheme": scheme}, Converted, work)[1]
            / MODEL_NAME
        )


def _summary(held_out: Dataset) -> DataSummary:
    return DataSummary(
        train_samples=held_out.train_samples,
        calibration_samples=len(held_out.x_calibration),
        validation_samples=len(held_out.x_validation),
        is_random=held_out.is_random,
        has_labels=held_out.y_validation is not None,
        notes=held_out.notes,
        overlaps=held_out.overlaps,
    )
