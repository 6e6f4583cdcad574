"""The ways that hints offer lead where they say."""

import sys
from pathlib import Path

import pytest

from edgekit.cli import run

pytestmark = pytest.mark.train

MODULE = """\
import keras


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


def test_a_custom_layer_goes_by_a_saved_model(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import swirled

    model = swirled.make()
    model.save("own.keras")
    for source in ("own.keras", "swirled:make"):
        capsys.readouterr()
        assert run(["convert", source, "--data", "random", "--out", "m.tflite"]) == 4
        hint = told(capsys)
        assert "model.export('saved')" in hint
        assert "edgekit convert" not in hint
    model.export("saved", verbose=False)
    assert run(["convert", "saved", "--data", "random", "--out", "m.tflite"]) == 0


def test_a_function_below_a_folder_is_named_from_there(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["convert", "below/net:make", "--data", "random", "--out", "m.tflite"]) == 3
    assert told(capsys).endswith("cd below, then net:make")
