"""What a build would do, told without doing it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgekit.files.results import few, save_json, told

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What a build would do.

    Args:
        stages: In their order.
        targets: Devices, as the project names them.
        run_directory: Where the files would be.
        seed: Of every random choice.
        metric: Of the task, or ``"auto"``.
        options: Each table of the project, as JSON values.
    """

    stages: tuple[str, ...]
    targets: tuple[str, ...]
    run_directory: "Path"
    seed: int
    metric: str
    options: "Mapping[str, object]"

    def __repr__(self) -> str:
        return told(
            "Plan",
            stages=few(self.stages, most=len(self.stages)),
            targets=few(self.targets),
            run_directory=self.run_directory,
            seed=self.seed,
            metric=self.metric,
            options=", ".join(self.options),
        )

    def save(self, path: "str | Path") -> None:
        """Write what ``edgekit build --plan --json`` prints to ``path``."""
        save_json(path, "plan", to_json(self))


def to_json(plan: Plan) -> dict[str, object]:
    """Return the keys of ``edgekit build --plan --json``."""
    return {
        "stages": list(plan.stages),
        "targets": list(plan.targets),
        "run directory": str(plan.run_directory),
        "seed": plan.seed,
        "metric": plan.metric,
        **plan.options,
    }
