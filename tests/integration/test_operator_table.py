"""The table of operators and the plan of the arena, held against TFLite-Micro's own wheel."""

import re

import pytest
from operator_graphs import GraphBuilder
from operator_models import CASES, single_operators

from edgekit.devices.profile import RuntimeProfile
from edgekit.errors import EdgekitError
from edgekit.fit.arena.interpreter import HOST
from edgekit.fit.arena.plan import plan
from edgekit.fit.operators import unsupported_operators
from edgekit.model.file import ModelFile
from edgekit.model.reader import read
from edgekit.runtimes import tflm

RUNTIME = RuntimeProfile(name="tflite-micro", kernels="reference", abi="lp64", decode=True)
_NO_KERNEL = re.compile(r"Didn't find op|not (currently )?supported|[Oo]nly .* supported")


@pytest.fixture(scope="module")
def wheel() -> dict[tuple[str, str], int | str]:
    """The least arena of each operator and type in the wheel, or its refusal."""
    found: dict[tuple[str, str], int | str] = {}
    with tflm.Session() as session:
        for op, dtype, content in single_operators():
            try:
                found[op, dtype] = session.minimum_arena_bytes(ModelFile.of(content))
            except EdgekitError as error:
                found[op, dtype] = error.message
    return found


def test_what_the_table_takes_the_wheel_has_kernels_for(
    wheel: dict[tuple[str, str], int | str],
) -> None:
    wrong = {
        (op, dtype): wheel[op, dtype]
        for op, dtype, content in single_operators()
        if not unsupported_operators(read(content), RUNTIME)
        and _NO_KERNEL.search(str(wheel[op, dtype]))
        # A batch above 1, which the session does not fill: it was never invoked.
        and not str(wheel[op, dtype]).startswith("TFLite-Micro failed")
        and op != "QUANTIZE"  # it depends on both sides; the case has the same type on both
    }
    assert wrong == {}


def test_what_the_wheel_runs_in_int8_and_float32_the_table_takes(
    wheel: dict[tuple[str, str], int | str],
) -> None:
    # Some kernels do not look at their types and run on nonsense: LOGICAL_AND of int8.
    blind = {"LOGICAL_AND", "LOGICAL_OR"}
    refused = {
        (op, dtype)
        for op, dtype, content in single_operators()
        if isinstance(wheel[op, dtype], int)
        and dtype in ("int8", "float32")
        and unsupported_operators(read(content), RUNTIME)
        and op not in blind
    }
    assert refused == set()


def test_the_plan_is_never_below_the_least_arena_and_hardly_above(
    wheel: dict[tuple[str, str], int | str],
) -> None:
    compared = 0
    for op, dtype, content in single_operators():
        least = wheel[op, dtype]
        if isinstance(least, str) or unsupported_operators(read(content), RUNTIME):
            continue
        planned = plan(read(content), HOST).arena_bytes
        if op != "ELU":  # a table of the int8 kernel that the float one has not is planned
            assert least <= planned <= least + max(0.02 * least, 128), (op, dtype)
        assert least <= planned, (op, dtype)
        compared += 1
    assert compared > 200


@pytest.mark.parametrize("op", ["TILE", "GELU", "CONV_3D", "REDUCE_PROD", "DENSIFY"])
def test_operators_that_the_wheel_lacks_are_refused_by_name(op: str) -> None:
    builder = GraphBuilder()
    shape, inputs = ((1, 1, 1, 1, 1), 2) if op == "CONV_3D" else ((1, 4), 1)  # it has weights
    source, result = builder.tensor(shape), builder.tensor(shape)
    builder.operator(op, [source] * inputs, [result])
    content = builder.build([source], [result])
    (refused,) = unsupported_operators(read(content), RUNTIME)
    assert (refused.op, refused.index) == (op, 0)
    with tflm.Session() as session, pytest.raises(EdgekitError, match="Didn't find op"):
        session.minimum_arena_bytes(ModelFile.of(content))


def test_every_case_is_an_operator_of_the_table() -> None:
    assert len(CASES) > 80
