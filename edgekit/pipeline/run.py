"""A finished build as a value: where its files are, and what it found out."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.files.results import few, told
from edgekit.files.whole_files import write_bytes
from edgekit.pipeline.hand_over import MODEL_NAME
from edgekit.record.fit import Fit
from edgekit.reports.manifest import Accuracy, Artifact, Manifest, ModelSummary, read

if TYPE_CHECKING:
    from edgekit.finding import Finding
    from edgekit.record.build import Stage

REPORT_NAME = "report.html"


@dataclass(frozen=True, kw_only=True)  # no slots: its manifest is read once, when it is asked for
class Run:
    """A finished build.

    Args:
        directory: Where its files are.
        manifest: The content of its ``manifest.json``.
        stages: What was done, and how long each took: the content of its ``timings.json``.
        passed: Whether every limit holds.
        reproducible: Whether a second build gave the same bytes, where that was asked.
    """

    directory: Path
    manifest: dict[str, object]
    stages: "tuple[Stage, ...]"
    passed: bool
    reproducible: "Finding | None" = None

    @cached_property
    def facts(self) -> Manifest:
        """The manifest as values."""
        return read(self.manifest)

    @property
    def name(self) -> str:
        """Of the model."""
        return self.facts.name

    @property
    def accuracy(self) -> Accuracy | None:
        """The metric of the float, pruned and integer model; None where none is claimed."""
        return self.facts.accuracy

    @property
    def sparsity(self) -> float | None:
        """Fraction of exact zeros in the pruned kernels; None without pruning."""
        return self.facts.sparsity

    @property
    def targets(self) -> tuple[Fit, ...]:
        """The model on each device."""
        return self.facts.targets

    @property
    def findings(self) -> "tuple[Finding, ...]":
        """Every limit, and whether it holds."""
        again = () if self.reproducible is None else (self.reproducible,)
        return (*self.facts.findings, *again)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a user should know besides."""
        return self.facts.warnings

    @property
    def model(self) -> ModelSummary | None:
        """What is in the finished file."""
        return self.facts.model

    @property
    def files(self) -> tuple[Artifact, ...]:
        """The files that a reader of the run needs, from its directory on."""
        return self.facts.files

    @property
    def model_path(self) -> Path:
        """The finished `.tflite`."""
        return self.directory / MODEL_NAME

    @property
    def report_path(self) -> Path:
        """The report, for a browser."""
        return self.directory / REPORT_NAME

    @property
    def content(self) -> bytes:
        """The finished `.tflite`'s bytes, read from its directory."""
        return self.model_path.read_bytes()

    def save(self, path: str | Path) -> None:
        """Write the finished `.tflite` to ``path``; it appears whole or not at all."""
        write_bytes(Path(path), self.content)

    def __repr__(self) -> str:
        known = self.facts if self.manifest else None
        title = f"Run: {'passed' if self.passed else 'FAILED'}"
        if known is None:
            return told(title, directory=self.directory)
        missed = [item for item in self.findings if not item.passed]
        fits = [f"{item.target}{'' if item.fits else ' (does not fit)'}" for item in known.targets]
        return told(
            title,
            directory=self.directory,
            accuracy=known.accuracy and _scores(known.accuracy),
            sparsity=known.sparsity and f"{known.sparsity:.3f}",
            model=known.model and f"{known.model.bytes:,} B",
            targets=few(fits),
            findings=f"{len(self.findings)} limits, {len(missed)} missed",
            missed=few((item.gate for item in missed), most=3),
            warnings=f"{len(self.warnings)}" if self.warnings else None,
            files=few(item.path for item in self.files),
        )


def _scores(accuracy: Accuracy) -> str:
    named = (("float", accuracy.float_), ("pruned", accuracy.pruned), ("int8", accuracy.int8))
    scores = ", ".join(f"{name} {value:.4f}" for name, value in named if value is not None)
    return f"{scores} ({accuracy.metric})"
