"""The ways that hints offer lead where they say."""

import sys
from pathlib import Path

import pytest

from edgekit.cli import run

pytestmark = pytest.mark.train

MODULE = """\
import keras


@keras.saving.register_keras_serializable("swirled")
class Scale(keras.layers.Layer):
    def build(self, shape):
        self.factor = self.add_weight(shape=(shape[-1],), initializer="ones", name="factor")

    def call(self, values):
        return values * self.factor


def make():
    layers = [keras.Input((8,)), Scale(), keras.layers.Dense(3, activation="softmax")]
    return keras.Sequential(layers)

"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "swirled.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "swirled", raising=False)
    return tmp_path


def told(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err.partition("hint: ")[2].strip()


def test_a_custom_layer_goes_with_its_module(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import swirled

    common = ["--data", "random", "--out", "m.tflite"]
    swirled.make().save("own.keras")
    assert run(["convert", "own.keras", *common]) == 4
    hint = told(capsys)
    assert '[model] modules = ["net"]' in hint
    assert hint.endswith("--module net")
    assert run(["convert", "own.keras", *common, "--module", "swirled"]) == 0
    assert run(["convert", "swirled:make", *common]) == 0
    assert run(["convert", "own.keras", *common, "--module", "not_there"]) == 3
    assert told(capsys) == f"put not_there.py into {folder}"
    (folder / "edgekit.toml").write_text(
        '[model]\nsource = "own.keras"\nmodules = ["swirled"]\n'
        '[data]\nsource = "random"\n[quantize]\nmethod = "ptq"\n'
    )
    assert run(["build"]) == 0


def test_a_custom_layer_that_is_to_be_trained_can_be_converted(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import numpy as np

    samples = np.random.default_rng(0).normal(size=(40, 8)).astype(np.float32)
    np.savez("data.npz", x=samples, y=np.arange(40) % 3)
    text = '[model]\nsource = "swirled:make"\n[data]\nsource = "data.npz"\n[quantize]\n'
    (folder / "edgekit.toml").write_text(text + 'method = "qat"\n')
    assert run(["build"]) == 4
    assert '[quantize] method = "ptq", without [prune]' in told(capsys)
    (folder / "edgekit.toml").write_text(text + 'method = "ptq"\n')
    assert run(["build"]) == 0


def test_a_function_below_a_folder_is_named_from_there(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["convert", "below/net:make", "--data", "random", "--out", "m.tflite"]) == 3
    assert told(capsys).endswith("cd below, then net:make")
