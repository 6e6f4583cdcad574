"""Golden vectors and self-test of real models, compiled and run on the host."""

from pathlib import Path

import pytest
from firmware_tools import C11, SHARED_MODELS, branched_model, emitted, need, run

from edgekit.emission.formats import FORMATS
from edgekit.emission.golden_vectors import golden_vectors, random_inputs
from edgekit.model.file import ModelFile

# Stands for the interpreter: it is fed the inputs and outputs that TFLite-Micro had.
MAIN = """\
#include <stdio.h>
#include <string.h>
#include "demo_selftest.h"

static uint8_t inputs_seen[1 << 20];
static uint8_t outputs_given[4][1 << 20];

static int invoke(void *context, const void *const inputs[], const void *outputs[])
{
    static const size_t input_bytes[] = {INPUT_BYTES};
    static const size_t output_bytes[] = {OUTPUT_BYTES};
    FILE *stream = (FILE *)context;
    size_t i;

    for (i = 0; i < DEMO_INPUT_COUNT; ++i) {
        if (fread(inputs_seen, 1, input_bytes[i], stream) != input_bytes[i] ||
            memcmp(inputs_seen, inputs[i], input_bytes[i]) != 0) {
            return 1;
        }
    }
    for (i = 0; i < DEMO_OUTPUT_COUNT; ++i) {
        if (fread(outputs_given[i], 1, output_bytes[i], stream) != output_bytes[i]) {
            return 1;
        }
        outputs[i] = outputs_given[i];
    }
    return 0;
}

int main(int count, char **arguments)
{
    demo_selftest_result result;
    FILE *stream = count == 2 ? fopen(arguments[1], "rb") : NULL;
    int passed = stream != NULL && demo_selftest(invoke, stream, &result);

    printf("%d %d %d\\n", passed, result.vectors, result.differences);
    return 0;
}
"""


def selftest_of(folder: Path, model: bytes, *, flip: int | None = None) -> str:
    """Emit, compile and run the self-test; ``flip`` one byte of what it is fed."""
    vectors = golden_vectors(
        ModelFile.of(model), random_inputs(ModelFile.of(model).model, 3, seed=6), origin="random"
    )
    emitted(folder, model, vectors=vectors)
    fed = bytearray()
    for number in range(3):
        for values in (*vectors.inputs, *vectors.outputs):
            fed += values[number].tobytes()
    if flip is not None:
        fed[flip] ^= 1
    (folder / "fed.bin").write_bytes(fed)
    ports = {
        kind: ", ".join(
            f"DEMO_{kind}_BYTES" if len(arrays) == 1 else f"DEMO_{kind}_{number}_BYTES"
            for number in range(len(arrays))
        )
        for kind, arrays in (("INPUT", vectors.inputs), ("OUTPUT", vectors.outputs))
    }
    main = MAIN.replace("{INPUT_BYTES}", f"{{{ports['INPUT']}}}")
    (folder / "main.c").write_text(main.replace("{OUTPUT_BYTES}", f"{{{ports['OUTPUT']}}}"))
    run(
        "gcc", *C11, folder / "main.c", folder / "demo_selftest.c", folder / "demo_vectors.c",
        "-o", folder / "selftest",
    )  # fmt: skip
    return run(folder / "selftest", folder / "fed.bin").strip()


@pytest.mark.parametrize("dtype", ["int8", "float32"])
def test_two_inputs_and_two_outputs(tmp_path: Path, dtype: str) -> None:
    need("gcc")
    assert selftest_of(tmp_path, branched_model(dtype)) == "1 3 0"


def test_one_wrong_output_byte(tmp_path: Path) -> None:
    need("gcc")
    assert selftest_of(tmp_path, branched_model(), flip=-1) == "0 3 1"


def test_one_wrong_input_byte_fails_to_invoke(tmp_path: Path) -> None:
    need("gcc")
    assert selftest_of(tmp_path, branched_model(), flip=0) == "0 0 0"


@pytest.mark.shared
@pytest.mark.parametrize("name", SHARED_MODELS)
def test_real_models(tmp_path: Path, shared_models: Path, name: str) -> None:
    need("gcc")
    model = (shared_models / name).read_bytes()
    assert selftest_of(tmp_path, model) == "1 3 0"
    for format_ in FORMATS:
        emitted(tmp_path / format_, model, as_format=format_, vectors=None)
