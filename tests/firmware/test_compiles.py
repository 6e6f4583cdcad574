"""Every emitted C file compiles without a warning: on the host, on five cores, as C++."""

from dataclasses import replace
from pathlib import Path

import pytest
from firmware_tools import (
    C11,
    CORES,
    CXX17,
    FRAMEWORKS,
    SHARED_MODELS,
    STUB,
    branched_model,
    echo_vectors,
    emitted,
    need,
    run,
    small_model,
)

from edgekit.model.reader import read
from edgekit.model.writer import write

COMPILERS = {
    "gcc": ("gcc", *C11),
    "g++": ("g++", "-x", "c++", *CXX17),
    **{core: ("arm-none-eabi-gcc", f"-mcpu={core}", "-mthumb", *C11) for core in CORES},
}
CXX_CORES = {core: ("arm-none-eabi-g++", f"-mcpu={core}", "-mthumb", *CXX17) for core in CORES}
MADE = {
    "small": small_model(),
    "two inputs": branched_model(),
    "float32 input": branched_model("float32"),
}
NO_RUNTIME = ("-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics")


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("kind", MADE)
def test_c_of_made_models(tmp_path: Path, kind: str, compiler: str) -> None:
    command = COMPILERS[compiler]
    need(command[0])
    emitted(tmp_path, MADE[kind], vectors=echo_vectors(MADE[kind]))
    for source in sorted(tmp_path.glob("*.c")):
        run(*command, "-O2", "-c", source, "-o", tmp_path / "out.o")


@pytest.mark.shared
@pytest.mark.parametrize("name", SHARED_MODELS)
def test_c_of_real_models(tmp_path: Path, shared_models: Path, name: str) -> None:
    model = (shared_models / name).read_bytes()
    emitted(tmp_path, model, vectors=echo_vectors(model))
    sources = sorted(tmp_path.glob("*.c"))
    for command in COMPILERS.values():
        need(command[0])
        run(*command, "-fsyntax-only", *sources)


@pytest.mark.parametrize("extra", [(), ("-DEDGEKIT_UNTYPED_KERNELS",)], ids=["typed", "untyped"])
@pytest.mark.parametrize("core", CXX_CORES)
@pytest.mark.parametrize("kind", MADE)
def test_cxx_of_the_report(tmp_path: Path, kind: str, core: str, extra: tuple[str, ...]) -> None:
    need("arm-none-eabi-g++")
    emitted(tmp_path, MADE[kind], as_format="cmake", vectors=echo_vectors(MADE[kind]))
    for source in ("demo_run.cpp", "debug_log.cpp", "main.cpp"):
        run(
            *CXX_CORES[core], *NO_RUNTIME, *extra, "-O2", f"-I{tmp_path}/model", "-isystem", STUB,
            "-c", tmp_path / "src" / source, "-o", tmp_path / "out.o",
        )  # fmt: skip


@pytest.mark.shared
@pytest.mark.parametrize("name", SHARED_MODELS)
def test_cxx_of_real_models(tmp_path: Path, shared_models: Path, name: str) -> None:
    need("arm-none-eabi-g++")
    model = (shared_models / name).read_bytes()
    emitted(tmp_path, model, as_format="cmake", vectors=None)
    run(
        *CXX_CORES["cortex-m4"], *NO_RUNTIME, f"-I{tmp_path}/model", "-isystem", STUB,
        "-fsyntax-only", tmp_path / "src" / "demo_run.cpp",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("format_", "sources"),
    [
        ("arduino", ["src/demo_run.cpp", "examples/demo_report/demo_report.ino"]),
        ("platformio", ["lib/demo/src/demo_run.cpp", "src/main.cpp"]),
        ("esp-idf", ["components/demo/demo_run.cpp", "main/main.c"]),
        ("zephyr", ["lib/demo/demo_run.cpp", "samples/report/src/main.c"]),
    ],
)
def test_samples_of_frameworks(tmp_path: Path, format_: str, sources: list[str]) -> None:
    need("gcc", "g++")
    emitted(tmp_path, small_model(), as_format=format_, vectors=echo_vectors(small_model()))
    headers = {f"-I{path.parent}" for path in tmp_path.rglob("*.h")}
    for source in sources:
        as_c = source.endswith(".c")
        command = ("gcc", *C11) if as_c else ("g++", "-x", "c++", *CXX17)
        run(
            *command, "-fsyntax-only", *sorted(headers), "-isystem", STUB, "-isystem", FRAMEWORKS,
            tmp_path / source,
        )  # fmt: skip


HOSTILE = (
    "*/ #error a */ int x;",
    "/* // \\",
    "??/\n#error b",
    '" ); system("rm -rf /"); ("',
    "%s %n %%",
    "\x1b[2J \u202e \u2028 \x00 \r\n#include </etc/passwd>",
    "{{ 7 * 7 }} {% raw %}",
)


@pytest.mark.parametrize("compiler", ["gcc", "g++"])
def test_names_of_a_stranger_stay_names(tmp_path: Path, compiler: str) -> None:
    """Names of tensors, labels and sources that would end a comment, a text or a line."""
    need(compiler)
    model = read(small_model())
    tensors = tuple(
        replace(tensor, name=HOSTILE[tensor.index % len(HOSTILE)]) for tensor in model.main.tensors
    )
    content = write(
        replace(
            model,
            graphs=(replace(model.main, tensors=tensors, name=HOSTILE[0]),),
            description=HOSTILE[2],
        )
    )
    vectors = replace(echo_vectors(content), source=" ".join(HOSTILE))
    emitted(tmp_path, content, vectors=vectors, labels=HOSTILE[:4])
    for source in sorted(tmp_path.glob("*.c")):
        run(*COMPILERS[compiler], "-trigraphs", "-Wno-trigraphs", "-fsyntax-only", source)
