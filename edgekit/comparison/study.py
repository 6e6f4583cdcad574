"""A study: the points of one project weighed against each other, as a value and as JSON."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.comparison import choice
from edgekit.comparison.result import to_json as result_json
from edgekit.files.results import few, save_json, told
from edgekit.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgekit.comparison.choice import Basis
    from edgekit.comparison.result import Result
    from edgekit.project.project import Project
    from edgekit.specs import Limits

SCHEMA = "edgekit.compare/1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Study:
    """What a study found out.

    Args:
        directory: Where its files are.
        name: Of the model.
        seed: Of every point.
        data: Their source.
        limits: That every point was held against.
        results: The points, in the order asked.
        basis: What they are weighed by.
        front: The real points of which none other is smaller and as good.
        cheapest: The real point of least flash that meets every limit, or None.
        nearest: Where none does: the one that comes nearest, or None.
        notes: What the reader must know of the points together.
    """

    directory: Path
    name: str
    seed: int
    data: str
    limits: "Limits"
    results: "tuple[Result, ...]"
    basis: "Basis"
    front: "tuple[Result, ...]"
    cheapest: "Result | None"
    nearest: "Result | None"
    notes: tuple[str, ...]

    @property
    def metric(self) -> str | None:
        """The metric of all points, or None where no accuracy is claimed."""
        return next((item.metric for item in self.results if item.metric), None)

    @property
    def passed(self) -> bool:
        """Whether a point meets every limit."""
        return self.cheapest is not None

    def save(self, path: str | Path) -> None:
        """Write what ``study.json`` holds to ``path``."""
        save_json(path, "compare", to_json(self))

    def __repr__(self) -> str:
        built = sum(item.is_built for item in self.results)
        return told(
            f"Study of {self.name}: {'passed' if self.passed else 'FAILED'}",
            directory=self.directory,
            points=f"{len(self.results)}, {built} built",
            metric=self.metric,
            front=few(item.name for item in self.front),
            cheapest=self.cheapest and self.cheapest.name,
            nearest=self.nearest and self.nearest.name,
            notes=few(self.notes, most=1),
        )


def weigh(project: "Project", results: "Sequence[Result]", *, directory: Path) -> Study:
    """Return the study of ``project`` whose points came out as ``results``."""
    basis = choice.basis(results)
    cheapest = choice.cheapest(results, basis)
    return Study(
        directory=directory,
        name=project.name,
        seed=project.seed,
        data=project.data.source,
        limits=project.limits,
        results=tuple(results),
        basis=basis,
        front=choice.front(results, basis),
        cheapest=cheapest,
        nearest=None if cheapest is not None else choice.nearest(results, basis),
        notes=_notes(project, results, basis),
    )


def to_json(study: Study) -> dict[str, object]:
    """Return what ``study.json`` says besides its schema; no path of this machine, no time."""
    return {
        "name": study.name,
        "edgekit": __version__,
        "seed": study.seed,
        "data": study.data,
        "limits": asdict(study.limits),
        "passed": study.passed,
        "points": [result_json(item) for item in study.results],
        "basis": asdict(study.basis),
        "pareto": [item.name for item in study.front],
        "cheapest": study.cheapest and study.cheapest.name,
        "nearest": study.nearest and study.nearest.name,
        "notes": study.notes,
    }


def _notes(project: "Project", results: "Sequence[Result]", basis: "Basis") -> tuple[str, ...]:
    built = [item for item in results if item.is_built]
    notes = []
    if built and all(item.accuracy is None for item in built):
        notes.append("no accuracy is claimed: the data are random or have no labels")
    elif project.limits.largest_drop is None:
        notes.append(
            "limits.accuracy_drop is not set: nothing keeps a point that is often wrong from "
            "being the cheapest"
        )
    if any(item.simulated for item in built):
        notes.append(
            "simulated points answer as their precision would, but no kernel runs them: their "
            "size is what one would make of them, and none is chosen"
        )
    absent = [item for item in built if basis.flash(item) is None]
    if absent:
        names = ", ".join(item.name for item in absent)
        notes.append(f"not in the picture, for they do not run on {basis.target}: {names}")
    return tuple(notes)
