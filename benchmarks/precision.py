"""Accuracy, size and memory against the bits of a weight, rounded after training or trained for.

    python benchmarks/precision.py --out docs/precision-table.md

With ``--keep FOLDER`` trained networks and finished lines stay there, and are not made again.

Each task's network is trained once in float; every line starts from it. A real precision is a
file that TFLite-Micro runs; a simulated one is run from a file of int8 weights (float32 ones for
float8) that take its values alone. Every accuracy is that of TFLite-Micro's wheel on the whole
test set. MNIST and the spoken digits are read from ../shared/data, and left out where they are
not there.
"""

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from edgekit.data.reference import Vectors
from edgekit.data.samples import Dataset, load_held_out
from edgekit.devices.profile import load_target
from edgekit.files.whole_files import write_bytes, write_text
from edgekit.fit.check import check
from edgekit.model.file import ModelFile
from edgekit.model.reader import read
from edgekit.model.writer import write
from edgekit.quantization.bias_correction import correct_biases
from edgekit.quantization.coarse_weights import coarsened, packed_bytes
from edgekit.runtimes import tflm
from edgekit.runtimes.process import Worker, silent
from edgekit.shrinking.diet import diet
from edgekit.specs import Converted, DataSpec, QuantizeSpec, TrainSpec
from edgekit.training.aware.quantize import quantize_aware
from edgekit.training.context import TrainingContext
from edgekit.training.converter import convert
from edgekit.training.export import export
from edgekit.training.fit import train
from edgekit.training.load.load import load
from edgekit.verification.verify import verify

HERE = Path(__file__).parent
SHARED = HERE.parent.parent / "shared" / "data"
MNIST = SHARED / "mnist" / "mnist.npz"
RECORDINGS = SHARED / "fsdd" / "fsdd_8k_1s.npz"
BOARD = "nucleo-l4r5zi"


@dataclass(frozen=True, kw_only=True)
class Task:
    """Data, a network and how long it is trained."""

    title: str
    name: str
    source: str
    shape: tuple[int, ...]
    data: DataSpec
    train: TrainSpec
    qat_epochs: int
    needs: Path | None = None


TASKS = (
    Task(
        title="scikit-learn's digits",
        name="digits",
        source="networks:digits_keras3",
        shape=(8, 8, 1),
        data=DataSpec(source="networks:digits_data", scale=1 / 16),
        train=TrainSpec(epochs=20),
        qat_epochs=6,
    ),
    Task(
        title="MNIST",
        name="mnist",
        source="networks:mnist_keras3",
        shape=(28, 28, 1),
        data=DataSpec(source=str(MNIST), scale=1 / 255),
        train=TrainSpec(epochs=4, batch_size=128),
        qat_epochs=1,
        needs=MNIST,
    ),
    Task(
        title="Spoken digits",
        name="speech",
        source="spoken_digits:network",
        shape=(49, 20, 1),
        data=DataSpec(source="spoken_digits:data"),
        train=TrainSpec(epochs=25, batch_size=64, learning_rate=2e-3),
        qat_epochs=6,
        needs=RECORDINGS,
    ),
)
PRECISIONS: dict[str, QuantizeSpec | None] = {
    "float32": None,
    "int8": QuantizeSpec(),
    "int16x8": QuantizeSpec(scheme="int16x8"),
    "int4": QuantizeSpec(scheme="int4"),
    "float8 weights, simulated": QuantizeSpec(simulate="fp8"),
    "4-bit weights, simulated": QuantizeSpec(simulate="int4"),
    "2-bit weights, simulated": QuantizeSpec(simulate="int2"),
    "1-bit weights, simulated": QuantizeSpec(simulate="binary"),
}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table.

    Args:
        precision: What the weights are.
        rounded: Accuracy in [0, 1] after post-training quantization.
        corrected: The same with biases corrected; None where that has no meaning.
        trained: After quantization-aware training; None where there is none.
        file_bytes: Without names and metadata; of a simulated file, if its weights were packed.
        arena_bytes: Least in TFLite-Micro's wheel; None of a simulated file.
        board_bytes: Predicted for the board, with CMSIS-NN.
    """

    precision: str
    rounded: float
    corrected: float | None = None
    trained: float | None = None
    file_bytes: int
    arena_bytes: int | None = None
    board_bytes: int | None = None


class Bench:
    """A trained network of one task, and what becomes of it in each precision."""

    def __init__(self, task: Task, folder: Path) -> None:
        self._task = task
        self._folder = folder
        self._trainer = Worker("TensorFlow", search=(HERE,))
        self._converter = Worker("the TFLite converter")
        self._common = {"data": task.data, "directory": HERE, "seed": 0}
        if not (folder / "exported").is_dir():
            self._train()
        self.samples = self._held_out()
        self._float = self._rounded("float32")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._trainer.close()
        self._converter.close()

    def _train(self) -> None:
        folder, task = self._folder, self._task
        loaded = self._trainer.call(load, silent, task.source, directory=HERE, out=folder)
        self._trainer.call(
            train,
            silent,
            folder / "model.h5",
            out=folder / "trained.h5",
            context=TrainingContext(loss=loaded.loss, train=task.train, **self._common),
        )
        self._trainer.call(export, silent, folder / "trained.h5", out=folder / "exported")

    def _held_out(self) -> Dataset:
        return self._trainer.call(
            load_held_out,
            silent,
            self._task.data,
            directory=HERE,
            input_shape=self._task.shape,
            output_shape=(10,),
            seed=0,
        )

    def row(self, precision: str, spec: QuantizeSpec | None) -> Row:
        """Quantize after the training and in a training; None: leave a file of float32."""
        if spec is None:
            return self._row(precision, self._float, rounded=self._accuracy(self._float))
        rounded = self._coarsened(self._rounded(spec.converted), spec)
        corrected = trained = None
        if spec.converted == "int8":
            calibration = self.samples.x_calibration
            better = correct_biases(
                silent, ModelFile.of(rounded), ModelFile.of(self._float), calibration
            ).content
            corrected = self._accuracy(better)
            trained = self._accuracy(self._trained(spec))
        return self._row(
            precision,
            rounded,
            spec=spec,
            rounded=self._accuracy(rounded),
            corrected=corrected,
            trained=trained,
        )

    def _row(
        self, precision: str, content: bytes, *, spec: QuantizeSpec | None = None, **scores: float
    ) -> Row:
        slim = write(diet(read(content)))
        if spec is not None and spec.simulate is not None:
            packed = packed_bytes(read(slim), spec.simulate)
            return Row(precision=precision, file_bytes=round(packed.value), **scores)
        with tflm.Session() as session:
            arena = session.minimum_arena_bytes(ModelFile.of(slim))
        board = check(ModelFile.of(slim), load_target(BOARD)).arena_bytes
        return Row(
            precision=precision,
            file_bytes=len(slim),
            arena_bytes=arena,
            board_bytes=None if board is None else round(board.value),
            **scores,
        )

    def _trained(self, spec: QuantizeSpec) -> bytes:
        self._trainer.call(
            quantize_aware,
            silent,
            self._folder / "trained.h5",
            spec=QuantizeSpec(
                method="qat",
                epochs=self._task.qat_epochs,
                scheme=spec.scheme,
                simulate=spec.simulate,
            ),
            out=self._folder / "saved",
            context=TrainingContext(loss="", train=self._task.train, **self._common),
        )
        return self._coarsened(self._converted(self._folder / "saved", spec.converted), spec)

    def _rounded(self, scheme: Converted) -> bytes:
        """Return the file of post-training quantization, made once."""
        kept = self._folder / f"{scheme}.tflite"
        if not kept.is_file():
            write_bytes(kept, self._converted(self._folder / "exported", scheme))
        return kept.read_bytes()

    def _converted(self, saved_model: Path, scheme: Converted) -> bytes:
        return self._converter.call(
            convert, silent, saved_model, self.samples.x_calibration, scheme=scheme
        )

    def _coarsened(self, content: bytes, spec: QuantizeSpec) -> bytes:
        return write(coarsened(read(content), spec).model)

    def _accuracy(self, content: bytes) -> float:
        vectors = Vectors(inputs=self.samples.x_validation, labels=self.samples.y_validation)
        score = verify(ModelFile.of(content), vectors, runtimes=("tflite-micro",)).runtimes[0].score
        assert score is not None
        return score.value


def table(task: Task, folder: Path) -> Iterator[str]:
    """Yield the lines of one task's table."""
    with Bench(task, folder) as bench:
        count = len(bench.samples.x_validation)
        yield f"\n### {task.title}\n"
        yield f"{count:,} test samples: one is {100 / count:.2f} points.\n"
        yield (
            "| weights | post-training | + bias correction | trained for it | file, B "
            "| arena in the wheel, B | arena on a Cortex-M4, B |"
        )
        yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
        for precision, spec in PRECISIONS.items():
            kept = folder / f"{precision}.txt"
            if not kept.is_file():
                write_text(kept, line(bench.row(precision, spec)))
            yield kept.read_text(encoding="utf-8")


def line(row: Row) -> str:
    """Return one line of a table; what there is not is a dash, a predicted size has a tilde."""
    scores = [
        "—" if score is None else f"{score:.2%}"
        for score in (row.rounded, row.corrected, row.trained)
    ]
    file = f"{row.file_bytes:,}" if row.arena_bytes else f"~{row.file_bytes:,}"
    arenas = ["—" if size is None else f"{size:,}" for size in (row.arena_bytes, row.board_bytes)]
    return f"| {' | '.join([row.precision, *scores, file, *arenas])} |"


def main() -> None:
    """Print the tables, and write them where that is asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="a markdown file to write")
    parser.add_argument("--keep", type=Path, help="a folder for what is trained and measured")
    parser.add_argument("--task", choices=[task.name for task in TASKS], help="this one alone")
    arguments = parser.parse_args()
    lines: list[str] = []
    with tempfile.TemporaryDirectory() as drafts:
        folder = arguments.keep or Path(drafts)
        for task in TASKS:
            there = task.needs is None or task.needs.is_file()
            if arguments.task in {None, task.name} and there:
                for text in table(task, folder / task.name):
                    print(text, flush=True)
                    lines.append(text)
    if arguments.out is not None:
        arguments.out.write_text("\n".join(lines).lstrip() + "\n")


if __name__ == "__main__":
    main()
