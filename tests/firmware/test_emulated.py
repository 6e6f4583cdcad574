"""Emitted firmware on emulated cores: conversions, self-test, report, and what is linked."""

import json
import shutil
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from firmware_tools import (
    ARENA,
    SHARED_MODELS,
    STUB,
    branched_model,
    emitted,
    need,
    run,
    small_model,
    stub_vectors,
)
from graphs import GraphBuilder

from edgekit.cli import run as cli
from edgekit.emission.c_text import value_rows
from edgekit.emission.formats import emit
from edgekit.errors import ToolError
from edgekit.model.file import ModelFile
from edgekit.runtimes.emulator import BOARDS, emulate

TOOLS = ("cmake", "arm-none-eabi-gcc", "qemu-system-arm")
QEMU = ("-nographic", "-monitor", "none", "-serial", "none", "-semihosting-config",
        "enable=on,target=native", "-icount", "shift=6")  # fmt: skip


def built(project: Path, board: str, target: str) -> Path:
    build = project / "build"
    run("cmake", "-S", project, "-B", build, f"-DBOARD={board}")
    run("cmake", "--build", build, "--target", target)
    return build / f"{target}.elf"


@pytest.mark.parametrize("board", BOARDS)
def test_a_new_user_runs_the_io_test_with_aptitude_alone(tmp_path: Path, board: str) -> None:
    need(*TOOLS)
    emitted(tmp_path, branched_model(), as_format="cmake", vectors=None)
    built(tmp_path, board, "demo_io_test")
    printed = run("ctest", "--test-dir", tmp_path / "build", "--verbose")  # as README.md says
    assert "ok the model is whole" in printed
    assert "ok input_0 is quantized" in printed
    assert "ok input_1 is quantized" in printed
    assert "1: passed" in printed


def test_the_io_test_sees_a_flipped_bit_and_a_wrong_scale(tmp_path: Path) -> None:
    need(*TOOLS)
    emitted(tmp_path, small_model(), as_format="cmake", vectors=None)
    path = tmp_path / "model" / "demo_model.c"
    path.write_text(path.read_text().replace("0x1c", "0x1d", 1))
    header = tmp_path / "model" / "demo_io.h"
    header.write_text(header.read_text().replace("ZERO_POINT (-3)", "ZERO_POINT (-2)"))
    firmware = built(tmp_path, "mps2-an386", "demo_io_test")
    with pytest.raises(AssertionError) as failure:
        run("qemu-system-arm", "-machine", "mps2-an386", *QEMU, "-kernel", firmware)
    assert "FAILED the model is whole" in str(failure.value)
    assert "FAILED input is quantized" in str(failure.value)


@pytest.mark.parametrize("board", BOARDS)
def test_report_on_every_core(tmp_path: Path, board: str) -> None:
    need(*TOOLS)
    emitted(tmp_path, small_model(), as_format="cmake", vectors=stub_vectors())
    result = emulate(tmp_path, name="demo", tflm=STUB, board=board)
    selftest = result.report.selftest
    assert result.passed
    assert selftest is not None
    assert (selftest.vectors, selftest.differences) == (3, 0)
    # The stand-in spends 200,000 and 50,000 instructions, and some hundreds on its sums and
    # on the clock.
    assert [item.op for item in result.report.operators] == ["FULLY_CONNECTED", "SOFTMAX"]
    assert result.report.operators[0].ticks == pytest.approx(200_000, abs=1000)
    assert result.report.operators[1].ticks == pytest.approx(50_000, abs=1000)
    assert result.instructions.value == pytest.approx(250_000, abs=1000)
    assert result.instructions.kind == "emulated"
    assert result.code_bytes.kind == "measured"
    assert result.data_bytes.value >= 1024  # the arena
    assert result.map_path.is_file()


def test_a_repository_with_optimized_kernels_serves_as_tree(tmp_path: Path) -> None:
    need(*TOOLS)
    tree, project = tmp_path / "tflm", tmp_path / "project"
    shutil.copytree(STUB, tree)
    micro = tree / "tensorflow" / "lite" / "micro"
    downloads = micro / "tools" / "make" / "downloads"
    shutil.move(tree / "third_party", downloads)
    for path, text in {
        micro / "tools" / "make" / "Makefile": "",
        micro / "micro_log_test.cc": "#error a test",
        micro / "micro_time.cc": "#error its clock is not ours",
        micro / "tools" / "tool.cc": "#error a tool of the host",
        micro / "kernels" / "conv.cc": "#error the reference kernel",
        micro / "kernels" / "softmax.cc": "int softmax;",
        micro / "kernels" / "cmsis_nn" / "conv.cc": "#ifndef CMSIS_NN\n#error\n#endif",
        downloads / "cmsis_nn" / "Source" / "Any" / "arm_any.c": "int arm_any;",
        downloads / "cmsis_nn" / "Include" / "arm_nnfunctions.h": "",
    }.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    emitted(project, small_model(), as_format="cmake", vectors=stub_vectors())
    assert emulate(project, name="demo", tflm=tree, board="mps2-an386").passed
    library = run("arm-none-eabi-nm", project / "build" / "libtflm.a")
    assert "conv.cc.obj" in library
    assert "softmax.cc.obj" in library
    assert "arm_any" in library


def test_the_selftest_tells_the_first_difference(tmp_path: Path) -> None:
    need(*TOOLS)
    vectors = stub_vectors()
    wrong = vectors.outputs[0].copy()
    wrong[1, 2] ^= 5
    wrong[2, 0] ^= 1
    emitted(tmp_path, small_model(), as_format="cmake", vectors=replace(vectors, outputs=(wrong,)))
    selftest = emulate(tmp_path, name="demo", tflm=STUB, board="mps2-an386").report.selftest
    assert selftest is not None
    assert not selftest.passed
    assert selftest.differences == 2
    assert selftest.first is not None
    place = selftest.first
    assert (place.vector, place.output, place.element) == (1, 0, 2)
    assert place.expected == wrong[1, 2]
    assert place.actual == vectors.outputs[0][1, 2]
    # little-endian int8, vector after vector: the array's own bytes
    assert int(selftest.crc32, 16) == zlib.crc32(vectors.outputs[0].tobytes())


def test_a_small_arena_is_told_as_such(tmp_path: Path) -> None:
    need(*TOOLS)
    emitted(tmp_path, small_model(), as_format="cmake", vectors=None)
    header = tmp_path / "model" / "demo_arena.h"
    header.write_text(header.read_text().replace("ARENA_BYTES 1024", "ARENA_BYTES 16"))
    with pytest.raises(ToolError, match="do not fit into the arena"):
        emulate(tmp_path, name="demo", tflm=STUB, board="mps2-an386")


def test_compiler_errors_are_told(tmp_path: Path) -> None:
    need(*TOOLS)
    emitted(tmp_path, small_model(), as_format="cmake", vectors=None)
    (tmp_path / "src" / "main.cpp").write_text("int main() { return nothing; }\n")
    with pytest.raises(ToolError, match="'nothing' was not declared"):
        emulate(tmp_path, name="demo", tflm=STUB, board="mps2-an386")


# --- the conversions against LiteRT's own

VALUES = 10_000


def quantizing(scale: float, zero_point: int, dtype: str) -> bytes:
    """A model whose only operator is LiteRT's QUANTIZE, from float32."""
    builder = GraphBuilder((1, VALUES))
    output = builder.quantize(builder.input, quantization=(scale, zero_point))
    builder.tensors[0] = replace(builder.tensors[0], dtype="float32", quantization=None)
    builder.tensors[output] = replace(builder.tensors[output], dtype=dtype)
    return builder.build(output)


def dequantizing(scale: float, zero_point: int, dtype: str) -> bytes:
    """A model whose only operator is LiteRT's DEQUANTIZE, to float32."""
    builder = GraphBuilder((1, VALUES), quantization=(scale, zero_point))
    output = builder.unary("DEQUANTIZE", builder.input)
    builder.tensors[0] = replace(builder.tensors[0], dtype=dtype)
    builder.tensors[output] = replace(builder.tensors[output], dtype="float32", quantization=None)
    return builder.build(output)


def stored_model(scale: float, zero_point: int, dtype: str) -> bytes:
    """A model with that input and that output, for which the conversions are emitted."""
    builder = GraphBuilder((1, VALUES), quantization=(scale, zero_point))
    output = builder.reshape(builder.input, (1, VALUES))
    builder.tensors[0] = replace(builder.tensors[0], dtype=dtype)
    builder.tensors[output] = replace(builder.tensors[output], dtype=dtype)
    return builder.build(output)


def edgy_values(scale: float, zero_point: int, dtype: str) -> np.ndarray:
    """Ties, their neighbours, zeros, the ends and beyond, tiny and large: 10,000 in all."""
    limits = np.iinfo(dtype)
    random = np.random.default_rng(5)
    ties = (random.integers(limits.min, limits.max, 2500) + 0.5 - zero_point) * scale
    ties = ties.astype(np.float32)
    special = np.float32([0.0, -0.0, 1e-40, -1e-40, 1e-20, 0.5 * scale, -0.5 * scale,
                          1e4 * scale, -1e4 * scale, 1e6 * scale, -1e6 * scale])  # fmt: skip
    values = [ties, np.nextafter(ties, np.inf), np.nextafter(ties, -np.inf), special]
    wide = (limits.max - limits.min) * scale
    rest = random.uniform(-wide, wide, VALUES - sum(map(len, values)))
    return np.concatenate([*values, rest]).astype(np.float32)[None]


def by_litert(model: bytes, values: np.ndarray) -> np.ndarray:
    """Run LiteRT's reference kernels; its x86 ones round ties to even, unlike TFLite-Micro's."""
    interpreter = Interpreter(
        model_content=model, experimental_op_resolver_type=OpResolverType.BUILTIN_REF
    )
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], values)
    interpreter.invoke()
    return np.asarray(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))


IO_MAIN = """\
#include <string.h>
#include "edgekit_port.h"
#include "demo_io.h"
static const float real[] = {{
{real}
}};
static const {c_type} stored[] = {{
{stored}
}};
static const float back[] = {{
{back}
}};
static {c_type} found[{count}];
static float found_back[{count}];
int main(void)
{{
    demo_quantize_input(real, found);
    if (memcmp(found, stored, sizeof(found)) != 0) {{
        return 2;
    }}
    demo_dequantize_output(stored, found_back);
    if (memcmp(found_back, back, sizeof(found_back)) != 0) {{
        return 3;
    }}
    edgekit_port_write("equal\\n");
    return 0;
}}
"""


@pytest.mark.parametrize("board", ["mps2-an385", "mps2-an386", "mps3-an547"])  # soft, FPU, MVE
@pytest.mark.parametrize(
    ("scale", "zero_point", "dtype"),
    [(1 / 255, -128, "int8"), (0.0731, 7, "int8"), (0.5, 128, "uint8"), (1 / 32768, 0, "int16")],
)
def test_conversions_are_litert_s(
    tmp_path: Path, board: str, scale: float, zero_point: int, dtype: str
) -> None:
    need(*TOOLS)
    scale = float(np.float32(scale))
    real = edgy_values(scale, zero_point, dtype)
    stored = by_litert(quantizing(scale, zero_point, dtype), real)
    back = by_litert(dequantizing(scale, zero_point, dtype), stored)
    files = emit(
        ModelFile.of(stored_model(scale, zero_point, dtype)),
        name="demo", format="cmake", vectors=None, arena_bytes=ARENA,
    )  # fmt: skip
    for file in files:
        (tmp_path / file.path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file.path).write_text(file.text)
    main = IO_MAIN.format(
        real=value_rows(real), stored=value_rows(stored), back=value_rows(back),
        c_type=f"{dtype}_t", count=VALUES,
    )  # fmt: skip
    (tmp_path / "src" / "io_test.c").write_text(main)
    firmware = built(tmp_path, board, "demo_io_test")
    printed = run("qemu-system-arm", "-machine", board, *QEMU, "-kernel", firmware)
    assert "equal" in printed


# --- what is linked


def section_of(elf: bytes, address: int) -> tuple[int, int, int]:
    """Return flags, address and file offset of the section that holds ``address``."""
    start, size, count = (
        struct.unpack_from("<I", elf, 32)[0], *struct.unpack_from("<HH", elf, 46)
    )  # fmt: skip
    for index in range(count):
        _, kind, flags, begin, offset, length = struct.unpack_from("<6I", elf, start + index * size)
        if kind == 1 and flags & 2 and begin <= address < begin + length:
            return flags, begin, offset
    raise AssertionError(hex(address))


def check_linked(project: Path, model: bytes) -> None:
    firmware = built(project, "mps2-an386", "demo_io_test")
    symbols = {
        line.split()[2]: int(line.split()[0], 16)
        for line in run("arm-none-eabi-nm", firmware).splitlines()
        if len(line.split()) == 3
    }
    address = symbols["demo_model"]
    elf = firmware.read_bytes()
    flags, begin, offset = section_of(elf, address)
    place = offset + address - begin
    assert elf[place : place + len(model)] == model
    assert address % 16 == 0
    assert not flags & 1  # SHF_WRITE


def test_the_linked_model_is_the_file(tmp_path: Path) -> None:
    need(*TOOLS)
    emitted(tmp_path, small_model(), as_format="cmake", vectors=None)
    check_linked(tmp_path, small_model())


@pytest.mark.shared
@pytest.mark.parametrize("name", SHARED_MODELS)
def test_the_linked_real_model_is_the_file(tmp_path: Path, shared_models: Path, name: str) -> None:
    need(*TOOLS)
    model = (shared_models / name).read_bytes()
    emitted(tmp_path, model, as_format="cmake", vectors=None)
    check_linked(tmp_path, model)


def test_run_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    need(*TOOLS)
    path = tmp_path / "demo.tflite"
    path.write_bytes(small_model())
    arguments = ["emit", str(path), "--as", "cmake", "--arena", "1KiB", "--out",
                 str(tmp_path / "fw"), "--vectors", "0", "--run", "--tflm", str(STUB)]  # fmt: skip
    assert cli([*arguments, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)["run"]
    assert document["board"] == "mps2-an386"
    assert document["instructions"]["kind"] == "emulated"
    assert document["code_bytes"]["kind"] == "measured"
    assert Path(document["map"]).is_file()
    assert cli(arguments) == 0
    assert "instructions, emulated\n" in capsys.readouterr().out


def test_a_run_that_differs_exits_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    need(*TOOLS)
    path = tmp_path / "demo.tflite"
    path.write_bytes(small_model())  # a softmax, which the stand-in does not compute
    arguments = ["emit", str(path), "--as", "cmake", "--arena", "1KiB", "--out",
                 str(tmp_path / "fw"), "--run", "--tflm", str(STUB)]  # fmt: skip
    assert cli(arguments) == 1
    printed = capsys.readouterr().out
    assert "outputs on mps2-an386: NOT equal to the golden ones" in printed
    assert "first difference: vector 0, output 0, element 0" in printed
