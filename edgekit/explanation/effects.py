"""What the rounding of single operators does to the float model's output and metric."""

from typing import TYPE_CHECKING

import numpy as np

from edgekit.errors import UnsupportedModelError
from edgekit.explanation.evidence import Effect
from edgekit.explanation.observation import Observed, ratio_db
from edgekit.model.float_twin import rounded_at
from edgekit.model.tensor_values import real_values
from edgekit.model.writer import write
from edgekit.runtimes.real import stored_inputs
from edgekit.verification.metrics import Score, drop, score_outputs

if TYPE_CHECKING:
    import numpy.typing as npt

    from edgekit.data.reference import Vectors
    from edgekit.model.values import Model
    from edgekit.runtimes.litert import Session
    from edgekit.runtimes.process import Progress

    Reals = npt.NDArray[np.float32]


class Examined:
    """The models on the samples: their outputs, and what single operators do to them."""

    def __init__(
        self, session: "Session", model: "Model", twin: "Model", vectors: "Vectors"
    ) -> None:
        self._session, self._model, self._twin = session, model, twin
        self._vectors = vectors
        self.real = self._outputs(twin, vectors.inputs)
        stored = stored_inputs(model, vectors.inputs)
        self.integer = self._outputs(model, stored)

    def effects(self, observed: tuple[Observed, ...], progress: "Progress") -> "dict[int, Effect]":
        """Return the effect of each operator that rounds, alone."""
        found = {}
        rounding = [item for item in observed if item.rounds]
        for place, item in enumerate(rounding):
            progress(place, len(rounding), f"{item.op} alone")
            changed = rounded_at(self._twin, self._model, item.index)
            found[item.index] = self.effect(self._outputs(changed, self._vectors.inputs))
        return found

    def effect(self, outputs: "Reals") -> Effect:
        """Return how far ``outputs`` are from the float model's."""
        wanted = self.real.astype(np.float64)
        before, after = self.score(self.real), self.score(outputs)
        return Effect(
            sqnr_db=ratio_db(float(np.sum(wanted**2)), float(np.sum((outputs - wanted) ** 2))),
            loss=None if before is None or after is None else drop(before, after),
        )

    def score(self, outputs: "Reals") -> Score | None:
        """Return the score of ``outputs`` against the labels."""
        labels = self._vectors.labels
        return None if labels is None else score_outputs(outputs, labels)

    def _outputs(self, model: "Model", inputs: "npt.NDArray[np.generic]") -> "Reals":
        tensor = model.main.tensors[model.main.outputs[0]]
        stored = self._session.run(write(model), (inputs,))[0]
        outputs = real_values(stored, tensor)
        if not np.isfinite(outputs).all():
            raise UnsupportedModelError(
                f"the output '{tensor.name}' is not finite on these samples",
                hint="look for NaN in the model's weights and scales with: edgekit inspect",
            )
        return outputs
