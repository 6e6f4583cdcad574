"""How a project's layers answer to pruning: measured, as a table and as a picture."""

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.errors import InputError
from edgekit.files.outputs import check_output_file
from edgekit.files.whole_files import write_text
from edgekit.pipeline.keras_stages import training_of
from edgekit.pipeline.stages import Watch, unwatched
from edgekit.project.project import Project, resolve
from edgekit.runtimes.process import Worker
from edgekit.specs import PruneSpec
from edgekit.training.fit import train
from edgekit.training.load.load import FILE_NAME, load, patience_seconds
from edgekit.training.pruning.sensitivity import Sensitivity
from edgekit.training.pruning.sensitivity import sensitivity as measure

if TYPE_CHECKING:
    from edgekit.numerics.sparsity_allocation import LayerCurve

_WIDTH, _HEIGHT = 640, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 150, 16, 40  # margins; the legend stands at the right
_COLOURS = ("#3366aa", "#dd7733", "#339966", "#aa4499", "#888833", "#cc3344", "#44aacc", "#555555")
_SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" \
font-size="12">
<rect width="{width}" height="{height}" fill="#ffffff"/>
{parts}
</svg>
"""


def sensitivity(
    source: str | Path | Project = ".",
    *,
    data: str | None = None,
    seed: int | None = None,
    plot: str | Path | None = None,
    watch: Watch = unwatched,
) -> Sensitivity:
    """Measure what each layer loses when it alone is pruned and nothing is trained after it.

    Args:
        source: A project, or a trained model together with ``data``.
        data: An ``.npz``, ``module:function`` or a folder of images, with labels; of a model, or
            instead of the project's.
        seed: Of the split; None: the project's.
        plot: An ``.svg`` file to write the curves to; None: none.
        watch: Given each stage's name, what is told of its progress.

    Raises:
        EdgekitError: What the user must put right.
    """
    project = resolve(source, data=data, seed=seed)
    if plot is not None:
        named = () if isinstance(source, Project) else (Path(source),)
        check_output_file(Path(plot), (*named, *project.inputs), option="--plot")
    found = _measured(project, watch)
    if plot is not None:
        write_text(Path(plot), to_svg(found))
    return found


def _measured(project: Project, watch: Watch) -> Sensitivity:
    if project.data.is_random:
        raise InputError("random data have no labels to measure with", hint="give data with labels")
    with (
        tempfile.TemporaryDirectory() as folder,
        Worker("TensorFlow", search=project.module_folders) as worker,
    ):
        model, loss = _trained(project, worker, Path(folder), watch)
        with watch("sensitivity") as progress:
            return worker.call(
                measure,
                progress,
                model,
                spec=project.prune or PruneSpec(sparsity=0.5),
                context=training_of(project, loss),
            )


def _trained(project: Project, worker: Worker, folder: Path, watch: Watch) -> tuple[Path, str]:
    """Return the project's model, trained where it asks for that, and the loss that it names."""
    patience = patience_seconds(project.model.source, project.directory)
    with watch("load") as progress, worker.within(patience):
        loaded = worker.call(
            load,
            progress,
            project.model.source,
            directory=project.directory,
            out=folder,
            seed=project.seed,
            trusted=project.model.trusted,
            modules=project.model.modules,
        )
    if project.train.epochs == 0:
        return folder / FILE_NAME, loaded.loss
    trained = folder / "trained.h5"
    with watch("train") as progress:
        worker.call(
            train,
            progress,
            folder / FILE_NAME,
            context=training_of(project, loaded.loss),
            out=trained,
        )
    return trained, loaded.loss


def to_json(found: Sensitivity) -> dict[str, object]:
    """Return the object that ``edgekit sensitivity prune --json`` prints."""
    return asdict(found)


def to_text(found: Sensitivity) -> str:
    """Return a table: a line a layer, a column a sparsity."""
    header = [f"{point.sparsity:.1%}".replace(".0%", "%") for point in found.layers[0].points]
    width = max(len("layer"), *(len(curve.name) for curve in found.layers))
    lines = [
        (
            f"{found.metric} with one layer pruned and nothing trained after it, "
            f"on {found.samples} validation samples"
        ),
        f"{'layer':{width}} {'weights':>9} " + " ".join(f"{item:>7}" for item in header),
    ]
    for curve in found.layers:
        scores = " ".join(f"{point.score:7.4f}" for point in curve.points)
        lines.append(f"{curve.name:{width}} {curve.weights:9,} {scores}")
    if found.frozen:
        lines.append(f"frozen, and so not measured: {', '.join(found.frozen)}")
    return "\n".join(lines) + "\n"


def to_svg(found: Sensitivity) -> str:
    """Return a picture: the metric against the sparsity, a line a layer."""
    scores = [point.score for curve in found.layers for point in curve.points]
    low, high = min(scores), max(scores)
    if high == low:
        low, high = low - 0.5, high + 0.5
    parts = [_axis(low, high, found.metric)]
    for number, curve in enumerate(found.layers):
        parts.append(_line(curve, number, low, high))
    return _SVG.format(width=_WIDTH, height=_HEIGHT, parts="\n".join(parts))


def _line(curve: "LayerCurve", number: int, low: float, high: float) -> str:
    colour = _COLOURS[number % len(_COLOURS)]
    dashes = ' stroke-dasharray="5 3"' if number >= len(_COLOURS) else ""
    places = " ".join(
        f"{_across(point.sparsity):.1f},{_up(point.score, low, high):.1f}" for point in curve.points
    )
    x, y = _WIDTH - _RIGHT + 12, _TOP + 16 * (number + 1)
    return (
        f'<polyline fill="none" stroke="{colour}" stroke-width="2"{dashes} points="{places}"/>\n'
        f'<text x="{x}" y="{y}" fill="{colour}">{_escaped(curve.name)}</text>'
    )


def _axis(low: float, high: float, metric: str) -> str:
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    parts = []
    for tick in (0, 0.25, 0.5, 0.75, 1):
        value, height = low + tick * (high - low), _up(low + tick * (high - low), low, high)
        parts.append(
            f'<line x1="{_LEFT}" x2="{right}" y1="{height:.1f}" y2="{height:.1f}" '
            f'stroke="#dddddd"/>\n<text x="{_LEFT - 6}" y="{height + 4:.1f}" '
            f'text-anchor="end">{value:.3g}</text>\n'
            f'<text x="{_across(tick):.1f}" y="{bottom + 16}" '
            f'text-anchor="middle">{tick:.0%}</text>'
        )
    middle = (_LEFT + right) / 2
    parts.append(
        f'<text x="{middle}" y="{_HEIGHT - 6}" text-anchor="middle">'
        f"sparsity of one layer; up: {metric.replace('_', ' ')}</text>"
    )
    return "\n".join(parts)


def _across(sparsity: float) -> float:
    return _LEFT + sparsity * (_WIDTH - _LEFT - _RIGHT)


def _up(score: float, low: float, high: float) -> float:
    return _HEIGHT - _BOTTOM - (score - low) / (high - low) * (_HEIGHT - _TOP - _BOTTOM)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
