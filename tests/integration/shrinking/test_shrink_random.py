"""Random graphs keep every output byte through all passes, in TFLite-Micro and LiteRT."""

from typing import TYPE_CHECKING

import numpy as np
import pytest
from random_graphs import random_graph

from edgekit.errors import EdgekitError
from edgekit.model.file import ModelFile
from edgekit.model.macs import macs
from edgekit.model.reader import read
from edgekit.model.writer import write
from edgekit.runtimes import litert, tflm
from edgekit.shrinking.coding import CodedTensor, with_decode
from edgekit.shrinking.encoders import ENCODERS
from edgekit.shrinking.oracle import Oracle
from edgekit.shrinking.proof import first_difference, proof_vectors
from edgekit.shrinking.refusal import require_shrinkable
from edgekit.shrinking.shrink import lossless

if TYPE_CHECKING:
    from collections.abc import Iterator

GRAPHS = 320
GROUP = 20  # seeds a test
VECTORS = 16  # edge values, bands and noise

Sessions = tuple[tflm.Session, litert.Session]


@pytest.fixture(scope="module")
def sessions() -> "Iterator[Sessions]":
    with tflm.Session() as micro, litert.Session() as light:
        yield micro, light


def total_macs(content: bytes) -> int:
    graph = read(content).main
    return sum(macs(graph, operator) for operator in graph.operators)


@pytest.mark.parametrize("first", range(0, GRAPHS, GROUP))
def test_outputs_stay(sessions: Sessions, first: int) -> None:
    micro, light = sessions
    smaller = 0
    for seed in range(first, first + GROUP):
        content = random_graph(seed)
        file = ModelFile.of(content)
        slim = lossless(file, Oracle(micro, light))[0].content
        inputs = proof_vectors(file.model, count=VECTORS)
        assert first_difference(content, slim, inputs, micro) is None, f"seed {seed}"
        assert first_difference(content, slim, inputs, light) is None, f"seed {seed}"
        assert len(slim) < len(content)
        smaller += total_macs(slim) < total_macs(content)
    assert smaller >= GROUP // 5  # half of all graphs lose channels; a pass that does nothing fails


def test_damaged_files_are_refused_in_a_sentence(sessions: Sessions) -> None:
    rng = np.random.default_rng(0)
    refused = 0
    for seed in range(40):
        content = bytearray(random_graph(seed))
        for place in rng.integers(0, len(content), 3):
            content[place] = rng.choice([0, 1, 255, rng.integers(256)])
        try:
            require_shrinkable(read(bytes(content)))
            lossless(ModelFile.of(bytes(content)), Oracle(*sessions))
        except EdgekitError as error:
            assert "\n" not in error.message
            refused += 1
    assert refused > 10  # others are changed in a weight or a name


@pytest.mark.parametrize("coding", ENCODERS)
def test_coded_weights_stay(sessions: Sessions, coding: str) -> None:
    """Code every tensor that can be, worth it or not, and compare."""
    micro, _ = sessions
    tensors = 0
    for seed in range(30):
        content = random_graph(seed)
        model = read(content)
        codable = {
            operator.inputs[1]: model.main.tensors[operator.inputs[1]]
            for operator in model.main.operators
            if operator.op in {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"}
        }
        coded = [
            CodedTensor(tensor=index, coding=coding, coded=made, saved_bytes=0)
            for index, tensor in codable.items()
            if (made := ENCODERS[coding](tensor)) is not None
        ]
        decoding = write(with_decode(model, coded))
        inputs = proof_vectors(ModelFile.of(content).model, count=VECTORS)
        assert first_difference(content, decoding, inputs, micro) is None, f"seed {seed}"
        tensors += len(coded)
    assert tensors > 50
