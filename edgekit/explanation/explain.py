"""From a model and samples to the ranked causes of its loss."""

import math
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from edgekit.errors import UnsupportedModelError
from edgekit.explanation.causes import Cause, causes
from edgekit.explanation.effects import Examined
from edgekit.explanation.evidence import Effect, Facts
from edgekit.explanation.observation import Observed, observe
from edgekit.files.results import save_json, told
from edgekit.model.float_twin import check_one_input, float_twin, with_weights_of
from edgekit.model.integer import float_tensors
from edgekit.model.operators import DECODE
from edgekit.model.shapes import check_shapes
from edgekit.model.single_output import scored_output
from edgekit.runtimes import litert
from edgekit.runtimes.process import Progress, silent
from edgekit.runtimes.real import stored_inputs
from edgekit.verification.first_difference import FirstDifference, first_difference
from edgekit.verification.metrics import Score

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from edgekit.data.reference import Vectors
    from edgekit.model.file import ModelFile
    from edgekit.model.values import Model
    from edgekit.record.model import FloatTensor


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """What was found; figures are this host's, from LiteRT's kernels.

    Args:
        samples: How many samples were run.
        has_reference: Whether float weights were given; without, their rounding is unseen.
        reference: The float model's score; None without labels.
        integer: The integer model's.
        whole: Effect of all rounding together.
        operators: The input and each operator on the samples.
        effects: Of the rounding of each operator alone, by its index.
        causes: The likeliest first.
        difference: First difference between the runtimes; None where there is none or it was
            not asked for.
        compared_runtimes: Whether the runtimes were compared.
        origin: Which samples they were taken from, in words, where that is known.
    """

    samples: int
    has_reference: bool
    reference: Score | None
    integer: Score | None
    whole: Effect
    operators: tuple[Observed, ...]
    effects: "Mapping[int, Effect]"
    causes: tuple[Cause, ...]
    difference: FirstDifference | None = None
    compared_runtimes: bool = False
    origin: str = ""

    def save(self, path: "str | Path") -> None:
        """Write what ``edgekit explain --json`` prints to ``path``."""
        save_json(path, "explain", to_json(self))

    def __repr__(self) -> str:
        scores = (("float", self.reference), ("integer", self.integer))
        return told(
            f"Explanation from {self.samples} samples",
            data=self.origin,
            score=", ".join(f"{name} {item.value:.4f}" for name, item in scores if item),
            operators=len(self.operators),
            **{f"cause_{rank}": item.message for rank, item in enumerate(self.causes[:5], 1)},
            difference=self.difference and f"{self.difference.op} at {self.difference.operator}",
        )


def explain(
    file: "ModelFile",
    vectors: "Vectors",
    *,
    reference: "ModelFile | None" = None,
    runtimes: bool = False,
    progress: Progress = silent,
) -> Explanation:
    """Return why an integer model differs from its float model.

    Args:
        file: The integer model, with one input, one output and a batch of 1.
        vectors: Samples as the float model takes them, with labels where there are any.
        reference: The float file of the same model. None: the weights that the integers
            stand for are taken for the float ones.
        runtimes: Whether to look for the first operator at which LiteRT and TFLite-Micro differ.
        progress: Told what goes on.

    Raises:
        InputError: Samples or a reference that do not fit.
        UnsupportedModelError: Several inputs or outputs, shapes that the operators do not give, or
            LiteRT refuses the model.
    """
    model = file.model
    _require_plain(model)
    check_one_input(model)
    scored_output(model.main)
    check_shapes(model)
    with litert.Session() as session:
        # LiteRT is the stricter reader: what it takes, the twin can be made of.
        session.run(file.content, (stored_inputs(model, vectors.inputs[:1]),))
        twin = float_twin(model)
        if reference is not None:
            twin = with_weights_of(twin, reference.model)
        examined = Examined(session, model, twin, vectors)
        observed = observe(session, model, twin, vectors.inputs, progress)
        before, whole = examined.score(examined.real), examined.effect(examined.integer)
        has_classes = before is not None and before.metric == "accuracy"
        facts = Facts(
            model=model,
            twin=twin,
            float_tensors=_inner_floats(model),
            observed=observed,
            effects=examined.effects(observed, progress),
            whole=whole,
            accuracy_loss=(whole.loss or 0.0) if has_classes else 0.0,
        )
    difference = None
    if runtimes:
        stored = stored_inputs(model, vectors.inputs)
        difference = first_difference(file, stored, progress=progress)
    return Explanation(
        samples=len(vectors.inputs),
        has_reference=reference is not None,
        reference=before,
        integer=examined.score(examined.integer),
        whole=whole,
        operators=observed,
        effects=facts.effects,
        causes=causes(facts),
        difference=difference,
        compared_runtimes=runtimes,
    )


def _require_plain(model: "Model") -> None:
    """Refuse a model whose weights are coded: LiteRT, which all is observed in, decodes none."""
    if any(operator.op == DECODE for operator in model.main.operators):
        raise UnsupportedModelError(
            "the model's weights are coded, and LiteRT does not decode them",
            hint="explain the file as it was before 'edgekit shrink' coded it: its outputs are "
            "the same",
        )


def taken(vectors: "Vectors", samples: int) -> "Vectors":
    """Return at most ``samples`` of ``vectors``, evenly spaced: sets may be sorted by class."""
    places = np.unique(np.linspace(0, len(vectors.inputs) - 1, samples).round().astype(int))
    labels = None if vectors.labels is None else vectors.labels[places]
    return replace(
        vectors,
        inputs=vectors.inputs[places],
        labels=labels,
        float_outputs=None,
        pruned_outputs=None,
    )


def effect_of(explanation: Explanation, item: Observed) -> Effect:
    """Return the effect of one operator alone; none where it rounds nothing."""
    return explanation.effects.get(item.index, Effect(sqnr_db=math.inf, loss=None))


def to_json(explanation: Explanation) -> dict[str, object]:
    """Return the keys of ``edgekit explain --json``."""
    return {
        "samples": explanation.samples,
        "data": explanation.origin or None,
        "kind": "host",
        "source": f"LiteRT without delegates, {explanation.samples} samples",
        "float_weights": explanation.has_reference,
        "reference": explanation.reference and asdict(explanation.reference),
        "integer": explanation.integer and asdict(explanation.integer),
        "sqnr_db": _finite(explanation.whole.sqnr_db),
        "operators": [
            {
                "index": item.index,
                "op": item.op,
                "tensor": item.tensor.name,
                "sqnr_db": _finite(item.sqnr_db),
                "beyond_fraction": item.beyond_fraction,
                "range_used": item.range_used,
                "isolated_sqnr_db": _finite(effect_of(explanation, item).sqnr_db),
                "isolated_loss": effect_of(explanation, item).loss,
            }
            for item in explanation.operators
        ],
        "causes": [
            {"rank": rank, **asdict(item)} for rank, item in enumerate(explanation.causes, 1)
        ],
        "runtimes": {"first_difference": explanation.difference and asdict(explanation.difference)}
        if explanation.compared_runtimes
        else None,
    }


def _inner_floats(model: "Model") -> "tuple[FloatTensor, ...]":
    """Return the float tensors but the input and the output, which may be float by choice."""
    graph = model.main
    return float_tensors(model, allowed=(*graph.inputs, *graph.outputs))


def _finite(value: float) -> float | None:
    """Return ``value`` for JSON, which knows no infinity: None where there is no noise."""
    return value if math.isfinite(value) else None
