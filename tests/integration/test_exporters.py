"""The exporters themselves, from PyTorch and ONNX to integers in TFLite-Micro; not in CI.

They need gigabytes and other versions than edgekit, so they run in environments of their own, named
by ``EDGEKIT_TORCH_PYTHON`` (litert-torch, torch, onnx, scikit-learn) and ``EDGEKIT_ONNX_PYTHON``
(onnx2tf).
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from edgekit.cli import run

pytestmark = pytest.mark.exporters
EXAMPLES = Path(__file__).parents[2] / "examples"
ONE_IMAGE = 1 / 397


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    for name in ("pytorch", "onnx"):
        shutil.copytree(EXAMPLES / name, tmp_path / name)
    return tmp_path


def python(variable: str) -> str:
    if variable not in os.environ:
        pytest.skip(f"{variable} names no environment of an exporter")
    return str(Path(os.environ[variable]).absolute())


def exported(script: Path) -> float:
    """Return the accuracy that an example's ``export.py`` prints."""
    found = subprocess.run(
        [python("EDGEKIT_TORCH_PYTHON"), str(script)], check=True, capture_output=True, text=True
    )
    told = re.search(r"accuracy in PyTorch: ([\d.]+)", found.stdout)
    assert told is not None
    return float(told[1])


def build(folder: Path) -> dict:
    assert run(["build", str(folder), "--out", str(folder / "run")]) == 0
    return json.loads((folder / "run" / "manifest.json").read_text())


def hold(manifest: dict, accuracy: float) -> None:
    assert accuracy > 0.95
    assert manifest["accuracy"]["samples"] == 397
    assert manifest["accuracy"]["float"] == pytest.approx(accuracy, abs=ONE_IMAGE)
    assert manifest["accuracy"]["int8"] >= accuracy - 0.01
    assert manifest["accuracy"]["runtime"] == "tflite-micro"
    assert manifest["model"]["fully_integer"] is True


def test_a_pytorch_network_reaches_tflite_micro(examples: Path) -> None:
    accuracy = exported(examples / "pytorch" / "export.py")
    hold(build(examples / "pytorch"), accuracy)


def test_an_onnx_file_reaches_tflite_micro(examples: Path) -> None:
    folder = examples / "onnx"
    converter = Path(python("EDGEKIT_ONNX_PYTHON")).parent
    accuracy = exported(folder / "export.py")
    subprocess.run(
        [str(converter / "onnx2tf"), "-i", "net.onnx", "-o", "converted"],
        check=True,
        capture_output=True,
        cwd=folder,
    )
    hold(build(folder), accuracy)
