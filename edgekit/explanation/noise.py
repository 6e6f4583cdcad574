"""How much rounding there is in each operator's output: a line an operator, for reports."""

import math
from typing import TYPE_CHECKING

import numpy as np

from edgekit.errors import ToolError, UnsupportedModelError
from edgekit.explanation.observation import observe
from edgekit.model.float_twin import check_one_input, float_twin
from edgekit.record.verification import Noise
from edgekit.runtimes import litert

if TYPE_CHECKING:
    import numpy.typing as npt

    from edgekit.model.file import ModelFile
    from edgekit.runtimes.process import Progress

SAMPLES = 64
"""On which the ratios are taken: sums over all values of a tensor, which few samples settle."""
_VALUES = 2**26  # of all operators and samples: a model with a million a sample and more gets fewer
_FEWEST = 4


def noise(
    file: "ModelFile", inputs: "npt.NDArray[np.float32]", *, progress: "Progress"
) -> tuple[Noise, ...]:
    """Return the noise of each operator of an integer model, against its own graph on real numbers.

    The weights are those of the file on both sides: their rounding is not in it.

    Args:
        file: The model.
        inputs: Samples as the float model takes them, shape ``(samples, *input shape without
            the batch)``; `SAMPLES` of them are taken, evenly spaced, fewer of large models.
        progress: Told what goes on.

    Returns:
        Nothing for a model with several inputs, and for one that LiteRT does not run.
    """
    model = file.model
    graph = model.main
    written = [place for item in graph.operators for place in item.outputs]
    values = sum(graph.tensors[place].elements for place in written)
    count = max(_FEWEST, min(SAMPLES, _VALUES // max(1, values)))
    places = np.unique(np.linspace(0, len(inputs) - 1, count).round().astype(int))
    try:
        check_one_input(model)
        with litert.Session() as session:
            observed = observe(session, model, float_twin(model), inputs[places], progress)
    except (ToolError, UnsupportedModelError):  # better a report without these lines than none
        return ()
    return tuple(
        Noise(
            index=item.index,
            op=item.op,
            sqnr_db=item.sqnr_db if math.isfinite(item.sqnr_db) else None,
        )
        for item in observed
    )
