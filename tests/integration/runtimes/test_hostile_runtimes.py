"""Sound models that harm the runtime that runs them: it is ended, and the next one starts."""

from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from graphs import GraphBuilder

from edgekit.errors import ToolError, UnsupportedModelError
from edgekit.model.values import Graph, Model, Operator, Tensor
from edgekit.model.writer import write
from edgekit.runtimes import litert, tflm
from edgekit.runtimes.bounds import RUNTIME


def endless() -> bytes:
    """A loop whose condition is a constant: true."""

    def tensor(index: int, dtype: str, data: bytes | None = None) -> Tensor:
        return Tensor(
            index=index, name=f"t{index}", shape=(1,), dtype=dtype, data=data,
            quantization=None, is_variable=False,
        )  # fmt: skip

    def graph(tensors: list[Tensor], operators: list[Operator], output: int) -> Graph:
        return Graph(
            name="", tensors=tuple(tensors), operators=tuple(operators),
            inputs=(0,), outputs=(output,),
        )  # fmt: skip

    def operator(op: str, inputs: tuple[int, ...], output: int, options: object) -> Operator:
        return Operator(
            index=0, op=op, version=1, inputs=inputs, outputs=(output,), options=options
        )

    loop = schema.WhileOptionsT()
    loop.condSubgraphIndex, loop.bodySubgraphIndex = 1, 2
    true, one = tensor(1, "bool", b"\1"), tensor(1, "float32", np.float32(0).tobytes())
    main = graph(
        [tensor(0, "float32"), tensor(1, "float32")], [operator("WHILE", (0,), 1, loop)], 1
    )
    condition = graph(
        [tensor(0, "float32"), true, tensor(2, "bool")],
        [operator("LOGICAL_OR", (1, 1), 2, schema.LogicalOrOptionsT())],
        2,
    )
    body = graph(
        [tensor(0, "float32"), one, tensor(2, "float32")],
        [operator("ADD", (0, 1), 2, schema.AddOptionsT())],
        2,
    )
    return write(Model(graphs=(main, condition, body), description="", file_bytes=0, sha256=""))


@pytest.mark.parametrize("runtime", [litert, tflm])
def test_a_model_that_never_ends(runtime: ModuleType) -> None:
    assert RUNTIME.silence_seconds == 120.0  # too long for a test
    builder = GraphBuilder((1, 4), seed=0)
    good = builder.build(builder.fully_connected(builder.input, 2))
    with runtime.Session() as session:
        session.run(good, (np.zeros((1, 4), np.int8),))
        with (
            session._worker.within(2.0),
            pytest.raises(ToolError, match="gave no sign of life for 2 s and was ended"),
        ):
            session.run(endless(), (np.zeros((1,), np.float32),))
        (outputs,) = session.run(good, (np.zeros((1, 4), np.int8),))
    assert outputs.shape == (1, 2)


@pytest.mark.parametrize(
    ("runtime", "reason"),
    [
        (litert, "without a word, as where there is too little memory"),
        (tflm, "needed more than the 256 MiB that it may take"),
    ],
)
def test_a_model_that_takes_too_much(
    runtime: ModuleType, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a gigabyte of activations, where a quarter may be taken."""
    monkeypatch.setattr(runtime, "RUNTIME", replace(RUNTIME, memory_bytes=2**28))
    builder = GraphBuilder((1, 512, 1024, 1), seed=0)
    wide = builder.conv(builder.input, 1024, kernel=1)
    content = builder.build(builder.conv(wide, 1, kernel=1))
    with runtime.Session() as session, pytest.raises((ToolError, UnsupportedModelError)) as refused:
        session.run(content, (np.zeros((1, 512, 1024, 1), np.int8),))
    assert reason in refused.value.message
