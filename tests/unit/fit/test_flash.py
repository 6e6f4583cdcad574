"""The code of a firmware, from the linked sizes of the table: sums done here by hand."""

from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest
from graphs import GraphBuilder

from edgekit.devices.profile import Target, load_target
from edgekit.fit.flash import code_quantity, combined_bytes, model_quantity
from edgekit.model.reader import Model, read

INTERPRETER = 27_704
CONV, POOL, DENSE, RESHAPE = 16_800, 6_776, 19_060, 2_600  # for int8 alone
ANY_CONV = 34_468
_FACTS = Path(__file__).parents[4] / "shared" / "facts" / "tflm_code_size_cortex_m4.csv"


@pytest.fixture(scope="module")
def model() -> Model:
    builder = GraphBuilder((1, 8, 8, 2), seed=1)
    image = builder.average_pool(builder.conv(builder.input, 16, kernel=3), size=8)
    return read(builder.build(builder.fully_connected(builder.reshape(image, (1, 16)), 4)))


def on(core: str) -> Target:
    board = load_target("nucleo-l4r5zi")
    return replace(board, core=replace(board.core, name=core))


@pytest.mark.parametrize(
    ("alone", "together"),
    [
        ((), 0),
        ((840,), 840),
        ((840, 988), 988 + 840 - 800),  # the tensor access functions, 800 B, are linked once
        ((700, 988), 988),  # a registration that is less than they are adds nothing
        ((5_499, 5_499), 5_499 + 5_499 - 800),
        ((5_504, 5_504), 5_504 + 5_504 - 5_300),  # with the arithmetic that rescales
        ((RESHAPE, DENSE, POOL), DENSE + (POOL - 5_300) + (RESHAPE - 800)),
    ],
)
def test_what_kernels_share_is_linked_once(alone: tuple[int, ...], together: int) -> None:
    assert combined_bytes(alone) == together


# The firmwares that were linked whole: the comment in the code claims 1.5 %.
@pytest.mark.parametrize(
    ("alone", "linked"),
    [
        ((23_588,), 51_292),
        ((ANY_CONV, 24_532, 7_556, RESHAPE, 23_588, 13_024), 110_472),
        ((CONV, 15_512, DENSE, 11_876, POOL, RESHAPE), 77_896),
        ((ANY_CONV, 16_944, 7_556, RESHAPE, 23_588, 13_024), 105_440),
    ],
)
def test_linked_firmwares_are_met_as_closely_as_is_said(
    alone: tuple[int, ...], linked: int
) -> None:
    assert INTERPRETER + combined_bytes(alone) == pytest.approx(linked, rel=0.015)


CODE = INTERPRETER + DENSE + (CONV - 5_300) + (POOL - 5_300) + (RESHAPE - 800)


@pytest.mark.parametrize("core", ["cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33"])
def test_code_is_known_to_a_tenth_on_cores_like_the_measured(core: str, model: Model) -> None:
    code = code_quantity(model, on(core))
    assert code is not None
    assert (code.value, code.unit, code.kind) == (CODE, "B", "predicted")
    assert (code.low, code.high) == (round(0.9 * CODE), round(1.1 * CODE))
    assert code.source == (
        "linked sizes of TFLite-Micro with CMSIS-NN on Cortex-M4 (gcc 12.2, kernels -O2, core -Os, "
        "newlib-nano): interpreter and 4 operators less what they share"
    )


@pytest.mark.parametrize("core", ["cortex-m0plus", "cortex-m55", "cortex-m85"])
def test_code_is_known_to_a_quarter_on_other_cores(core: str, model: Model) -> None:
    code = code_quantity(model, on(core))
    assert code is not None
    # Never less than the interpreter with its largest kernel.
    assert (code.low, code.high) == (INTERPRETER + DENSE, round(1.25 * CODE))
    assert round(0.75 * CODE) < INTERPRETER + DENSE


def test_code_is_never_more_than_all_kernels_with_nothing_shared() -> None:
    builder = GraphBuilder((1, 8, 8, 2), seed=1)
    code = code_quantity(read(builder.build(builder.conv(builder.input, 4))), on("cortex-m4"))
    assert code is not None
    assert (code.value, code.high) == (INTERPRETER + CONV, INTERPRETER + CONV)
    assert code.low == INTERPRETER + CONV


@pytest.mark.parametrize("name", ["esp32-s3", "pixel-4", "stm32mp135f-dk"])
def test_other_cores_and_runtimes_have_no_figure(name: str, model: Model) -> None:
    assert code_quantity(model, load_target(name)) is None


def test_another_runtime_on_a_cortex_m_has_no_figure(model: Model) -> None:
    board = on("cortex-m4")
    other = replace(board, runtime=replace(load_target("pixel-4").runtime))
    assert code_quantity(model, other) is None


def test_an_operator_that_was_not_linked_has_no_figure(model: Model) -> None:
    operators = (*model.main.operators, replace(model.main.operators[-1], op="HASHTABLE"))
    strange = replace(model, graphs=(replace(model.main, operators=operators),))
    assert code_quantity(strange, on("cortex-m4")) is None


def test_the_file_is_flashed_whole(model: Model) -> None:
    found = model_quantity(model)
    assert (found.value, found.unit, found.kind) == (model.file_bytes, "B", "host")
    assert found.source == "length of the file"


@pytest.mark.shared
def test_the_table_of_the_package_is_the_one_that_was_linked() -> None:
    held = files("edgekit.fit").joinpath("code_size_cortex_m4.csv").read_text()
    assert held.split() == _FACTS.read_text().split()
