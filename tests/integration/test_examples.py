"""The examples, built as the README says; their figures come from the interpreters."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgekit.model.inspection import inspect
from edgekit.model.reader import load
from edgekit.runtimes import tflm

pytestmark = pytest.mark.train
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def manifest(digits: Path) -> dict:
    return json.loads((digits / "manifest.json").read_text())


def test_digits_keep_their_accuracy_in_tflite_micro(digits: Path, manifest: dict) -> None:
    with np.load(digits / "vectors.npz") as vectors:
        inputs, labels = vectors["inputs"], vectors["labels"]
        float_classes = vectors["float_outputs"].argmax(axis=1)
    port = inspect(load(digits / "model.tflite")).inputs[0]
    stored = np.clip(np.round(inputs / port.scale) + port.zero_point, -128, 127).astype(np.int8)
    with tflm.Session() as session:
        (outputs,) = session.run((digits / "model.tflite").read_bytes(), (stored,))
    integer = np.mean(outputs.argmax(axis=1) == labels)
    reference = np.mean(float_classes == labels)
    assert reference - integer <= 0.01
    assert manifest["accuracy"]["float"] == pytest.approx(reference)
    assert manifest["accuracy"]["int8"] == pytest.approx(integer, abs=0.003)  # ties of halves


def test_digits_have_the_zeros_that_were_asked_and_no_float(digits: Path, manifest: dict) -> None:
    assert inspect(load(digits / "model.tflite")).float_tensors == ()
    # As converted: shrinking may take whole channels of zeros away.
    inspection = inspect(load(digits / "stages" / "convert" / "model.tflite"))
    kernels = [item for item in inspection.constants if item.is_kernel]
    assert len(kernels) == 4
    for kernel in kernels:
        assert kernel.zero_fraction == pytest.approx(0.75, abs=0.005), kernel.name
    assert manifest["sparsity"] == pytest.approx(0.75, abs=0.005)


def test_every_file_of_the_manifest_is_there_with_its_hash(digits: Path, manifest: dict) -> None:
    import hashlib

    assert {"model.tflite", "vectors.npz", "c/digits_model.c"} <= {
        file["path"] for file in manifest["files"]
    }
    for file in manifest["files"]:
        content = (digits / file["path"]).read_bytes()
        assert len(content) == file["bytes"]
        assert hashlib.sha256(content).hexdigest() == file["sha256"]


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
def test_the_c_files_hold_the_model_and_compile_without_a_warning(
    digits: Path, tmp_path: Path
) -> None:
    flags = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", f"-I{digits / 'c'}"]
    main = tmp_path / "main.c"
    main.write_text(
        '#include <stdio.h>\n#include "digits_model.h"\n'
        "int main(void) { return fwrite(digits_model, 1, DIGITS_MODEL_BYTES, stdout) == 0; }\n"
    )
    sources = [str(path) for path in sorted((digits / "c").glob("*.c"))]
    program = tmp_path / "program"
    subprocess.run(["gcc", "-std=c11", *flags, str(main), *sources, "-o", str(program)], check=True)
    printed = subprocess.run([str(program)], capture_output=True, check=True).stdout
    assert printed == (digits / "model.tflite").read_bytes()
    for source in sources:
        command = ["g++", "-x", "c++", "-std=c++17", *flags, "-c", source, "-o", str(program)]
        subprocess.run(command, check=True)


def test_the_report_is_one_file_that_loads_nothing(digits: Path) -> None:
    text = (digits / "report.html").read_text()
    assert "<script src" not in text
    assert not re.search(r"(src|href)=.(https?:)?//", text)
    assert "url(http" not in text


def test_a_rerun_reuses_every_stage_and_starts_no_tensorflow(digits: Path) -> None:
    before = (digits / "model.tflite").read_bytes()
    script = (
        "import sys; from edgekit.cli import run; "
        f"code = run(['build', {str(ROOT / 'examples/digits')!r}, '--out', {str(digits)!r}]); "
        "assert 'tensorflow' not in sys.modules; sys.exit(code)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
    document = json.loads((digits / "timings.json").read_text())
    anew = [stage["name"] for stage in document["stages"] if not stage["reused"]]
    assert anew == ["fit"]  # milliseconds of arithmetic, done each time
    assert (digits / "model.tflite").read_bytes() == before


def test_gestures_build_and_hold_their_limits(gestures: Path) -> None:
    document = json.loads((gestures / "manifest.json").read_text())
    assert document["accuracy"]["samples"] == 40
    assert document["accuracy"]["float"] >= 0.9
    assert document["sparsity"] == pytest.approx(0.5, abs=0.005)
