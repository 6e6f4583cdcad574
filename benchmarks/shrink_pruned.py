"""What pruning pays in flash, RAM and time: the second table of docs/shrink.md.

    python benchmarks/shrink_pruned.py WORK_FOLDER [--mnist mnist.npz]

Trains digits (and MNIST) once, prunes single weights and whole channels, and shrinks each result:
single weights with their coding, channels without. Stages are kept in WORK_FOLDER, a folder a
row: another run goes on from there.
"""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

from edgekit.devices.profile import load_target
from edgekit.model.file import ModelFile
from edgekit.pipeline.build import build
from edgekit.pipeline.file_stages import MODEL_NAME
from edgekit.pipeline.run import Run
from edgekit.project.project import Project, load_project
from edgekit.shrinking import Shrunk, shrink
from edgekit.specs import DataSpec, Limits, ModelSpec, PruneSpec, QuantizeSpec, TrainSpec

_HERE = Path(__file__).parent
_RAM_BUDGET_BYTES = 2**18  # more than these models can use: the RAM that coding takes is shown


@dataclass(frozen=True, kw_only=True)
class Row:
    """One way to prune, and whether the weights that are left are coded."""

    title: str
    prune: PruneSpec | None
    coded: bool

    @property
    def folder(self) -> str:
        """The name of the row's run directory; rows that differ in the coding share one."""
        if self.prune is None:
            return "dense"
        sparsity = f"{self.prune.sparsity:.0%}".rstrip("%")
        return f"{self.prune.granularity}-{self.prune.criterion}-{sparsity}"


def rows(epochs: int) -> list[Row]:
    """Return the rows of one data set, each pruned over as many ``epochs``."""

    def spec(sparsity: float, **options: str) -> PruneSpec:
        return PruneSpec(sparsity=sparsity, epochs=epochs, **options)

    found = [
        Row(title="dense", prune=None, coded=False),
        Row(title="dense, coded", prune=None, coded=True),
    ]
    for sparsity in (0.75, 0.9):
        title = f"{sparsity:.0%} of the weights"
        found.append(Row(title=title, prune=spec(sparsity), coded=False))
        found.append(Row(title=f"{title}, coded", prune=spec(sparsity), coded=True))
    found += [
        Row(
            title=f"{sparsity:.0%} of the channels" + (", global" if criterion == "global" else ""),
            prune=spec(sparsity, granularity="channel", criterion=criterion),
            coded=False,
        )
        for criterion in ("ratio", "global")
        for sparsity in (0.3, 0.5, 0.75, 0.9)
    ]
    return found


def main() -> None:
    """Print a row for each data set, way to prune and way to store the weights."""
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=Path)
    parser.add_argument("--mnist", type=Path)
    parser.add_argument("--only", choices=("digits", "mnist"), help="this data set alone")
    arguments = parser.parse_args()
    digits = load_project(_HERE.parent / "examples/digits")
    projects = {"digits": replace(digits, targets=(), limits=Limits())}
    if arguments.mnist is not None:
        projects["mnist"] = _mnist(arguments.mnist.resolve())
    print("| data | pruned | accuracy | flash | arena | MACs | of all |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    for name, project in projects.items():
        if arguments.only in {None, name}:
            _table(name, project, (arguments.work / name).resolve())


def _mnist(source: Path) -> Project:
    return Project(
        directory=_HERE,
        model=ModelSpec(source="mnist_network:make", name="mnist"),
        data=DataSpec(source=str(source), scale=1 / 255),
        train=TrainSpec(epochs=3, batch_size=64),
        prune=PruneSpec(sparsity=0.5, epochs=3),
        quantize=QuantizeSpec(method="qat", epochs=1),
    )


def _table(name: str, project: Project, work: Path) -> None:
    assert project.prune is not None
    dense = build(replace(project, prune=None), out=work / "dense")
    print(f"| {name} | float | {_accuracy(dense)['float']:.4f} | | | | |", flush=True)
    trained = replace(
        project,
        model=replace(project.model, source=str(work / "dense/stages/train/model.h5")),
        train=replace(project.train, epochs=0, loss="sparse_categorical_crossentropy"),
    )
    macs = 0
    for row in rows(project.prune.epochs):
        run = dense if row.prune is None else _built(trained, row, work)
        accuracy = _accuracy(run)["int8"]
        shrunk = _shrunk((run.directory / MODEL_NAME).read_bytes(), coded=row.coded)
        macs = macs or shrunk.macs_after
        figures = (shrunk.after_bytes, shrunk.arena_after_bytes, shrunk.macs_after)
        cells = " | ".join(f"{value:,}" for value in figures)
        share = f"{shrunk.macs_after / macs:.0%}"
        print(f"| {name} | {row.title} | {accuracy:.4f} | {cells} | {share} |", flush=True)


def _built(project: Project, row: Row, work: Path) -> Run:
    return build(replace(project, prune=row.prune), out=work / row.folder)


def _accuracy(run: Run) -> dict[str, float]:
    accuracy = run.manifest["accuracy"]
    assert isinstance(accuracy, dict)
    return accuracy


def _shrunk(content: bytes, *, coded: bool) -> Shrunk:
    if not coded:
        return shrink(ModelFile.of(content))
    return shrink(
        ModelFile.of(content),
        target=load_target("nucleo-l4r5zi"),
        ram_budget_bytes=_RAM_BUDGET_BYTES,
    )


if __name__ == "__main__":
    main()
