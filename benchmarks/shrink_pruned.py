"""What pruning pays in flash, RAM and time: the second table of docs/shrink.md.

    python benchmarks/shrink_pruned.py WORK_FOLDER [--mnist mnist.npz]

Builds digits (and MNIST) dense and pruned, and shrinks each result plain and coded. Stages are
kept in WORK_FOLDER: another run goes on from there.
"""

import argparse
from dataclasses import replace
from pathlib import Path

from edgekit.pipeline import MODEL_NAME, build
from edgekit.project import Project, load_project
from edgekit.shrinking import Shrunk, shrink
from edgekit.specs import DataSpec, ModelSpec, PruneSpec, QuantizeSpec, TrainSpec
from edgekit.target import load_target

_HERE = Path(__file__).parent
_SPARSITIES = (None, 0.75, 0.9)
_RAM_BUDGET_BYTES = 2**18  # more than these models can use: the RAM that coding takes is shown


def main() -> None:
    """Print a row for each data set, sparsity and way to store the weights."""
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=Path)
    parser.add_argument("--mnist", type=Path)
    arguments = parser.parse_args()
    projects = {"digits": replace(load_project(_HERE.parent / "examples/digits"), targets=())}
    if arguments.mnist is not None:
        projects["MNIST"] = _mnist(arguments.mnist.resolve())
    print("| data | weights | accuracy | flash | arena | MACs |")
    print("| --- | --- | ---: | ---: | ---: | ---: |")
    for name, project in projects.items():
        for sparsity in _SPARSITIES:
            _rows(name, project, sparsity, arguments.work / name.lower())


def _mnist(source: Path) -> Project:
    return Project(
        directory=_HERE,
        model=ModelSpec(source="mnist_network:make", name="mnist"),
        data=DataSpec(source=str(source), scale=1 / 255),
        train=TrainSpec(epochs=3, batch_size=64),
        quantize=QuantizeSpec(method="qat", epochs=1),
    )


def _rows(name: str, project: Project, sparsity: float | None, out: Path) -> None:
    spec = None if sparsity is None else PruneSpec(sparsity=sparsity, epochs=_prune_epochs(project))
    run = build(replace(project, prune=spec), out=out)
    accuracy = run.manifest["accuracy"]
    assert isinstance(accuracy, dict)
    content = (run.directory / MODEL_NAME).read_bytes()
    title = "dense" if sparsity is None else f"{sparsity:.0%} zeros"
    _row(name, title, accuracy["int8"], shrink(content))
    target = load_target("nucleo-l4r5zi")
    coded = shrink(content, target=target, ram_budget_bytes=_RAM_BUDGET_BYTES)
    _row(name, f"{title}, coded", accuracy["int8"], coded)


def _prune_epochs(project: Project) -> int:
    return 3 if project.prune is None else project.prune.epochs


def _row(name: str, title: str, accuracy: float, result: Shrunk) -> None:
    figures = (result.after_bytes, result.arena_after_bytes, result.macs_after)
    cells = " | ".join(f"{value:,}" for value in figures)
    print(f"| {name} | {title} | {accuracy:.4f} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
