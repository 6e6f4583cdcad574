"""Coded weights are explained as they were before the coding."""

import numpy as np
import pytest
from graphs import GraphBuilder

from edgekit.data.reference import Vectors
from edgekit.errors import UnsupportedModelError
from edgekit.explanation.explain import explain
from edgekit.model.file import ModelFile
from edgekit.model.reader import read
from edgekit.model.writer import write
from edgekit.shrinking.coding import CodedTensor, with_decode
from edgekit.shrinking.encoders import ENCODERS


def test_a_file_with_coded_weights_is_refused_with_the_way_on() -> None:
    builder = GraphBuilder((1, 8), seed=1)
    model = read(builder.build(builder.fully_connected(builder.input, 4)))
    weights = model.main.operators[0].inputs[1]
    coded = ENCODERS["pruning"](model.main.tensors[weights])
    assert coded is not None
    item = CodedTensor(tensor=weights, coding="pruning", coded=coded, saved_bytes=0)
    with pytest.raises(UnsupportedModelError, match="LiteRT does not decode") as caught:
        explain(
            ModelFile.of(write(with_decode(model, [item]))),
            Vectors(inputs=np.zeros((2, 8), np.float32)),
        )
    assert "before 'edgekit shrink' coded it" in str(caught.value.hint)
