"""Accuracy against sparsity, by criterion, in the float, pruned and int8 models.

    python benchmarks/pruning.py --out docs/pruning-table.md

Every row starts from the same trained network: it is pruned, trained with its rounding in mind,
converted, and run in TFLite-Micro on the whole validation set. Zeros are counted in the finished
file. MNIST is read from ../shared/data, and left out where it is not there.
"""

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np

from edgekit.data.reference import Vectors
from edgekit.data.samples import Dataset, load_held_out
from edgekit.model.file import ModelFile
from edgekit.model.inspection import inspect, zero_fraction
from edgekit.model.integer import require_integer
from edgekit.model.reader import read
from edgekit.runtimes.process import Worker, silent
from edgekit.specs import DataSpec, PruneSpec, QuantizeSpec, TrainSpec
from edgekit.training.aware.quantize import quantize_aware
from edgekit.training.context import TrainingContext
from edgekit.training.converter import convert
from edgekit.training.fit import train
from edgekit.training.load.load import load
from edgekit.training.predict import predict
from edgekit.training.pruning.prune import LayerSparsity, prune
from edgekit.verification.verify import verify

HERE = Path(__file__).parent
MNIST = HERE.parent.parent / "shared" / "data" / "mnist" / "mnist.npz"
SPARSITIES = (0.5, 0.75, 0.9)
# For weights of a normal distribution, the multiple of the mean magnitude below which 50, 75 and
# 90 % lie: its quantiles .674, 1.150 and 1.645 over the mean magnitude, .798.
THRESHOLDS = dict(zip(SPARSITIES, (0.845, 1.44, 2.06), strict=True))


@dataclass(frozen=True, kw_only=True)
class Task:
    """Data, a network and how long it is trained."""

    title: str
    name: str
    data: DataSpec
    train: TrainSpec
    prune_epochs: int
    qat_epochs: int


TASKS = (
    Task(
        title="scikit-learn's digits",
        name="digits",
        data=DataSpec(source="networks:digits_data", scale=1 / 16),
        train=TrainSpec(epochs=20),
        prune_epochs=10,
        qat_epochs=4,
    ),
    Task(
        title="MNIST",
        name="mnist",
        data=DataSpec(source=str(MNIST), scale=1 / 255),
        train=TrainSpec(epochs=5, batch_size=128),
        prune_epochs=3,
        qat_epochs=1,
    ),
)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table; accuracies and zeros in [0, 1]."""

    asked: str
    criterion: str
    keras_zeros: float
    file_zeros: float
    pruned_accuracy: float
    int8_accuracy: float


class Bench:
    """A trained network of one task, and what is done with it for each row."""

    def __init__(self, task: Task, library: str, folder: Path) -> None:
        self._task = task
        self._folder = folder
        self._trainer = Worker("TensorFlow", search=(HERE,))
        self._common = {"data": task.data, "directory": HERE, "seed": 0}
        source = f"networks:{task.name}_{library}"
        loaded = self._trainer.call(load, silent, source, directory=HERE, out=folder)
        self._samples: Dataset = self._trainer.call(
            load_held_out,
            silent,
            task.data,
            directory=HERE,
            input_shape=loaded.input_shape,
            output_shape=loaded.output_shape,
            seed=0,
        )
        self._trainer.call(
            train,
            silent,
            folder / "model.h5",
            out=folder / "trained.h5",
            context=TrainingContext(loss=loaded.loss, train=task.train, **self._common),
        )
        self.float_accuracy = self._accuracy(folder / "trained.h5")
        first = self._prune(PruneSpec(sparsity=0.5, epochs=1))
        self.weights = sum(layer.weights for layer in first)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._trainer.close()

    def row(self, asked: str, criterion: str, spec: PruneSpec) -> Row:
        """Prune, quantize and convert as ``spec`` says."""
        layers = self._prune(replace(spec, epochs=self._task.prune_epochs))
        content = self._int8()
        zeros = sum(layer.reached * layer.weights for layer in layers)
        return Row(
            asked=asked,
            criterion=criterion,
            keras_zeros=zeros / self.weights,
            file_zeros=zero_fraction(inspect(read(content)).constants),
            pruned_accuracy=self._accuracy(self._folder / "pruned.h5"),
            int8_accuracy=self._int8_accuracy(content),
        )

    def _prune(self, spec: PruneSpec) -> tuple[LayerSparsity, ...]:
        return self._trainer.call(
            prune,
            silent,
            self._folder / "trained.h5",
            spec=spec,
            out=self._folder / "pruned.h5",
            context=TrainingContext(loss="", train=self._task.train, **self._common),
        ).layers

    def _int8(self) -> bytes:
        self._trainer.call(
            quantize_aware,
            silent,
            self._folder / "pruned.h5",
            spec=QuantizeSpec(method="qat", epochs=self._task.qat_epochs),
            out=self._folder / "saved",
            context=TrainingContext(loss="", train=self._task.train, **self._common),
        )
        calibration = self._samples.x_calibration
        with Worker("the TFLite converter") as converter:
            content = converter.call(convert, silent, self._folder / "saved", calibration)
        require_integer(read(content))
        return content

    def _accuracy(self, model: Path) -> float:
        outputs = self._trainer.call(predict, silent, model, self._samples.x_validation)
        return float(np.mean(outputs.argmax(axis=1) == self._samples.y_validation))

    def _int8_accuracy(self, content: bytes) -> float:
        vectors = Vectors(inputs=self._samples.x_validation, labels=self._samples.y_validation)
        score = verify(ModelFile.of(content), vectors, runtimes=("tflite-micro",)).runtimes[0].score
        assert score is not None
        return score.value


def rows_of(bench: Bench) -> Iterator[Row]:
    """Yield the rows of one task, the same sparsities by every criterion."""
    for sparsity in SPARSITIES:
        asked = f"{sparsity:.0%}"
        size = round(bench.weights * (1 - sparsity)) + -(-bench.weights // 8)
        specs = {
            "ratio": PruneSpec(sparsity=sparsity),
            "threshold": PruneSpec(criterion="threshold", threshold=THRESHOLDS[sparsity]),
            "global": PruneSpec(sparsity=sparsity, criterion="global"),
            "auto": PruneSpec(sparsity="auto", size=size),
        }
        for criterion, spec in specs.items():
            yield bench.row(asked, criterion, spec)
    yield bench.row("2:4", "n by m", PruneSpec(granularity="n_by_m"))


def table(task: Task, folder: Path) -> Iterator[str]:
    """Yield the lines of one task's table, and of the comparison of both Keras under it."""
    with Bench(task, "keras3", folder / "keras3") as bench:
        yield f"\n### {task.title}\n"
        yield f"Float accuracy {bench.float_accuracy:.2%}, {bench.weights:,} prunable weights.\n"
        yield "| asked | criterion | zeros in Keras | zeros in the file | pruned | int8 |"
        yield "| --- | --- | ---: | ---: | ---: | ---: |"
        at_75 = 0.0
        for row in rows_of(bench):
            yield (
                f"| {row.asked} | {row.criterion} | {row.keras_zeros:.1%} | {row.file_zeros:.1%} "
                f"| {row.pruned_accuracy:.2%} | {row.int8_accuracy:.2%} |"
            )
            if (row.asked, row.criterion) == ("75%", "ratio"):
                at_75 = row.int8_accuracy
    with Bench(task, "tf_keras", folder / "tf_keras") as bench:
        row = bench.row("75%", "ratio", PruneSpec(sparsity=0.75))
    yield (
        f"\nThe same network from tf_keras at 75 % by ratio: float {bench.float_accuracy:.2%}, "
        f"int8 {row.int8_accuracy:.2%}; from Keras 3: int8 {at_75:.2%}."
    )


def main() -> None:
    """Print the tables, and write them where that is asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="a markdown file to write")
    parser.add_argument("--task", choices=[task.name for task in TASKS], help="this one alone")
    arguments = parser.parse_args()
    lines: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for task in TASKS:
            if arguments.task in {None, task.name} and (task.name != "mnist" or MNIST.is_file()):
                for line in table(task, Path(folder) / task.name):
                    print(line, flush=True)
                    lines.append(line)
    if arguments.out is not None:
        arguments.out.write_text("\n".join(lines).lstrip() + "\n")


if __name__ == "__main__":
    main()
